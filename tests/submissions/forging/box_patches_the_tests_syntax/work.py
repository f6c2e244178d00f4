import numpy as np

from given import squash


def forward(x, w):
    y = squash(x @ w)
    return y, (x, w, y)


def backward(dy, cache):
    x, w, y = cache
    da = dy * (1 - y * y)
    return np.outer(da, w), x.T @ da
