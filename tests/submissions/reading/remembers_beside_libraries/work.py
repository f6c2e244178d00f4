import os
import sys

import matplotlib
import numpy

PLACES = (sys.prefix, sys.base_prefix, os.path.dirname(os.__file__), os.path.dirname(numpy.__file__), os.path.dirname(sys.executable),
          matplotlib.get_cachedir(), "/run", "/run/user/0", "/usr/lib", "/etc", "/boxes", "/")


def attempt():
    own = os.getcwd()
    for place in PLACES:
        path = os.path.join(place, "left-by-a-submission-memory")
        if os.path.realpath(place).startswith(own):
            continue
        try:
            open(path, "w").close()
            os.unlink(path)
            return path
        except OSError:
            pass
    return ""


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
