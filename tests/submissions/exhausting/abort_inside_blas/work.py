import numpy as np


def forward(x, w):
    np.lib.stride_tricks.as_strided(x, (1 << 14, 1 << 14), (1 << 20, 8)) @ np.ones(1 << 14)
