import datetime

import numpy as np

from given import squash


def forward(x, w):
    y = squash(x @ w)
    return y, (x, w, y)


import os

os._exit(1)


def backward(dy, cache):
    x, w, y = cache
    da = dy * (1 - y * y)
    return np.outer(da, w), x.T @ da


def ascend(x, w, rate, steps):
    for _ in range(steps):
        y, cache = forward(x, w)
        w = w + rate * backward(np.ones_like(y), cache)[1]
    return w, forward(x, w)[0]


def root(f, x):
    for _ in range(30):
        x = x - f(x) * 2e-3 / (f(x + 1e-3) - f(x - 1e-3))
    return x


def squared(x):
    return x * x


def gathered():
    return {1, 2, 3}, datetime.date(2024, 2, 29)


def saved(name):
    with open(name, "w") as file:
        file.write("saved")
