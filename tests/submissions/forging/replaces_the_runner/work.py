import sys

for name, module in list(sys.modules.items()):
    file = getattr(module, "__file__", None) or ""
    if name.split(".")[0] in ("grader", "pytest", "_pytest", "numpy") and file.endswith(".py"):
        try:
            with open(file, "a") as source:
                source.write("# left-by-a-submission")
            raise RuntimeError(f"LEAK: wrote to {name}")
        except OSError:
            pass

import numpy as np


def forward(x, w):
    return x @ w + 1, (x, w)


def backward(dy, cache):
    x, w = cache
    return np.outer(dy, w) + 1, x.T @ dy
