import numpy as np


def squash(a):
    return np.zeros_like(a)
