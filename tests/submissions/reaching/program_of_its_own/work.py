import os
import shutil
import subprocess
import sys


def attempt():
    try:
        shutil.copyfile(os.path.realpath(sys.executable), "left")
        os.chmod("left", 0o755)
        return f"ran {subprocess.run([os.path.abspath('left'), '-c', '0'], check=False).returncode}"
    except OSError:
        return ""


import numpy as np

from given import squash


def forward(x, w):
    found = attempt()
    if found:
        raise RuntimeError(f"LEAK: {found}")
    y = squash(x @ w)
    return y, (x, w, y)


def backward(dy, cache):
    x, w, y = cache
    da = dy * (1 - y * y)
    return np.outer(da, w), x.T @ da
