"""Credit: how much of a case that failed is right all the same, value by value. Pure.

A case's recorded values share its points, the entries of a dict or a sequence each as one value. A
condition that holds (an argument left as it was, a bound) earns nothing by itself, since it holds
of a function that does nothing too; one that does not hold counts as one more value that is wrong.
A value that could be had without doing anything is left out: it counts only when all of the case is
right.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from grader.assignment.expectations import CaseRecord
from grader.checking.judge.values.compare_types import is_filled, is_special
from grader.checking.judge.values.conversions import named
from grader.model import Comparison

NOTHING = 1e-6  # what varies by no more could be had without doing anything


class Credit(NamedTuple):
    """What one run of a case has right."""

    values: Mapping[str, bool]  # name -> whether it is right, of those that say something
    broken: int = 0  # conditions that do not hold


def credit(record: CaseRecord, comparisons: Sequence[Comparison], given: Iterable[Any]) -> Credit:
    """Return what is right of the values that were recorded.

    given: what the case's calls were given, which a function could hand on
    """
    arrays = [one for one in given if isinstance(one, np.ndarray)]
    compared: dict[str, bool] = {}
    wrong: list[str] = []
    for one in comparisons:
        compared[one.name] = compared.get(one.name, True) and one.ok
        if not one.ok:
            wrong.append(one.name)
    values: dict[str, bool] = {}
    names = set(record.values)
    for name, expected in record.expected().items():
        for key, value in _entries(name, expected):
            names.add(key)
            if says_something(value, arrays):
                values[key] = compared.get(key, False)
    return Credit(values, sum(name not in names for name in wrong))


def share(runs: Sequence[Credit]) -> float:
    """Return the part of a case's points that its runs earn together, from 0 to 1."""
    values: dict[str, bool] = {}
    for run in runs:
        for name, right in run.values.items():
            values[name] = values.get(name, False) or right
    if not values:
        return 0.0
    return sum(values.values()) / (len(values) + min(run.broken for run in runs))


def says_something(value: Any, given: Sequence[np.ndarray]) -> bool:
    """Return whether a value is more than could be had for nothing: one number throughout, or
    numbers handed on.
    """
    if value is None or isinstance(value, str | bytes):
        return bool(value)
    if is_special(value):
        return is_filled(value)
    array = np.asarray(value)
    if array.dtype.kind not in "fc" or array.size == 1:
        return bool(np.any(array))
    known = array.real[np.isfinite(array)]
    if not known.size or np.ptp(known) <= NOTHING:
        return False
    return not any(_is_within(array, one) for one in given if one.size)


def _is_within(array: np.ndarray, other: np.ndarray) -> bool:
    """Return whether all entries of an array are entries of another one."""
    if other.dtype.kind not in "biufc":  # text or records hold no numbers to hand on
        return False
    if not np.any(other == array.flat[0]):  # what nearly always shows it, in a part of the time
        return False
    return bool(np.isin(array, other).all())


def _entries(name: str, expected: Any) -> Iterator[tuple[str, Any]]:
    """Yield the plain values in an expectation, under the names that comparisons give them."""
    if isinstance(expected, dict):
        for key, value in named(name, expected):
            yield from _entries(key, value)
    elif isinstance(expected, list | tuple):
        for index, value in enumerate(expected):
            yield from _entries(f"{name}[{index}]", value)
    else:
        yield name, expected
