import os

import numpy as np


def forward(x, w):
    return np.frompyfunc(lambda value: os.abort(), 1, 1)(x), None
