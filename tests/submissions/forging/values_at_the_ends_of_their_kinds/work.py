import datetime
from fractions import Fraction

import numpy as np


def forward(x, w):
    return np.zeros(len(x), [("a", "f8"), ("b", "M8[s]")]), None


def root(f, x):
    return Fraction(10**600, 7)


def gathered():
    west = datetime.timezone(datetime.timedelta(hours=-23))
    last = datetime.datetime.max.replace(tzinfo=west)
    return {last, 1}, last


def saved(name):
    east = datetime.timezone(datetime.timedelta(hours=23))
    return {datetime.datetime.min.replace(tzinfo=east): 1}
