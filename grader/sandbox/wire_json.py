"""JSON as a stranger wrote it: what is no JSON, and what no writer of JSON takes, becomes what is.

NaN and the infinities become None, a whole number beyond 64 bits a float, and half a character the
one that stands for what can't be read.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterable
from typing import Any

MAX_INT = 1 << 63
_HALF = re.compile(r"\\u[dD][89a-fA-F]")  # how the escape of half a character begins
SURROGATES = range(0xD800, 0xE000)  # halves of characters: text that holds one can't be written
_FOR_HALVES = dict.fromkeys(SURROGATES, "\N{REPLACEMENT CHARACTER}")


def are_all(kind: type, values: Iterable[Any]) -> bool:
    """Return whether the type of all values is this one, and none that is derived from it."""
    return all(type(value) is kind for value in values)


def load(text: str) -> Any:
    """Return the data of a JSON text, unbounded; raise `ValueError` or
    `RecursionError`.
    """
    return _JSON.decode(text)


class Decoder(json.JSONDecoder):
    """Reads JSON; its text is whole characters. What it takes beside the data is small."""

    def raw_decode(self, s: str, idx: int = 0) -> tuple[Any, int]:
        """Return the data that begins at a place of a text, and where it ends."""
        data, end = super().raw_decode(s, idx)
        return (_mended(data) if _HALF.search(s, idx, end) else data), end


def decoder(*, strict: bool = True) -> Decoder:
    """Return a decoder that takes numbers as `load` does; a strict one refuses control characters
    in strings.
    """
    return Decoder(
        parse_constant=_no_number, parse_float=_finite, parse_int=_integer, strict=strict
    )


def _mended(data: Any) -> Any:
    """Replace each half of a character in the text of JSON data, in its place, and return it."""
    if isinstance(data, str):
        return _whole(data)
    waiting = [data]
    while waiting:
        at = waiting.pop()
        if isinstance(at, dict) and not all(map(str.isascii, at)):
            items = [(_whole(key), value) for key, value in at.items()]
            at.clear()
            at.update(items)
        inside = at.items() if isinstance(at, dict) else enumerate(at)
        for key, value in inside:
            if isinstance(value, str):
                at[key] = _whole(value)
            elif isinstance(value, list | dict):
                waiting.append(value)
    return data


def _whole(text: str) -> str:
    return text if text.isascii() else text.translate(_FOR_HALVES)


def _no_number(word: str) -> None:
    """Stand for NaN, Infinity or -Infinity; an `Encoder` sends these in a form of its own."""


def _finite(digits: str) -> float | None:
    number = float(digits)
    return number if math.isfinite(number) else None


def _integer(digits: str) -> int | float | None:
    if len(digits) < len(str(MAX_INT)):
        return int(digits)
    number = int(digits)
    return number if -MAX_INT <= number < MAX_INT else _finite(digits)


_JSON = decoder()
