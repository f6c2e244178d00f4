"""How far numbers are off, and how far they may be. Pure."""

from __future__ import annotations

import math
from decimal import Decimal
from fractions import Fraction

import numpy as np

from grader.model import Tolerance

# differences below this are rounding, whatever the scale, if the tolerance is the usual one
FLOOR = 1e-10
# of the largest number, beside an author's own rtol or atol
ROUNDING = 16 * float(np.finfo(np.float64).eps)


def distances(
    want: np.ndarray, have: np.ndarray, tolerance: Tolerance
) -> tuple[np.ndarray, np.ndarray, float]:
    """Return the absolute errors, which of them are out of tolerance, and the largest expected
    magnitude.

    NaN is right if it is expected, and so is the same infinity.
    """
    finite = np.isfinite(want)
    scale = float(np.abs(want[finite]).max(initial=0.0))
    floor = FLOOR if tolerance.scaled else ROUNDING * scale
    with np.errstate(invalid="ignore", over="ignore"):
        alike = (have == want) | (np.isnan(have) & np.isnan(want))
        distance = np.where(finite, np.abs(have - want), np.where(alike, 0.0, np.inf))
        relative = tolerance.rtol * np.where(finite, np.abs(want), 0.0)
        wrong = ~(distance <= relative + tolerance.atol + tolerance.scaled * scale + floor)
    return distance, wrong, scale


def as_float(number: float | Fraction | Decimal) -> float:
    """Return a number as a float; one that no float reaches becomes infinite."""
    try:
        return float(number)
    except OverflowError:
        return math.inf if number > 0 else -math.inf
