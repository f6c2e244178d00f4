"""What is free in an answer: signs of eigenvectors, names of clusters, an order. Pure.

A value is brought as near to what is expected as its freedom allows, and is then compared like any
other.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable
from collections.abc import Set as AbstractSet
from typing import Any, Literal

import numpy as np

from grader.checking.judge.compare import compare
from grader.checking.judge.values.conversions import as_array
from grader.model import Tolerance
from grader.sandbox.wire_types import text_of

UpTo = Literal["sign", "permutation", "order"] | Callable[[Any], Any]
WORDS = ("sign", "permutation", "order")
MOST_PAIRS = 20_000_000  # numbers of rows that are held against each other
MOST_LEFT = 300  # items without an equal one that are compared one by one


def fitted(expected: Any, got: Any, up_to: UpTo, tolerance: Tolerance) -> tuple[Any, Any]:
    """Return what is expected and what was got as they are to be compared; raise what an author's
    function raises.
    """
    if callable(up_to):
        return up_to(expected), up_to(got)
    if up_to == "sign":
        return expected, _signed(expected, got)
    if up_to == "permutation" and _are_labels(expected):
        return expected, _renamed(expected, got)
    return expected, reordered(expected, got, tolerance)


def _signed(expected: Any, got: Any) -> Any:
    """Return an array with each column's sign as expected; of a vector it is one sign."""
    have = as_array(got) if type(got) in (list, tuple) else got
    if not isinstance(expected, np.ndarray) or not isinstance(have, np.ndarray):
        return got
    if have.shape != expected.shape:
        return got
    if not {have.dtype.kind, expected.dtype.kind} <= set("iufc"):
        return got
    with np.errstate(all="ignore"):
        likeness = (have * expected.conj()).real.sum(axis=0)
        return np.where(likeness < 0, -have, have)


def _are_labels(expected: Any) -> bool:
    array = as_array(expected) if type(expected) in (list, tuple) else expected
    return isinstance(array, np.ndarray) and array.ndim == 1 and array.dtype.kind in "iu"


def _renamed(expected: Any, got: Any) -> Any:
    """Return labels under the names that the expected ones of the same entries have, each name used
    once.
    """
    want = as_array(expected) if type(expected) in (list, tuple) else expected
    have = as_array(got) if type(got) in (list, tuple) else got
    if not isinstance(want, np.ndarray) or not isinstance(have, np.ndarray):
        return got
    if have.shape != want.shape or have.dtype.kind not in "iu":
        return got
    pairs = Counter(zip(want.tolist(), have.tolist(), strict=True))
    names: dict[int, int] = {}
    for (right, own), _ in pairs.most_common():
        if own not in names and right not in names.values():
            names[own] = right
    spare = int(want.max(initial=0)) + 1  # a name that no expected label has
    return np.array([names.get(own, spare) for own in have.tolist()], dtype=np.int64)


def reordered(expected: Any, got: Any, tolerance: Tolerance) -> Any:
    """Return items in the order in which they are expected, as far as there are such."""
    if isinstance(got, AbstractSet):
        got = [*got]
    if not isinstance(expected, list | tuple | np.ndarray):
        return got
    if not isinstance(got, list | tuple | np.ndarray | range):
        return got
    if _is_scalar(expected) or _is_scalar(got) or len(got) != len(expected):
        return got
    want = expected if isinstance(expected, np.ndarray) else as_array(expected)
    have = got if isinstance(got, np.ndarray) else as_array(got)
    if want is None or have is None or want.shape != have.shape or want.dtype.kind not in "biuf":
        order = _order_of_items([*expected], [*got], tolerance)
    else:
        order = _order_of_rows(want, have, tolerance)
    if isinstance(got, np.ndarray):
        return got[np.asarray(order, dtype=int)]
    return [got[place] for place in order]


def _is_scalar(value: Any) -> bool:
    return isinstance(value, np.ndarray) and not value.shape


def _order_of_rows(want: np.ndarray, have: np.ndarray, tolerance: Tolerance) -> list[int]:
    """Return for each expected row which of the others is nearest, each used once."""
    flat, others = want.reshape(len(want), -1), have.reshape(len(have), -1)
    order = np.empty(len(want), dtype=int)
    if flat.shape[1] == 1 or flat.size * len(flat) > MOST_PAIRS:
        order[np.lexsort(flat.T[::-1])] = np.lexsort(others.T[::-1])
        return order.tolist()
    free = np.ones(len(have), dtype=bool)
    with np.errstate(all="ignore"):
        for place, row in enumerate(flat):
            off = np.abs(others - row).max(axis=1, initial=0.0)
            off = np.where(free & ~np.isnan(off), off, np.inf)
            best = int(np.argmin(off)) if np.isfinite(off).any() else int(np.argmax(free))
            order[place], free[best] = best, False
    return order.tolist()


def _order_of_items(want: list[Any], have: list[Any], tolerance: Tolerance) -> list[int]:
    """Return for each expected item an equal one of the others, each used once; the rest in any
    order.
    """
    places: dict[str, deque[int]] = {}
    for place, item in enumerate(have):
        places.setdefault(_key(item, place), deque()).append(place)
    order, missing = [-1] * len(want), []
    for place, item in enumerate(want):
        equal = places.get(_key(item, -1))
        if equal:
            order[place] = equal.popleft()
        else:
            missing.append(place)
    free = sorted(set(range(len(have))) - set(order))
    if len(missing) > MOST_LEFT:
        for place, other in zip(missing, free, strict=True):
            order[place] = other
        return order
    for place in missing:
        order[place] = _first_alike(want[place], have, free, tolerance)
        free.remove(order[place])
    return order


def _first_alike(want: Any, have: list[Any], free: list[int], tolerance: Tolerance) -> int:
    """Return the first free place of an item that is right within the tolerance, else any."""
    for other in free:
        if _alike(want, have[other], tolerance):
            return other
    return free[0]


def _key(item: Any, place: int) -> str:
    try:
        return text_of(item)
    except TypeError:
        return f"no key {place}"


def _alike(want: Any, have: Any, tolerance: Tolerance) -> bool:
    return all(one.ok for one in compare("item", want, have, tolerance))
