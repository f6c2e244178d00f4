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
# An escape of a JSON text: a character written as two halves, or one half, or any other.
_ESCAPE = re.compile(
    r"\\(?:u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}"
    r"|(u[dD][89a-fA-F][0-9a-fA-F]{2})|.)"
)


def are_all(kind: type, values: Iterable[Any]) -> bool:
    """Return whether the type of all values is this one, and none that is derived from it."""
    return all(type(value) is kind for value in values)


def load(text: str) -> Any:
    """Return the data of a JSON text, unbounded; raise `ValueError` or
    `RecursionError`.
    """
    return _JSON.decode(without_halves(text))


def without_halves(text: str) -> str:
    """Return a JSON text with no escape of half a character in it."""
    return _ESCAPE.sub(_whole, text) if "\\u" in text else text


def decoder(*, strict: bool = True) -> json.JSONDecoder:
    """Return a decoder that takes numbers as `load` does; a strict one refuses control characters
    in strings.
    """
    return json.JSONDecoder(
        parse_constant=_no_number, parse_float=_finite, parse_int=_integer, strict=strict
    )


def _whole(escape: re.Match[str]) -> str:
    return "\\ufffd" if escape[1] else escape[0]


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
