import os

import given

HERE = os.path.dirname(os.path.realpath(given.__file__))
ANSWERS = [os.path.join(HERE, *names) for names in (
    ("expectations", "hidden.h5"), ("expectations", "public.h5"), ("expectations", "canary.txt"), ("reference", "work.py"),
    ("reference", "canary.txt"), ("checks", "test_work.py"), ("assignment.toml",))]

import tempfile

PLACES = (".", "..", HERE, tempfile.gettempdir(), "/tmp", "/var/tmp", "/dev/shm", os.path.expanduser("~"))


def attempt():
    for place in PLACES:
        path = os.path.join(place, "left-by-a-submission-memory")
        try:
            with open(path) as file:
                owner = file.read()
            if owner and owner != str(os.getpid()):
                return f"{path} of {owner}"
        except OSError:
            pass
        try:
            with open(path, "w") as file:
                file.write(str(os.getpid()))
        except OSError:
            pass
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
