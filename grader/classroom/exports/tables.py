"""Shared by the exports that are tables: the class with its marks, and another system's CSV that is
to be filled in.
"""

from __future__ import annotations

import codecs
import csv
import io
import math
import re
from collections import Counter
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
from grader.text import first_of

_DECIMAL_COMMA = re.compile(r"\d+,\d+")
NAMED = 12  # students that are named; of more, the number
UNMARKED = {  # by what became of a submission, why there is no mark
    SubmissionOutcome.FAULT: "no mark, the grader failed",
    SubmissionOutcome.WAITING: "no mark, not graded yet",
    SubmissionOutcome.MISSING: "no mark, nothing was handed in",  # unless one is given by hand
    SubmissionOutcome.ASKED: "no mark, whose a hand-in is, is asked",
}
TO_BE_READ = "with answers that wait to be read"


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
    unsettled: Sequence[str] = ()  # rows of the other system whose student is not certain
    notes: Sequence[str] = ()


def students_of(lines: Iterable[Line]) -> frozenset[str]:
    """Return the students of lines of the gradebook."""
    return frozenset(line.entry.student for line in lines)


def told(
    lines: Sequence[Line], table: Table, exported: Path | None = None, *, what: str = "mark"
) -> list[str]:
    """Return what a person should know before the file is uploaded: how many marks it has, and
    whose it has not.

    exported: the file that was filled in
    what: what it has of each student
    """
    doubts = [*table.notes]
    if table.unsettled:
        whom = first_of(table.unsettled, NAMED)
        doubts.append(f"not filled in, as ids and names may mean different students: {whom}")
    absent = f"not in {exported or 'it'}"
    groups: dict[str, list[str]] = {why: [] for why in (absent, *UNMARKED.values(), TO_BE_READ)}
    count = 0
    for line in lines:
        student = tidy(line.entry.student, 60)
        if line.score is not None and line.entry.student in table.there:
            count += 1
        elif line.score is not None:
            groups[absent].append(student)
        by_hand = line.outcome is SubmissionOutcome.MISSING and line.score is not None
        if line.outcome in UNMARKED and not by_hand:
            groups[UNMARKED[line.outcome]].append(student)
        if line.waiting:
            groups[TO_BE_READ].append(student)
    said = [f"{why}: {first_of(own, NAMED)}" for why, own in groups.items() if own]
    return [f"{count} {what}{'' if count == 1 else 's'}", *said, *doubts]


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
    delimiter = max(",;\t", key=text.partition("\n")[0].count)
    rows = list(filter(None, csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)))
    if not rows or not any(rows[0]):
        raise UsageError(f"{path} has no header row")
    cells = map(str.strip, chain.from_iterable(rows))
    comma = delimiter != "," and any(map(_DECIMAL_COMMA.fullmatch, cells))
    width = max(map(len, rows))
    for row in rows:
        row += [""] * (width - len(row))
    return Sheet(path, rows, delimiter, encoding, comma)


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


class WantedRow(NamedTuple):
    """What a row of another system's table says of its student."""

    ids: Sequence[str]
    name: str
    number: str = ""  # the other system's own; it counts if the class came from there
    layout: str = ""


class _Match(NamedTuple):
    """The student whom a row means, and whether its name alone says so."""

    student: str
    by_name: bool


class Finder:
    """Finds the student that a row of another system's table means, if all that it says agrees."""

    def __init__(self, class_: ClassFile, lines: Sequence[Line]) -> None:
        self._layout = class_.layout
        self._lines: dict[str, Line] = {}
        self._by_id: dict[str, set[str]] = {}
        self._by_number: dict[str, set[str]] = {}
        self._by_name: dict[str, set[str]] = {}
        self.unsettled: list[str] = []  # rows whose student is not certain
        for line in lines:
            entry = line.entry
            self._lines[entry.student] = line
            for id_ in filter(None, (entry.student, entry.email, entry.sis)):
                self._by_id.setdefault(id_.casefold(), set()).add(entry.student)
            if entry.lms_id:
                self._by_number.setdefault(entry.lms_id.casefold(), set()).add(entry.student)
            for key in name_keys(entry.name):
                self._by_name.setdefault(key, set()).add(entry.student)

    def find(self, rows: Sequence[WantedRow]) -> list[Line | None]:
        """Return the line of each row's student; or None, with a note, if ids and names point to
        different students, or a name alone to one whom another row means, too.
        """
        found = [self._student(row) for row in rows]
        counts = Counter(match.student for match in found if match is not None)
        lines: list[Line | None] = []
        for row, match in zip(rows, found, strict=True):
            if match is not None and match.by_name and counts[match.student] > 1:
                self._leave(row)
                match = None
            lines.append(None if match is None else self._lines[match.student])
        return lines

    def _student(self, row: WantedRow) -> _Match | None:
        known = list(filter(None, map(str.strip, row.ids)))
        claims = [Claim(id_, frozenset(self._by_id.get(id_.casefold(), ()))) for id_ in known]
        own = row.number.strip().casefold()
        from_here = row.layout == self._layout
        if own and from_here:
            claims.append(Claim(row.number, frozenset(self._by_number.get(own, ()))))
        by_name = not any(claim.students for claim in claims)
        named: set[str] = set()
        for key in name_keys(row.name):
            named |= self._by_name.get(key, set())
        students, why = settle([*claims, Claim(row.name, frozenset(named))])
        weak = frozenset(self._by_id.get(own, ())) if own and not from_here else frozenset()
        if not why and students and weak and not students <= weak:
            why = "its number is another student's"
        if why or (not students and weak):
            self._leave(row)
            return None
        return _Match(next(iter(students)), by_name) if students else None

    def _leave(self, row: WantedRow) -> None:
        """Note a row that is left as it is."""
        known = ", ".join(filter(None, map(str.strip, row.ids)))
        self.unsettled.append(tidy(row.name or row.number or known, 60))
