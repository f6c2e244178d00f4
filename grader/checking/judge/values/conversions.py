"""Brings a value into the form of what is expected, if it holds the same: a list becomes an array,
whole numbers become floats. Pure.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from collections.abc import Set as AbstractSet
from decimal import Decimal
from fractions import Fraction
from itertools import repeat, starmap
from typing import Any

import numpy as np

from grader.checking.judge.values.distances import as_float, distances
from grader.checking.judge.values.value_kinds import describe
from grader.model import Tolerance
from grader.sandbox.wire_types import text_of
from grader.text import counted

EXACT = (range, Fraction, Decimal)  # kinds that others may stand for


def kind_of(value: Any) -> Any:
    """Return what kind of container a value is, whatever is in it; None if it is not one."""
    if isinstance(value, Mapping):
        return dict
    if isinstance(value, AbstractSet):
        return frozenset if isinstance(value, frozenset) else set
    if type(value) in (list, tuple, *EXACT):
        return type(value)
    return np.ndarray if isinstance(value, np.ndarray) and value.shape else None


def of_another_kind(name: str, expected: Any, got: Any) -> str:
    """Say in which part a value is of another kind than expected; nothing if it isn't."""
    inner: list[tuple[str, Any, Any]] = []
    if isinstance(expected, Mapping) and isinstance(got, Mapping):
        if more := in_excess(expected, got):
            return f"`{name}` has {more}"
        found = by_text(got, got.values())
        for (part, want), key in zip(named(name, expected), expected, strict=True):
            if text_of(key) in found:
                inner.append((part, want, found[text_of(key)]))
    elif type(expected) in (list, tuple) and type(got) is type(expected):
        for place, (want, have) in enumerate(zip(expected, got, strict=False)):
            inner.append((f"{name}[{place}]", want, have))
    elif kind_of(expected) != kind_of(got):
        return f"`{name}` is {describe(got)}, expected {describe(expected)}: its kind matters here"
    return next(filter(None, starmap(of_another_kind, inner)), "")


def by_text(keys: Iterable[Any], values: Iterable[Any]) -> dict[str, Any]:
    """Return values by the text of their keys, which is equal for keys that count as equal."""
    return dict(zip(map(text_of, keys), values, strict=True))


def in_excess(expected: Mapping[Any, Any], got: Mapping[Any, Any]) -> str:
    """Say how many keys should not be there; none is named, since keys may be the answer."""
    right = set(map(text_of, expected))
    more = sum(text_of(key) not in right for key in got)
    return f"{counted(more, 'key')} that should not be there" if more else ""


def are_names(keys: Iterable[Any]) -> bool:
    """Return whether all keys are text."""
    return set(map(type, keys)) <= {str}


def named(name: str, expected: Mapping[Any, Any]) -> Iterator[tuple[str, Any]]:
    """Yield the values of a dict that is expected under the names that comparisons give them."""
    text = are_names(expected)
    for place, (key, value) in enumerate(expected.items(), start=1):
        yield f"{name}[{key}]" if text else f"{name}[entry {place}]", value


def in_kind(expected: Any, got: Any) -> Any:
    """Return a value with lists and tuples for arrays, or the other way, as expected; what does not
    fit as it is.
    """
    if isinstance(expected, dict):
        if not isinstance(got, dict):
            return got
        fitted = []
        for key, item in got.items():
            fitted.append((key, in_kind(expected[key], item) if key in expected else item))
        return dict(fitted) if type(got) is dict else type(got)(fitted)
    if isinstance(expected, list | tuple):
        if isinstance(got, range):
            got = [*got]
        if isinstance(got, np.ndarray) and got.ndim and len(got) == len(expected):
            got = [*got]
        alike = type(got) in (list, tuple) and len(got) == len(expected)
        return type(expected)(map(in_kind, expected, got)) if alike else got
    if isinstance(expected, np.ndarray) and expected.ndim and type(got) in (list, tuple, range):
        array = as_array([*got] if type(got) is range else got, text=expected.dtype.kind in "US")
        if array is None:
            return got
        return array.astype(expected.dtype) if not array.size else array
    return got


def as_array(values: Any, *, text: bool = False) -> np.ndarray | None:
    """Return lists and tuples of numbers, of equal lengths, as an array; None for anything else.

    ``text``: text or bytes are asked for in place of numbers.
    """
    kinds = {*_kinds(values)}
    if text:
        return np.asarray(values) if kinds in ({"U"}, {"S"}) and _even(values) else None
    if not kinds <= set("biufc") or ("b" in kinds and len(kinds) > 1):
        return None
    try:
        array = np.asarray(values)
    except (ValueError, OverflowError):  # rows of different lengths
        return None
    return array if array.dtype.kind in "biufc" else None


def _even(values: Any) -> bool:
    """Return whether lists in a list are all of one length, at every level."""
    inner = [item for item in values if type(item) in (list, tuple)]
    if not inner:
        return True
    return len(inner) == len(values) and len({*map(len, inner)}) == 1 and all(map(_even, inner))


def _kinds(value: Any) -> Iterator[str]:
    """Yield the kinds of all that is in lists and tuples; "O" for what is not a number."""
    if type(value) in (list, tuple):
        for item in value:
            yield from _kinds(item)
    else:
        numbers = isinstance(
            value, np.ndarray | np.generic | bool | int | float | complex | str | bytes
        )
        yield np.asarray(value).dtype.kind if numbers else "O"


def as_floats(expected: Any, got: Any, tolerance: Tolerance) -> Any:
    """Return a value with integers as floats if these are the floats that are expected."""
    if isinstance(expected, dict):
        if not isinstance(got, dict) or not got:
            return got
        fitted = []
        for key, item in got.items():
            fitted.append((key, as_floats(expected.get(key), item, tolerance)))
        return dict(fitted) if type(got) is dict else type(got)(fitted)
    if isinstance(expected, list | tuple):
        if type(got) not in (list, tuple) or len(got) != len(expected):
            return got
        return list(map(as_floats, expected, got, repeat(tolerance)))
    if isinstance(expected, float | np.floating) and isinstance(got, Fraction | Decimal):
        return as_float(got)
    numbers = isinstance(got, np.ndarray | np.generic | int) and not isinstance(got, bool)
    if not numbers or not isinstance(expected, np.ndarray | np.generic | float):
        return got
    want, have = np.asarray(expected), np.asarray(got)
    if want.dtype.kind != "f" or have.dtype.kind not in "iu" or want.shape != have.shape:
        return got
    with np.errstate(all="ignore"):
        floats = have.astype(np.float64)
        return got if distances(want.astype(np.float64), floats, tolerance)[1].any() else floats
