"""Makes a module that Python can't read readable: what can't be read is replaced, the rest stays.

A function that can't be read becomes one that raises its syntax error when it is called; so does a
class whose head can't be read. Of any other class only such methods are replaced. Every line keeps
its number. The text may be anything, so the work is bounded: at most `MOST_TRIES` pieces and
`MOST_CHARACTERS` characters are compiled. Pure.
"""

from __future__ import annotations

import re
import warnings
from collections.abc import Iterator
from typing import NamedTuple

RAISES = "__unreadable__"  # what the functions that stand for unreadable ones call
MOST_TRIES = 5_000
MOST_CHARACTERS = 4_000_000
MOST_ALONE = 100  # errors that only the whole file shows
MOST_JOINED = 60  # lines at the margin within a text of several lines
_HEAD = re.compile(r"(?:async\s+def|def|class)\s+([A-Za-z_]\w*)(?=\s*(?:[(:\[]|$))")
_OPENS = re.compile(r"(?:@|(?:async|def|class|if|for|while|with|try|import|from)\b)")
_ENDS = re.compile(r"(?:return|yield|continue|break)\b")  # only a function or a loop has these
_GOES_ON = re.compile(r"[#)\]}]|(?:else|elif|except|finally)\b")
_OPEN_TEXT = re.compile("triple-quoted|EOF while scanning")
_OPEN_BRACKET = re.compile("was never closed|unexpected EOF")


class Unreadable(NamedTuple):
    """A piece of a module that Python can't read."""

    name: str  # `f` or `Class.method`; "" if it is no function or class
    error: SyntaxError  # with the line of the whole file


class ModulePart(NamedTuple):
    """Lines of a module that belong together, and why they can't be read."""

    start: int
    end: int
    error: SyntaxError | None


def mended(text: str, filename: str) -> tuple[str, list[Unreadable]]:
    """Return a module's text with a replacement for each piece that can't be read, and these.

    The text returned may still be unreadable if it has too many errors.
    """
    lines = re.sub("\r\n?", "\n", text).replace("\0", "\N{REPLACEMENT CHARACTER}").split("\n")
    mender = _Mender(lines, filename)
    pieces = mender.suite(0, len(lines), "", "")
    for _ in range(MOST_ALONE):
        error = mender.trouble(0, len(lines), "")
        place = (error.lineno or 0) - 1 if error is not None else -1
        found = [piece for piece in pieces if piece.start <= place < piece.end]
        if (
            error is None
            or mender.spent
            or not found
            or not mender.give_up(found[0]._replace(error=error))
        ):
            break
    return "\n".join(lines), mender.found


def _shifted(message: str, lines: int) -> str:
    """Return a message with the numbers of lines that the whole file has."""
    return re.sub(r"\bline (\d+)", lambda found: f"line {int(found[1]) + lines}", message)


class _Mender:
    """Replaces unreadable pieces in a list of lines."""

    def __init__(self, lines: list[str], filename: str) -> None:
        self.lines = lines
        self.found: list[Unreadable] = []
        self._filename = filename
        self._original = lines.copy()
        self._tries = MOST_TRIES
        self._characters = MOST_CHARACTERS

    def suite(self, start: int, end: int, indent: str, owner: str) -> list[ModulePart]:
        """Mend the statements of a module or a class body; return the pieces that they are in."""
        pieces = list(self._whole(self._pieces(start, end, indent), indent))
        for piece in pieces:
            if piece.error is not None:
                self._replace(piece, indent, owner)
        return pieces

    def trouble(self, start: int, end: int, indent: str) -> SyntaxError | None:
        """Return why lines can't be read by themselves, or None if they can."""
        head = ["class _:"] if indent and self.lines[start].startswith(indent) else []
        text = "\n".join([*head, *self.lines[start:end], ""])
        self._tries -= 1
        self._characters -= len(text)
        if self.spent:
            return self._located("too much of this file can't be read", start + 1)
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                compile(text, self._filename, "exec", dont_inherit=True)
        except SyntaxError as error:
            line = min(max((error.lineno or 1) - len(head) + start, start + 1), end)
            message = _shifted(error.msg, start - len(head))
            return self._located(message, line, type(error), error.offset)
        except (ValueError, RecursionError, MemoryError, OverflowError) as error:
            return self._located(str(error) or type(error).__name__, start + 1)
        return None

    @property
    def spent(self) -> bool:
        """Whether no more may be compiled."""
        return self._tries < 0 or self._characters < 0

    def give_up(self, piece: ModulePart) -> bool:
        """Replace a piece that can be read by itself, but not in its place; once."""
        before = self.lines[piece.start : piece.end]
        self._replace(piece, "", "", within=False)
        return before != self.lines[piece.start : piece.end]

    # --- pieces -----------------------------------------------------------------------------------

    def _pieces(self, start: int, end: int, indent: str) -> list[ModulePart]:
        """Cut lines where one begins that stands as far out as the suite does."""
        begins = []
        decorated = False
        for number in range(start, end):
            line = self.lines[number]
            text = line.lstrip()
            outside = len(line) - len(text) <= len(indent)
            if not text or not outside or _GOES_ON.match(text):
                continue
            if not decorated:
                begins.append(number)
            decorated = text.startswith("@")
        ends = [*begins[1:], end]
        return [ModulePart(*at, None) for at in zip(begins, ends, strict=True)]

    def _whole(self, pieces: list[ModulePart], indent: str) -> Iterator[ModulePart]:
        """Join pieces that are one statement, and yield each with its error."""
        at = 0
        while at < len(pieces):
            piece, at = self._joined(pieces, at, indent)
            if self._name(piece):
                rest, at = self._rest(pieces, at, indent)
                if rest is not None:
                    piece = ModulePart(piece.start, rest.end, piece.error or rest.error)
            yield piece

    def _rest(
        self, pieces: list[ModulePart], at: int, indent: str
    ) -> tuple[ModulePart | None, int]:
        """Return what follows a function and can't be read without it, and the next one's index."""
        rest, behind, first = None, at, None
        while at < len(pieces):
            piece, at = self._joined(pieces, at, indent)
            if piece.error is None or _OPENS.match(self._first(piece)):
                break
            first = first or piece
            if self._belongs(piece):
                rest, behind = ModulePart(first.start, piece.end, first.error), at
        return rest, behind

    def _joined(self, pieces: list[ModulePart], at: int, indent: str) -> tuple[ModulePart, int]:
        """Return a piece with those that a bracket or a text in it reaches over, and the next one's
        index.
        """
        start = pieces[at].start
        error = self.trouble(start, pieces[at].end, indent)
        if error is None:
            return pieces[at], at + 1
        in_text = _OPEN_TEXT.search(error.msg) is not None
        if in_text or _OPEN_BRACKET.search(error.msg):
            for after in range(at + 1, min(at + MOST_JOINED, len(pieces))):
                if not in_text and _HEAD.match(self._first(pieces[after])):
                    break
                if self.trouble(start, pieces[after].end, indent) is None:
                    return ModulePart(start, pieces[after].end, None), after + 1
        return pieces[at]._replace(error=error), at + 1

    def _belongs(self, piece: ModulePart) -> bool:
        """Return whether an unreadable piece is the rest of the function above it."""
        first = self._first(piece)
        rest = self.lines[piece.start + 1 : piece.end]
        return bool(_ENDS.match(first)) or any(line[:1] in (" ", "\t") for line in rest)

    def _first(self, piece: ModulePart) -> str:
        return self.lines[piece.start].lstrip()

    # --- replacements -----------------------------------------------------------------------------

    def _head(self, piece: ModulePart) -> int:
        """Return the line of a piece's `def` or `class`, behind its decorators, or -1."""
        for number in range(piece.start, piece.end):
            text = self.lines[number].lstrip()
            if _HEAD.match(text):
                return number
            if text and text[0] not in "@#":
                break
        return -1

    def _name(self, piece: ModulePart) -> str:
        head = self._head(piece)
        found = _HEAD.match(self.lines[head].lstrip()) if head >= 0 else None
        return found[1] if found else ""

    def _replace(self, piece: ModulePart, indent: str, owner: str, *, within: bool = True) -> None:
        """Put in an unreadable piece's place what raises its error when it is called."""
        assert piece.error is not None
        head, name = self._head(piece), self._name(piece)
        is_class = head >= 0 and self.lines[head].lstrip().startswith("class")
        if within and is_class and not indent and self._mended_class(piece, head, name):
            return
        for number in range(piece.start, piece.end):
            self.lines[number] = ""
        number, whole = len(self.found), f"{owner}.{name}" if owner else name
        replacement = f"def {name}(*_, **__): raise {RAISES}({number})" if name else "pass"
        self.lines[head if name else piece.start] = indent + replacement
        self.found.append(Unreadable(whole, piece.error))

    def _mended_class(self, piece: ModulePart, head: int, name: str) -> bool:
        """Mend the methods of a class one by one; return whether that made it readable."""
        before, found = self.lines.copy(), len(self.found)
        body = head + 1
        while body < piece.end and not self.lines[body].partition("#")[0].strip():
            body += 1
        if body < piece.end and self.lines[body][:1] in (" ", "\t"):
            line = self.lines[body]
            indent = line[: len(line) - len(line.lstrip())]
            self.suite(body, piece.end, indent, name)
            if self.trouble(piece.start, piece.end, "") is None:
                return True
        self.lines[:] = before
        del self.found[found:]
        return False

    def _located(
        self, message: str, line: int, kind: type[SyntaxError] = SyntaxError, offset: int | None = 1
    ) -> SyntaxError:
        text = self._original[line - 1] if line <= len(self._original) else ""
        return kind(message, (self._filename, line, offset, text))
