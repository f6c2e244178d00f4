"""Compares tables, columns and indices of pandas as `pandas.testing` does. Pure."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from itertools import repeat
from typing import Any

import numpy as np

from grader.checking.judge.values.differences import entries_off, other_kind
from grader.checking.judge.values.distances import as_float, distances
from grader.checking.judge.values.value_kinds import KINDS, describe, entries
from grader.model import Tolerance
from grader.sandbox.wire_types import text_of
from grader.text import quoted

SHOWN_NAMES = 3  # columns that are named in a message


def table_off(expected: Any, got: Any, tolerance: Tolerance) -> str:
    """Say how a table, a column or an index differs; "" if it does not.

    A student may put things into it that pandas can't compare.
    """
    try:
        return _table_judged(expected, got, tolerance)
    except Exception as error:
        return f"is {describe(got)} that can't be compared: pandas raised {type(error).__name__}"


def _table_judged(expected: Any, got: Any, tolerance: Tolerance) -> str:
    """Hold a table, a column or an index as `pandas.testing` does; an integer may stand for a whole
    float.
    """
    pd: Any = sys.modules["pandas"]  # of which the expected value is

    if isinstance(expected, pd.DataFrame):
        if not isinstance(got, pd.DataFrame):
            return other_kind(expected, got)
        return _frame(expected, got, tolerance)
    if isinstance(expected, pd.Series):
        if not isinstance(got, pd.Series):
            return other_kind(expected, got)
        if got.shape != expected.shape:
            return f"has {entries(len(got))}, expected {len(expected)}"
        if not _same_name(expected.name, got.name):
            return "has another name than expected"
        return _index(expected.index, got.index, tolerance) or _column(expected, got, tolerance)
    if isinstance(expected, pd.Index):
        if not isinstance(got, pd.Index):
            return other_kind(expected, got)
        told = _index(expected, got, tolerance)
        return told and f"is an index, but {told}"
    if isinstance(expected, pd.api.extensions.ExtensionArray) and isinstance(got, type(expected)):
        return _table_judged(pd.Series(expected), pd.Series(got), tolerance)
    return "" if got is expected else other_kind(expected, got)  # NaT, NA


def _frame(expected: Any, got: Any, tolerance: Tolerance) -> str:
    want, have = list(expected.columns), list(got.columns)
    there = set(map(_name_as_key, have))
    missing = [name for name in want if _name_as_key(name) not in there]
    if missing:
        return f"lacks the column{'s' if len(missing) > 1 else ''} {_names(missing)}"
    if len(have) != len(want):
        return f"has {len(have)} columns, expected {len(want)}"
    if not all(map(_same_name, want, have)):
        return "has its columns in another order than expected"
    if len(got) != len(expected):
        return f"has {len(got)} rows, expected {len(expected)}"
    told = _index(expected.index, got.index, tolerance)
    if told:
        return told
    for place, name in enumerate(want):
        told = _column(expected.iloc[:, place], got.iloc[:, place], tolerance)
        if told:
            return f"{told} in the column {_names([name])}"
    return ""


def _names(names: Sequence[Any]) -> str:
    told = quoted(names[:SHOWN_NAMES])
    return told if len(names) <= SHOWN_NAMES else f"{told} and {len(names) - SHOWN_NAMES} more"


def _same_name(one: Any, other: Any) -> bool:
    return _name_as_key(one) == _name_as_key(other)


def _name_as_key(name: Any) -> tuple[str, str]:
    """Return what is equal for equal names of columns, and for no other; a list is not a name."""
    try:
        return type(name).__qualname__, text_of(name)
    except TypeError:
        return "not a name", str(id(name))


def _index(want: Any, have: Any, tolerance: Tolerance) -> str:
    if len(want) != len(have) or want.nlevels != have.nlevels:
        return f"has an index of {entries(len(have))}, expected {len(want)}"
    if not all(map(_same_name, want.names, have.names)):
        return "has an index of another name than expected"
    for level in range(want.nlevels):
        told = _column(_level(want, level), _level(have, level), tolerance)
        if told:
            return f"has another index than expected: it {told}"
    return ""


def _level(index: Any, level: int) -> Any:
    # a name could be a number, and be taken for a level's
    nameless = index.set_names([None] * index.nlevels)
    return nameless.get_level_values(level).to_series().reset_index(drop=True)


def _column(want: Any, have: Any, tolerance: Tolerance) -> str:
    """Hold one column; what is missing has to be missing."""
    missing = np.asarray(want.isna())
    wrong = int((missing != np.asarray(have.isna())).sum())
    if wrong:
        return f"has other missing values than expected: {entries(wrong)}"
    there = ~missing
    left, right = _values(want, there), _values(have, there)
    if left.dtype == object or right.dtype == object:
        if left.dtype != right.dtype:
            kind = "other values" if right.dtype == object else KINDS[right.dtype.kind]
            return f"holds {kind}, expected others"
        wrong = len(left) - sum(map(_equal, left.tolist(), right.tolist(), repeat(tolerance)))
        return f"is off in {wrong} of {entries(len(want))}" if wrong else ""
    return entries_off(left, right, tolerance)


def _values(column: Any, there: np.ndarray) -> np.ndarray:
    """Return the values that are there as an array of NumPy's kinds if they are numbers or
    moments.
    """
    kept = column[there]
    if isinstance(column.dtype, np.dtype) and column.dtype.kind in "biufcmM":
        return np.asarray(kept)
    name = str(column.dtype)
    if name.startswith("datetime64"):
        return np.asarray(kept.dt.tz_convert("UTC").dt.tz_localize(None))
    if name.lower().startswith(("int", "uint", "float", "bool")):
        return np.asarray(kept.to_numpy(dtype=column.dtype.numpy_dtype))
    made = np.empty(len(kept), dtype=object)
    made[:] = kept.tolist()
    return made


def _equal(want: Any, have: Any, tolerance: Tolerance) -> bool:
    if isinstance(want, float) and isinstance(have, int | float):
        return not distances(np.asarray(want), np.asarray(as_float(have)), tolerance)[1].any()
    if type(want) in (list, tuple):
        same = type(have) in (list, tuple) and len(have) == len(want)
        return same and all(map(_equal, want, have, repeat(tolerance)))
    try:
        return isinstance(have, type(want)) and text_of(want) == text_of(have)
    except TypeError:  # a dict or an array in a column
        return bool(np.array_equal(want, have))
