import numpy as np


def forward(x, w):
    return x @ w + 1, (x, w)


def backward(dy, cache):
    x, w = cache
    return np.outer(dy, w) + 1, x.T @ dy
