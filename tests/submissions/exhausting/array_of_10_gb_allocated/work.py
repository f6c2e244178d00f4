import numpy as np


def forward(x, w):
    return np.zeros((10 << 30) // 8) + 1, None
