"""Canvas: the CSV that its gradebook imports, with rows matched by id and the column by its exact
title and id.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from grader.classroom.exports.tables import Finder, Table, most, read_sheet, write_csv
from grader.classroom.marks.gradebook import Line, number, text
from grader.classroom.run.results import ClassFile
from grader.errors import UsageError

IDS = ("Student", "ID", "SIS User ID", "SIS Login ID", "Section")
NAMES = ("LastName", "FirstName")  # what some of its exports have in the place of `Student`
POSSIBLE = "    Points Possible"
_COLUMN = re.compile(r".+ \(\d+\)")


def render(class_: ClassFile, lines: Sequence[Line], column: str, exported: Path | None) -> Table:
    """Return the CSV; who has no score keeps the cell empty, so that Canvas leaves it as it is.

    column: the title with its id in brackets, as in Canvas's own export; may be left out where that
        tells it
    exported: the gradebook as Canvas exports it, whose students are taken over to the letter
    """
    if exported is not None:
        return _filled(class_, lines, column, exported)
    if not _COLUMN.fullmatch(column):
        raise UsageError(
            "Canvas needs the assignment's exact column title with its id: --column 'Homework 3"
            " (123456)', as the gradebook's own export has it; or give that export itself:"
            " --gradebook FILE"
        )
    in_canvas = class_.layout == "canvas"
    rows = [
        [
            text(line.entry.name),
            _id(line) if in_canvas else "",
            text(_sis(line)),
            text(line.entry.email),
            "",
            number(line.score),
        ]
        for line in lines
    ]
    data = write_csv([*IDS, column], [[POSSIBLE, "", "", "", "", number(most(class_))], *rows])
    return Table(data, frozenset(line.entry.student for line in lines))


def _id(line: Line) -> str:
    return line.entry.lms_id if line.entry.lms_id.isdecimal() else ""


def _sis(line: Line) -> str:
    """Return the SIS id: the roster's own column of that name, else the roster's id where it is not
    Canvas's.
    """
    entry = line.entry
    return (
        entry.sis
        if entry.sis is not None
        else ""
        if entry.student == entry.lms_id
        else entry.student
    )


def _filled(class_: ClassFile, lines: Sequence[Line], column: str, exported: Path) -> Table:
    """Return the students of Canvas's export with the marks in the assignment's column."""
    sheet = read_sheet(exported)
    header, *rows = sheet.rows
    named = "Student" in header or {"LastName", "FirstName"} <= set(header)
    missing = [name for name in ("ID",) if name not in header] + ([] if named else ["Student"])
    if missing:
        raise UsageError(
            f"{exported} is not a gradebook that Canvas exported: it has no column {missing[0]!r}"
        )
    column = column or _only_column(class_.title, header, exported)
    if column not in header:
        raise UsageError(f"{exported} has no column {column!r}")
    kept = [name for name in (*NAMES, *IDS) if name in header]
    places = {name: header.index(name) for name in kept}
    finder, there = Finder(class_, lines), set()
    result = [[*kept, column], [POSSIBLE, *[""] * (len(kept) - 1), sheet.number(most(class_))]]
    for row in rows:
        cells = {name: row[place] for name, place in places.items()}
        ids = [cells[name] for name in ("SIS User ID", "SIS Login ID") if name in cells]
        if not any((cells["ID"], *ids)):
            continue  # Canvas's own
        name = cells.get("Student") or f"{cells.get('LastName', '')}, {cells.get('FirstName', '')}"
        line = finder.find(ids, name, cells["ID"], "canvas")
        if line is not None:
            there.add(line.entry.student)
            result.append([*(row[places[name]] for name in kept), sheet.number(line.score)])
    return Table(sheet.write(result), frozenset(there), finder.unsettled)


def _only_column(title: str, header: Sequence[str], exported: Path) -> str:
    """Return the column that bears the assignment's title, or the only one that may be an
    assignment's.
    """
    columns = [name for name in header if _COLUMN.fullmatch(name)]
    found = [name for name in columns if name.rpartition(" (")[0] == title] or columns
    if len(found) == 1:
        return found[0]
    known = ", ".join(map(repr, columns))
    alike = sum(name.rpartition(" (")[0] == title for name in columns)
    raise UsageError(
        f"{exported} has {'two columns' if alike > 1 else 'no column'} named {title!r}: give"
        f" --column ({known})"
    )
