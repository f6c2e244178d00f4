"""Canvas: the CSV that its gradebook imports, with rows matched by id and the column by its exact
title and id.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from grader.classroom.exports.tables import (
    Finder,
    Table,
    WantedRow,
    number_in,
    read_sheet,
    scale,
    scaled,
    students_of,
    write_csv,
)
from grader.classroom.marks.gradebook import Line, number, text
from grader.classroom.run.results import ClassFile
from grader.errors import UsageError

IDS = ("Student", "ID", "SIS User ID", "SIS Login ID", "Section")
NAMES = ("LastName", "FirstName")  # what some of its exports have in the place of `Student`
POSSIBLE = "    Points Possible"
_COLUMN = re.compile(r".+ \(\d+\)")


def render(
    class_: ClassFile,
    lines: Sequence[Line],
    column: str,
    exported: Path | None,
    scale_asked: bool = False,
) -> Table:
    """Return the CSV; who has no score keeps the cell empty, so that Canvas leaves it as it is.

    column: the title with its id in brackets, as in Canvas's own export; may be left out if that
        tells it
    scale_asked: whether marks are scaled to the maximum that the export tells
    exported: the gradebook as Canvas exports it, whose students are taken over to the letter
    """
    if exported is not None:
        return _filled(class_, lines, column, exported, scale_asked)
    if not _COLUMN.fullmatch(column):
        raise UsageError(
            "Canvas needs the assignment's exact column title with its id: --column 'Homework 3"
            " (123456)', as the gradebook's own export has it; or give that export itself:"
            " --gradebook FILE"
        )
    in_canvas = class_.layout == "canvas"
    rows = [[POSSIBLE, "", "", "", "", number(class_.max_points)]]
    for line in lines:
        id_ = _id(line) if in_canvas else ""
        who = [text(line.entry.name), id_, text(_sis(line)), text(line.entry.email), ""]
        rows.append([*who, number(line.score)])
    return Table(write_csv([*IDS, column], rows), students_of(lines))


def _id(line: Line) -> str:
    return line.entry.lms_id if line.entry.lms_id.isdecimal() else ""


def _sis(line: Line) -> str:
    """Return the SIS id: the roster's own column of that name, else the roster's id if it is not
    Canvas's.
    """
    entry = line.entry
    if entry.sis is not None:
        return entry.sis
    return "" if entry.student == entry.lms_id else entry.student


def _filled(
    class_: ClassFile, lines: Sequence[Line], column: str, exported: Path, scale_asked: bool
) -> Table:
    """Return the students of Canvas's export with the marks in the assignment's column."""
    sheet = read_sheet(exported)
    header, *rows = sheet.rows
    named = "Student" in header or set(header).issuperset(NAMES)
    if "ID" not in header or not named:
        missing = "Student" if "ID" in header else "ID"
        raise UsageError(
            f"{exported} is not a gradebook that Canvas exported: it has no column {missing!r}"
        )
    column = column or _only_column(class_.title, header, exported)
    if column not in header:
        raise UsageError(f"{exported} has no column {column!r}")
    kept = list(filter(header.__contains__, (*NAMES, *IDS)))
    places = dict(zip(kept, map(header.index, kept), strict=True))
    maximum = _maximum(class_, _possible(rows, header.index(column)), scale_asked)
    possible = sheet.number(maximum.written)
    result = [[*kept, column], [POSSIBLE, *[""] * (len(kept) - 1), possible]]
    kept_rows: list[list[str]] = []
    students: list[WantedRow] = []
    for row in rows:
        cells = {name: row[place] for name, place in places.items()}
        ids = [cells.get("SIS User ID", ""), cells.get("SIS Login ID", "")]
        if any((cells["ID"], *ids)):  # else the row is Canvas's own
            kept_rows.append([*cells.values()])
            students.append(WantedRow(ids, _name(cells), cells["ID"], "canvas"))
    finder, there = Finder(class_, lines), set()
    for row, line in zip(kept_rows, finder.find(students), strict=True):
        if line is not None:
            there.add(line.entry.student)
            result.append([*row, sheet.number(scaled(line, maximum.factor))])
    return Table(sheet.write(result), frozenset(there), finder.unsettled, maximum.notes)


def _name(cells: dict[str, str]) -> str:
    return cells.get("Student") or f"{cells.get('LastName', '')}, {cells.get('FirstName', '')}"


class _Maximum(NamedTuple):
    """The maximum that is written, by what marks are multiplied, and what is said of it."""

    written: float
    factor: float = 1.0
    notes: Sequence[str] = ()


def _maximum(class_: ClassFile, theirs: float | None, scale_asked: bool) -> _Maximum:
    """Compare the maximum with Canvas's: marks are scaled on request, else a sentence says so."""
    ours = class_.max_points
    if not theirs:
        return _Maximum(ours)
    try:
        factor = scale(ours, theirs, scale_asked, "Canvas")
    except UsageError as different:  # Canvas takes marks above its maximum
        return _Maximum(ours, notes=(str(different),))
    return _Maximum(ours if factor == 1.0 else theirs, factor)


def _possible(rows: Sequence[Sequence[str]], place: int) -> float | None:
    """Return the maximum that Canvas has for a column; None if the export does not tell it."""
    for row in rows:
        if row[0].strip() == POSSIBLE.strip():
            return number_in(row[place])
    return None


def _only_column(title: str, header: Sequence[str], exported: Path) -> str:
    """Return the column that bears the assignment's title, or the only one that may be an
    assignment's.
    """
    columns = list(filter(_COLUMN.fullmatch, header))
    titled = [name for name in columns if name.rpartition(" (")[0] == title]
    if len(titled or columns) == 1:
        return (titled or columns)[0]
    known = ", ".join(map(repr, columns))
    raise UsageError(
        f"{exported} has {'two columns' if titled else 'no column'} named {title!r}: give"
        f" --column ({known})"
    )
