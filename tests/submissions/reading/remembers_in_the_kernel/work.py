import ctypes
import os

libc = ctypes.CDLL(None, use_errno=True)
libc.shmat.restype = ctypes.c_void_p


def attempt():
    for make in (lambda: libc.shmget(0x1EF7B, 64, 0o1666), lambda: libc.msgget(0x1EF7B, 0o1666), lambda: libc.semget(0x1EF7B, 1, 0o1666),
                 lambda: libc.syscall(248, b"user", b"left", b"x", 1, -4), lambda: libc.mq_open(b"/left", 0o102, 0o666, None)):
        try:
            if make() >= 0:
                return "the kernel keeps it"
        except AttributeError:
            pass
    try:
        from multiprocessing.shared_memory import SharedMemory

        SharedMemory("left-by-a-submission-shm", create=True, size=64)
        return "shared memory"
    except (OSError, ImportError):
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
