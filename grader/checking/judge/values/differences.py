"""How two values of one kind differ, in words that name no expected value. Pure."""

from __future__ import annotations

import datetime
from typing import Any

import numpy as np

from grader.checking.judge.values.distances import distances
from grader.checking.judge.values.value_kinds import KINDS, describe, entries
from grader.model import Tolerance
from grader.sandbox import wire_tables


def other_kind(expected: Any, got: Any) -> str:
    """Say that a value is of another kind than is expected."""
    return f"is {describe(got)}, expected {describe(expected)}"


def another_one(expected: Any) -> str:
    """Say that a value is of the expected kind, but not equal."""
    return f"is {describe(expected)}, as expected, but another one"


def moments_off(expected: Any, got: Any, tolerance: Tolerance) -> str:
    """Say how dates or time differences differ, Python's or NumPy's, in any unit; "" if not."""
    want, have = _as_moments(expected), _as_moments(got)
    if (
        have is None
        or want is None
        or have.dtype.kind != want.dtype.kind
        or _is_aware(got) != _is_aware(expected)
    ):
        return other_kind(expected, got)
    if have.shape != want.shape:
        return f"has shape {have.shape}, expected {want.shape}"
    try:
        wrong = ~((have == want) | (np.isnat(have) & np.isnat(want)))
    except OverflowError:  # one is so far away that the other's unit does not reach it
        return another_one(expected)
    except TypeError:  # a month or a year is no number of days
        return other_kind(expected, got)
    if not wrong.any():
        return ""
    if not wrong.shape:
        return another_one(expected)
    return f"has {int(wrong.sum())} of {entries(wrong.size)} that differ"


def _is_aware(value: Any) -> bool:
    # and no `NaT`
    plain = isinstance(value, datetime.datetime) and wire_tables.library(value) == ""
    return plain and value.utcoffset() is not None


def _as_moments(value: Any) -> np.ndarray | None:
    if type(value) in (list, tuple) and value:
        single = []
        for item in value:
            moment = _as_moments(item)
            if moment is None or moment.shape:
                return None
            single.append(moment[()])
        try:
            return np.asarray(single)
        except (OverflowError, TypeError):  # there is no unit for all of them
            return None
    if wire_tables.library(value) == "pandas" and isinstance(value, datetime.datetime):
        return np.asarray(np.datetime64("NaT"))
    if _is_aware(value):  # NumPy's dates reach further than Python's, which UTC could leave
        here = np.datetime64(value.replace(tzinfo=None))
        return np.asarray(here - np.timedelta64(value.utcoffset()))
    if isinstance(value, datetime.date):
        return np.asarray(np.datetime64(value))
    if isinstance(value, datetime.timedelta):
        return np.asarray(np.timedelta64(value))
    moments = isinstance(value, np.ndarray | np.generic) and value.dtype.kind in "mM"
    return np.asarray(value) if moments else None


def entries_off(want: np.ndarray, have: np.ndarray, tolerance: Tolerance) -> str:
    """Say how the entries of two arrays of one shape differ, of any kind; "" if they do not."""
    kinds = KINDS.get(want.dtype.kind), KINDS.get(have.dtype.kind)
    if want.dtype.kind in "mM":
        return moments_off(want, have, tolerance)
    if want.dtype.kind in "fc":
        if have.dtype.kind not in ("iufc" if want.dtype.kind == "c" else "iuf"):
            return f"holds {kinds[1] or 'other values'}, expected {kinds[0]}"
        wide = np.complex128 if want.dtype.kind == "c" else np.float64
        with np.errstate(over="ignore", invalid="ignore"):
            wrong = distances(want.astype(wide), have.astype(wide), tolerance)[1]
    elif kinds[0] != kinds[1] or kinds[0] is None:
        return f"holds {kinds[1] or 'other values'}, expected {kinds[0] or 'other values'}"
    else:
        wrong = np.asarray(want != have)
    count = int(wrong.sum())
    return f"is off in {count} of {entries(wrong.size)}" if count else ""
