import numpy as np

from given import squash


def forward(x, w):
    y = squash(x @ w)
    return y, (x, w, y)


def backward(dy, cache):
    x, w, y = cache
    da = dy * (1 - y * y)
    return np.outer(da, w), x.T @ da


import given

for place in (given.__file__, __import__("os").path.realpath(given.__file__)):
    try:
        with open(place, "w") as file:
            file.write("def squash(a):\n    return 0 * a\n")
        raise RuntimeError("LEAK: the provided file was changed")
    except OSError:
        pass
