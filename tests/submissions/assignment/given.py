"""Provided with the assignment: laid down afresh, whatever a submission made of it."""

import numpy as np


def squash(a):
    return np.tanh(a)
