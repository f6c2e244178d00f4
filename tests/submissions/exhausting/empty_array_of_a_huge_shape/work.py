import numpy as np


def forward(x, w):
    return np.zeros((0, 1 << 40)), (x, w)


def backward(dy, cache):
    x, w = cache
    return np.outer(dy, w), x.T @ dy
