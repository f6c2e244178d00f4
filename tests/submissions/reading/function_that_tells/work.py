import numpy as np


def forward(x, w):
    exec(f"def f{x.tobytes().hex()[:60]}():\n    raise ValueError('no')", globals())
    code = globals()[f"f{x.tobytes().hex()[:60]}"]
    code.__code__ = code.__code__.replace(co_filename=__file__)
    code()


def backward(dy, cache):
    return None, None
