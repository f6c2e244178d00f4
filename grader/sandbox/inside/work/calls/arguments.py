"""Whether a call has changed what it was given."""

from __future__ import annotations

from typing import Any

import numpy as np

from grader.sandbox.wire_tables import library
from grader.sandbox.wire_types import taken_apart


def named(args: tuple[Any, ...], kwargs: dict[str, Any]) -> list[tuple[str, Any]]:
    """Return the arguments with a name each: the position counted from 1, or the keyword."""
    return [(str(i), value) for i, value in enumerate(args, 1)] + list(kwargs.items())


def is_numbers(value: Any) -> bool:
    """Return whether something is an array of numbers; one of objects, a cache for instance, is the
    student's own.
    """
    return type(value) is np.ndarray and not value.dtype.hasobject


def unchanged(value: Any, copy: Any) -> bool:
    """Return whether an argument is as it was, what is in it too; NaN counts as equal to itself."""
    if type(value) is not type(copy):
        return False
    if type(copy) in (list, tuple):
        return len(value) == len(copy) and all(map(unchanged, value, copy))
    if type(copy) is dict:
        same = len(value) == len(copy)
        return same and all(key in value and unchanged(value[key], copy[key]) for key in copy)
    if type(copy) in (int, float, str, bool, complex):
        return bool(value == copy or (value != value and copy != copy))
    if is_numbers(copy) or isinstance(copy, np.generic):
        return _same_numbers(value, copy)
    if isinstance(copy, set | frozenset):
        return bool(value == copy)
    parts, others = taken_apart(value), taken_apart(copy)
    if parts is None or others is None:
        return value is copy
    return parts.kind == others.kind and unchanged(parts.items, others.items)


def _same_numbers(value: Any, copy: Any) -> bool:
    # NumPy's own function for both takes several times as long
    if value.shape == copy.shape and (value == copy).all():
        return True
    return bool(np.array_equal(value, copy, equal_nan=copy.dtype.kind in "fcmM"))


def can_change(value: Any) -> bool:
    """Return whether an argument is a container or a table that a call could change."""
    return (type(value) in (list, dict, set) and bool(value)) or library(value) == "pandas"
