"""Compares dates, sets, big integers, tables and similar values: one `Comparison` for each value.

Pure. The messages name what an author has written, such as a column's name, and otherwise counts
and kinds alone.
"""

from __future__ import annotations

import datetime
import sys
from collections.abc import Callable, Sequence
from collections.abc import Set as AbstractSet
from decimal import Decimal
from fractions import Fraction
from typing import Any

import numpy as np

from grader.checking.judge.distances import distances
from grader.checking.judge.value_kinds import KINDS, describe, entries
from grader.model import Comparison, Tolerance
from grader.sandbox import wire_tables
from grader.sandbox.wire import MAX_INT
from grader.sandbox.wire_types import Member, text_of

SHOWN_NAMES = 3  # columns that are named in a message


def is_special(expected: Any) -> bool:
    """Return whether this module compares an expected value."""
    return _judge_of(expected) is not None


def is_filled(value: Any) -> bool:
    """Return whether a special value holds anything."""
    if hasattr(value, "shape"):
        return 0 not in value.shape
    return len(value) > 0 if isinstance(value, AbstractSet | range | bytes) else True


def compare_special(name: str, expected: Any, got: Any, tolerance: Tolerance) -> Comparison:
    """Compare a value with a special one (`is_special`) that is expected."""
    judge = _judge_of(expected)
    assert judge is not None
    told = judge(expected, got, tolerance)
    message = f"`{name}` {told}" if told else ""
    return Comparison(name, not told, message, describe(got), describe(expected))


def _judge_of(expected: Any) -> Callable[[Any, Any, Tolerance], str] | None:
    for kinds, judge in _JUDGES:
        if isinstance(expected, kinds):
            return judge
    if isinstance(expected, np.ndarray | np.generic) and expected.dtype.kind in "MmV":
        return _records if expected.dtype.kind == "V" else _moments
    if type(expected) is int and not -MAX_INT <= expected < MAX_INT:
        return _number
    return {"pandas": _table, "scipy": _sparse}.get(wire_tables.library(expected))


def _kind(expected: Any, got: Any) -> str:
    return f"is {describe(got)}, expected {describe(expected)}"


def _differs(expected: Any) -> str:
    return f"is {describe(expected)}, as expected, but another one"


# --- single values --------------------------------------------------------------------------------


def _number(expected: Any, got: Any, tolerance: Tolerance) -> str:
    """Hold a fraction, a decimal or a big integer: exactly, and a whole number may be of any
    kind.
    """
    number = got.item() if isinstance(got, np.generic) else got
    if isinstance(number, bool) or not isinstance(number, int | Fraction | Decimal):
        return _kind(expected, got)
    whole = _is_finite(number) and number.as_integer_ratio()[1] == 1
    if type(number) is not type(expected) and not whole:
        return _kind(expected, got)
    return "" if text_of(number) == text_of(expected) else _differs(expected)


def _is_finite(number: Any) -> bool:
    return not isinstance(number, Decimal) or number.is_finite()


def _bytes(expected: Any, got: Any, tolerance: Tolerance) -> str:
    if not isinstance(got, bytes):
        return _kind(expected, got)
    if len(got) != len(expected):
        return f"has {len(got)} bytes, expected {len(expected)}"
    wrong = sum(map(int.__ne__, got, expected))
    return f"has {wrong} of {len(expected)} bytes that differ" if wrong else ""


def _range(expected: range, got: Any, tolerance: Tolerance) -> str:
    values = got.tolist() if isinstance(got, np.ndarray) and got.ndim == 1 else got
    if not isinstance(values, range | list | tuple):
        return _kind(expected, got)
    if len(values) != len(expected):
        return f"has {len(values)} entries, expected {len(expected)}"
    alike = all(
        type(have) in (int, float) and want == have
        for want, have in zip(expected, values, strict=True)
    )
    return "" if alike else _differs(expected)


def _member(expected: Member, got: Any, tolerance: Tolerance) -> str:
    if (
        not isinstance(got, Member)
        or got.type.rpartition(".")[2] != expected.type.rpartition(".")[2]
    ):
        return _kind(expected, got)
    return (
        "" if got.name == expected.name else f"is another member of `{expected.type}` than expected"
    )


def _plain(expected: Any, got: Any, tolerance: Tolerance) -> str:
    """Hold a time of day, which is equal or not."""
    if type(got) is not type(expected) or (got.tzinfo is None) != (expected.tzinfo is None):
        return _kind(expected, got)
    return "" if got == expected else _differs(expected)


def _moments(expected: Any, got: Any, tolerance: Tolerance) -> str:
    """Hold dates and time differences, Python's or NumPy's, in whatever unit."""
    want, have = _as_moments(expected), _as_moments(got)
    if (
        have is None
        or want is None
        or have.dtype.kind != want.dtype.kind
        or _is_aware(got) != _is_aware(expected)
    ):
        return _kind(expected, got)
    if have.shape != want.shape:
        return f"has shape {have.shape}, expected {want.shape}"
    try:
        wrong = ~((have == want) | (np.isnat(have) & np.isnat(want)))
    except OverflowError:  # one is so far away that the other's unit does not reach it
        return _differs(expected)
    if not wrong.any():
        return ""
    return (
        f"has {int(wrong.sum())} of {entries(wrong.size)} that differ"
        if wrong.shape
        else _differs(expected)
    )


def _is_aware(value: Any) -> bool:
    # and no `NaT`
    plain = isinstance(value, datetime.datetime) and wire_tables.library(value) == ""
    return plain and value.utcoffset() is not None


def _as_moments(value: Any) -> np.ndarray | None:
    if type(value) in (list, tuple) and value:
        parts = [_as_moments(item) for item in value]
        arrays = [part for part in parts if part is not None and part.shape == ()]
        return np.asarray([part[()] for part in arrays]) if len(arrays) == len(parts) else None
    if wire_tables.library(value) == "pandas" and isinstance(value, datetime.datetime):
        return np.asarray(np.datetime64("NaT"))
    if _is_aware(value):
        value = value.astimezone(datetime.UTC).replace(tzinfo=None)
    if isinstance(value, datetime.date):
        return np.asarray(np.datetime64(value))
    if isinstance(value, datetime.timedelta):
        return np.asarray(np.timedelta64(value))
    moments = isinstance(value, np.ndarray | np.generic) and value.dtype.kind in "mM"
    return np.asarray(value) if moments else None


# --- several values -------------------------------------------------------------------------------


def _set(expected: Any, got: Any, tolerance: Tolerance) -> str:
    """Hold a set: its items are equal, and floats among them may be off by the tolerance."""
    if not isinstance(got, AbstractSet):
        return _kind(expected, got)
    want, have = ({text_of(item): item for item in values} for values in (expected, got))
    missing = [item for text, item in want.items() if text not in have]
    more = [item for text, item in have.items() if text not in want]
    if not missing and not more:
        return ""
    floats = [
        np.asarray(sorted(items))
        for items in (missing, more)
        if all(type(one) is float for one in items)
    ]
    if (
        len(floats) == 2
        and len(missing) == len(more)
        and not distances(floats[0], floats[1], tolerance)[1].any()
    ):
        return ""
    told = [f"lacks {len(missing)} of {entries(len(want))}"] if missing else []
    told += [f"has {entries(len(more))} that should not be there"] if more else []
    return " and ".join(told)


def _masked(expected: Any, got: Any, tolerance: Tolerance) -> str:
    """Hold a masked array: the same entries are masked, and what is not masked is equal."""
    if not isinstance(got, np.ndarray):
        return _kind(expected, got)
    if got.shape != expected.shape:
        return f"has shape {got.shape}, expected {expected.shape}"
    masks = [np.ma.getmaskarray(array) for array in (expected, got)]
    wrong = int((masks[0] != masks[1]).sum())
    if wrong:
        return f"masks other entries than expected: {wrong} of {entries(masks[0].size)} differ"
    return _off(np.asarray(expected)[~masks[0]], np.asarray(got)[~masks[0]], tolerance)


def _records(expected: Any, got: Any, tolerance: Tolerance) -> str:
    """Hold an array of records: the same fields, and each of them equal."""
    if not isinstance(got, np.ndarray | np.generic) or got.dtype.names is None:
        return _kind(expected, got)
    missing = [name for name in expected.dtype.names if name not in got.dtype.names]
    if missing:
        return f"lacks the field `{missing[0]}`"
    if np.shape(got) != np.shape(expected):
        return f"has shape {np.shape(got)}, expected {np.shape(expected)}"
    records: Any = got
    for name in expected.dtype.names:
        told = _off(np.asarray(expected[name]), np.asarray(records[name]), tolerance)
        if told:
            return f"{told} in the field `{name}`"
    return ""


def _off(want: np.ndarray, have: np.ndarray, tolerance: Tolerance) -> str:
    """Say how two arrays of one shape differ, whatever is in them; nothing if they don't."""
    kinds = KINDS.get(want.dtype.kind), KINDS.get(have.dtype.kind)
    if want.dtype.kind in "mM":
        return _moments(want, have, tolerance)
    if want.dtype.kind in "fc":
        if have.dtype.kind not in ("iufc" if want.dtype.kind == "c" else "iuf"):
            return f"holds {kinds[1] or 'other values'}, expected {kinds[0]}"
        wide = np.complex128 if want.dtype.kind == "c" else np.float64
        with np.errstate(over="ignore"):
            wrong = distances(want.astype(wide), have.astype(wide), tolerance)[1]
    elif kinds[0] != kinds[1] or kinds[0] is None:
        return f"holds {kinds[1] or 'other values'}, expected {kinds[0] or 'other values'}"
    else:
        wrong = np.asarray(want != have)
    count = int(wrong.sum())
    return f"is off in {count} of {entries(wrong.size)}" if count else ""


def _sparse(expected: Any, got: Any, tolerance: Tolerance) -> str:
    """Hold a sparse matrix by its entries, in whatever format it is kept."""
    if wire_tables.library(got) != "scipy":
        return _kind(expected, got)
    if got.shape != expected.shape:
        return f"has shape {got.shape}, expected {expected.shape}"
    kinds = KINDS[expected.dtype.kind], KINDS[got.dtype.kind]
    if kinds[0] != kinds[1] and kinds != ("floats", "integers"):
        return f"holds {kinds[1]}, expected {kinds[0]}"
    places, numbers = [], []
    for matrix in (expected.tocoo(), got.tocoo()):
        matrix.sum_duplicates()
        places.append(matrix.row.astype(np.int64) * max(expected.shape[1], 1) + matrix.col)
        numbers.append(np.asarray(matrix.data))
    both = np.union1d(*places)
    want, have = (np.zeros(len(both), part.dtype) for part in numbers)
    want[np.searchsorted(both, places[0])] = numbers[0]
    have[np.searchsorted(both, places[1])] = numbers[1]
    told = _off(want, have, tolerance)
    return f"{told} that are not zero" if told.startswith("is off") else told


# --- pandas ---------------------------------------------------------------------------------------


def _table(expected: Any, got: Any, tolerance: Tolerance) -> str:
    """Hold a table; what a student puts into it may be such that pandas can't look at it."""
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
        return (
            _frame(expected, got, tolerance)
            if isinstance(got, pd.DataFrame)
            else _kind(expected, got)
        )
    if isinstance(expected, pd.Series):
        if not isinstance(got, pd.Series):
            return _kind(expected, got)
        if got.shape != expected.shape:
            return f"has {entries(len(got))}, expected {len(expected)}"
        if not _same_name(expected.name, got.name):
            return "has another name than expected"
        return _index(expected.index, got.index, tolerance) or _column(expected, got, tolerance)
    if isinstance(expected, pd.Index):
        if not isinstance(got, pd.Index):
            return _kind(expected, got)
        told = _index(expected, got, tolerance)
        return told and f"is an index, but {told}"
    if isinstance(expected, pd.api.extensions.ExtensionArray) and isinstance(got, type(expected)):
        return _table_judged(pd.Series(expected), pd.Series(got), tolerance)
    return "" if got is expected else _kind(expected, got)  # NaT, NA


def _frame(expected: Any, got: Any, tolerance: Tolerance) -> str:
    want, have = list(expected.columns), list(got.columns)
    missing = [name for name in want if not any(_same_name(name, other) for other in have)]
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
    told = ", ".join(f"`{name}`" for name in names[:SHOWN_NAMES])
    return told if len(names) <= SHOWN_NAMES else f"{told} and {len(names) - SHOWN_NAMES} more"


def _same_name(one: Any, other: Any) -> bool:
    try:
        return type(one) is type(other) and text_of(one) == text_of(other)
    except TypeError:  # a list is no name
        return False


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
    missing = [np.asarray(column.isna()) for column in (want, have)]
    wrong = int((missing[0] != missing[1]).sum())
    if wrong:
        return f"has other missing values than expected: {entries(wrong)}"
    there = ~missing[0]
    left, right = _values(want, there), _values(have, there)
    if left.dtype == object or right.dtype == object:
        if left.dtype != right.dtype:
            return (
                f"holds {'other values' if right.dtype == object else KINDS[right.dtype.kind]},"
                " expected others"
            )
        wrong = sum(
            not _equal(*pair, tolerance) for pair in zip(left.tolist(), right.tolist(), strict=True)
        )
        return f"is off in {wrong} of {entries(len(want))}" if wrong else ""
    return _off(left, right, tolerance)


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
        return not distances(np.asarray(want), np.asarray(float(have)), tolerance)[1].any()
    if type(want) in (list, tuple):
        same = type(have) in (list, tuple) and len(have) == len(want)
        return same and all(_equal(*pair, tolerance) for pair in zip(want, have, strict=True))
    try:
        return isinstance(have, type(want)) and text_of(want) == text_of(have)
    except TypeError:  # a dict or an array in a column
        return bool(np.array_equal(want, have))


_JUDGES: tuple[tuple[Any, Callable[[Any, Any, Tolerance], str]], ...] = (
    (bytes, _bytes),
    (range, _range),
    (Member, _member),
    (np.ma.MaskedArray, _masked),
    (AbstractSet, _set),
    ((Fraction, Decimal), _number),
    ((datetime.date, datetime.timedelta), _moments),
    (datetime.time, _plain),
)
