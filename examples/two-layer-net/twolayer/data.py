"""The data: points in the plane, on three arms of a spiral."""

from pathlib import Path

import numpy as np

FILE = Path(__file__).resolve().parents[1] / "data" / "spiral.csv"


def load_spiral(file=FILE):
    """Return points (N, 2) and the arm of each, 0, 1 or 2 (N,)."""
    table = np.loadtxt(file)
    return table[:, :2], table[:, 2].astype(np.int64)
