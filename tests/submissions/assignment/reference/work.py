"""A neuron: y = squash(x @ w), and its gradient."""

import datetime

import numpy as np

from given import squash


def forward(x, w):
    y = squash(x @ w)  # (N,)
    return y, (x, w, y)


def backward(dy, cache):
    x, w, y = cache
    da = dy * (1 - y * y)  # (N,)
    return np.outer(da, w), x.T @ da  # (N, D), (D,)


def ascend(x, w, rate, steps):
    for _ in range(steps):
        y, cache = forward(x, w)
        _, dw = backward(np.ones_like(y), cache)
        w = w + rate * dw
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
