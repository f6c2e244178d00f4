"""Brightspace, Blackboard and Sakai: the CSVs by which their gradebooks take marks back."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from grader.classroom.exports.tables import (
    Finder,
    Sheet,
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

END_OF_LINE = "End-of-Line Indicator"  # Brightspace wants it last, with `#` in each row


class Form(NamedTuple):
    """How a system's export looks: its id columns, its name columns, and the columns of
    assignments.
    """

    system: str
    ids: tuple[str, ...]
    last: str
    first: str
    column: re.Pattern[str]  # with groups `title`, and `most` if it names the maximum


BRIGHTSPACE = Form(
    "Brightspace",
    ("OrgDefinedId", "Username", "Email"),
    "Last Name",
    "First Name",
    re.compile(r"(?P<title>.+) Points Grade(?: <.*?MaxPoints:(?P<most>[\d.,]+).*>)?"),
)
BLACKBOARD = Form(
    "Blackboard",
    ("Username", "Student ID"),
    "Last Name",
    "First Name",
    re.compile(r"(?P<title>.+?) \[Total Pts: (?P<most>[\d.,]+|up to [\d.,]+)[^\]]*\] ?\|?.*"),
)
SAKAI = Form(
    "Sakai",
    ("Student ID", "Display ID", "ID"),
    "Last Name",
    "First Name",
    re.compile(r"(?P<title>.+?) \[(?P<most>[\d.,]+)\]|(?P<grade>[Gg]rade)"),
)


def render(
    form: Form,
    class_: ClassFile,
    lines: Sequence[Line],
    column: str,
    exported: Path | None,
    scale_asked: bool,
) -> Table:
    """Return the CSV for a system; with its own export, that export with the marks in the
    assignment's column.

    column: the column's exact title, if the export has several; scale_asked: whether marks are
    scaled to its maximum
    """
    if exported is None:
        return _made(form, class_, lines, column)
    sheet = read_sheet(exported)
    start = _header_row(form, sheet)
    above, header, rows = sheet.rows[:start], sheet.rows[start], sheet.rows[start + 1 :]
    place = _column(form, class_.title, header, column, exported)
    match = form.column.fullmatch(header[place])
    named = number_in((match["most"] or "").removeprefix("up to ")) if match is not None else None
    factor = scale(class_.max_points, named, scale_asked, f"{exported}: {header[place]!r}")
    finder, there = Finder(class_, lines), set()
    found = finder.find([_who(form, header, row) for row in rows])
    for row, line in zip(rows, found, strict=True):
        if line is not None and line.score is not None:
            there.add(line.entry.student)
            row[place] = sheet.number(scaled(line, factor))
    return Table(sheet.write([*above, header, *rows]), frozenset(there), finder.unsettled)


def _header_row(form: Form, sheet: Sheet) -> int:
    """Return which row holds the columns' names: some systems have lines above it."""
    for place, row in enumerate(sheet.rows[:6]):
        if set(form.ids).intersection(row):
            return place
    raise UsageError(
        f"{sheet.path} is not a gradebook that {form.system} exported: it has no column"
        f" {form.ids[0]!r}"
    )


def _who(form: Form, header: Sequence[str], row: Sequence[str]) -> WantedRow:
    """Return the ids and the name in a row."""
    cells = dict(zip(header, row, strict=False))
    ids = [cells.get(name, "").removeprefix("#") for name in form.ids]
    last, first = cells.get(form.last, ""), cells.get(form.first, "")
    whole = cells.get("Name", cells.get("Student Name", ""))
    return WantedRow(ids, f"{last}, {first}" if last or first else whole)


def _column(form: Form, title: str, header: Sequence[str], column: str, exported: Path) -> int:
    if column:
        if column not in header:
            raise UsageError(f"{exported} has no column {column!r}")
        return list(header).index(column)
    found, own = [], []
    for index, name in enumerate(header):
        match = form.column.fullmatch(name)
        if match is not None:
            found.append(index)
            own += [index] if match["title"] == title else []
    if len(own or found) == 1:
        return (own or found)[0]
    names = map(repr, map(header.__getitem__, found))
    known = ", ".join(names) or "there is none of an assignment's"
    raise UsageError(f"{exported}: which column is this assignment's? give --column ({known})")


def _made(form: Form, class_: ClassFile, lines: Sequence[Line], column: str) -> Table:
    """Return a CSV of ids and marks alone, under the title of the assignment."""
    title, possible = " ".join((column or class_.title).split()), number(class_.max_points)
    there = students_of(lines)
    graded = [line for line in lines if line.score is not None]
    if form is BRIGHTSPACE:
        head = ["OrgDefinedId", title if column else f"{title} Points Grade", END_OF_LINE]
        rows = [[f"#{text(line.entry.student)}", number(line.score), "#"] for line in graded]
        return Table(write_csv(head, rows), there)
    if form is SAKAI:
        head = ["Student ID", "Student Name", title if column else f"{title} [{possible}]"]
        rows = []
        for line in graded:
            who = [text(line.entry.student), text(line.entry.name)]
            rows.append([*who, number(line.score)])
        return Table(write_csv(head, rows), there)
    raise UsageError(
        "Blackboard knows a column by its number: download the gradebook with the assignment's"
        " column (Upload/Download, Download) and give it with --gradebook FILE"
    )
