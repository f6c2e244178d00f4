"""What is true of the entries of a wrong array beside the right one: signs, order, factors by row.
Pure.

Every sentence is held against all entries, and none is yielded for so few that it could be chance.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np

FEW = 3  # entries that are enough to tell a pattern from an accident
MOST_LONG = 1 << 10  # entries along an axis whose order is looked at

Close = Callable[[np.ndarray, np.ndarray], bool]
Named = Callable[[int], str]  # how an axis is called


def signs(want: np.ndarray, have: np.ndarray, close: Close) -> Iterator[str]:
    """Yield whether the negative entries have become zero, or positive."""
    if min((want < 0).sum(), (want > 0).sum()) < FEW:
        return
    if close(have, np.maximum(want, 0)):
        yield (
            "is zero wherever a negative number is expected, and right everywhere else: does"
            " something here cut off what is below zero, such as a ReLU or a maximum?"
        )
    elif close(have, np.minimum(want, 0)):
        yield (
            "is zero wherever a positive number is expected, and right everywhere else: does"
            " something here cut off what is above zero?"
        )
    elif close(have, np.abs(want)):
        yield (
            "is right but for its sign: every entry that should be negative is positive. Is an"
            " absolute value, or a root of a square, taken here?"
        )


def factors(want: np.ndarray, have: np.ndarray, close: Close, named: Named) -> Iterator[str]:
    """Yield whether each row along an axis is right up to a factor of its own, or sums to one."""
    if want.ndim < 2:
        return
    for axis in range(want.ndim):
        if want.shape[axis] < FEW:
            continue
        if _sums_to_one(have, axis) and not _sums_to_one(want, axis):
            yield (
                f"is positive and sums to one along {named(axis)}, as a softmax makes it, and"
                " nothing of that kind is expected."
            )
            return
        if want.size == want.shape[axis]:  # a single row, whose factor is that of all entries
            continue
        squares = (have * have).sum(axis=axis, keepdims=True)
        if not squares.all():
            continue
        factor = (have * want).sum(axis=axis, keepdims=True) / squares
        if (factor > 0).all() and close(have * factor, want):
            yield (
                f"would be right if each row of it along {named(axis)} were multiplied by a factor"
                " of its own: is it divided by a length, a sum or a number of entries that is"
                " another one for each row?"
            )
            return


def _sums_to_one(array: np.ndarray, axis: int) -> bool:
    return bool((array >= 0).all()) and bool(np.allclose(array.sum(axis=axis), 1.0, atol=1e-6))


def order(want: np.ndarray, have: np.ndarray, close: Close, named: Named) -> Iterator[str]:
    """Yield whether the entries along an axis are the right ones in another order."""
    for axis in range(want.ndim):
        if not FEW <= want.shape[axis] <= MOST_LONG:
            continue
        ours = np.moveaxis(want, axis, 0).reshape(want.shape[axis], -1)
        theirs = np.moveaxis(have, axis, 0).reshape(want.shape[axis], -1)
        # One number for each row puts the rows in order; `np.unique` of whole rows would take a
        # step for each column.
        weights = np.random.default_rng(0).standard_normal(ours.shape[1])
        own_keys, their_keys = ours @ weights, theirs @ weights
        if len(np.unique(own_keys)) < FEW:
            continue
        if close(theirs[np.argsort(their_keys)], ours[np.argsort(own_keys)]):
            yield f"has the right entries along {named(axis)}, but in another order."
            return
