import numpy as np


def root(f, x):
    return f(x)


def squared(x):
    return np.zeros((1000, 1000, 30), np.int8)
