"""Shared by the exports that are tables: the class with its marks, and another system's CSV that is to be filled in."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from grader.classroom import gradebook, overrides
from grader.classroom.entries import tidy
from grader.classroom.gradebook import Line
from grader.classroom.roster import name_keys
from grader.classroom.rows import ClassFile, Outcome
from grader.classroom.store import Store
from grader.errors import UsageError

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


def told(lines: Sequence[Line], table: Table, exported: Path | None = None, *, what: str = "mark") -> list[str]:
    """Return what a person should know before the file is uploaded: how many marks it has, and whose it has not.

    exported: the file that was filled in
    what: what it has of each student
    """
    groups = {
        f"not in {exported or 'it'}": [
            line for line in lines if line.score is not None and line.entry.student not in table.there
        ],
        "no mark, the grader failed": [line for line in lines if line.outcome is Outcome.FAULT],
        "no mark, not graded yet": [line for line in lines if line.outcome is Outcome.WAITING],
        "no mark, nothing was handed in": [
            line for line in lines if line.outcome is Outcome.MISSING and line.score is None
        ],
        "no mark, whose a hand-in is, is asked": [line for line in lines if line.outcome is Outcome.ASKED],
        "with answers that wait to be read": [line for line in lines if line.marks and line.marks.waiting],
    }
    count = sum(line.score is not None and line.entry.student in table.there for line in lines)
    return [
        f"{count} {what}{'' if count == 1 else 's'}",
        *(f"{why}: {_who(own)}" for why, own in groups.items() if own),
    ]


def _who(lines: Sequence[Line]) -> str:
    names = ", ".join(tidy(line.entry.student, 60) for line in lines[:NAMED])
    return f"{names} and {len(lines) - NAMED} more" if len(lines) > NAMED else names


def most(class_: ClassFile) -> float:
    """Return what can be reached."""
    return round(sum(check.points for check in class_.checks) + sum(inline.points for inline in class_.inline), 2)


def read_csv(path: Path) -> tuple[list[str], list[list[str]]]:
    """Read a CSV of another system: its header, and its rows filled up to the header's length."""
    try:
        text = path.read_bytes().decode("utf-8-sig", "replace")
    except OSError as error:
        raise UsageError(f"{path} can't be read: {error.strerror}") from error
    rows = list(csv.reader(io.StringIO(text, newline="")))
    if not rows or not any(rows[0]):
        raise UsageError(f"{path} has no header row")
    width = len(rows[0])
    return rows[0], [row + [""] * (width - len(row)) for row in rows[1:] if row]


def write_csv(header: Sequence[str], rows: Iterable[Sequence[str]]) -> bytes:
    """Return a CSV."""
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\r\n")
    writer.writerow(header)
    writer.writerows(rows)
    return buffer.getvalue().encode("utf-8", "replace")


class Finder:
    """Finds a student's line by any id, or by a name that is one student's alone."""

    def __init__(self, lines: Sequence[Line]) -> None:
        self._by_id: dict[str, list[Line]] = {}
        self._by_name: dict[str, list[Line]] = {}
        for line in lines:
            entry = line.entry
            for id_ in dict.fromkeys(filter(None, (entry.student, entry.lms_id, entry.email))):
                self._by_id.setdefault(id_.casefold(), []).append(line)
            for key in name_keys(entry.name):
                self._by_name.setdefault(key, []).append(line)

    def find(self, ids: Iterable[str], name: str) -> Line | None:
        """Return the line that is meant, or None."""
        candidates: Iterator[list[Line]] = iter(
            [self._by_id.get(id_.strip().casefold(), []) for id_ in ids if id_.strip()]
            + [self._by_name.get(key, []) for key in name_keys(name)]
        )
        return next((found[0] for found in candidates if len(found) == 1), None)
