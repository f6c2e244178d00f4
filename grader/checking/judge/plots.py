"""Plots: what a figure of the student's shows, told as plain data and held against what the
reference's shows.

Theory of operation. A figure stays in the box. Its parts are asked for there by matplotlib's own
methods, a few small answers for each pair of axes. What comes is of no certain type and may be a
lie like every answer; it is taken for text, a number or an array only where it is one.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from itertools import islice
from typing import Any

import numpy as np

from grader.checking.api.case import Case
from grader.checking.api.value import Value
from grader.checking.judge.compare import compare
from grader.errors import AssignmentError, StudentException
from grader.model import Comparison, Tolerance
from grader.sandbox.wire import Ref

PARTS = ("title", "labels", "legend", "lines", "images", "data")
# the data of lines only where a check asks for it: they may be drawn in many ways
USUAL = PARTS[:-1]
MOST = 64  # axes of a figure, and lines of axes, that are looked at
LABELS = {
    "title": "a title",
    "x label": "a label of its x axis",
    "y label": "a label of its y axis",
}

Axes = dict[str, Any]  # what is told of one pair of axes; plain, to be recorded


def figure_of(drawn: Any, case: Case) -> Value | None:
    """Return the figure that a function drew: what it returned belongs to one, or else the current
    one, or None.

    ``drawn``: a figure, axes, a line, a sequence that begins with one of these, or None.
    """
    while isinstance(drawn, tuple | list) and drawn:
        drawn = drawn[0]
    if isinstance(drawn, Value):
        figure = drawn.get_figure()
        return figure if isinstance(figure, Value) else None
    pyplot = _pyplot(case)
    if drawn is not None or not pyplot.get_fignums():
        return None
    current = pyplot.gcf()
    return current if isinstance(current, Value) else None


def close_all(case: Case) -> None:
    """Close the figures of a case: the next one's current figure is to be its own."""
    _pyplot(case).close("all")


def told(drawn: Any, case: Case) -> list[Axes] | None:
    """Return what a figure shows, axes by axes; None where there is no figure."""
    try:
        figure = figure_of(drawn, case)
        if figure is None:
            return None
        above = {
            "title": _has_text(figure.get_suptitle()),
            "x label": _has_text(figure.get_supxlabel()),
            "y label": _has_text(figure.get_supylabel()),
            "legend": _count(figure.legends) > 0,
        }
        axes = [_axes(one) for one in _values(figure.get_axes())]
    except StudentException:  # it has not the methods of a figure
        return None
    return [{key: above.get(key, False) or value for key, value in one.items()} for one in axes]


def _axes(axes: Value) -> Axes:
    lines = list(_values(axes.get_lines()))
    data = [line.get_xydata() for line in lines]
    return {
        "title": any(_has_text(axes.get_title(loc=place)) for place in ("center", "left", "right")),
        "x label": _has_text(axes.get_xlabel()),
        "y label": _has_text(axes.get_ylabel()),
        "legend": axes.get_legend() is not None,
        "lines": len(lines),
        "images": len(list(_values(axes.get_images()))),
        "others": _count(axes.collections) + _count(axes.patches),  # points, areas, bars
        "data": [
            xy
            for xy in data
            if isinstance(xy, np.ndarray) and xy.ndim == 2 and xy.dtype.kind == "f"
        ],
    }


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
            found += _lines(one, want["data"], have["data"], tolerance)
    return tuple(found)


def check_parts(name: str, parts: Collection[str]) -> None:
    """Raise `AssignmentError` where a check asks for what no plot has."""
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
    kinds = ("lines", "images", "others")
    if any(want[kind] for kind in kinds) and not any(have[kind] for kind in kinds):
        yield f"`{name}` is empty"


def _lines(
    name: str, want: list[Any], have: list[Any], tolerance: Tolerance
) -> Iterator[Comparison]:
    """Yield, for each line of the reference's, the comparison with that line which comes nearest to
    it.
    """
    for number, expected in enumerate(want, start=1):
        line = f"{name}, line {number}" if len(want) > 1 else f"{name}, line"
        tries = [compare(line, expected, got, tolerance, ("points", "x and y"))[0] for got in have]
        lacks = Comparison(line, False, f"`{line}` is not drawn")
        yield min(tries, key=lambda one: (not one.ok, not one.wrong, one.wrong), default=lacks)


def _pyplot(case: Case) -> Value:
    return Value(case, [["module", "matplotlib.pyplot"]], "matplotlib.pyplot")


def _values(answer: Any) -> Iterator[Value]:
    """Yield what a sequence holds of objects in the box, as many as are looked at."""
    items = answer if isinstance(answer, tuple) else ()
    return islice((item for item in items if isinstance(item, Value)), MOST)


def _has_text(answer: Any) -> bool:
    return isinstance(answer, str) and bool(answer.strip())


def _count(held: Value) -> int:
    """Return the length of something in the box, 0 where it has none."""
    answer = held.brought()
    return (
        max(0, answer.size)
        if isinstance(answer, Ref)
        else len(answer)
        if isinstance(answer, list)
        else 0
    )
