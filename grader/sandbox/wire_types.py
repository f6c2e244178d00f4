"""What else is plain data: values that the wire takes apart into a kind and parts, and puts
together again.

A set, a date or a big integer becomes the name of its kind and a list of parts, each of which is
plain already: text, numbers, arrays, lists, or again a value that is taken apart. The wire encodes,
counts and bounds the parts as it does all others. Putting together checks every part, since a
student's process chooses them: what does not fit raises, and no step takes much longer or much more
memory than its parts.

The far end calls `taken_apart` too. What it raises there, or what is beyond the bounds, is no plain
data and stays in the box.
"""

from __future__ import annotations

import collections
import datetime
import math
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from decimal import Decimal
from enum import Enum
from fractions import Fraction
from typing import Any, NamedTuple

import numpy as np

from grader.sandbox import wire_tables
from grader.sandbox.wire_json import are_all

INT_DIGITS = 1 << 18  # hexadecimal, of an integer
# hexadecimal, of the parts of a fraction: each needs a greatest common divisor
RATIO_DIGITS = 1 << 11
DECIMAL_TEXT = 1_000  # characters of a decimal number
DECIMAL_EXPONENT = 1_000
DATE_TEXT = 40  # characters of a date, a time or both
NAME_TEXT = 200  # characters of an enum's names
MAX_LENGTH = 500_000  # of a range
MAX_FIELDS = 200  # of an array of records

_HEX = re.compile(r"-?[0-9a-f]+")
_DECIMAL = re.compile(r"-?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d{1,6})?|-?inf|nan", re.IGNORECASE)
_UNIT = re.compile(r"(?:[1-9]\d{0,5})?(?:Y|M|W|D|h|m|s|ms|us|ns|ps|fs|as)|generic")
# sent as lists
VIEWS: tuple[type, ...] = (type({}.keys()), type({}.values()), type({}.items()), collections.deque)
_AS_ARRAYS = (np.recarray, np.memmap)  # a matrix multiplies in another way than an array: it stays


class Parts(NamedTuple):
    """A value taken apart: its kind and its parts."""

    kind: str
    items: list[Any]


@dataclass(frozen=True)
class Member:
    """A member of a student's enum, by the names of its class and its own."""

    type: str
    name: str
    module: str = field(default="", compare=False)


def taken_apart(value: Any) -> Parts | None:
    """Return the parts of a value that has any; None for what is no plain data or beyond the
    bounds.
    """
    try:
        for kind in type(value).__mro__[:-1]:
            found = _APART.get(kind)
            if found is not None:
                return found(value)
        if isinstance(value, set | frozenset):  # of what came from a box
            return _set(value)
        return None if wire_tables.library(value) == "" else _table(value)
    except Exception:
        return None


def together(kind: str, items: list[Any]) -> Any:
    """Return the value of a kind from its parts; raise whatever comes of parts that do not fit."""
    if kind in _TOGETHER:
        return _TOGETHER[kind](*items)
    return wire_tables.together(kind, items)


def is_known(kind: str) -> bool:
    """Return whether there are values of a kind."""
    return kind in _TOGETHER or kind in wire_tables.KINDS


def besides(kind: str, items: list[Any]) -> int:
    """Return the bytes that a value stands for beside those of its parts: ranges and sparse
    matrices are larger.
    """
    if kind == "range" and len(items) == 3 and are_all(int, items):
        return 8 * len(range(*items)) if items[2] else 0
    return wire_tables.besides(kind, items)


# --- taking apart ---------------------------------------------------------------------------------


def _set(value: Iterable[Any]) -> Parts:
    return Parts("frozenset" if isinstance(value, frozenset) else "set", [*value])


def _range(value: range) -> Parts | None:
    return (
        Parts("range", [value.start, value.stop, value.step]) if len(value) <= MAX_LENGTH else None
    )


def _integer(value: int) -> Parts | None:
    large = type(value) is int and not -1 << 63 <= value < 1 << 63
    return (
        Parts("int", [format(value, "x")])
        if large and value.bit_length() <= 4 * INT_DIGITS
        else None
    )


def _bytes(value: bytes | bytearray) -> Parts:
    return Parts("bytes", [np.frombuffer(bytes(value), np.uint8)])


def _fraction(value: Fraction) -> Parts | None:
    parts = [format(value.numerator, "x"), format(value.denominator, "x")]
    return Parts("fraction", parts) if max(map(len, parts)) <= RATIO_DIGITS else None


def _decimal(value: Decimal) -> Parts | None:
    text = str(value)
    fits = len(text) <= DECIMAL_TEXT and (
        not value.is_finite() or abs(value.adjusted()) <= DECIMAL_EXPONENT
    )
    return (
        Parts("decimal", ["Inf" if text == "Infinity" else text.replace("Infinity", "Inf")])
        if fits
        else None
    )


def _date(value: datetime.date) -> Parts | None:
    if wire_tables.library(value) == "pandas":  # its own dates are Python's, too
        return _table(value)
    kind = "datetime" if isinstance(value, datetime.datetime) else "date"
    return Parts(kind, [value.isoformat()])


def _time(value: datetime.time) -> Parts:
    return Parts("time", [value.isoformat()])


def _duration(value: datetime.timedelta) -> Parts | None:
    if wire_tables.library(value) == "pandas":
        return _table(value)
    return Parts("timedelta", [value.days, value.seconds, value.microseconds])


def _enum(value: Enum) -> Parts | None:
    names = [type(value).__module__, type(value).__qualname__, value.name]
    if not are_all(str, names) or max(map(len, names)) > NAME_TEXT:
        return None
    return Parts("enum", names)


def _member(value: Member) -> Parts:
    return Parts("enum", [value.module, value.type, value.name])


def _moments(value: Any) -> Parts:
    """Take dates or time differences of NumPy's apart: their unit and whole numbers."""
    unit, count = np.datetime_data(value.dtype)
    numbers = (
        value.astype(np.int64)
        if isinstance(value, np.generic)
        else np.asarray(value).view(np.int64)
    )
    kind = "datetime64" if value.dtype.kind == "M" else "timedelta64"
    return Parts(kind, [unit if count == 1 else f"{count}{unit}", numbers])


def _records(value: Any) -> Parts | None:
    names = value.dtype.names
    if names is None or len(names) > MAX_FIELDS or value.dtype.hasobject:
        return None
    array = np.asarray(value)
    return Parts(
        "records",
        [isinstance(value, np.generic), [*names], *(np.array(array[name]) for name in names)],
    )


def _array(value: np.ndarray) -> Parts | None:
    if type(value) is not np.ndarray and type(value) not in _AS_ARRAYS:
        return None
    if type(value) in _AS_ARRAYS and value.dtype.kind in "biufcUS":
        return Parts("ndarray", [np.array(value)])
    if value.dtype.kind in "mM":
        return _moments(np.asarray(value))
    return _records(value) if value.dtype.kind == "V" else None


def _masked(value: Any) -> Parts | None:
    if type(value) is not np.ma.MaskedArray or value.dtype.kind not in "biufc":
        return None
    return Parts("masked", [np.array(value.data), np.array(np.ma.getmaskarray(value))])


def _table(value: Any) -> Parts | None:
    found = wire_tables.taken_apart(value)
    return None if found is None else Parts(*found)


_APART: dict[type, Callable[[Any], Parts | None]] = {
    Enum: _enum,
    Member: _member,
    set: _set,
    frozenset: _set,
    range: _range,
    int: _integer,
    bytes: _bytes,
    bytearray: _bytes,
    Fraction: _fraction,
    Decimal: _decimal,
    datetime.date: _date,
    datetime.time: _time,
    datetime.timedelta: _duration,
    np.datetime64: _moments,
    np.timedelta64: _moments,
    np.void: _records,
    np.ma.MaskedArray: _masked,
    np.ndarray: _array,
    **dict.fromkeys(VIEWS, lambda value: Parts("list", [*value])),
}


# --- putting together -----------------------------------------------------------------------------


def _text(value: Any, most: int, form: re.Pattern[str] | None = None) -> str:
    if (
        type(value) is not str
        or len(value) > most
        or (form is not None and form.fullmatch(value) is None)
    ):
        raise ValueError("a text of another form")
    return value


def _whole(text: Any, most: int = INT_DIGITS) -> int:
    return int(_text(text, most + 1, _HEX), 16)


def _a_range(start: Any, stop: Any, step: Any) -> range:
    if not are_all(int, (start, stop, step)):
        raise ValueError("a range of what are no integers")
    found = range(start, stop, step)
    if len(found) > MAX_LENGTH:
        raise ValueError("a range that is too long")
    return found


def _some_bytes(array: Any) -> bytes:
    if type(array) is not np.ndarray or array.dtype != np.uint8 or array.ndim != 1:
        raise ValueError("bytes that are none")
    return array.tobytes()


def _a_fraction(numerator: Any, denominator: Any) -> Fraction:
    return Fraction(_whole(numerator, RATIO_DIGITS), _whole(denominator, RATIO_DIGITS))


def _a_decimal(text: Any) -> Decimal:
    value = Decimal(_text(text, DECIMAL_TEXT, _DECIMAL))
    if value.is_finite() and abs(value.adjusted()) > DECIMAL_EXPONENT:
        raise ValueError("an exponent out of bounds")
    return value


def _moment(form: Any) -> Callable[[Any], Any]:
    def moment(text: Any) -> Any:
        return form.fromisoformat(_text(text, DATE_TEXT))

    return moment


def _a_duration(days: Any, seconds: Any, microseconds: Any) -> datetime.timedelta:
    if not are_all(int, (days, seconds, microseconds)):
        raise ValueError("a duration of what are no integers")
    return datetime.timedelta(days, seconds, microseconds)


def _a_member(module: Any, kind: Any, name: Any) -> Member:
    return Member(_text(kind, NAME_TEXT), _text(name, NAME_TEXT), _text(module, NAME_TEXT))


def _numpy_moments(code: str) -> Callable[[Any, Any], Any]:
    def moments(unit: Any, numbers: Any) -> Any:
        name = _text(unit, 12, _UNIT)
        dtype = np.dtype(f"{code}8" if name == "generic" else f"{code}8[{name}]")
        if getattr(numbers, "dtype", None) != np.int64:
            raise ValueError("moments of what are no integers")
        return numbers.view(dtype)

    return moments


def _some_records(alone: Any, names: Any, *columns: Any) -> Any:
    if type(names) is not list or len(names) != len(columns) or not 0 < len(names) <= MAX_FIELDS:
        raise ValueError("records of other fields")
    fields: list[tuple[str, Any]] = []
    arrays = list(map(np.asarray, columns))
    for name, array in zip(names, arrays, strict=True):
        if array.shape != arrays[0].shape:
            raise ValueError("records of columns that do not fit")
        fields.append((_text(name, NAME_TEXT), array.dtype))
    dtype = np.dtype(fields)
    if dtype.hasobject or max(map(len, names)) == 0:
        raise ValueError("records of columns that do not fit")
    records = np.empty(arrays[0].shape, dtype)
    for name, array in zip(names, arrays, strict=True):
        records[name] = array
    return records[()] if alone is True and not records.shape else records


def _an_array(array: Any) -> np.ndarray:
    if type(array) is not np.ndarray:
        raise ValueError("an array that is none")
    return array


def _a_masked(data: Any, mask: Any) -> Any:
    if type(data) is not np.ndarray or type(mask) is not np.ndarray:
        raise ValueError("a mask of what is not an array")
    if mask.dtype != np.bool_ or mask.shape != data.shape or data.dtype.kind not in "biufc":
        raise ValueError("a mask that does not fit")
    return np.ma.MaskedArray(data, mask, copy=False)


_TOGETHER: dict[str, Callable[..., Any]] = {
    "set": lambda *items: set(items),
    "frozenset": lambda *items: frozenset(items),
    "range": _a_range,
    "int": _whole,
    "bytes": _some_bytes,
    "fraction": _a_fraction,
    "decimal": _a_decimal,
    "date": _moment(datetime.date),
    "time": _moment(datetime.time),
    "datetime": _moment(datetime.datetime),
    "timedelta": _a_duration,
    "enum": _a_member,
    "datetime64": _numpy_moments("M"),
    "timedelta64": _numpy_moments("m"),
    "records": _some_records,
    "ndarray": _an_array,
    "masked": _a_masked,
}


# --- keys -----------------------------------------------------------------------------------------


def text_of(key: Any) -> str:
    """Return a text that is equal for equal keys of a dict; raise `TypeError` for a key that no
    dict can have.

    No hash and no equality of the key itself is asked for: a student chooses keys so that these
    take long.
    """
    if isinstance(key, np.generic) and key.dtype.kind not in "mMV":
        wide = {"f": np.float64, "c": np.complex128}.get(key.dtype.kind, key.dtype)
        key = np.asarray(key, dtype=wide).item()  # a long double's own item is none of Python's
    if type(key) is str:
        return "'" + key
    if isinstance(key, bool | int | float | Fraction | Decimal) or (
        isinstance(key, complex) and not key.imag
    ):
        return _text_of_number(key.real if isinstance(key, complex) else key)
    if key is None or isinstance(key, complex | bytes):
        return repr(key)
    if type(key) is tuple:
        return f"({', '.join(map(_inner, key))})"
    if isinstance(key, set) or not isinstance(key, collections.abc.Hashable):
        raise TypeError(f"unhashable: {type(key).__name__}")
    if isinstance(key, frozenset):
        return "{" + ", ".join(sorted(map(_inner, key))) + "}"
    parts = None if isinstance(key, tuple) else taken_apart(key)
    if parts is not None and parts.kind in (
        "date",
        "time",
        "datetime",
        "timedelta",
        "enum",
        "range",
    ):
        if isinstance(key, datetime.datetime) and key.utcoffset() is not None:
            return f"datetime {_since_the_first(key)}"
        return f"{parts.kind} {parts.items[-2:] if parts.kind == 'enum' else parts.items}"
    if isinstance(key, np.datetime64 | np.timedelta64):
        return f"{key.dtype} {key.astype(np.int64)}"
    handle = getattr(key, "handle", None)  # of a `Ref`
    return (
        f"{type(key).__name__} {handle}"
        if isinstance(key, tuple) and handle is not None
        else f"object {id(key)}"
    )


def _since_the_first(moment: datetime.datetime) -> datetime.timedelta:
    """Return the time from the first date in UTC to a moment with a time zone.

    A moment close to the first or the last date may lie outside of Python's range in UTC.
    """
    offset = moment.utcoffset() or datetime.timedelta()
    return moment.replace(tzinfo=None) - datetime.datetime.min - offset


def _inner(key: Any) -> str:
    """Return the text of a part of a key, with its length, so that no two keys have one text."""
    text = text_of(key)
    return f"{len(text)}:{text}"


def _text_of_number(number: Any) -> str:
    if isinstance(number, float | Decimal) and not math.isfinite(number):
        return repr(float(number))
    if isinstance(number, int):
        return format(int(number), "x")
    numerator, denominator = number.as_integer_ratio()
    return format(numerator, "x") if denominator == 1 else f"{numerator:x}/{denominator:x}"
