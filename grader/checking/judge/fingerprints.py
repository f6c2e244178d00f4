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
import zlib
from collections.abc import Iterator, Mapping
from collections.abc import Set as AbstractSet
from typing import Any

import numpy as np

from grader.sandbox.wire_types import taken_apart, text_of

PROJECTIONS = 4
SAMPLE = 1 << 17  # entries of an array that its fingerprint looks at, spread over all of it
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
        keys = sorted(value, key=str)
        return [
            "dict",
            0.0,
            *(part for key in keys for part in (str(key), *fingerprint(str(key), value[key]))),
        ]
    if type(value) in (list, tuple):
        inner = (
            part
            for index, item in enumerate(value)
            for part in fingerprint(f"{name}[{index}]", item)
        )
        return [f"{type(value).__name__} {len(value)}", 0.0, *inner]
    if isinstance(value, str):
        return [f"text {zlib.crc32(value.encode('utf-8', 'replace'))}", 0.0]
    parts_of = None if isinstance(value, bool | float) else taken_apart(value)
    if parts_of is not None:
        items = (
            sorted(parts_of.items, key=text_of)
            if isinstance(value, AbstractSet)
            else parts_of.items
        )
        return [f"kind {parts_of.kind}", 0.0, *fingerprint(name, items)]
    if isinstance(value, bool) or not isinstance(value, np.ndarray | np.generic | int | float):
        return [
            f"{type(value).__name__} {value}" if isinstance(value, bool) else type(value).__name__,
            0.0,
        ]
    array = np.asarray(value)
    if array.dtype.kind == "c":
        array = np.stack([array.real, array.imag])
    if array.dtype.kind not in "biuf":
        return [str(array.dtype.kind), 0.0]
    kind = "f" if array.dtype.kind == "f" else "i"
    with np.errstate(all="ignore"):  # of numbers near the end of the range the sums are infinite
        flat = array.reshape(-1)[:: max(1, array.size // SAMPLE)].astype(np.float64)
        finite = np.isfinite(flat)
        places = (
            np.where(np.isnan(flat), 2, np.where(finite, 0, np.sign(flat)))
            .astype(np.int8)
            .tobytes()
        )
        flat = np.where(finite, flat, 0.0)
        signs = np.random.default_rng(zlib.crc32(name.encode())).choice(
            (-1.0, 1.0), size=(PROJECTIONS, flat.size)
        )
        numbers = [float(f"{number:.7g}") for number in (np.abs(flat).sum(), *(signs @ flat))]
    words = (
        f"{array.shape} {kind}"
        if finite.all()
        else f"{array.shape} {kind} not finite {zlib.crc32(places)}"
    )
    return [words, *numbers] if np.isfinite(numbers).all() else [f"{words} beyond all bounds", 0.0]


def same(a: Fingerprint, b: Fingerprint) -> bool:
    """Return whether two fingerprints are those of equal values."""
    if len(a) != len(b):
        return False
    size = 0.0
    for index, (x, y) in enumerate(zip(a, b, strict=True)):
        if isinstance(x, str) or isinstance(y, str):
            if x != y:
                return False
            size = (
                float(a[index + 1])
                if index + 1 < len(a) and not isinstance(a[index + 1], str)
                else 0.0
            )
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
    step = CLOSE * (
        max((abs(part) for part in expected if isinstance(part, float)), default=0.0) or 1.0
    )
    return [DIGESTS, *(_digest(print_, step, shift / SHIFTS, salt) for shift in range(SHIFTS))]


def agree(recorded: Fingerprint, own: Fingerprint, expected: Fingerprint, salt: str) -> bool:
    """Return whether a value's fingerprint is a recorded one, of which there may be digests
    alone.
    """
    if recorded[:1] == [AS_EXPECTED]:
        return same(own, expected)
    if recorded[:1] == [DIGESTS]:
        return any(
            one == other
            for one, other in zip(recorded[1:], digests(own, expected, salt)[1:], strict=False)
        )
    return same(recorded, own)


def _digest(print_: Fingerprint, step: float, shift: float, salt: str) -> str:
    rounded = [
        part if isinstance(part, str) else math.floor(part / step + shift) for part in print_
    ]
    digest = hashlib.blake2b(json.dumps(rounded).encode(), digest_size=DIGEST_BYTES, key=_key(salt))
    return digest.hexdigest()


def _key(salt: str) -> bytes:
    return hashlib.sha256(salt.encode("utf-8", "replace")).digest()
