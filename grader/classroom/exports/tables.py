"""Shared by the exports that are tables: the class with its marks, and another system's CSV that is
to be filled in.
"""

from __future__ import annotations

import codecs
import csv
import io
import math
import re
from collections.abc import Iterable, Sequence
from itertools import chain
from pathlib import Path
from typing import NamedTuple

from grader.classroom.download.identity import Claim, settle
from grader.classroom.download.roster import name_keys
from grader.classroom.download.students import tidy
from grader.classroom.marks import gradebook, overrides
from grader.classroom.marks.gradebook import Line, number
from grader.classroom.run.result_store import Store
from grader.classroom.run.results import ClassFile, SubmissionOutcome
from grader.errors import UsageError

_DECIMAL_COMMA = re.compile(r"\d+,\d+")
NAMED = 12  # students that are named where more are meant


def marked(out: Path, overrides_path: Path | None = None) -> tuple[ClassFile, list[Line]]:
    """Return a class that ``grader batch`` has graded."""
    store = Store(out)
    class_ = store.read_class()
    changes = overrides.read(overrides_path or out / overrides.NAME)
    return class_, list(gradebook.lines(store, class_, changes))


class Table(NamedTuple):
    """An export, and the students whose marks it holds, if they have any."""

    data: bytes
    there: frozenset[str]
    unsettled: Sequence[str] = ()  # rows of the other system that point to different students


def told(
    lines: Sequence[Line], table: Table, exported: Path | None = None, *, what: str = "mark"
) -> list[str]:
    """Return what a person should know before the file is uploaded: how many marks it has, and
    whose it has not.

    exported: the file that was filled in
    what: what it has of each student
    """
    groups = {
        f"not in {exported or 'it'}": [
            line
            for line in lines
            if line.score is not None and line.entry.student not in table.there
        ],
        "no mark, the grader failed": [
            line for line in lines if line.outcome is SubmissionOutcome.FAULT
        ],
        "no mark, not graded yet": [
            line for line in lines if line.outcome is SubmissionOutcome.WAITING
        ],
        "no mark, nothing was handed in": [
            line
            for line in lines
            if line.outcome is SubmissionOutcome.MISSING and line.score is None
        ],
        "no mark, whose a hand-in is, is asked": [
            line for line in lines if line.outcome is SubmissionOutcome.ASKED
        ],
        "with answers that wait to be read": [
            line for line in lines if line.marks and line.marks.waiting
        ],
    }
    doubts = []
    if table.unsettled:
        more = f" and {len(table.unsettled) - NAMED} more" if len(table.unsettled) > NAMED else ""
        whom = ", ".join(table.unsettled[:NAMED])
        doubts.append(f"not filled in, as ids and name point to different students: {whom}{more}")
    count = sum(line.score is not None and line.entry.student in table.there for line in lines)
    return [
        f"{count} {what}{'' if count == 1 else 's'}",
        *(f"{why}: {_who(own)}" for why, own in groups.items() if own),
        *doubts,
    ]


def _who(lines: Sequence[Line]) -> str:
    names = ", ".join(tidy(line.entry.student, 60) for line in lines[:NAMED])
    return f"{names} and {len(lines) - NAMED} more" if len(lines) > NAMED else names


def most(class_: ClassFile) -> float:
    """Return what can be reached."""
    return round(
        sum(check.points for check in class_.checks)
        + sum(inline.points for inline in class_.inline),
        2,
    )


class Sheet(NamedTuple):
    """A CSV of another system, and how it is written: the answer is written in the same way."""

    path: Path
    rows: list[list[str]]
    delimiter: str = ","
    encoding: str = "utf-8"
    comma: bool = False  # numbers have a decimal comma

    def number(self, value: float | None) -> str:
        """Return points as this sheet writes numbers."""
        text = number(value)
        return text.replace(".", ",") if self.comma else text

    def write(self, rows: Iterable[Sequence[str]]) -> bytes:
        """Return rows as a file of the same kind."""
        buffer = io.StringIO()
        csv.writer(buffer, lineterminator="\r\n", delimiter=self.delimiter).writerows(rows)
        return buffer.getvalue().encode(self.encoding, "replace")


def read_sheet(path: Path) -> Sheet:
    """Read a CSV of another system, with the commas, semicolons or tabs and the encoding that it
    has.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise UsageError(f"{path} can't be read: {error.strerror}") from error
    encoding = "utf-16" if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)) else "utf-8"
    try:
        text = data.decode("utf-16" if encoding == "utf-16" else "utf-8-sig")
    except UnicodeDecodeError:
        text = data.decode("cp1252", "replace")
    counts = {sign: text.partition("\n")[0].count(sign) for sign in ",;\t"}
    delimiter = max(counts, key=lambda sign: counts[sign])
    rows = [row for row in csv.reader(io.StringIO(text, newline=""), delimiter=delimiter) if row]
    if not rows or not any(rows[0]):
        raise UsageError(f"{path} has no header row")
    width = max(len(row) for row in rows)
    filled = [row + [""] * (width - len(row)) for row in rows]
    cells = chain.from_iterable(rows)
    comma = delimiter != "," and any(_DECIMAL_COMMA.fullmatch(cell.strip()) for cell in cells)
    return Sheet(path, filled, delimiter, encoding, comma)


def number_in(cell: str) -> float | None:
    """Return the number that a cell holds, with a decimal point or comma; None for none."""
    try:
        value = float(cell.strip().replace(",", "."))
    except ValueError:
        return None
    return value if math.isfinite(value) else None


def scale(ours: float, theirs: float | None, asked: bool, what: str) -> float:
    """Return by what marks are multiplied; raise `UsageError` for another maximum, unless it is
    asked for.
    """
    if theirs is None or not ours or abs(theirs - ours) < 0.005:
        return 1.0
    if not asked:
        raise UsageError(
            f"{what} has a maximum of {number(theirs)}, and this assignment of {number(ours)}: set"
            " that there, or let marks be scaled by --scale"
        )
    return theirs / ours


def scaled(line: Line, factor: float) -> float | None:
    """Return a line's mark by another maximum."""
    return None if line.score is None else line.score * factor


def write_csv(header: Sequence[str], rows: Iterable[Sequence[str]]) -> bytes:
    """Return a CSV."""
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\r\n")
    writer.writerow(header)
    writer.writerows(rows)
    return buffer.getvalue().encode("utf-8", "replace")


class Finder:
    """Finds the student that a row of another system's table means, if all that it says agrees."""

    def __init__(self, class_: ClassFile, lines: Sequence[Line]) -> None:
        self._layout = class_.layout
        self._lines: dict[str, Line] = {}
        self._by_id: dict[str, set[str]] = {}
        self._by_number: dict[str, set[str]] = {}
        self._by_name: dict[str, set[str]] = {}
        self.unsettled: list[str] = []  # rows that point to different students
        for line in lines:
            entry = line.entry
            self._lines[entry.student] = line
            for id_ in filter(None, (entry.student, entry.email, entry.sis)):
                self._by_id.setdefault(id_.casefold(), set()).add(entry.student)
            if entry.lms_id:
                self._by_number.setdefault(entry.lms_id.casefold(), set()).add(entry.student)
            for key in name_keys(entry.name):
                self._by_name.setdefault(key, set()).add(entry.student)

    def find(
        self, ids: Iterable[str], name: str, number: str = "", layout: str = ""
    ) -> Line | None:
        """Return the line of a student; or None, with a note, if ids and name point to different
        ones.

        number: the other system's own; it counts if the class came from there (``layout``)
        """
        known = [id_.strip() for id_ in ids if id_.strip()]
        claims = [Claim(id_, frozenset(self._by_id.get(id_.casefold(), ()))) for id_ in known]
        named: set[str] = set()
        for key in name_keys(name):
            named |= self._by_name.get(key, set())
        claims.append(Claim(name, frozenset(named)))
        own = number.strip().casefold()
        if own and layout == self._layout:
            claims.append(Claim(number, frozenset(self._by_number.get(own, ()))))
        students, why = settle(claims)
        weak = (
            frozenset(self._by_id.get(own, ())) if own and layout != self._layout else frozenset()
        )
        if not why and students and weak and not students <= weak:
            why = "its number is another student's"
        if why or (not students and weak):
            self.unsettled.append(tidy(name or number or ", ".join(known), 60))
            return None
        return self._lines[next(iter(students))] if students else None
