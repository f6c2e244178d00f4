"""Pictures as data in the page: a student's own, bounded, and ours of an array's errors."""

from __future__ import annotations

import base64
import binascii
import functools
import io
import itertools
import logging
import re
import struct
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from grader.error_map import CLASSES, COARSE_CLASSES, describe
from grader.model import ErrorMap, Scatter

if TYPE_CHECKING:
    from matplotlib.figure import Figure

# it warns on standard error if the user has no home
logging.getLogger("matplotlib").setLevel(logging.ERROR)

PICTURE_LIMIT = 400_000  # bytes of one picture of a student
SIDE_LIMIT = 4_096  # pixels: a small file can unfold to gigabytes
_DATA_URI = re.compile(r"data:image/(?:png|jpe?g);base64,", re.IGNORECASE)
_PNG = b"\x89PNG\r\n\x1a\n"
_JPEG_SIZES = {0xC0, 0xC1, 0xC2, 0xC3, 0xC5, 0xC6, 0xC7, 0xC9, 0xCA, 0xCB, 0xCD, 0xCE, 0xCF}
# darker is worse, for every kind of eye
_CLASS_COLOURS = ("#dfe4ea", "#f6c945", "#e8772e", "#a3123a", "#2b1145")
_INK = "#123456"  # stands for the page's text colour until the SVG is written
_GAP = "#9aa3ae"
_LETTERS = 9.75  # points: 13 pixels, as small text has on the page
_KEPT = 64  # pictures: both views of a report have the same, and a class makes the same mistakes
_SCHEMES = ":root{color:#1b2027}@media (prefers-color-scheme:dark){:root{color:#e5e8ec}}"


def safe_data_uri(uri: str) -> str | None:
    """Return a picture's data URI, built anew, or None if it may not be shown."""
    if not (start := _DATA_URI.match(uri)):
        return None
    return picture_uri(uri[start.end() :])


def picture_uri(encoded: str) -> str | None:
    """Return base64 text as a data URI if it is a PNG or JPEG of allowed size, else None."""
    if len(encoded) > PICTURE_LIMIT * 3 // 2:
        return None
    try:
        data = base64.b64decode("".join(encoded.split()), validate=True)
    except (binascii.Error, ValueError):
        return None
    size = _png_size(data) or _jpeg_size(data)
    if size is None or len(data) > PICTURE_LIMIT:
        return None
    if min(size) <= 0 or max(size) > SIDE_LIMIT:
        return None
    kind = "png" if data.startswith(_PNG) else "jpeg"
    return f"data:image/{kind};base64,{base64.b64encode(data).decode()}"


def _png_size(data: bytes) -> tuple[int, int] | None:
    """Return width and height of a PNG, or None."""
    if not data.startswith(_PNG) or data[12:16] != b"IHDR" or len(data) < 24:
        return None
    width, height = struct.unpack(">II", data[16:24])
    return width, height


def _jpeg_size(data: bytes) -> tuple[int, int] | None:
    """Return width and height of a JPEG, or None."""
    if not data.startswith(b"\xff\xd8\xff"):
        return None
    at = 2
    while at + 9 <= len(data) and data[at] == 0xFF:
        marker, length = data[at + 1], int.from_bytes(data[at + 2 : at + 4], "big")
        if marker in _JPEG_SIZES:
            height, width = struct.unpack(">HH", data[at + 5 : at + 9])
            return width, height
        at += 2 + max(length, 2)
    return None


@dataclass(frozen=True)
class Picture:
    """A picture of ours: an SVG as data, what it says in words, and its size in pixels.

    If words say everything, there is no SVG.
    """

    uri: str
    caption: str
    width: int = 0
    height: int = 0
    legend: tuple[tuple[int, str], ...] = ()  # what the colours mean, for the page to say in words


@functools.lru_cache(_KEPT)
def heat_map(error_map: ErrorMap, name: str) -> Picture:
    """Return the map of an array's errors; its axes have the array's names and indices."""
    from matplotlib.colors import BoundaryNorm, ListedColormap
    from matplotlib.ticker import MaxNLocator

    down, across = error_map.extent
    grid = error_map.classes
    folded = f", each cell the worst over {error_map.worst_over}" if error_map.worst_over else ""
    caption = f"Where `{name}` is wrong{folded}: {_lowered(describe(error_map))}"
    classes = sorted(set(itertools.chain.from_iterable(grid)))
    words = COARSE_CLASSES if error_map.coarse else CLASSES
    legend = tuple((number, words[number]) for number in classes)
    if len(classes) == 1:
        return Picture("", f"`{name}` is wrong everywhere: each entry is {words[classes[0]]}.")
    flat = not error_map.axes[0]
    height = 0.3 if flat else min(max(0.24 * len(grid), 0.8), 2.8)
    width = min(max(0.3 * len(grid[0]), 1.5), 3.8)
    left, right, below, above = 0.12 if flat else 0.62, 0.12, 0.5, 0.06
    figure = _figure(left + width + right, below + height + above)
    across_all, down_all = figure.get_size_inches()
    plot = figure.add_axes(
        (left / across_all, below / down_all, width / across_all, height / down_all)
    )
    colours = ListedColormap(_CLASS_COLOURS)
    norm = BoundaryNorm([number - 0.5 for number in range(len(CLASSES) + 1)], colours.N)
    extent = (-0.5, across - 0.5, down - 0.5, -0.5)
    plot.imshow(grid, cmap=colours, norm=norm, aspect="auto", interpolation="none", extent=extent)
    plot.hlines(_borders(len(grid), down), -0.5, across - 0.5, color=_GAP, linewidth=0.6)
    plot.vlines(_borders(len(grid[0]), across), -0.5, down - 0.5, color=_GAP, linewidth=0.6)
    plot.xaxis.set_major_locator(MaxNLocator(8, integer=True, min_n_ticks=1))
    plot.yaxis.set_major_locator(MaxNLocator(5, integer=True, min_n_ticks=1))
    plot.set_xlabel(error_map.axes[1], color=_INK, parse_math=False)
    plot.set_ylabel(error_map.axes[0], color=_INK, parse_math=False)
    if flat:
        plot.set_yticks([])
    return _picture(figure, caption, legend)


def _borders(cells: int, extent: int) -> list[float]:
    """Return the positions of the lines between cells along an axis of so many entries."""
    return [number * extent / cells - 0.5 for number in range(1, cells)]


@functools.lru_cache(_KEPT)
def scatter(counts: Scatter, name: str) -> Picture:
    """Return a gradient against the numerical one: on the diagonal they agree."""
    from matplotlib.colors import LinearSegmentedColormap, LogNorm

    figure = _figure(2.4, 2.4)
    plot = figure.add_axes((0.13, 0.13, 0.84, 0.84))
    cells = list(map(_without_zeros, counts.counts))
    most = max(itertools.chain.from_iterable(counts.counts), default=1)
    plot.imshow(
        cells,
        cmap=LinearSegmentedColormap.from_list("counts", ["#9ec9f5", "#3b82d6"]),
        norm=LogNorm(1, max(most, 2)),
        origin="lower",
        interpolation="none",
        extent=(0, 1, 0, 1),
    )
    plot.plot([0, 1], [0, 1], color=_INK, linewidth=0.8, linestyle=(0, (4, 3)))
    plot.set(xticks=[], yticks=[])
    plot.set_xlabel("yours", color=_INK)
    plot.set_ylabel("numerical", color=_INK)
    words = "without scale: on the dashed line they agree"
    return _picture(figure, f"Your `{name}` against the numerical gradient, {words}.")


def _without_zeros(row: Sequence[int]) -> list[float]:
    """Return a row of counts with NaN, which is not drawn, for zero."""
    return [count or float("nan") for count in row]


def _figure(width: float, height: float) -> Figure:
    """Return an empty figure, sizes in inches, in ink that later follows the page's colours."""
    from matplotlib.backends.backend_svg import FigureCanvasSVG
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), facecolor="none")
    FigureCanvasSVG(figure)
    return figure


def _picture(figure: Figure, caption: str, legend: tuple[tuple[int, str], ...] = ()) -> Picture:
    """Return a figure as SVG data, the same bytes each time."""
    import matplotlib as mpl

    for plot in figure.axes:
        plot.set_facecolor("none")
        plot.tick_params(colors=_INK, length=2.5, width=0.6)
        for spine in plot.spines.values():
            spine.set(color=_INK, linewidth=0.6)
    buffer = io.StringIO()
    with (
        warnings.catch_warnings(),
        mpl.rc_context(
            {
                "svg.fonttype": "none",
                "svg.hashsalt": "grader",
                "font.size": _LETTERS,
                "font.family": "DejaVu Sans",
            }
        ),
    ):
        # an axis may have a name in any script
        warnings.filterwarnings("ignore", "Glyph", UserWarning)
        figure.savefig(
            buffer, format="svg", metadata={"Date": None, "Creator": None}, transparent=True
        )
    text = buffer.getvalue()
    text = (
        text[text.index("<svg") :]
        .replace(_INK, "currentColor")
        .replace("<defs>", f"<style>{_SCHEMES}</style><defs>", 1)
    )
    text = text.replace("'DejaVu Sans'", "system-ui, 'DejaVu Sans', sans-serif")
    width, height = map(round, figure.get_size_inches() * 96)
    return Picture(
        f"data:image/svg+xml;base64,{base64.b64encode(text.encode()).decode()}",
        caption,
        width,
        height,
        legend,
    )


def _lowered(sentence: str) -> str:
    return sentence[:1].lower() + sentence[1:]
