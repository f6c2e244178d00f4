"""Text as it was saved: the encodings and Git's conflicts of a file that was handed in."""

from __future__ import annotations

import codecs
import io
import re
import tokenize
from collections.abc import Callable

_MARKED = (  # the longer mark first: UTF-32's begins as UTF-16's does
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_LOOKED_AT = 400  # bytes, for zeros
MOST_MIXED = 8 << 20  # bytes of a file whose characters are looked at one by one
_CUT = 3  # bytes of a character of UTF-8 that the end of a file may lack the rest of
_COOKIE = re.compile(r"coding[:=][ \t]*[-\w.]+")  # as Python finds it in one of two lines
# Encodings that are tried here; some of the others take long. Python meets those in the box.
_QUICK = re.compile(r"utf-8(?:-sig)?|ascii|iso-8859-\d+|latin-?1|cp\d{3,4}")
UTF_16, ONE_BYTE = "in UTF-16", "in an older encoding (Latin-1)"


MOST_TRIED = 12  # places of a conflict in which the other side is tried


def decoded(data: bytes) -> tuple[str, str]:
    """Return a file's text, and how it was saved if that is not UTF-8."""
    for mark, name in _MARKED:
        if data.startswith(mark):
            return data.decode(name, "replace").removeprefix("\ufeff"), f"in {name.upper()}"
    if name := _with_zeros(data[:_LOOKED_AT]):
        return data.decode(name, "replace"), UTF_16
    try:
        return data.decode("utf-8-sig"), ""
    except UnicodeDecodeError as error:
        if error.start >= len(data) - _CUT:
            return data.decode("utf-8-sig", "ignore"), ""
    if len(data) > MOST_MIXED:
        return data.decode("latin-1"), ONE_BYTE
    text = data.decode("utf-8-sig", "surrogateescape")
    return text.translate(_SINGLE), ONE_BYTE


def _with_zeros(start: bytes) -> str:
    """Return the encoding of UTF-16 without a mark: every second byte of plain text is zero."""
    half = len(start) // 2
    if half >= 2:
        for place, name in ((1, "utf-16-le"), (0, "utf-16-be")):
            if start[place::2].count(0) > 0.8 * half > 0 == start[1 - place :: 2].count(0):
                return name
    return ""


def _single(byte: int) -> str:
    return bytes([byte]).decode("cp1252", "replace").replace("\ufffd", chr(byte))


# what stands for a byte that is not of UTF-8 -> its character on Windows
_SINGLE = {0xDC00 + byte: _single(byte) for byte in range(0x80, 0x100)}


def python_text(data: bytes) -> tuple[str, str] | None:
    """Return the text of a Python file and how it was saved; None if Python reads the file as it
    is.
    """
    how = ""
    if b"\0" not in data:
        try:
            name, _ = tokenize.detect_encoding(io.BytesIO(data).readline)
            if _QUICK.fullmatch(name.lower().replace("_", "-")):
                data.decode(name)
        except (SyntaxError, ValueError, LookupError):
            pass
        else:
            return None
    text, how = decoded(data)
    if "\0" in text:
        text, how = text.replace("\0", ""), how or "with bytes of zero in it"
    how = how or "in UTF-8, which its coding line does not say"
    head = text.split("\n", 2)
    head[:2] = (_COOKIE.sub("coding: utf-8", line) for line in head[:2])
    return "\n".join(head), how


def sides(text: str) -> tuple[str, str] | None:
    """Return both sides of a file with conflicts of Git's, or None if there is none in it."""
    places = _places(text)
    return None if places is None else (_text(places, 0, ()), _text(places, 1, ()))


def side_by_place(text: str, side: int, worth: Callable[[str], int]) -> tuple[str, int]:
    """Return one side of a file with conflicts, but the other one in the places where that is worth
    more, and the number of these places; the first `MOST_TRIED` are tried.
    """
    places = _places(text) or []
    turned: tuple[int, ...] = ()
    best = worth(_text(places, side, turned))
    differing = [index for index, (ours, theirs) in enumerate(places) if ours != theirs]
    for index in differing[:MOST_TRIED]:
        value = worth(_text(places, side, (*turned, index)))
        if value > best:
            best, turned = value, (*turned, index)
    return _text(places, side, turned), len(turned)


def elsewhere(turned: int) -> str:
    """Return in words in how many places the other side of a conflict was taken."""
    if not turned:
        return ""
    return f", in {turned} place{'s' * (turned > 1)} the other one, which has more functions"


def _text(places: list[tuple[list[str], list[str]]], side: int, turned: tuple[int, ...]) -> str:
    """Return one side's text, with the other side's in the places that are turned."""
    lines: list[str] = []
    for index, place in enumerate(places):
        lines += place[side ^ (index in turned)]
    return "\n".join(lines)


def _places(text: str) -> list[tuple[list[str], list[str]]] | None:
    """Return the lines of both sides, place by place, which are the same between conflicts; None if
    there is no conflict.
    """
    shared: list[str] = []
    places = [(shared, shared)]
    into: list[str] | None = shared
    open_ = found = False
    for line in text.split("\n"):
        if line.startswith("<<<<<<< ") and not open_:
            open_, into = True, []
            places.append((into, []))
        elif open_ and line.startswith("|||||||"):
            into = None  # what both began from
        elif open_ and line.rstrip("\r") == "=======":
            into = places[-1][1]
        elif open_ and line.startswith(">>>>>>>"):
            open_, found, into = False, True, []
            places.append((into, into))
        elif into is not None:
            into.append(line)
    return places if found and not open_ else None
