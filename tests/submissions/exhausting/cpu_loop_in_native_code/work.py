import numpy as np


def forward(x, w):
    while True:
        np.linalg.svd(np.ones((900, 900)))
