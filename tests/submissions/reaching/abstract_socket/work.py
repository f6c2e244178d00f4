import socket


def attempt():
    try:
        socket.socket(socket.AF_UNIX).connect("\0left-by-a-submission-target")
        return "connected"
    except OSError:
        return ""


import numpy as np

from given import squash


def forward(x, w):
    found = attempt()
    if found:
        raise RuntimeError(f"LEAK: {found}")
    y = squash(x @ w)
    return y, (x, w, y)


def backward(dy, cache):
    x, w, y = cache
    da = dy * (1 - y * y)
    return np.outer(da, w), x.T @ da
