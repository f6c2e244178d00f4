"""Moodle: the offline grading worksheet, and the XML of its grade import."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from collections.abc import Callable, Sequence
from itertools import pairwise
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
from grader.classroom.marks.gradebook import Line, feedback_of, number, text
from grader.classroom.run.results import ClassFile
from grader.errors import UsageError

HEADER = (
    "Identifier",
    "Full name",
    "Email address",
    "Status",
    "Grade",
    "Maximum grade",
    "Grade can be changed",
    "Last modified (submission)",
    "Last modified (grade)",
    "Feedback comments",
)
_NUMBER = re.compile(r"[^\W\d][^\d]{2,40}?[ _]?(\d{1,18})")  # `Participant 17`, `Teilnehmer/in17`
_NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def worksheet(
    class_: ClassFile, lines: Sequence[Line], exported: Path | None, scale_asked: bool = False
) -> Table:
    """Return the worksheet; Moodle takes grades and feedback from it by the identifier.

    exported: the worksheet as Moodle hands it out, which keeps all its other cells
    scale_asked: whether marks are scaled to Moodle's maximum grade, if that is another
    """
    if exported is not None:
        return _filled(class_, lines, exported, scale_asked)
    if class_.layout != "moodle":
        raise UsageError(
            "these submissions did not come from Moodle, so its participants' numbers are not"
            " known: download the assignment's grading worksheet and give it with --gradebook FILE"
        )
    rows = []
    there = [line for line in lines if line.entry.lms_id]
    for line in there:
        row = dict.fromkeys(HEADER, "-")
        row["Identifier"] = f"Participant {line.entry.lms_id}"
        row["Full name"] = text(line.entry.name)
        row["Email address"] = text(line.entry.email)
        row["Status"] = "No submission" if line.entry.missing else "Submitted for grading"
        row["Grade"] = number(line.score)
        row["Maximum grade"] = number(class_.max_points)
        row["Grade can be changed"] = "Yes"
        row["Feedback comments"] = text(feedback_of(line, class_))
        rows.append(list(row.values()))
    return Table(write_csv(HEADER, rows), students_of(there))


class _Places(NamedTuple):
    """Where the columns of a worksheet stand, whatever language they are named in."""

    identifier: int
    name: int | None
    email: int | None
    grade: int
    maximum: int | None
    feedback: int | None


def _filled(class_: ClassFile, lines: Sequence[Line], exported: Path, scale_asked: bool) -> Table:
    """Return the worksheet with grades and feedback; what is there is never replaced by nothing."""
    sheet = read_sheet(exported)
    header, *rows = sheet.rows
    places = _places(header, rows, exported)
    finder, there = Finder(class_, lines), set()
    found = finder.find([_who(row, places) for row in rows])
    for row, line in zip(rows, found, strict=True):
        if line is None or line.score is None:
            continue
        theirs = number_in(row[places.maximum]) if places.maximum is not None else None
        what = f"{exported}: the assignment in Moodle"
        factor = scale(class_.max_points, theirs, scale_asked, what)
        there.add(line.entry.student)
        row[places.grade] = sheet.number(scaled(line, factor))
        said = text(feedback_of(line, class_))
        if places.feedback is not None and said:
            row[places.feedback] = said
    return Table(sheet.write([header, *rows]), frozenset(there), finder.unsettled)


def _who(row: Sequence[str], places: _Places) -> WantedRow:
    """Return the ids and the name in a row."""
    identifier = row[places.identifier]
    number = _NUMBER.fullmatch(identifier)
    ids = [] if number else [identifier]
    if places.email is not None:
        ids.append(row[places.email])
    name = row[places.name] if places.name is not None else ""
    return WantedRow(ids, name, number[1] if number else "", "moodle")


def _places(header: Sequence[str], rows: Sequence[Sequence[str]], exported: Path) -> _Places:
    """Return the columns, found by their English names or else by their contents."""
    names = dict(zip(header, range(len(header)), strict=True))
    if "Identifier" in names and "Grade" in names:
        return _Places(
            names["Identifier"],
            names.get("Full name"),
            names.get("Email address"),
            names["Grade"],
            names.get("Maximum grade"),
            names.get("Feedback comments"),
        )
    columns = list(zip(*rows, strict=True))
    identifier = _first(columns, lambda cells: all(map(_NUMBER.fullmatch, cells)))
    maximum = _maximum_column(columns)
    if identifier is None or maximum is None:
        raise UsageError(
            f"{exported} is not a grading worksheet of Moodle's: it has no column 'Identifier' and"
            " none that looks like it"
        )
    email = _first(columns, lambda cells: all("@" in cell for cell in cells))
    feedback = len(header) - 1 if len(header) - 1 > maximum + 1 else None
    return _Places(identifier, identifier + 1, email, maximum - 1, maximum, feedback)


def _first(
    columns: Sequence[Sequence[str]],
    fits: Callable[[Sequence[str]], bool],
) -> int | None:
    """Return the position of the first column whose cells, without spaces around them, fit."""
    for index, cells in enumerate(columns):
        if fits(list(map(str.strip, cells))):
            return index
    return None


def _maximum_column(columns: Sequence[Sequence[str]]) -> int | None:
    """Return the position of the maximum grade: it is one number above 0 in all rows, and the
    column before it holds grades, or nothing.
    """
    for index, (before, cells) in enumerate(pairwise(columns[1:]), start=2):
        values = set(map(number_in, cells))
        one = len(values) == 1 and (values.pop() or 0) > 0
        if one and all(map(_is_grade, before)):
            return index
    return None


def _is_grade(cell: str) -> bool:
    return cell.strip() in ("", "-") or number_in(cell) is not None


def grades_xml(class_: ClassFile, lines: Sequence[Line], assignment: str) -> Table:
    """Return the XML of Moodle's grade import; students and the assignment are named by their ID
    numbers.

    assignment: the assignment's ID number, as its settings in Moodle have it
    """
    if not assignment:
        raise UsageError("Moodle's XML needs the assignment's ID number: give it with --column")
    root = ET.Element("results", batch=_xml(assignment))
    for line in lines:
        if line.score is None:
            continue
        result = ET.SubElement(root, "result")
        for tag, value in (
            ("state", "new"),
            ("assignment", assignment),
            ("student", line.entry.student),
            ("score", number(line.score)),
            ("feedback", feedback_of(line, class_)),
        ):
            ET.SubElement(result, tag).text = _xml(value)
    ET.indent(root)
    body: bytes = ET.tostring(root, encoding="utf-8", xml_declaration=True)
    return Table(body + b"\n", students_of(lines))


def _xml(value: str) -> str:
    return _NOT_XML.sub("\N{REPLACEMENT CHARACTER}", value)
