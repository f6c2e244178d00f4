"""A student's own function, highlighted, with the lines marked where an exception passed.

The text is hostile: it is searched line by line, never parsed as Python, and bounded before it is
highlighted.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from markupsafe import Markup

from grader.model import CallFrame
from grader.report.markup.conversion_clock import ConversionClock, TooSlow
from grader.text import clean

LINES = 160  # of one function
WIDTH = 400  # characters of one line
CHARACTERS = 400_000  # of one file that are looked at
_TOLD = 3  # lines of a docstring that are not folded
_QUOTES = re.compile(r"""\s*[rRuU]?(\"{3}|'{3})""")
_AROUND = 6  # lines shown around a frame outside of any function found


@dataclass(frozen=True)
class Snippet:
    """A stretch of a student's file."""

    title: str
    file: str
    lines: tuple[SnippetLine, ...]
    cut: bool


@dataclass(frozen=True)
class SnippetLine:
    """One highlighted line; ``mark`` says what happened there, in words."""

    number: int
    code: Markup
    mark: str


def snippets(
    sources: Mapping[str, str],
    functions: Sequence[str],
    frames: Sequence[CallFrame],
    clock: ConversionClock,
    limit: int = 3,
) -> list[Snippet]:
    """Return the named functions of the sources, and the last frame's surroundings.

    The latter only if none of the functions contains that frame.
    """
    found: list[Snippet] = []
    marks: dict[tuple[str, int], str] = {}
    for frame in frames[:-1]:
        marks[frame.file, frame.line] = "called from here"
    if frames:
        marks[frames[-1].file, frames[-1].line] = "raised here"
    shown: list[tuple[str, int, int]] = []
    for name in functions:
        for file, text in sources.items():
            lines = _lines(text)
            if (span := find(lines, name)) and len(found) < limit:
                shown.append((file, *span))
                found.append(_snippet(name, file, lines, span, marks, clock))
                break
    last = frames[-1] if frames else None
    if last is None or last.file not in sources:
        return found
    if not any(f == last.file and a < last.line <= b for f, a, b in shown):
        lines = _lines(sources[last.file])
        span = find(lines, last.function) if last.function else None
        if span is None or not span[0] < last.line <= span[1]:
            span = max(0, last.line - 1 - _AROUND), min(len(lines), last.line + _AROUND)
        if span[0] < last.line <= span[1]:
            title = last.function.strip("<>") or last.file
            found.append(_snippet(title, last.file, lines, span, marks, clock))
    return found


def find(lines: Sequence[str], name: str) -> tuple[int, int] | None:
    """Return first and last line (from 0, last excluded) of a function or ``Class.method``.

    Of several definitions it is the last one, as in Python.
    """
    start, stop = 0, len(lines)
    *classes, function = name.split(".")
    for part in classes:
        if (block := _block(lines, start, stop, rf"class\s+{re.escape(part)}\b")) is None:
            return None
        start, stop = block
    return _block(lines, start, stop, rf"(?:async\s+)?def\s+{re.escape(function)}\s*\(")


def function_text(text: str, name: str) -> str | None:
    """Return the source of a function or ``Class.method`` in a file, or None."""
    lines = _lines(text)
    span = find(lines, name)
    return "\n".join(lines[span[0] : span[1]]) if span is not None else None


def place(sources: Mapping[str, str], name: str) -> tuple[str, int] | None:
    """Return the file and the line, from 1, of a function's definition, or None."""
    for file, text in sources.items():
        if span := find(_lines(text), name):
            return file, span[0] + 1
    return None


def highlight(text: str, clock: ConversionClock) -> list[Markup]:
    """Return Python source as markup, line by line; plain if highlighting takes too long."""
    cut = "\n".join(map(_trimmed, _lines(text)))
    try:
        markup = clock.convert("code", cut, pygmentized)
    except TooSlow:
        return list(map(Markup("{}").format, cut.split("\n")))
    return list(map(Markup, markup.split("\n")))  # Pygments escapes it


def _trimmed(line: str) -> str:
    """Return a line without spaces at its end: on blank lines Pygments takes quadratic time."""
    return clean(line, WIDTH).rstrip()


def pygmentized(text: str) -> str:
    """Return Python source as markup, line by line."""
    from pygments import highlight as pygmentize

    return str(pygmentize(text, *_pygments())).removesuffix("\n")


@functools.cache
def _pygments() -> tuple[Any, Any]:
    """Return a lexer and a formatter; blank lines at both ends stay, so that numbers are right."""
    from pygments.formatters import HtmlFormatter
    from pygments.lexers import PythonLexer

    return PythonLexer(stripnl=False), HtmlFormatter(nowrap=True)


def _snippet(
    title: str,
    file: str,
    lines: Sequence[str],
    span: tuple[int, int],
    marks: Mapping[tuple[str, int], str],
    clock: ConversionClock,
) -> Snippet:
    """Return a stretch of a file with its lines numbered from 1."""
    start, stop = span
    kept = min(stop, start + LINES)
    code = highlight("\n".join(lines[start:kept]), clock)
    shown: list[SnippetLine] = []
    for number, line in enumerate(code[: kept - start], start=start + 1):
        shown.append(SnippetLine(number, line, marks.get((file, number), "")))
    first, last = _docstring(lines[start:kept])
    if last - first > _TOLD and not any(line.mark for line in shown[first:last]):
        more = Markup("… {} more lines of its docstring").format(last - first)
        shown[first:last] = [SnippetLine(shown[first].number, more, "")]
    return Snippet(title, file, tuple(shown), cut=kept < stop)


def _docstring(lines: Sequence[str]) -> tuple[int, int]:
    """Return first and last (excluded) line of a function's docstring after its first line.

    The report folds these: the author wrote most of them.
    """
    body = 0
    while body < len(lines) and not lines[body].rstrip().endswith(":"):
        body += 1
    body += 1  # the line after the signature
    if body < len(lines) and (opening := _QUOTES.match(lines[body])):
        if opening[1] in lines[body][opening.end() :]:
            return 0, 0
        for number in range(body + 1, len(lines)):
            if opening[1] in lines[number]:
                return body + 1, number + 1
    return 0, 0


def _block(lines: Sequence[str], start: int, stop: int, pattern: str) -> tuple[int, int] | None:
    """Return the last of the outermost blocks whose heads match, with its decorators."""
    opening = _opening(pattern)
    first = outermost = -1
    for number in range(start, stop):
        if match := opening.match(lines[number]):
            indent = len(match[1].expandtabs())
            if first < 0 or indent <= outermost:
                first, outermost = number, indent
    if first < 0:
        return None
    end = first + 1
    while end < stop and not _ends(lines[end], outermost):
        end += 1
    while end > first + 1 and not lines[end - 1].strip():
        end -= 1
    while first > start and lines[first - 1].lstrip().startswith("@"):
        first -= 1
    return first, end


@functools.lru_cache(maxsize=64)
def _opening(pattern: str) -> re.Pattern[str]:
    return re.compile(rf"([ \t]*){pattern}")


def _ends(line: str, indent: int) -> bool:
    """Return whether a line ends a block; comments and a signature's closing bracket do not."""
    text = line.strip()
    if not text or text.startswith(("#", ")")):
        return False
    return len(line.expandtabs()) - len(line.expandtabs().lstrip()) <= indent


def _lines(text: str) -> list[str]:
    """Return the lines as Python counts them."""
    return re.split(r"\r\n|\r|\n", text.removeprefix("\ufeff")[:CHARACTERS])
