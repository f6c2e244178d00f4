"""Inputs for `expect.property`: hypothesis strategies for arrays whose axes have names.

    from grader.checking.inputs import floats, size, token_ids

    T = size("T", least=2)
    x, Wx = floats("N", T, "D"), floats("D", "H")

An axis is a number, a name, or a `size`. A name stands for one size throughout an example, so
arrays fit together; it is drawn from 1 to `LARGEST`, unless `size` says otherwise. Any other
strategy of hypothesis may stand beside these.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from hypothesis.strategies import SearchStrategy

# of an axis that has but a name: what goes wrong mostly does with few entries, and those can be
# read
LARGEST = 5
DECIMALS = 3  # of floats

Size = int | str | SearchStrategy[int]


def size(name: str, least: int = 1, most: int = LARGEST) -> SearchStrategy[int]:
    """Return the size of an axis: the same wherever the name stands, so give it the same bounds
    there.

    Example:
        T = size("T", least=2)
        backwards = floats("N", T)
    """
    return st.shared(st.integers(least, most), key=f"size {name}")


def floats(*axes: Size, low: float = -10.0, high: float = 10.0) -> SearchStrategy[Any]:
    """Return float64 arrays of a shape, entries with few decimals in [low, high]; a float where no
    axis is named.

    Example:
        x, w, b = floats("N", "D"), floats("D", "H"), floats("H", low=0.0)
    """
    entries = st.floats(low, high, allow_subnormal=False).map(
        lambda entry: round(entry, DECIMALS) + 0.0
    )
    return arrays(np.float64, _shape(axes), elements=entries) if axes else entries


def integers(*axes: Size, low: int = 0, high: int = 9) -> SearchStrategy[Any]:
    """Return int64 arrays of a shape, entries in [low, high]; an int where no axis is named.

    Example:
        labels = integers("N", high=2)
    """
    entries = st.integers(low, high)
    return arrays(np.int64, _shape(axes), elements=entries) if axes else entries


def token_ids(*axes: Size, vocabulary: Size) -> SearchStrategy[Any]:
    """Return int64 arrays of a shape, entries from 0 up to, but without, the size of a vocabulary.

    Example:
        captions, embedding = token_ids("N", "T", vocabulary="V"), floats("V", "D")
    """
    return _size(vocabulary).flatmap(lambda words: integers(*axes, high=words - 1))


def masks(*axes: Size) -> SearchStrategy[Any]:
    """Return boolean arrays of a shape.

    Example:
        kept = masks("N", "T")
    """
    return arrays(np.bool_, _shape(axes))


def _size(axis: Size) -> SearchStrategy[int]:
    if isinstance(axis, str):
        return size(axis)
    return st.just(axis) if isinstance(axis, int) else axis


def _shape(axes: tuple[Size, ...]) -> SearchStrategy[tuple[int, ...]]:
    return st.tuples(*map(_size, axes))
