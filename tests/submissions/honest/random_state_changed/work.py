import numpy as np

from given import squash


np.random.seed(0)


def forward(x, w):
    np.random.seed(1)
    np.random.rand(100)
    y = squash(x @ w)
    return y, (x, w, y)


def backward(dy, cache):
    x, w, y = cache
    da = dy * (1 - y * y)
    return np.outer(da, w), x.T @ da
