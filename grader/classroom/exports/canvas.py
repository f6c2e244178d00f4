"""Canvas: the CSV that its gradebook imports, with rows matched by id and the column by its exact title and id."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from grader.classroom.exports.tables import Finder, Table, most, read_csv, write_csv
from grader.classroom.gradebook import Line, number, text
from grader.classroom.rows import ClassFile
from grader.errors import UsageError

IDS = ("Student", "ID", "SIS User ID", "SIS Login ID", "Section")
POSSIBLE = "    Points Possible"
_COLUMN = re.compile(r".+ \(\d+\)")


def render(class_: ClassFile, lines: Sequence[Line], column: str, exported: Path | None) -> Table:
    """Return the CSV; who has no score keeps the cell empty, so that Canvas leaves it as it is.

    column: the title with its id in brackets, as in Canvas's own export; may be left out where that tells it
    exported: the gradebook as Canvas exports it, whose students are taken over to the letter
    """
    if exported is not None:
        return _filled(class_, lines, column, exported)
    if not _COLUMN.fullmatch(column):
        raise UsageError(
            "Canvas needs the assignment's exact column title with its id: --column 'Homework 3 (123456)', as the "
            "gradebook's own export has it; or give that export itself: --gradebook FILE"
        )
    in_canvas = class_.layout == "canvas"
    rows = [
        [text(line.entry.name), _id(line) if in_canvas else "", text(_sis(line)), text(line.entry.email), "",
         number(line.score)]
        for line in lines
    ]  # fmt: skip
    data = write_csv([*IDS, column], [[POSSIBLE, "", "", "", "", number(most(class_))], *rows])
    return Table(data, frozenset(line.entry.student for line in lines))


def _id(line: Line) -> str:
    return line.entry.lms_id if line.entry.lms_id.isdecimal() else ""


def _sis(line: Line) -> str:
    """Return the SIS id: the roster's own column of that name, else the roster's id where it is not Canvas's."""
    entry = line.entry
    return entry.sis if entry.sis is not None else "" if entry.student == entry.lms_id else entry.student


def _filled(class_: ClassFile, lines: Sequence[Line], column: str, exported: Path) -> Table:
    """Return the students of Canvas's export with the marks in the assignment's column."""
    header, rows = read_csv(exported)
    missing = [name for name in ("Student", "ID") if name not in header]
    if missing:
        raise UsageError(f"{exported} is no gradebook that Canvas exported: it has no column {missing[0]!r}")
    column = column or _only_column(class_.title, header, exported)
    if column not in header:
        raise UsageError(f"{exported} has no column {column!r}")
    kept = [name for name in IDS if name in header]
    places = [header.index(name) for name in kept]
    finder, there = Finder(lines), set()
    result = [[POSSIBLE, *[""] * (len(kept) - 1), number(most(class_))]]
    for row in rows:
        ids = [row[header.index(name)] for name in ("ID", "SIS User ID", "SIS Login ID") if name in header]
        name = row[header.index("Student")]
        line = finder.find(ids, name) if any(ids) else None  # rows without ids are Canvas's own
        if line is not None:
            there.add(line.entry.student)
            result.append([*(row[place] for place in places), number(line.score)])
    return Table(write_csv([*kept, column], result), frozenset(there))


def _only_column(title: str, header: Sequence[str], exported: Path) -> str:
    """Return the column that bears the assignment's title."""
    found = [name for name in header if _COLUMN.fullmatch(name) and name.rpartition(" (")[0] == title]
    if len(found) == 1:
        return found[0]
    known = ", ".join(repr(name) for name in header if _COLUMN.fullmatch(name))
    raise UsageError(
        f"{exported} has {'two columns' if found else 'no column'} named {title!r}: give --column ({known})"
    )
