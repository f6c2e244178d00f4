def saved(name):
    with open(name, "wb") as file:
        file.write(bytes(3 << 20))
