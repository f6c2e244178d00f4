def saved(name):
    for number in range(10_000):
        with open(f"{number}.bin", "wb") as file:
            file.write(bytes(3 << 20))
