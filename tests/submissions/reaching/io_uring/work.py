import ctypes

libc = ctypes.CDLL(None, use_errno=True)


def attempt():
    return "io_uring" if libc.syscall(425, 8, ctypes.create_string_buffer(120)) >= 0 else ""


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
