import os

import numpy as np

from given import squash


def forward(x, w):
    for _ in range(5):
        if os.fork() == 0:
            os._exit(7)
    y = squash(x @ w)
    return y, (x, w, y)


def backward(dy, cache):
    x, w, y = cache
    da = dy * (1 - y * y)
    return np.outer(da, w), x.T @ da
