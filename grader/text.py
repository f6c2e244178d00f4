"""Untrusted text made fit to be shown: bounded, and without characters that act instead of being
read.
"""

from __future__ import annotations

import re
import unicodedata

MOST_SEARCHED = 4000
_ESCAPES = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)?|[@-_])")
_FLOATS = re.compile(
    r"(?<![\d.])[-+]?(?:\d+\.\d+|\d+\.(?!\w)|(?<!\w)\.\d+|\d+(?=[eE][-+]?\d))(?:[eE][-+]?\d+)?"
)
_HEXADECIMAL = re.compile(r"0[xX][0-9a-fA-F]+\.?[0-9a-fA-F]*(?:[pP][-+]?\d+)?")
# Long integers, and words with many digits, such as bytes in hexadecimal.
_LONG_RUNS = re.compile(r"\d{6,}|(?=(?:[A-Za-z]*\d){4})[A-Za-z0-9+]{16,}")
# What such a word leaves where it looked like a fraction in its middle.
_BESIDE_REMOVED = re.compile(
    r"(?<![A-Za-z0-9+#])(?=[A-Za-z0-9+#]*\d)(?=[A-Za-z0-9+]*#)[A-Za-z0-9+#]+"
)


def counted(number: float, what: str) -> str:
    """Return how many there are of what, in words: 1 point, 2.5 points."""
    return f"{number:g} {what}{'' if number == 1 else 's'}"


def clean(text: str, limit: int = 2000) -> str:
    """Return text without terminal escapes, control and direction-changing characters, cut to
    ``limit`` characters.
    """
    if len(text) <= limit and text.isprintable():  # no character of it acts, and it is not cut
        return text
    shown = _ESCAPES.sub("", text[: limit * 4])
    cut = len(shown) > limit or len(text) > limit * 4
    kept = "".join(
        character
        if character in "\n\t" or unicodedata.category(character) not in ("Cc", "Cf", "Cs")
        else "\N{REPLACEMENT CHARACTER}"
        for character in shown[:limit]
    )
    return f"{kept} …" if cut else kept


def without_numbers(text: str) -> str:
    """Return text with every fractional number replaced, and what is as long as only an encoded one
    is.

    A message must not carry a hidden input out. Who is set on it finds other words for some bits;
    the docs say so. Text is cut to ``MOST_SEARCHED`` characters: what is sought begins anywhere, so
    the work grows with the square of them.
    """
    text = text if len(text) <= MOST_SEARCHED else text[:MOST_SEARCHED] + " …"
    for pattern in (_HEXADECIMAL, _FLOATS, _LONG_RUNS, _BESIDE_REMOVED):
        text = pattern.sub("#", text)
    return text
