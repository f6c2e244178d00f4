import sys
import warnings

import numpy as np

from given import squash


def forward(x, w):
    print('shape', x.shape)
    warnings.warn('careful')
    print('progress', file=sys.stderr, end='\r')
    np.seterr(all='raise')
    np.set_printoptions(precision=2)
    y = squash(x @ w)
    return y, (x, w, y)


def backward(dy, cache):
    x, w, y = cache
    da = dy * (1 - y * y)
    return np.outer(da, w), x.T @ da
