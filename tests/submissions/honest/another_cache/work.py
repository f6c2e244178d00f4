import numpy as np


class Memory:
    def __init__(self, **kept):
        self.__dict__.update(kept)


def forward(x, w):
    y = np.tanh(x @ w)
    return y, {"memory": Memory(x=x, w=w, slope=1 - y**2), "note": lambda: None}


def backward(dy, cache):
    memory = cache["memory"]
    da = dy * memory.slope
    return da[:, None] * memory.w, memory.x.T.dot(da)
