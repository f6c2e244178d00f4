"""Fingerprints: enough of a value to tell equal from different, and of no use for anything else.
Pure.

A fingerprint is a value's shape and kind in words, its size, and a few fixed random projections of
it. What students get holds digests in place of these numbers: the numbers are rounded to a grid
whose step depends on the expected value, on several grids that are shifted against each other, so
that rounding noise can't put two equal values apart on all.
"""

from __future__ import annotations

import hashlib
import json
import math
import operator
import zlib
from collections.abc import Iterator, Mapping
from collections.abc import Set as AbstractSet
from typing import Any

import numpy as np

from grader.sandbox.wire_types import taken_apart, text_of

PROJECTIONS = 4
SAMPLE = 1 << 17  # entries of an array that are looked at
# relative to the value's size: float32 within a right-but-for-the-mistake solution still matches
CLOSE = 1e-4
SHIFTS = 3  # grids, each shifted by a third of its step
DIGEST_BYTES = 5
DIGESTS = "#"  # the word that begins the digests of a fingerprint
AS_EXPECTED = "="  # the word that stands for the fingerprint of what is right

# words, the value's size (its 1-norm), its projections; or one of the two words above
Fingerprint = list[Any]


def parts(name: str, value: Any) -> Iterator[tuple[str, Any]]:
    """Yield a dict's entries with their names if all keys are text; yield any other value whole."""
    if isinstance(value, dict) and value and all(isinstance(key, str) for key in value):
        for key in sorted(value):
            yield from parts(f"{name}[{key}]", value[key])
    else:
        yield name, value


def fingerprint(name: str, value: Any) -> Fingerprint:
    """Return a value's fingerprint: equal for equal values up to rounding, different for different
    ones.
    """
    if isinstance(value, Mapping):
        inner: list[Any] = []
        for key in sorted(value, key=str):
            inner += [str(key), *fingerprint(str(key), value[key])]
        return ["dict", 0.0, *inner]
    if type(value) in (list, tuple):
        inner = []
        for index, item in enumerate(value):
            inner += fingerprint(f"{name}[{index}]", item)
        return [f"{type(value).__name__} {len(value)}", 0.0, *inner]
    if isinstance(value, str):
        return [f"text {zlib.crc32(value.encode('utf-8', 'replace'))}", 0.0]
    if isinstance(value, bool):
        return [f"bool {value}", 0.0]
    parts_of = None if isinstance(value, float) else taken_apart(value)
    if parts_of is not None:
        items = parts_of.items
        if isinstance(value, AbstractSet):
            items = sorted(items, key=text_of)
        return [f"kind {parts_of.kind}", 0.0, *fingerprint(name, items)]
    if isinstance(value, np.ndarray | np.generic | int | float):
        return _of_array(name, np.asarray(value))
    return [type(value).__name__, 0.0]


def sample(array: np.ndarray) -> np.ndarray:
    """Return an array's entries in a row, or as many as `SAMPLE` spread over all of them."""
    return array.reshape(-1)[:: max(1, array.size // SAMPLE)].astype(np.float64)


def _of_array(name: str, array: np.ndarray) -> Fingerprint:
    """Return the fingerprint of an array or a number."""
    if array.dtype.kind == "c":
        array = np.stack([array.real, array.imag])
    if array.dtype.kind not in "biuf":
        return [str(array.dtype.kind), 0.0]
    words = f"{array.shape} {'f' if array.dtype.kind == 'f' else 'i'}"
    with np.errstate(all="ignore"):  # of numbers near the end of the range the sums are infinite
        flat = sample(array)
        finite = np.isfinite(flat)
        if not finite.all():
            odd = np.where(np.isnan(flat), 2, np.where(finite, 0, np.sign(flat)))
            words = f"{words} not finite {zlib.crc32(odd.astype(np.int8).tobytes())}"
            flat = np.where(finite, flat, 0.0)
        generator = np.random.default_rng(zlib.crc32(name.encode()))
        signs = generator.choice((-1.0, 1.0), size=(PROJECTIONS, flat.size))
        sums = [np.abs(flat).sum(), *(signs @ flat)]
    if not np.isfinite(sums).all():
        return [f"{words} beyond all bounds", 0.0]
    return [words, *(float(f"{number:.7g}") for number in sums)]


def same(a: Fingerprint, b: Fingerprint) -> bool:
    """Return whether two fingerprints are those of equal values."""
    if len(a) != len(b):
        return False
    size = 0.0
    for index, (x, y) in enumerate(zip(a, b, strict=True)):
        if isinstance(x, str) or isinstance(y, str):
            if x != y:
                return False
            following = a[index + 1] if index + 1 < len(a) else 0.0
            size = 0.0 if isinstance(following, str) else float(following)
        elif abs(x - y) > CLOSE * size / max(1.0, np.sqrt(PROJECTIONS)) + 1e-9:
            return False
    return True


def digests(print_: Fingerprint, expected: Fingerprint, salt: str) -> Fingerprint:
    """Return a digest of a fingerprint for each grid, which may be handed out.

    expected: the fingerprint of the right value, whose size both sides know; salt: different for
    every value
    """
    if same(print_, expected):
        return [AS_EXPECTED]
    largest = max((abs(part) for part in expected if isinstance(part, float)), default=0.0)
    step = CLOSE * (largest or 1.0)
    return [DIGESTS, *(_digest(print_, step, shift / SHIFTS, salt) for shift in range(SHIFTS))]


def agree(recorded: Fingerprint, own: Fingerprint, expected: Fingerprint, salt: str) -> bool:
    """Return whether a value's fingerprint is a recorded one, of which there may be digests
    alone.
    """
    if recorded[:1] == [AS_EXPECTED]:
        return same(own, expected)
    if recorded[:1] == [DIGESTS]:
        return any(map(operator.eq, recorded[1:], digests(own, expected, salt)[1:]))
    return same(recorded, own)


def _digest(print_: Fingerprint, step: float, shift: float, salt: str) -> str:
    rounded: list[Any] = []
    for part in print_:
        rounded.append(part if isinstance(part, str) else math.floor(part / step + shift))
    digest = hashlib.blake2b(json.dumps(rounded).encode(), digest_size=DIGEST_BYTES, key=_key(salt))
    return digest.hexdigest()


def _key(salt: str) -> bytes:
    return hashlib.sha256(salt.encode("utf-8", "replace")).digest()
