"""Whether a wrong value is made of the right parts, of which some have a wrong factor, or which go
through a wrong function. Pure.

Many functions return a weighted sum of what they are given, or a function such as tanh of one. The
parts are looked for among a call's arguments and their matrix products. A sentence is returned only
if the right value and the wrong one are both such sums, up to rounding, with far more entries than
parts.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from grader.checking.explain.evidence import Evidence, pairs

MOST_ARRAYS = 8  # arguments of a case that are looked at
MOST_PARTS = 8
MOST_ENTRIES = 1 << 12  # of an argument or a value
MOST_ROWS = 1 << 16  # entries of all cases
MOST_NAMED = 2  # parts that have a wrong factor
EXACT = 1e-6  # how far an entry may be off, relative to it if it is above one
ALIKE = 1e-5  # how far apart two factors may be that are the same
FLAT = 1e-5  # how near to its bounds a function is too flat to be inverted

Key = tuple[int, ...]  # the places of an argument, or of the two factors of a product


class _Case(NamedTuple):
    case: str
    want: np.ndarray
    have: np.ndarray
    parts: Mapping[Key, np.ndarray]
    called: Sequence[str]


# what is beyond a double becomes infinite, and nothing is equal to that
@np.errstate(all="ignore")
def summed(wrong: Sequence[Evidence], *, direct: bool) -> tuple[str, list[str]]:
    """Return what is true of a value's parts, and the failing cases in which it is.

    direct: whether the value itself is to be the sum, or a function of it
    """
    found: dict[str, list[_Case]] = {}
    for one in wrong:
        for pair in pairs(one):
            case = _case(one, pair.expected, pair.got)
            if case is not None:
                found.setdefault(pair.name, []).append(case)
    for name, cases in found.items():
        for last in DIRECT if direct else LAST:
            sentence, seen = _compared(cases, last)
            if sentence and 2 * len(seen) > sum(bool(one.got) for one in wrong):
                return f"`{name}` {sentence}", seen
    return "", []


def _case(one: Evidence, want: Any, have: Any) -> _Case | None:
    """Return a case of a value in two dimensions that has the right shape, with its parts."""
    if not _is_matrix(want) or not _is_matrix(have) or want.shape != have.shape:
        return None
    want, have = want.astype(np.float64), have.astype(np.float64)
    if not np.isfinite(want).all() or not np.isfinite(have).all():
        return None
    arrays: dict[int, np.ndarray] = {}
    for place, value in enumerate(one.inputs[: len(one.called)]):
        if _is_part(value) and len(arrays) < MOST_ARRAYS:
            arrays[place] = value.astype(np.float64)
    parts = dict(itertools.islice(_parts(arrays, want.shape), MOST_PARTS + 1))
    return _Case(one.case, want, have, parts, one.called)


def _is_matrix(value: Any) -> bool:
    return (
        isinstance(value, np.ndarray)
        and value.dtype.kind == "f"
        and value.ndim == 2
        and 0 < value.size <= MOST_ENTRIES
    )


def _is_part(value: Any) -> bool:
    return (
        isinstance(value, np.ndarray)
        and value.dtype.kind == "f"
        and value.ndim in (1, 2)
        and value.size <= MOST_ENTRIES
    )


def _parts(
    arrays: Mapping[int, np.ndarray], shape: tuple[int, ...]
) -> Iterator[tuple[Key, np.ndarray]]:
    """Yield the arguments that have a shape or are a row of it, and the products that have it."""
    for place, array in arrays.items():
        if array.shape in (shape, shape[1:]):
            yield (place,), np.broadcast_to(array, shape)
    for (one, left), (other, right) in itertools.permutations(arrays.items(), 2):
        fits = left.ndim == right.ndim == 2 and left.shape[1] == right.shape[0]
        if fits and (left.shape[0], right.shape[1]) == shape:
            yield (one, other), left @ right


Function = Callable[[np.ndarray], np.ndarray]


class _Last(NamedTuple):
    """A function that is applied to a sum, and its inverse, which is NaN where it is too flat."""

    function: Function
    inverse: Function


def _as_it_is(value: np.ndarray) -> np.ndarray:
    return value


def _logistic(value: np.ndarray) -> np.ndarray:
    return np.asarray(1 / (1 + np.exp(-value)))


def _before_tanh(value: np.ndarray) -> np.ndarray:
    return np.asarray(np.arctanh(np.where(np.abs(value) < 1 - FLAT, value, np.nan)))


def _before_logistic(value: np.ndarray) -> np.ndarray:
    inside = np.where((value > FLAT) & (value < 1 - FLAT), value, np.nan)
    return np.asarray(np.log(inside) - np.log1p(-inside))


DIRECT = (_Last(_as_it_is, _as_it_is),)
LAST = (_Last(np.tanh, _before_tanh), _Last(_logistic, _before_logistic))
# what may stand in the place of such a function
OTHERS: dict[str, Function] = {
    "nothing is applied to it": _as_it_is,
    "tanh is applied to it": np.tanh,
    "tanh is applied to it twice": lambda value: np.tanh(np.tanh(value)),
    "the logistic function is applied to it": _logistic,
    "the logistic function is applied to it twice": lambda value: _logistic(_logistic(value)),
    "a ReLU is applied to it": lambda value: np.maximum(value, 0),
    "the exponential is applied to it": np.exp,
    "the sine is applied to it": np.sin,
    "the tangent is applied to it": np.tan,
    "the hyperbolic sine is applied to it": np.sinh,
    "the arc tangent is applied to it": np.arctan,
}


def _compared(cases: Sequence[_Case], last: _Last) -> tuple[str, list[str]]:
    """Return what is true of the factors of a value's parts, or of what is applied to their sum,
    and the cases that say so.
    """
    common = set.intersection(*(set(case.parts) for case in cases))
    keys = sorted(common)
    if not keys or len(keys) > MOST_PARTS or any(case.called != cases[0].called for case in cases):
        return "", []
    want = np.concatenate([case.want.reshape(-1) for case in cases])
    have = np.concatenate([case.have.reshape(-1) for case in cases])
    if want.size > MOST_ROWS:
        return "", []
    rows = []
    for case in cases:
        rows.append(np.stack([case.parts[key].reshape(-1) for key in keys], axis=1))
    parts = np.concatenate(rows)
    seen = [case.case for case in cases]
    right = _factors(parts, want, last)
    if right is None:
        return "", []
    own = _factors(parts, have, last)
    if own is not None:
        return _wrong_parts(keys, right, own, cases[0].called), seen
    if last in LAST:
        return _wrong_function(parts @ right, want, have), seen
    return "", []


def _wrong_function(right: np.ndarray, want: np.ndarray, have: np.ndarray) -> str:
    """Return what is applied to a sum that is right."""
    for called, function in OTHERS.items():
        wrong = function(right)
        if _alike(wrong, have) and not _alike(wrong, want):
            return (
                f"comes from the right sum, but {called}. What is asked for there, and how often?"
            )
    return ""


def _alike(one: np.ndarray, other: np.ndarray) -> bool:
    return bool((np.abs(one - other) <= EXACT * np.maximum(np.abs(other), 1)).all())


def _factors(parts: np.ndarray, value: np.ndarray, last: _Last) -> np.ndarray | None:
    """Return the factors with which the columns sum up to what a function makes a value of; None if
    they do not.
    """
    before = last.inverse(value)
    is_number = np.isfinite(before)
    matrix = parts[is_number]
    if len(matrix) < 2 * parts.shape[1] + 3 or not np.isfinite(parts).all():
        return None
    try:
        factors, _, rank, _ = np.linalg.lstsq(matrix, before[is_number], rcond=None)
    except np.linalg.LinAlgError:  # of numbers near the end of the range
        return None
    if rank < parts.shape[1] or not factors.any():
        return None
    if not _alike(last.function(parts @ factors), value):
        return None
    return np.asarray(np.where(np.abs(factors) > EXACT, factors, 0.0))


def _wrong_parts(
    keys: Sequence[Key], right: np.ndarray, own: np.ndarray, called: Sequence[str]
) -> str:
    """Return which parts have another factor than they should."""
    if _is_multiple(right, own):
        how = "large" if np.abs(own).max() > np.abs(right).max() else "small"
        return f"is made of the right sum, but all of that has too {how} a factor."
    others = []
    for key, expected, factor in zip(keys, right, own, strict=True):
        if abs(factor - expected) > ALIKE * max(abs(expected), 1.0):
            others.append(f"{_called(key, called)} {_how(expected, factor)}")
    if not 1 <= len(others) <= MOST_NAMED:
        return ""
    return (
        f"goes wrong in the sum that it is made of: {' and '.join(others)}. The rest of that sum is"
        " right, and so is what is done with it."
    )


def _is_multiple(right: np.ndarray, own: np.ndarray) -> bool:
    """Return whether several factors are wrong, and all by one and the same positive factor."""
    if np.count_nonzero(right) < 2 or _alike(own, right):
        return False
    largest = int(np.abs(right).argmax())
    ratio = own[largest] / right[largest]
    return bool(ratio > 0 and (np.abs(own - ratio * right) <= ALIKE * np.abs(own).max()).all())


def _how(expected: float, factor: float) -> str:
    if not factor:
        return "is not in it"
    if not expected:
        return "is in it and should not be"
    if abs(factor + expected) <= ALIKE * max(abs(expected), 1.0):
        return "has the opposite sign"
    if factor * expected < 0:
        return "has the opposite sign and another factor"
    return f"has too {'large' if abs(factor) > abs(expected) else 'small'} a factor"


def _called(key: Key, called: Sequence[str]) -> str:
    """Return what a part is called in a sentence."""
    if len(key) == 1:
        return called[key[0]]
    one, other = (called[place] for place in key)
    owner = one.rpartition(" of ")[2]
    if other.endswith(f" of {owner}"):
        one = one.removesuffix(f" of {owner}")
    return f"the matrix product of {one} and {other}"
