"""Holds what a figure shows against what the reference's shows. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import Any

from grader.checking.judge.compare import compare
from grader.errors import AssignmentError
from grader.model import Comparison, Tolerance

# "data" and "points", the data of lines and of scatter diagrams, only if a check asks for them:
# they may be drawn in many ways
USUAL = ("title", "labels", "legend", "lines", "images")
PARTS = (*USUAL, "data", "points")
LABELS = {
    "title": "a title",
    "x label": "a label of its x axis",
    "y label": "a label of its y axis",
}

Axes = dict[str, Any]  # what one pair of axes shows; plain, to be recorded


def judged(
    name: str,
    expected: list[Axes],
    got: list[Axes] | None,
    tolerance: Tolerance,
    parts: Collection[str],
) -> tuple[Comparison, ...]:
    """Hold what a figure shows against what the reference's does; it may show more."""
    check_parts(name, parts)
    if got is None:
        return (Comparison(name, False, f"`{name}`: there is no figure"),)
    if len(got) < len(expected):
        return (Comparison(name, False, f"`{name}` has {len(got)} axes, expected {len(expected)}"),)
    found: list[Comparison] = []
    for number, (want, have) in enumerate(zip(expected, got, strict=False), start=1):
        one = name if len(expected) == 1 else f"{name}, axes {number}"
        missing = "; ".join(_missing(one, want, have, parts))
        found.append(Comparison(one, not missing, missing))
        if "data" in parts:
            found += _nearest(one, "line", want["data"], have["data"], tolerance)
        if "points" in parts:
            found += _nearest(one, "points", want.get("points", []), have["points"], tolerance)
    return tuple(found)


def check_parts(name: str, parts: Collection[str]) -> None:
    """Raise `AssignmentError` if a check asks for a part that no plot has."""
    for part in parts:
        if part not in PARTS:
            raise AssignmentError(
                f"`{name}` is asked for {part!r}: the parts of a plot are {', '.join(PARTS)}"
            )


def _missing(name: str, want: Axes, have: Axes, parts: Collection[str]) -> Iterator[str]:
    """Yield what axes lack of what the reference's have."""
    for key, words in LABELS.items():
        if ("title" if key == "title" else "labels") in parts and want[key] and not have[key]:
            yield f"`{name}` lacks {words}"
    if "legend" in parts and want["legend"] and not have["legend"]:
        yield f"`{name}` lacks a legend"
    for key in ("lines", "images"):
        if key in parts and have[key] < want[key]:
            yield f"`{name}` has {have[key]} {key}, expected {want[key]}"
    if _is_empty(have) and not _is_empty(want):
        yield f"`{name}` is empty"


def _is_empty(axes: Axes) -> bool:
    return not (axes["lines"] or axes["images"] or axes["others"])


def _nearest(
    name: str, what: str, want: list[Any], have: list[Any], tolerance: Tolerance
) -> Iterator[Comparison]:
    """Yield, for each line or set of points of the reference's, the comparison with the one that
    comes nearest to it.
    """
    for number, expected in enumerate(want, start=1):
        one = f"{name}, {what} {number}" if len(want) > 1 else f"{name}, {what}"
        tries = []
        for got in have:
            tries.append(compare(one, expected, got, tolerance, ("points", "x and y"))[0])
            if what == "line":  # drawn backwards, it looks the same
                tries.append(compare(one, expected, got[::-1], tolerance)[0])
        lacks = Comparison(one, False, f"`{one}` {'is' if what == 'line' else 'are'} not drawn")
        yield min(tries, key=lambda one: (not one.ok, not one.wrong, one.wrong), default=lacks)
