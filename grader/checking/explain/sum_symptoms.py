"""Whether a wrong value is made of the right parts, of which some have a wrong factor. Pure.

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
EXACT = 1e-6  # of the largest entry: how far a sum may be off
ALIKE = 1e-5  # how far apart two factors may be that are the same
FLAT = 1e-5  # how near to its bounds a function is too flat to be inverted

Key = tuple[int, ...]  # the places of an argument, or of the two factors of a product


class _Case(NamedTuple):
    case: str
    want: np.ndarray
    have: np.ndarray
    parts: Mapping[Key, np.ndarray]
    called: Sequence[str]


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
    inverses = DIRECT if direct else INVERSES
    for name, cases in found.items():
        for inverse in inverses:
            sentence, seen = _compared(cases, inverse)
            if sentence and 2 * len(seen) > sum(bool(one.got) for one in wrong):
                return f"`{name}` {sentence}", seen
    return "", []


def _case(one: Evidence, want: Any, have: Any) -> _Case | None:
    """Return a case of a value in two dimensions that has the right shape, with its parts."""
    if not _is_matrix(want) or not _is_matrix(have) or want.shape != have.shape:
        return None
    if not np.isfinite(want).all() or not np.isfinite(have).all():
        return None
    arrays: dict[int, np.ndarray] = {}
    for place, value in enumerate(one.inputs[: len(one.called)]):
        if _is_part(value) and len(arrays) < MOST_ARRAYS:
            arrays[place] = value.astype(np.float64)
    parts = dict(itertools.islice(_parts(arrays, want.shape), MOST_PARTS + 1))
    return _Case(one.case, want.astype(np.float64), have.astype(np.float64), parts, one.called)


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


def _as_it_is(value: np.ndarray) -> np.ndarray:
    return value


def _through_tanh(value: np.ndarray) -> np.ndarray:
    return np.asarray(np.arctanh(np.where(np.abs(value) < 1 - FLAT, value, np.nan)))


def _through_logistic(value: np.ndarray) -> np.ndarray:
    inside = np.where((value > FLAT) & (value < 1 - FLAT), value, np.nan)
    return np.asarray(np.log(inside) - np.log1p(-inside))


Inverse = Callable[[np.ndarray], np.ndarray]
DIRECT: tuple[Inverse, ...] = (_as_it_is,)
INVERSES: tuple[Inverse, ...] = (_through_tanh, _through_logistic)


def _compared(cases: Sequence[_Case], inverse: Inverse) -> tuple[str, list[str]]:
    """Return what is true of the factors of a value's parts, and the cases that say so."""
    common = set.intersection(*(set(case.parts) for case in cases))
    keys = sorted(common)
    if not keys or len(keys) > MOST_PARTS or any(case.called != cases[0].called for case in cases):
        return "", []
    rows: list[np.ndarray] = []
    wants: list[np.ndarray] = []
    haves: list[np.ndarray] = []
    seen: list[str] = []
    for case in cases:
        want, have = inverse(case.want).reshape(-1), inverse(case.have).reshape(-1)
        is_number = np.isfinite(want) & np.isfinite(have)
        if is_number.any():
            parts = np.stack([case.parts[key].reshape(-1) for key in keys], axis=1)
            rows.append(parts[is_number])
            wants.append(want[is_number])
            haves.append(have[is_number])
            seen.append(case.case)
    if not 0 < sum(map(len, rows)) <= MOST_ROWS:
        return "", []
    matrix = np.concatenate(rows)
    right = _factors(matrix, np.concatenate(wants))
    own = _factors(matrix, np.concatenate(haves))
    if right is None or own is None:
        return "", []
    return _sentence(keys, right, own, cases[0].called), seen


def _factors(matrix: np.ndarray, value: np.ndarray) -> np.ndarray | None:
    """Return the factors with which the columns sum up to a value; None if they do not."""
    entries, parts = matrix.shape
    if entries < 2 * parts + 3 or not np.isfinite(matrix).all():
        return None
    factors, _, rank, _ = np.linalg.lstsq(matrix, value, rcond=None)
    size = float(np.abs(value).max())
    if rank < parts or not size:
        return None
    is_sum = bool((np.abs(matrix @ factors - value) <= EXACT * size).all())
    return np.asarray(np.where(np.abs(factors) > EXACT, factors, 0.0)) if is_sum else None


def _sentence(
    keys: Sequence[Key], right: np.ndarray, own: np.ndarray, called: Sequence[str]
) -> str:
    """Return which parts have another factor than they should."""
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
