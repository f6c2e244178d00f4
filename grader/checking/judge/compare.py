"""Holds a value that came from a box against what is expected, and says in words how they differ.

Pure. A `Comparison` tells shapes, dtypes, how far off and where; it never holds an expected number.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import msgspec
import numpy as np

from grader.checking.judge.values.compare_types import compare_special, is_special
from grader.checking.judge.values.conversions import (
    as_floats,
    in_excess,
    in_kind,
    named,
    of_another_kind,
)
from grader.checking.judge.values.distances import distances
from grader.checking.judge.values.value_kinds import KINDS, describe, entries
from grader.error_map import classify
from grader.model import Comparison, ErrorMap, Scatter, Tolerance
from grader.sandbox.wire_types import text_of

SHOWN_PLACES = 5
GRID = 12  # cells of a scatter picture, each way


# of whatever numbers come: those beyond a double count as infinite
@np.errstate(all="ignore")
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
    kind_differs = of_another_kind(name, expected, got) if exact else ""
    if kind_differs:
        return (_different(name, expected, got, kind_differs),)
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


def _compare(name: str, expected: Any, got: Any, tolerance: Tolerance) -> Iterator[Comparison]:
    if is_special(expected):
        yield compare_special(name, expected, got, tolerance)
    elif isinstance(expected, dict):
        yield from _compare_dict(name, expected, got, tolerance)
    elif isinstance(expected, list | tuple):
        yield from _compare_sequence(name, expected, got, tolerance)
    elif isinstance(expected, str) or expected is None:
        ok = got is None if expected is None else isinstance(got, str) and got == expected
        kinds = describe(got), describe(expected)
        differs = f"`{name}` is {kinds[0]} that differs from what is expected ({kinds[1]})"
        yield Comparison(name, ok, "" if ok else differs, *kinds)
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
    more = "" if _holds_arrays(expected) else in_excess(expected, got)
    found_wrong = []
    if missing and all(type(key) is str for key in expected):
        found_wrong.append("lacks " + ", ".join(f"`{key}`" for key in missing))
    elif missing:
        found_wrong.append(f"lacks {len(missing)} of its {len(expected)} keys")
    if more:
        found_wrong.append(f"has {more}")
    if found_wrong:
        yield _different(name, expected, got, f"`{name}` {' and '.join(found_wrong)}")
    for (inner, value), key in zip(named(name, expected), expected, strict=True):
        if text_of(key) in found:
            yield from _compare(inner, value, found[text_of(key)], tolerance)


def _holds_arrays(expected: Mapping[Any, Any]) -> bool:
    """Return whether a dict holds arrays by their names, such as gradients: more is right there."""
    names = all(type(key) is str for key in expected)
    return names and any(isinstance(value, np.ndarray) for value in expected.values())


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
    want, have = expected.astype(wide), got.astype(wide)
    odd = ~np.isfinite(have) & np.isfinite(want)
    if odd.any():
        message = _not_finite(name, have, odd)
        return msgspec.structs.replace(
            _values(name, expected, got, odd, None, None), message=message
        )
    finite = np.isfinite(want)
    distance, wrong, _ = distances(want, have, tolerance)
    absolute = _rough(distance[finite].max(initial=0.0))
    if not wrong.any():
        return _values(name, expected, got, wrong, 0.0, absolute)
    if not (wrong & finite).any():  # infinite of the other sign, or finite
        return _values(name, expected, got, wrong, None, None)
    magnitude = np.maximum(np.maximum(np.abs(have), np.abs(want)), 1e-300)
    relative = np.where(wrong & finite, distance / magnitude, 0.0)
    return _values(name, expected, got, wrong, _rough(relative.max(initial=0.0)), absolute)


def _not_finite(name: str, have: np.ndarray, odd: np.ndarray) -> str:
    """Say how many of the entries that should be finite are NaN or infinite."""
    nans = int(np.isnan(have[odd]).sum())
    if not have.shape:
        return f"`{name}` has the right shape, but is {'NaN' if nans else 'infinite'}"
    kinds = []
    for count, word in ((nans, "NaN"), (int(odd.sum()) - nans, "infinite")):
        if count:
            kinds.append(f"{count} {word}")
    return f"`{name}` has {' and '.join(kinds)} of {entries(have.size)}{_first(odd)}"


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
    return classify(*distances(expected.astype(complex), got.astype(complex), tolerance), axes)


def _scatter(expected: np.ndarray, got: np.ndarray) -> Scatter | None:
    """Return counts of (expected, got) pairs on a coarse grid without its scale: a pattern, and no
    number.
    """
    if expected.size < GRID or expected.dtype.kind not in "fiu":
        return None
    both = np.stack([expected.ravel(), got.ravel()]).astype(np.float64)
    low, high = float(both.min()), float(both.max())
    if not high - low < np.inf:  # not finite, or too far apart for a scale
        return None
    counts, _, _ = np.histogram2d(both[0], both[1], bins=GRID, range=[[low, high], [low, high]])
    return Scatter(_whole_numbers(counts))


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
    return Comparison(
        name=name,
        ok=count == 0,
        message=_off(name, wrong, relative, absolute) if count else "",
        got=describe(got),
        expected=describe(expected),
        max_relative_error=relative,
        max_absolute_error=absolute,
        wrong=count,
        total=int(wrong.size),
        where=_whole_numbers(np.argwhere(wrong)[:SHOWN_PLACES]) if count else (),
    )


def _off(name: str, wrong: np.ndarray, relative: float | None, absolute: float | None) -> str:
    """Say how many entries are wrong, and by how much."""
    errors = ""
    if relative is not None:
        errors = f": largest relative error {relative:.2g}, absolute {absolute:.2g}"
    if not wrong.shape:
        return f"`{name}` is off{errors}"
    off = f"{int(wrong.sum())} of {entries(wrong.size)} are off"
    return f"`{name}` has the right shape {wrong.shape}, but {off}{errors}{_first(wrong)}"


def _whole_numbers(rows: np.ndarray) -> tuple[tuple[int, ...], ...]:
    """Return the rows of a matrix as tuples of Python's integers."""
    return tuple(tuple(row) for row in rows.astype(int).tolist())


def _first(wrong: np.ndarray) -> str:
    if not wrong.shape or not wrong.any():
        return ""
    place = ", ".join(str(int(i)) for i in np.argwhere(wrong)[0])
    return f", first at [{place}]"


def _different(name: str, expected: Any, got: Any, message: str) -> Comparison:
    return Comparison(name, False, message, describe(got), describe(expected))
