"""Shared by the exports that are tables: the class with its marks, and another system's CSV that is to be filled in."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from grader.classroom import gradebook, overrides
from grader.classroom.gradebook import Line
from grader.classroom.roster import name_keys
from grader.classroom.rows import ClassFile
from grader.classroom.store import Store
from grader.errors import UsageError


def marked(out: Path, overrides_path: Path | None = None) -> tuple[ClassFile, list[Line]]:
    """Return a class that ``grader batch`` has graded."""
    store = Store(out)
    class_ = store.read_class()
    changes = overrides.read(overrides_path or out / overrides.NAME)
    return class_, list(gradebook.lines(store, class_, changes))


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
