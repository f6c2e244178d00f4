import numpy as np


def forward(x, w):
    return np.array(["\ud800"] * len(x)), "\udfff"


def backward(dy, cache):
    print("\ud800 is half a character")
    raise ValueError("\ud83d")
