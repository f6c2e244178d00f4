"""Holds a value that came from a box against what is expected, and says in words how they differ.

Pure. A `Comparison` tells shapes, dtypes, how far off and where; it never holds an expected number.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from collections.abc import Set as AbstractSet
from decimal import Decimal
from fractions import Fraction
from typing import Any

import msgspec
import numpy as np

from grader.checking.judge.compare_types import compare_special, is_special
from grader.checking.judge.distances import distances
from grader.checking.judge.value_kinds import KINDS, describe, entries
from grader.error_map import classify
from grader.model import Comparison, ErrorMap, Scatter, Tolerance
from grader.sandbox.wire_types import text_of

SHOWN_PLACES = 5
EXACT = (range, Fraction, Decimal)  # kinds that others may stand for
GRID = 12  # cells of a scatter picture, each way


def compare(
    name: str,
    expected: Any,
    got: Any,
    tolerance: Tolerance,
    axes: tuple[str, ...] = (),
    *,
    gradient: bool = False,
    floats: bool = False,
    exact: bool = False,
) -> tuple[Comparison, ...]:
    """Compare a value with its expectation: one `Comparison`, or one for each entry of a dict or
    sequence.

    ``expected`` is trusted: an array, a number, a string, None, or a dict, list or tuple of these.
    ``axes`` names the axes of an array, for the picture of where it is wrong. ``floats``: integers
    are wrong even if they are equal. ``exact``: a list, a tuple and an array of the same values
    differ.
    """
    told = of_another_kind(name, expected, got) if exact else ""
    if told:
        return (_different(name, expected, got, told),)
    if not exact:
        got = in_kind(expected, got)
    if not floats:
        got = as_floats(expected, got, tolerance)
    found = tuple(_compare(name, expected, got, tolerance))
    if len(found) == 1 and found[0].wrong and isinstance(expected, np.ndarray):
        array = np.asarray(got)
        drawn = _scatter(expected, array) if gradient else None
        return (
            msgspec.structs.replace(
                found[0], error_map=_map(expected, array, tolerance, axes), scatter=drawn
            ),
        )
    return found


def kind_of(value: Any) -> Any:
    """Return what kind of container a value is, whatever is in it; None for what is none."""
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
        if more := _in_excess(expected, got):
            return f"`{name}` has {more}"
        found = {text_of(key): item for key, item in got.items()}
        for (part, want), key in zip(named(name, expected), expected, strict=True):
            if text_of(key) in found:
                inner.append((part, want, found[text_of(key)]))
    elif type(expected) in (list, tuple) and type(got) is type(expected):
        for place, (want, have) in enumerate(zip(expected, got, strict=False)):
            inner.append((f"{name}[{place}]", want, have))
    elif kind_of(expected) != kind_of(got):
        return f"`{name}` is {describe(got)}, expected {describe(expected)}: its kind matters here"
    return next(filter(None, (of_another_kind(*one) for one in inner)), "")


def in_kind(expected: Any, got: Any) -> Any:
    """Return a value with lists and tuples for arrays, or the other way, as expected; what does not
    fit as it is.
    """
    if isinstance(expected, dict):
        if not isinstance(got, dict):
            return got
        fitted = [
            (key, in_kind(expected[key], item) if key in expected else item)
            for key, item in got.items()
        ]
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
    """Yield the kinds of all that is in lists and tuples; "O" for what is no number."""
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
        inner = [] if not isinstance(got, dict) else [*got.items()]
        fitted = [(key, as_floats(expected.get(key), item, tolerance)) for key, item in inner]
        return got if not fitted else dict(fitted) if type(got) is dict else type(got)(fitted)
    if isinstance(expected, list | tuple):
        alike = type(got) in (list, tuple) and len(got) == len(expected)
        return (
            [as_floats(*pair, tolerance) for pair in zip(expected, got, strict=True)]
            if alike
            else got
        )
    if isinstance(expected, float | np.floating) and isinstance(got, Fraction | Decimal):
        return float(got)
    numbers = isinstance(got, np.ndarray | np.generic | int) and not isinstance(got, bool)
    if not numbers or not isinstance(expected, np.ndarray | np.generic | float):
        return got
    want, have = np.asarray(expected), np.asarray(got)
    if want.dtype.kind != "f" or have.dtype.kind not in "iu" or want.shape != have.shape:
        return got
    with np.errstate(all="ignore"):
        floats = have.astype(np.float64)
        return got if distances(want.astype(np.float64), floats, tolerance)[1].any() else floats


def _compare(name: str, expected: Any, got: Any, tolerance: Tolerance) -> Iterator[Comparison]:
    if is_special(expected):
        yield compare_special(name, expected, got, tolerance)
    elif isinstance(expected, dict):
        yield from _compare_dict(name, expected, got, tolerance)
    elif isinstance(expected, list | tuple):
        yield from _compare_sequence(name, expected, got, tolerance)
    elif isinstance(expected, str) or expected is None:
        ok = got is None if expected is None else isinstance(got, str) and got == expected
        message = (
            ""
            if ok
            else (
                f"`{name}` is {describe(got)} that differs from what is expected"
                f" ({describe(expected)})"
            )
        )
        yield Comparison(name, ok, message, describe(got), describe(expected))
    else:
        yield _compare_numbers(name, np.asarray(expected), got, tolerance)


def _compare_dict(
    name: str, expected: dict[Any, Any], got: Any, tolerance: Tolerance
) -> Iterator[Comparison]:
    if not isinstance(got, Mapping):
        yield _different(name, expected, got, f"`{name}` is {describe(got)}, expected a dict")
        return
    found = {text_of(key): item for key, item in got.items()}
    missing = [key for key in expected if text_of(key) not in found]
    more = "" if _holds_arrays(expected) else _in_excess(expected, got)
    if missing and all(type(key) is str for key in expected):
        lacks = "lacks " + ", ".join(f"`{key}`" for key in missing)
    else:
        lacks = f"lacks {len(missing)} of its {len(expected)} keys" if missing else ""
    told = [lacks] if lacks else []
    told += [f"has {more}"] if more else []
    if told:
        yield _different(name, expected, got, f"`{name}` {' and '.join(told)}")
    for (inner, value), key in zip(named(name, expected), expected, strict=True):
        if text_of(key) in found:
            yield from _compare(inner, value, found[text_of(key)], tolerance)


def _holds_arrays(expected: Mapping[Any, Any]) -> bool:
    """Return whether a dict holds arrays by their names, such as gradients: more is right there."""
    names = all(type(key) is str for key in expected)
    return names and any(isinstance(value, np.ndarray) for value in expected.values())


def _in_excess(expected: Mapping[Any, Any], got: Mapping[Any, Any]) -> str:
    """Say how many keys should not be there; none is named, since keys may be the answer."""
    right = {text_of(key) for key in expected}
    more = sum(text_of(key) not in right for key in got)
    return f"{more} key{'s' if more > 1 else ''} that should not be there" if more else ""


def named(name: str, expected: Mapping[Any, Any]) -> Iterator[tuple[str, Any]]:
    """Yield the values of a dict that is expected under the names that comparisons give them."""
    text = all(type(key) is str for key in expected)
    for place, (key, value) in enumerate(expected.items(), start=1):
        yield f"{name}[{key}]" if text else f"{name}[entry {place}]", value


def _compare_sequence(
    name: str, expected: Any, got: Any, tolerance: Tolerance
) -> Iterator[Comparison]:
    if type(got) not in (list, tuple):  # a `Ref` is a tuple too
        yield _different(
            name, expected, got, f"`{name}` is {describe(got)}, expected {describe(expected)}"
        )
    elif len(got) != len(expected):
        yield _different(
            name, expected, got, f"`{name}` has {entries(len(got))}, expected {len(expected)}"
        )
    else:
        for index, (want, have) in enumerate(zip(expected, got, strict=True)):
            yield from _compare(f"{name}[{index}]", want, have, tolerance)


def _compare_numbers(name: str, expected: np.ndarray, got: Any, tolerance: Tolerance) -> Comparison:
    if (
        isinstance(got, np.ndarray | np.generic | bool | int | float | complex)
        and type(got) is not np.ma.MaskedArray
    ):
        array = np.asarray(got)
    else:
        return _different(
            name, expected, got, f"`{name}` is {describe(got)}, expected {describe(expected)}"
        )
    if array.shape != expected.shape:
        return _different(
            name, expected, got, f"`{name}` has shape {array.shape}, expected {expected.shape}"
        )
    kinds = KINDS.get(array.dtype.kind, "other values"), KINDS[expected.dtype.kind]
    if kinds[0] != kinds[1]:
        return _different(name, expected, got, f"`{name}` holds {kinds[0]}, expected {kinds[1]}")
    if array.dtype.kind == "O" or array.dtype.kind not in KINDS:
        return _different(
            name, expected, got, f"`{name}` is {describe(got)}, expected {describe(expected)}"
        )
    if expected.dtype.kind in "fc":
        return _compare_floats(name, expected, array, tolerance)
    wrong = array != expected
    return _values(name, expected, array, wrong, None, None)


def _compare_floats(
    name: str, expected: np.ndarray, got: np.ndarray, tolerance: Tolerance
) -> Comparison:
    wide = np.complex128 if expected.dtype.kind == "c" else np.float64
    # a long double may be beyond a double: infinite is what it is to us
    with np.errstate(over="ignore"):
        want, have = expected.astype(wide), got.astype(wide)
    odd = ~np.isfinite(have) & np.isfinite(want)
    if odd.any():
        nans = int(np.isnan(have[odd]).sum())
        kinds = [
            f"{count} {word}"
            for count, word in ((nans, "NaN"), (int(odd.sum()) - nans, "infinite"))
            if count
        ]
        count = (
            f"{' and '.join(kinds)} of {entries(have.size)}"
            if have.shape
            else kinds[0].split(" ", 1)[1]
        )
        message = (
            f"`{name}` has the right shape, but is {count}"
            if not have.shape
            else f"`{name}` has {count}"
        )
        return msgspec.structs.replace(
            _values(name, expected, got, odd, None, None), message=message + _first(odd)
        )
    finite = np.isfinite(want)
    distance, wrong, _ = distances(want, have, tolerance)
    absolute = _rough(distance[finite].max(initial=0.0))
    if not wrong.any():
        return _values(name, expected, got, wrong, 0.0, absolute)
    if not (wrong & finite).any():  # infinite of the other sign, or finite
        return _values(name, expected, got, wrong, None, None)
    with np.errstate(invalid="ignore", over="ignore"):
        magnitude = np.maximum(np.maximum(np.abs(have), np.abs(want)), 1e-300)
        relative = np.where(wrong & finite, distance / magnitude, 0.0)
    return _values(name, expected, got, wrong, _rough(relative.max(initial=0.0)), absolute)


def _rough(error: Any) -> float:
    """Return an error to two digits: what differs from a known answer by an exact error would be
    known itself.
    """
    return float(f"{float(error):.1e}")


def _map(
    expected: np.ndarray, got: np.ndarray, tolerance: Tolerance, axes: tuple[str, ...]
) -> ErrorMap | None:
    """Return the picture's classes: how far off each part is."""
    if expected.dtype.kind not in "fc":
        return classify((got != expected).astype(float), got != expected, 1.0, axes)
    with np.errstate(over="ignore"):  # what is beyond a double counts as infinite
        return classify(*distances(expected.astype(complex), got.astype(complex), tolerance), axes)


def _scatter(expected: np.ndarray, got: np.ndarray) -> Scatter | None:
    """Return counts of (expected, got) pairs on a coarse grid without its scale: a pattern, and no
    number.
    """
    if expected.size < GRID or expected.dtype.kind not in "fiu":
        return None
    with np.errstate(over="ignore"):  # what is beyond a double counts as infinite
        both = np.stack([expected.ravel(), got.ravel()]).astype(np.float64)
    low, high = float(both.min()), float(both.max())
    if not high - low < np.inf:  # not finite, or too far apart for a scale
        return None
    counts, _, _ = np.histogram2d(both[0], both[1], bins=GRID, range=[[low, high], [low, high]])
    return Scatter(tuple(tuple(int(count) for count in row) for row in counts))


def _values(
    name: str,
    expected: np.ndarray,
    got: np.ndarray,
    wrong: np.ndarray,
    relative: float | None,
    absolute: float | None,
) -> Comparison:
    """Return the comparison of two arrays that agree in shape and kind."""
    count = int(wrong.sum())
    message = ""
    if count:
        off = "the value is off" if not wrong.shape else f"{count} of {entries(wrong.size)} are off"
        errors = (
            ""
            if relative is None
            else f": largest relative error {relative:.2g}, absolute {absolute:.2g}"
        )
        message = f"`{name}` has the right shape {expected.shape}, but {off}{errors}{_first(wrong)}"
        if not wrong.shape:
            message = f"`{name}` is off{errors}"
    return Comparison(
        name=name,
        ok=count == 0,
        message=message,
        got=describe(got),
        expected=describe(expected),
        max_relative_error=relative,
        max_absolute_error=absolute,
        wrong=count,
        total=int(wrong.size),
        where=(
            tuple(tuple(int(i) for i in place) for place in np.argwhere(wrong)[:SHOWN_PLACES])
            if count
            else ()
        ),
    )


def _first(wrong: np.ndarray) -> str:
    if not wrong.shape or not wrong.any():
        return ""
    place = ", ".join(str(int(i)) for i in np.argwhere(wrong)[0])
    return f", first at [{place}]"


def _different(name: str, expected: Any, got: Any, message: str) -> Comparison:
    return Comparison(name, False, message, describe(got), describe(expected))
