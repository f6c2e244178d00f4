import builtins
import os
import sys

import numpy
import numpy.random


def attempt():
    for place in (numpy, numpy.random, builtins, sys, os):
        owner = getattr(place, "left_by_a_submission", os.getpid())
        if owner != os.getpid():
            return f"{place} of {owner}"
        place.left_by_a_submission = os.getpid()
    owner = os.environ.get("LEFT_BY_A_SUBMISSION", str(os.getpid()))
    os.environ["LEFT_BY_A_SUBMISSION"] = str(os.getpid())
    return "" if owner == str(os.getpid()) else f"environment of {owner}"


import numpy as np

from given import squash


def forward(x, w):
    found = attempt()
    if found:
        raise RuntimeError(f"LEAK: {found}")
    y = squash(x @ w)
    return y, (x, w, y)


def backward(dy, cache):
    x, w, y = cache
    da = dy * (1 - y * y)
    return np.outer(da, w), x.T @ da
