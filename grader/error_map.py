"""How far off each part of an array is, in classes for a picture: a pattern, not numbers."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import TYPE_CHECKING

import msgspec

from grader.model import ErrorMap

if TYPE_CHECKING:
    import numpy as np

ROWS, COLUMNS = 24, 48  # cells at most
CLASSES = ("within tolerance", "under 1 % off", "under 10 % off", "further off", "not finite")
COARSE_CLASSES = ("within tolerance", "off")
_BOUNDS = (0.01, 0.1)  # of the scale: between the classes of wrong entries


def classify(
    distance: np.ndarray, wrong: np.ndarray, scale: float, axes: Sequence[str] = ()
) -> ErrorMap | None:
    """Return the map of an array's errors over its last two axes, the worst over the others.

    A single number has no map: None.

    distance: absolute errors, NaN or infinite where an entry is not finite
    wrong: which entries are out of tolerance, of the same shape
    scale: the largest expected magnitude
    axes: a name for each axis, such as "T time"
    """
    import numpy as np

    if distance.ndim == 0 or distance.size < 2:
        return None
    names = list(axes)
    if len(names) != distance.ndim:
        names = list(map("axis {}".format, range(distance.ndim)))
    finite = np.isfinite(distance)
    relative = np.where(finite, distance, 0.0) / (scale or 1.0)
    classes = np.where(wrong, 1 + np.searchsorted(_BOUNDS, relative, side="right"), 0)
    classes = np.where(wrong & ~finite, len(CLASSES) - 1, classes)
    if classes.ndim == 1:
        classes, names = classes[None, :], ["", *names]
    folded = classes.max(axis=tuple(range(classes.ndim - 2))) if classes.ndim > 2 else classes
    rows, columns = folded.shape
    cells = _fold(_fold(folded, ROWS).T, COLUMNS).T
    return ErrorMap(
        classes=tuple(map(tuple, cells.tolist())),
        axes=(names[-2], names[-1]),
        extent=(rows, columns),
        worst_over=", ".join(names[:-2]),
    )


def coarse(error_map: ErrorMap) -> ErrorMap:
    """Return a map that says of each part only whether it is off.

    Many reports on the same inputs with finer classes would disclose what was expected.
    """
    classes: list[tuple[int, ...]] = []
    for row in error_map.classes:
        classes.append(tuple(min(cell, 1) for cell in row))
    return msgspec.structs.replace(error_map, classes=tuple(classes), coarse=True)


def _fold(classes: np.ndarray, limit: int) -> np.ndarray:
    """Return an array with at most ``limit`` rows, each the worst of the rows folded into it."""
    import numpy as np

    rows = classes.shape[0]
    if rows <= limit:
        return classes
    starts = [row * rows // limit for row in range(limit)]
    folded: np.ndarray = np.maximum.reduceat(classes, starts, axis=0)
    return folded


def describe(error_map: ErrorMap) -> str:
    """Say in a sentence which part is wrong: 'right up to time 0, wrong from time 1 on'."""
    rows = list(map(any, error_map.classes))
    columns = list(map(any, zip(*error_map.classes, strict=True)))
    down, across = map(_span, (rows, columns), error_map.axes, error_map.extent)
    if down or across:
        return f"{'; '.join(filter(None, (down, across)))}."
    cells = list(itertools.chain.from_iterable(error_map.classes))
    wrong = len(cells) - cells.count(0)
    if wrong == len(cells):
        return "Wrong everywhere."
    share = max(1, round(100 * wrong / len(cells)))
    return f"Wrong in {share} % of the cells, without a block of its own."


def _span(flags: list[bool], name: str, extent: int) -> str:
    """Say which stretch of an axis is wrong, if it is one stretch and not the whole axis."""
    if len(flags) < 2 or all(flags) or not any(flags):
        return ""
    first, last = flags.index(True), len(flags) - 1 - flags[::-1].index(True)
    if not all(flags[first : last + 1]):
        return ""
    start, stop = first * extent // len(flags), (last + 1) * extent // len(flags) - 1
    word = f"{name}, index" if name.startswith("axis") else (name.split() or [""])[-1]
    if last == len(flags) - 1:
        return f"Right up to {word} {start - 1}, wrong from {start} on"
    if first == 0:
        return f"Wrong up to {word} {stop}, right from {stop + 1} on"
    if start == stop:
        return f"Wrong only at {word} {start}"
    return f"Wrong only from {word} {start} to {stop}"
