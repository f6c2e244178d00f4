"""Compares dates, sets, big integers, tables and similar values: one `Comparison` for each value.

Pure. The messages name what an author has written, such as a column's name, and otherwise counts
and kinds alone.
"""

from __future__ import annotations

import datetime
from collections.abc import Callable
from collections.abc import Set as AbstractSet
from decimal import Decimal
from fractions import Fraction
from typing import Any

import numpy as np

from grader.checking.judge.values.compare_tables import table_off
from grader.checking.judge.values.conversions import by_text
from grader.checking.judge.values.differences import (
    another_one,
    entries_off,
    moments_off,
    other_kind,
)
from grader.checking.judge.values.distances import distances
from grader.checking.judge.values.value_kinds import KINDS, describe, entries
from grader.model import Comparison, Tolerance
from grader.sandbox import wire_tables
from grader.sandbox.wire_json import MAX_INT
from grader.sandbox.wire_types import Member, text_of


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
        return _records if expected.dtype.kind == "V" else moments_off
    if type(expected) is int and not -MAX_INT <= expected < MAX_INT:
        return _number
    return {"pandas": table_off, "scipy": _sparse}.get(wire_tables.library(expected))


# --- single values --------------------------------------------------------------------------------


def _number(expected: Any, got: Any, tolerance: Tolerance) -> str:
    """Hold a fraction, a decimal or a big integer: exactly, and a whole number may be of any
    kind.
    """
    number = got.item() if isinstance(got, np.generic) else got
    if isinstance(number, bool) or not isinstance(number, int | Fraction | Decimal):
        return other_kind(expected, got)
    whole = _is_finite(number) and number.as_integer_ratio()[1] == 1
    if type(number) is not type(expected) and not whole:
        return other_kind(expected, got)
    return "" if text_of(number) == text_of(expected) else another_one(expected)


def _is_finite(number: Any) -> bool:
    return not isinstance(number, Decimal) or number.is_finite()


def _bytes(expected: Any, got: Any, tolerance: Tolerance) -> str:
    if not isinstance(got, bytes):
        return other_kind(expected, got)
    if len(got) != len(expected):
        return f"has {len(got)} bytes, expected {len(expected)}"
    wrong = sum(map(int.__ne__, got, expected))
    return f"has {wrong} of {len(expected)} bytes that differ" if wrong else ""


def _range(expected: range, got: Any, tolerance: Tolerance) -> str:
    values = got.tolist() if isinstance(got, np.ndarray) and got.ndim == 1 else got
    if not isinstance(values, range | list | tuple):
        return other_kind(expected, got)
    if len(values) != len(expected):
        return f"has {len(values)} entries, expected {len(expected)}"
    alike = all(
        type(have) in (int, float) and want == have
        for want, have in zip(expected, values, strict=True)
    )
    return "" if alike else another_one(expected)


def _member(expected: Member, got: Any, tolerance: Tolerance) -> str:
    last = expected.type.rpartition(".")[2]
    if not isinstance(got, Member) or got.type.rpartition(".")[2] != last:
        return other_kind(expected, got)
    if got.name == expected.name:
        return ""
    return f"is another member of `{expected.type}` than expected"


def _plain(expected: Any, got: Any, tolerance: Tolerance) -> str:
    """Hold a time of day, which is equal or not."""
    if type(got) is not type(expected) or (got.tzinfo is None) != (expected.tzinfo is None):
        return other_kind(expected, got)
    return "" if got == expected else another_one(expected)


# --- several values -------------------------------------------------------------------------------


def _set(expected: Any, got: Any, tolerance: Tolerance) -> str:
    """Hold a set: its items are equal, and floats among them may be off by the tolerance."""
    if not isinstance(got, AbstractSet):
        return other_kind(expected, got)
    want, have = by_text(expected, expected), by_text(got, got)
    missing, more = _without(want, have), _without(have, want)
    if _are_floats_alike(missing, more, tolerance):
        return ""
    found = []
    if missing:
        found.append(f"lacks {len(missing)} of {entries(len(want))}")
    if more:
        found.append(f"has {entries(len(more))} that should not be there")
    return " and ".join(found)


def _without(some: dict[str, Any], others: dict[str, Any]) -> list[Any]:
    """Return the items of one set that are not in the other one."""
    return [item for text, item in some.items() if text not in others]


def _are_floats_alike(some: list[Any], others: list[Any], tolerance: Tolerance) -> bool:
    """Return whether both hold floats alone, each near one of the others; so do two that are
    empty.
    """
    if len(some) != len(others) or not set(map(type, [*some, *others])) <= {float}:
        return False
    off = distances(np.asarray(sorted(some)), np.asarray(sorted(others)), tolerance)[1]
    return not off.any()


def _masked(expected: Any, got: Any, tolerance: Tolerance) -> str:
    """Hold a masked array: the same entries are masked, and what is not masked is equal."""
    if not isinstance(got, np.ndarray) or got.dtype.names is not None:
        return other_kind(expected, got)
    if got.shape != expected.shape:
        return f"has shape {got.shape}, expected {expected.shape}"
    mask = np.ma.getmaskarray(expected)
    wrong = int((mask != np.ma.getmaskarray(got)).sum())
    if wrong:
        return f"masks other entries than expected: {wrong} of {entries(mask.size)} differ"
    return entries_off(np.asarray(expected)[~mask], np.asarray(got)[~mask], tolerance)


def _records(expected: Any, got: Any, tolerance: Tolerance) -> str:
    """Hold an array of records: the same fields, and each of them equal."""
    if not isinstance(got, np.ndarray | np.generic) or got.dtype.names is None:
        return other_kind(expected, got)
    for name in expected.dtype.names:
        if name not in got.dtype.names:
            return f"lacks the field `{name}`"
    if np.shape(got) != np.shape(expected):
        return f"has shape {np.shape(got)}, expected {np.shape(expected)}"
    records: Any = got
    for name in expected.dtype.names:
        told = entries_off(np.asarray(expected[name]), np.asarray(records[name]), tolerance)
        if told:
            return f"{told} in the field `{name}`"
    return ""


def _sparse(expected: Any, got: Any, tolerance: Tolerance) -> str:
    """Hold a sparse matrix by its entries, in whatever format it is kept."""
    if wire_tables.library(got) != "scipy":
        return other_kind(expected, got)
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
    filled = []
    for place, part in zip(places, numbers, strict=True):
        row = np.zeros(len(both), part.dtype)
        row[np.searchsorted(both, place)] = part
        filled.append(row)
    want, have = filled
    told = entries_off(want, have, tolerance)
    return f"{told} that are not zero" if told.startswith("is off") else told


_JUDGES: tuple[tuple[Any, Callable[[Any, Any, Tolerance], str]], ...] = (
    (bytes, _bytes),
    (range, _range),
    (Member, _member),
    (np.ma.MaskedArray, _masked),
    (AbstractSet, _set),
    ((Fraction, Decimal), _number),
    ((datetime.date, datetime.timedelta), moments_off),
    (datetime.time, _plain),
)
