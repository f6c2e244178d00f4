"""Empty arrays and lists of students, as a test that an author wrote with NumPy compares them.

NumPy compares entry by entry, so an empty array equals any number: `np.allclose([], 6)` is true,
and `np.sum(np.abs([] - 6))` is 0. A function that returns nothing would pass such tests. Here an
empty value equals what is empty alone, and its difference to anything else is not a number.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

EQUALITIES = (np.equal, np.not_equal)
ORDERS = (np.less, np.less_equal, np.greater, np.greater_equal)
BOTH = (np.bitwise_and, np.logical_and)


class EmptyArray(np.ndarray[Any, Any]):
    """An empty array that differs from whatever is not empty."""

    def __array_ufunc__(self, ufunc: np.ufunc, method: str, *inputs: Any, **options: Any) -> Any:
        other = next((one for one in inputs if np.size(one)), None)
        if method == "__call__" and other is not None:
            # `(f(x) >= 0).all()` is true of nothing, and may be meant so
            ordered = ufunc in ORDERS and type(other) not in (int, float)
            if ordered or ufunc in EQUALITIES or ufunc in BOTH:
                return np.full(np.shape(other), ufunc is np.not_equal)
            if ufunc is np.subtract:
                return np.full(np.shape(other), np.nan)
        found = getattr(ufunc, method)(*map(plain, inputs), **options)
        return guarded(found)


class AsArray:
    """A sequence of the student's, of which NumPy makes an array, an empty one such an array."""

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> NDArray[Any]:
        made: NDArray[Any] = np.array([*self], dtype)  # type: ignore[misc]  # iterable
        return made if made.size else made.view(EmptyArray)

    def __array_ufunc__(self, ufunc: np.ufunc, method: str, *inputs: Any, **options: Any) -> Any:
        arrays = [one.__array__() if isinstance(one, AsArray) else one for one in inputs]
        return getattr(ufunc, method)(*arrays, **options)


class EmptyList(AsArray, list[Any]):
    """An empty list."""


def guarded(value: Any) -> Any:
    """Return a value with its empty arrays and lists as those of this module, and an array that is
    masked everywhere as one of NaN: `numpy.testing` takes what is masked for equal.
    """
    if isinstance(value, np.ma.MaskedArray):
        hidden = value.size and np.ma.getmaskarray(value).all()
        return np.full(value.shape, np.nan) if hidden else value
    if type(value) is np.ndarray and not value.size:
        return value.view(EmptyArray)
    if type(value) is list:
        return [*map(guarded, value)] if value else EmptyList()
    return tuple(map(guarded, value)) if type(value) is tuple else value


def plain(value: Any) -> Any:
    """Return an empty array as NumPy's own."""
    return value.view(np.ndarray) if isinstance(value, EmptyArray) else value
