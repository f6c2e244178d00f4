import numpy as np


def forward(x, w):
    return np.ones(240 << 20, dtype=np.int8), (x, w)


def backward(dy, cache):
    x, w = cache
    return np.outer(dy, w), x.T @ dy
