"""What a figure of the student's shows, as plain data.

Theory of operation. A figure stays in the box. Its parts are asked for there by matplotlib's own
methods, a few small answers for each pair of axes. What comes is of no certain type and may be a
lie like every answer; it is taken for text, a number or an array only if it is one.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from typing import Any

import numpy as np

from grader.checking.api.value import Value
from grader.checking.case.case import Case
from grader.checking.judge.plots import Axes
from grader.errors import StudentException
from grader.sandbox.wire import Ref

MOST = 64  # axes of a figure, and lines and sets of points of axes, that are looked at
SCATTER = "matplotlib.collections.PathCollection"


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


def shown_in(drawn: Any, case: Case) -> list[Axes] | None:
    """Return what a figure shows, axes by axes; None if there is no figure."""
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
        shown = [_axes(one) for one in _values(figure.get_axes())]
    except StudentException:  # it has not the methods of a figure
        return None
    for axes in shown:
        for key in above:  # what stands above all axes counts for each of them
            axes[key] = above[key] or axes[key]
    return shown


def _axes(axes: Value) -> Axes:
    lines = list(_values(axes.get_lines()))
    data = []
    for line in lines:
        xy = line.get_xydata()
        if isinstance(xy, np.ndarray) and xy.ndim == 2 and xy.dtype.kind == "f":
            data.append(xy)
    return {
        "title": any(_has_text(axes.get_title(loc=place)) for place in ("center", "left", "right")),
        "x label": _has_text(axes.get_xlabel()),
        "y label": _has_text(axes.get_ylabel()),
        "legend": _has_entries(axes.get_legend()),
        "lines": len(lines),
        "images": len(list(_values(axes.get_images()))),
        "others": _count(axes.collections) + _count(axes.patches),  # points, areas, bars
        "data": data,
        "points": list(_points(axes.collections)),
    }


def _points(collections: Value) -> Iterator[np.ndarray]:
    """Yield the points of each scatter diagram as an (N, 2) array. The order in which they were
    given shows nowhere, so they are sorted.
    """
    for number in range(min(_count(collections), MOST)):
        one = collections[number]
        kept = one.brought()
        if not isinstance(kept, Ref) or kept.type != SCATTER:
            continue  # an area, or bars of errors
        xy = one.get_offsets()
        if isinstance(xy, np.ma.MaskedArray):
            xy = np.asarray(xy.filled(np.nan)) if xy.dtype.kind == "f" else None
        if isinstance(xy, np.ndarray) and xy.ndim == 2 and xy.shape[1] == 2:
            there = xy[~np.isnan(xy).any(axis=1)] if xy.dtype.kind == "f" else xy
            yield there[np.lexsort(there.T[::-1])]


def _pyplot(case: Case) -> Value:
    return Value(case, [["module", "matplotlib.pyplot"]], "matplotlib.pyplot")


def _values(answer: Any) -> Iterator[Value]:
    """Yield what a sequence holds of objects in the box, as many as are looked at."""
    items = answer if isinstance(answer, tuple) else ()
    return islice((item for item in items if isinstance(item, Value)), MOST)


def _has_text(answer: Any) -> bool:
    return isinstance(answer, str) and bool(answer.strip())


def _has_entries(legend: Any) -> bool:
    return isinstance(legend, Value) and next(_values(legend.get_texts()), None) is not None


def _count(held: Value) -> int:
    """Return the length of something in the box, 0 if it has none."""
    answer = held.brought()
    if isinstance(answer, Ref):
        return max(0, answer.size)
    return len(answer) if isinstance(answer, list) else 0
