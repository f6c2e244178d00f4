"""Features of a picture, computed from its pixels alone: the stand-in for the VGG-16 of the real data set.

`measure` takes fixed statistics that anybody might take who knows nothing of the scenes: which hues there are, which
way edges run and how outlines bend, each over the whole picture and over its four halves, then where anything coloured
is at all, and how dark the rest is. `fc7` mixes them through one random layer with ReLU, so that, as in a real network,
no single feature means anything by itself and none is negative. `Pca` reduces that to what `load_coco_data` reads by
default.

All of `measure` and `fc7` is arithmetic on whole numbers (the one matrix product runs in float64, where whole numbers
of this size are exact in any order of summation; a square root is correctly rounded by IEEE 754), so from the same
pixels they come out the same to the last bit on every machine. The PCA does not: its directions hang on the LAPACK at
hand. Their signs are fixed, those that carry next to nothing are left out, and the result is rounded to steps of
1/1024, in which differences of rounding vanish save where a value stands right at the border of two steps.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

HUES = 12  # sectors of 30 degrees, the first around red
GREYS = 3  # dark, middle, bright
SATURATED = 40  # largest less smallest of R, G, B from which on a pixel has a hue
CELL = 16  # pixels: side of the grid's cells
DIRECTIONS = 8  # of edges, over half a turn
RINGS = (3, 6)  # pixels: distance of the eight neighbours that the outline is judged by
FC7_SIZE = 1024
PCA_SIZE = 256
STEP = 1024  # stored numbers are multiples of 1 / STEP, which gzip likes and float32 holds exactly

Ints = NDArray[np.int64]
Floats = NDArray[np.float32]


def measure(pixels: NDArray[np.uint8]) -> Ints:
    """Return the statistics of one picture, pixels (H, W, 3), as a vector of whole numbers."""
    channel = _channels(pixels.astype(np.int64))
    hues = (channel == np.arange(HUES)[:, None, None]).astype(np.int64)  # (HUES, H, W)
    greys = (channel == HUES + np.arange(GREYS)[:, None, None]).astype(np.int64)
    coloured = hues.sum(axis=0)  # (H, W), 0 or 1
    groups = [(16, _shares(hues, 100)), (32, _shares(_edges(coloured), 2000))]
    groups += [(32, _shares(_bends(coloured, ring), 200)) for ring in RINGS]
    groups += [(16, _areas(coloured)), (10, greys.sum(axis=(1, 2)))]
    # Roots let small things count beside large ones; the weights give the groups a like variance.
    return np.concatenate([np.floor(weight * np.sqrt(counts.ravel())) for weight, counts in groups]).astype(np.int64)


def _channels(pixels: Ints) -> Ints:
    """Name each pixel by its hue's sector, or by its grey: (H, W, 3) -> (H, W)."""
    red, green, blue = np.moveaxis(pixels, -1, 0)
    high, low = pixels.max(axis=-1), pixels.min(axis=-1)
    spread = np.maximum(high - low, 1)
    turn = np.where(
        high == red,
        60 * (green - blue) // spread,
        np.where(high == green, 120 + 60 * (blue - red) // spread, 240 + 60 * (red - green) // spread),
    )
    hue = (turn + 180 // HUES) % 360 * HUES // 360
    grey = HUES + high * 3 // 256
    return np.where(high - low >= SATURATED, hue, grey)


def _shares(maps: Ints, doubt: int) -> Ints:
    """Sum maps (K, H, W) over the picture and its halves: thousandths (5, K) of their total, which `doubt` is added to.

    The doubt keeps a half in which there is next to nothing from looking like one that is full of something.
    """
    _, height, width = maps.shape
    upper, lower = maps[:, : height // 2], maps[:, height // 2 :]
    left, right = maps[:, :, : width // 2], maps[:, :, width // 2 :]
    sums = np.stack([part.sum(axis=(1, 2)) for part in (maps, upper, lower, left, right)])
    return 1000 * sums // (sums.sum(axis=1, keepdims=True) + doubt)


def _areas(mask: Ints) -> Ints:
    """Count a mask's pixels in each cell of the grid."""
    height, width = mask.shape
    return mask.reshape(height // CELL, CELL, width // CELL, CELL).sum(axis=(1, 3))


def _edges(mask: Ints) -> Ints:
    """Map a mask's edges by the way they run, weighted by how steep they are: (H, W) -> (DIRECTIONS, H, W)."""
    across, down = _slopes(mask)
    across, down = np.where(down < 0, -across, across), np.abs(down)  # an edge and its opposite count as one
    # Borders between directions are lines of slope p / q; comparing q * down with p * across needs no arctangent.
    borders = ((1989, 10000), (6682, 10000), (10000, 6682), (10000, 1989))  # at 11.25, 33.75, 56.25 and 78.75 degrees
    steps = sum((q * down > p * np.abs(across)).astype(np.int64) for p, q in borders)
    direction = np.where(across >= 0, steps, DIRECTIONS - steps) % DIRECTIONS
    return (np.abs(across) + down) * (direction == np.arange(DIRECTIONS)[:, None, None])


def _slopes(mask: Ints) -> tuple[Ints, Ints]:
    """Sobel's differences across and down, (H, W) each, of a mask that is first blurred over 3 x 3 pixels."""
    for axis in (0, 1):
        mask = mask + np.roll(mask, 1, axis) + np.roll(mask, -1, axis)
    rows = np.roll(mask, 1, 0) + 2 * mask + np.roll(mask, -1, 0)
    columns = np.roll(mask, 1, 1) + 2 * mask + np.roll(mask, -1, 1)
    return np.roll(rows, -1, 1) - np.roll(rows, 1, 1), np.roll(columns, -1, 0) - np.roll(columns, 1, 0)


def _bends(mask: Ints, ring: int) -> Ints:
    """Map pixels by whether they are in the mask and how many of their eight neighbours at distance `ring` are.

    Straight sides, corners and the notches of a star leave different traces. Pixels outside without a neighbour inside
    are left out: they would say only how large the background is.
    """
    around = [(dy, dx) for dy in (-ring, 0, ring) for dx in (-ring, 0, ring) if (dy, dx) != (0, 0)]
    neighbours = sum(np.roll(mask, shift, axis=(0, 1)) for shift in around)
    cases = [(inside, count) for inside in (0, 1) for count in range(1 - inside, 9)]
    return np.stack([((mask == inside) & (neighbours == count)).astype(np.int64) for inside, count in cases])


def fc7(measures: Ints, random: np.random.RandomState) -> Floats:
    """Mix measures (N, M) through a layer of random weights -1, 0, 1 with ReLU into features (N, FC7_SIZE)."""
    weights = random.randint(-1, 2, size=(measures.shape[1], FC7_SIZE))
    mixed = (measures.astype(np.float64) @ weights.astype(np.float64)).astype(np.int64)
    return (np.maximum(mixed, 0) // 8 / STEP).astype(np.float32)


@dataclass(frozen=True)
class Pca:
    """Principal components of the training pictures: features less `mean` (D,) times `components` (D, PCA_SIZE)."""

    mean: NDArray[np.float64]
    components: NDArray[np.float64]

    @classmethod
    def fit(cls, features: Floats) -> Pca:
        """Find the components; each points where its largest entry is positive."""
        mean = features.mean(axis=0, dtype=np.float64)
        _, _, rows = np.linalg.svd(features - mean, full_matrices=False)
        rows = rows[:PCA_SIZE]
        largest = rows[np.arange(len(rows)), np.abs(rows).argmax(axis=1)]
        return cls(mean, (rows * np.sign(largest)[:, None]).T)

    def apply(self, features: Floats) -> Floats:
        """Reduce features (N, D) to (N, PCA_SIZE), in steps of 1 / STEP."""
        reduced = (features - self.mean) @ self.components
        return (np.round(reduced * STEP) / STEP).astype(np.float32)
