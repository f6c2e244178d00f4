"""General observations: what is true of a wrong array beside the right one, where no known mistake fits. Pure.

Each is a sentence about the relation of the two, never about a number in either.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator

import numpy as np

from grader.checking.compare import distances
from grader.model import Tolerance

MOST_BLOCKS = 4  # blocks of columns whose order is tried


def observe(name: str, expected: object, got: object, axes: tuple[str, ...], tolerance: Tolerance) -> str:
    """Return one sentence about how ``got`` relates to ``expected``, or nothing where nothing simple is true."""
    if not isinstance(expected, np.ndarray) or not isinstance(got, np.ndarray) or got.dtype.kind not in "fiu":
        return ""
    if expected.dtype.kind != "f" or expected.size < 2 or not np.isfinite(expected).all():
        return ""

    def close(a: np.ndarray, b: np.ndarray) -> bool:
        """Return whether a is b within tolerance, and not trivially so."""
        return a.shape == b.shape and bool(a.size) and bool(b.any()) and not distances(b, a, tolerance)[1].any()

    finite = np.where(np.isfinite(got), got, 0.0).astype(np.float64)
    look = _shapes if got.shape != expected.shape else _values
    sentence = next(look(expected, finite, axes, close), "")
    return f"`{name}` {sentence}" if sentence else ""


Close = Callable[[np.ndarray, np.ndarray], bool]


def _shapes(expected: np.ndarray, got: np.ndarray, axes: tuple[str, ...], close: Close) -> Iterator[str]:
    """Yield what is true of arrays of different shapes."""
    if got.ndim == 2 and close(got.T, expected):
        yield "is the transpose of what is expected."
    if got.size == expected.size and close(got.reshape(expected.shape), expected):
        yield f"has the right numbers, but in the shape {got.shape} in place of {expected.shape}."
    for axis in range(got.ndim):
        if close(got.sum(axis=axis), expected):
            yield f"still has to be summed over an axis: its axis {axis}, of length {got.shape[axis]}, should be gone."
    for axis in range(expected.ndim):
        if close(got, expected.sum(axis=axis)):
            yield f"is summed over {_axis(axes, axis)}, which should be kept."


def _values(expected: np.ndarray, got: np.ndarray, axes: tuple[str, ...], close: Close) -> Iterator[str]:
    """Yield what is true of arrays of one shape."""
    if not got.any():
        yield "is zero everywhere."
        return
    if close(-got, expected):
        yield "has the opposite sign everywhere."
    yield from _scaled(expected, got, axes, close)
    if got.ndim == 2 and got.shape[0] == got.shape[1] and close(got.T, expected):
        yield "is the transpose of what is expected."
    yield from _time(expected, got, axes, close)
    yield from _blocks(expected, got, close)
    for axis in range(expected.ndim):
        if expected.shape[axis] > 1 and np.allclose(got, got.take([0], axis=axis), rtol=1e-9, atol=0):
            yield f"is the same all along {_axis(axes, axis)}, which it should not be."
    difference = expected - got
    if expected.ndim > 1:
        flat = difference.reshape(-1, expected.shape[-1])
        if len(flat) > 1 and close(np.broadcast_to(flat[:1], flat.shape), flat):
            yield "is off by the same row everywhere: a term like a bias is missing or stands there twice."


def _scaled(expected: np.ndarray, got: np.ndarray, axes: tuple[str, ...], close: Close) -> Iterator[str]:
    weight = float((got * got).sum())
    factor = float((got * expected).sum()) / weight if weight else 0.0
    if not factor or not np.isfinite(factor) or not close(got * factor, expected):
        return
    for axis, length in enumerate(expected.shape):
        for value, word in ((float(length), "multiplied by"), (1.0 / length, "divided by")):
            if length > 1 and abs(factor - value) < 1e-4 * value:
                yield f"would be right if it were {word} {length}, the length of {_axis(axes, axis)}."
                return
    yield f"is off by one and the same factor everywhere ({'too small' if abs(factor) > 1 else 'too large'})."


def _time(expected: np.ndarray, got: np.ndarray, axes: tuple[str, ...], close: Close) -> Iterator[str]:
    axis = next((i for i, name in enumerate(axes) if name.split(" ")[0] == "T"), None)
    if axis is None or axis >= expected.ndim or expected.shape[axis] < 3:
        return
    want, have = np.moveaxis(expected, axis, 0), np.moveaxis(got, axis, 0)
    right = [close(h, w) for h, w in zip(have, want, strict=True)]
    if close(have[1:], want[:-1]) or close(have[:-1], want[1:]):
        yield "is off by one step in time."
    elif close(have[::-1], want):
        yield "has the time steps in reverse order."
    elif right == [True] + [False] * (len(right) - 1):
        yield "is right at the first time step and wrong from the second on."
    elif right == [False] * (len(right) - 1) + [True]:
        yield "is right at the last time step only."


def _blocks(expected: np.ndarray, got: np.ndarray, close: Close) -> Iterator[str]:
    width = expected.shape[-1]
    if width % MOST_BLOCKS:
        return
    want, have = np.split(expected, MOST_BLOCKS, axis=-1), np.split(got, MOST_BLOCKS, axis=-1)
    for order in itertools.permutations(range(MOST_BLOCKS)):
        moved = [place for place, block in enumerate(order) if place != block]
        if moved and all(close(have[block], want[place]) for place, block in enumerate(order)):
            yield f"has its {MOST_BLOCKS} blocks of columns in another order ({len(moved)} of them are out of place)."
            return
    wrong = [place for place in range(MOST_BLOCKS) if not close(have[place], want[place])]
    if len(wrong) == 1:
        yield f"is wrong in one of its {MOST_BLOCKS} blocks of columns alone: block {wrong[0] + 1}."


def _axis(axes: tuple[str, ...], axis: int) -> str:
    return f"the axis {axes[axis]}" if axis < len(axes) else f"axis {axis}"
