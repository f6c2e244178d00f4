"""What kind of thing a value is, in words that never tell a number in it. Pure."""

from __future__ import annotations

import datetime
import functools
from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from decimal import Decimal
from fractions import Fraction
from typing import Any

import numpy as np

from grader.sandbox import wire_tables
from grader.sandbox.wire import Ref
from grader.sandbox.wire_json import MAX_INT
from grader.sandbox.wire_types import Member
from grader.text import clean

KINDS = {
    "b": "booleans",
    "i": "integers",
    "u": "integers",
    "f": "floats",
    "c": "complex numbers",
    "U": "text",
    "S": "bytes",
    "M": "dates",
    "m": "time differences",
    "V": "records",
}
_WORDS = {
    str: "a string",
    bool: "a boolean",
    int: "an integer",
    float: "a float",
    complex: "a complex number",
    bytes: "bytes",
    Fraction: "a fraction",
    Decimal: "a decimal number",
    datetime.date: "a date",
    datetime.datetime: "a date with a time",
    datetime.time: "a time of day",
    datetime.timedelta: "a time difference",
}


def describe(value: Any) -> str:
    """Say what kind of thing a value is, never what its numbers are."""
    if value is None:
        return "None"
    if isinstance(value, Ref):
        return f"an object of type {clean(value.type, 80)}"
    if isinstance(value, np.ma.MaskedArray):
        return f"a masked array of shape {value.shape}, {_name(value.dtype)}"
    if isinstance(value, np.ndarray) and value.shape:
        return f"an array of shape {value.shape}, {_type_name(value)}"
    if isinstance(value, np.ndarray | np.generic):
        return f"a number ({_name(value.dtype)})" if value.dtype.kind in "biufc" else _scalar(value)
    if isinstance(value, AbstractSet):
        kind = "a frozenset" if isinstance(value, frozenset) else "a set"
        return f"{kind} of {entries(len(value))}"
    if isinstance(value, Mapping | list | tuple):
        kind = {list: "a list", tuple: "a tuple"}.get(type(value), "a dict")
        return f"{kind} of {entries(len(value))}"
    if type(value) is int and not -MAX_INT <= value < MAX_INT:
        return "an integer of more than 64 bits"
    if isinstance(value, range | Member):
        return (
            f"a range of {entries(len(value))}"
            if isinstance(value, range)
            else "a member of an enum"
        )
    zone = isinstance(value, datetime.datetime | datetime.time) and value.tzinfo is not None
    words = _WORDS.get(type(value))
    return f"{words} in a time zone" if words and zone else words or _of_library(value)


def entries(count: int) -> str:
    """Return a number of entries in words."""
    return "1 entry" if count == 1 else f"{count} entries"


def _scalar(value: Any) -> str:
    words = {
        "U": "a string",
        "S": "bytes",
        "M": "a date",
        "m": "a time difference",
        "V": "a record",
    }
    return f"{words.get(value.dtype.kind, 'something')} ({_type_name(value)})"


def _of_library(value: Any) -> str:
    """Say what a value of pandas or SciPy is."""
    library, name = wire_tables.library(value), type(value).__name__
    if library == "pandas" and hasattr(value, "shape"):
        return f"a pandas {name} of shape {value.shape}"
    if library == "scipy":
        return f"a sparse matrix of shape {value.shape}"
    return f"a pandas {name}" if library else "something else"


def _type_name(value: Any) -> str:
    """Return the name of an array's dtype; of records, which a student names, their number of
    fields.
    """
    if value.dtype.kind == "V":
        return f"records of {len(value.dtype.names or ())} fields"
    return _name(value.dtype)


@functools.lru_cache(maxsize=64)
def _name(dtype: np.dtype[Any]) -> str:
    return str(dtype)  # which NumPy puts together anew each time
