"""Numerical gradients: slopes by central differences, of any function of arrays."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from grader.checking.student import fetched
from grader.errors import WrongReturn
from grader.model import Tolerance

STEP = 1e-5  # of central differences, relative to the input's magnitude: the best trade in float64
NUMERICAL = Tolerance(rtol=1e-4, atol=1e-5)


def weighted(out: np.ndarray, weight: Any) -> float:
    """Return the sum of an output times its weights; raise `WrongReturn` where it has not their shape."""
    if np.ndim(weight) and out.shape != np.shape(weight):
        raise WrongReturn(f"a function returned an array of shape {out.shape}, expected {np.shape(weight)}")
    return float((out * weight).sum())


def gradients(
    function: Callable[..., Any],
    inputs: Sequence[Any],
    upstream: np.ndarray | Sequence[np.ndarray],
    names: Sequence[str | None],
) -> dict[str, np.ndarray]:
    """Return numerical gradients of ``sum(upstream * function(*inputs))`` by central differences in float64.

    ``names`` gives each input's gradient a name; None leaves an input out (one of integers, for instance). A function
    of several outputs takes as many arrays ``upstream``.
    """
    several = isinstance(upstream, list | tuple)

    def objective(arguments: Sequence[Any]) -> float:
        outputs = function(*arguments)
        pairs = zip(outputs, upstream, strict=True) if several else [(outputs, upstream)]
        return sum((weighted(np.asarray(fetched(out)), weight) for out, weight in pairs), 0.0)

    result = {}
    for index, name in enumerate(names):
        if name is None:
            continue
        array = np.array(inputs[index], dtype=np.float64)
        slope = np.empty_like(array)
        for place in np.ndindex(array.shape):
            step = STEP * max(1.0, abs(float(array[place])))
            ends = []
            for sign in (1.0, -1.0):
                moved = array.copy()
                moved[place] += sign * step
                ends.append(objective([*inputs[:index], moved, *inputs[index + 1 :]]))
            slope[place] = (ends[0] - ends[1]) / (2 * step)
        result[name] = slope
    return result
