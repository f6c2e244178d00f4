"""Numerical gradients: slopes by central differences, of any function of arrays."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from grader.checking.api.value import fetched
from grader.checking.judge.values.value_kinds import describe
from grader.errors import WrongReturn
from grader.model import Tolerance

STEP = 1e-5  # of central differences, relative to the input's magnitude: the best trade in float64
NUMERICAL = Tolerance(rtol=1e-4, scaled=1e-5)


def weighted(value: Any, weight: Any) -> float:
    """Return the sum of an output times its weights; raise `WrongReturn` if it is not of numbers
    and of their shape.
    """
    try:
        out = np.asarray(value)
    except ValueError:  # of lists that are not of one length
        out = np.asarray(None)
    if out.dtype.kind not in "biuf":
        raise WrongReturn(f"a function returned {describe(value)}, expected numbers")
    if np.ndim(weight) and out.shape != np.shape(weight):
        raise WrongReturn(
            f"a function returned an array of shape {out.shape}, expected {np.shape(weight)}"
        )
    with np.errstate(all="ignore"):
        return float((out * weight).sum())


def gradients(
    function: Callable[..., Any],
    inputs: Sequence[Any],
    upstream: np.ndarray | Sequence[np.ndarray],
    names: Sequence[str | None],
) -> dict[str, np.ndarray]:
    """Return numerical gradients of ``sum(upstream * function(*inputs))`` by central differences in
    float64.

    ``names`` gives each input's gradient a name; None leaves an input out (one of integers, for
    instance). A function of several outputs takes as many arrays ``upstream``.
    """
    several = isinstance(upstream, list | tuple)

    def objective(arguments: Sequence[Any]) -> float:
        outputs = function(*arguments)
        if not several:
            return weighted(fetched(outputs), upstream)
        if not isinstance(outputs, tuple | list) or len(outputs) != len(upstream):
            raise WrongReturn(
                f"a function did not return the {len(upstream)} values that are expected"
            )
        return sum(map(weighted, map(fetched, outputs), upstream), 0.0)

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
