"""Moodle: the offline grading worksheet, and the XML of its grade import."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from collections.abc import Sequence
from pathlib import Path

from grader.classroom.exports.tables import Finder, Table, most, read_csv, write_csv
from grader.classroom.gradebook import Line, feedback_of, number, text
from grader.classroom.rows import ClassFile
from grader.errors import UsageError

HEADER = (
    "Identifier", "Full name", "Email address", "Status", "Grade", "Maximum grade", "Grade can be changed",
    "Last modified (submission)", "Last modified (grade)", "Feedback comments",
)  # fmt: skip
_NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def worksheet(class_: ClassFile, lines: Sequence[Line], exported: Path | None) -> Table:
    """Return the worksheet; Moodle takes grades and feedback from it by the identifier.

    exported: the worksheet as Moodle hands it out, which keeps all its other cells
    """
    if exported is not None:
        return _filled(class_, lines, exported)
    if class_.layout != "moodle":
        raise UsageError(
            "these submissions did not come from Moodle, so its participants' numbers are not known: download the "
            "assignment's grading worksheet and give it with --gradebook FILE"
        )
    rows = [
        [f"Participant {line.entry.lms_id}", text(line.entry.name), text(line.entry.email), _status(line),
         number(line.score), number(most(class_)), "Yes", "-", "-", text(feedback_of(line, class_))]
        for line in lines
        if line.entry.lms_id
    ]  # fmt: skip
    return Table(write_csv(HEADER, rows), frozenset(line.entry.student for line in lines if line.entry.lms_id))


def _filled(class_: ClassFile, lines: Sequence[Line], exported: Path) -> Table:
    header, rows = read_csv(exported)
    missing = [name for name in ("Identifier", "Grade") if name not in header]
    if missing:
        raise UsageError(f"{exported} is no grading worksheet of Moodle's: it has no column {missing[0]!r}")
    places = {name: header.index(name) for name in HEADER if name in header}
    finder, there = Finder(lines), set()
    for row in rows:
        identifier = row[places["Identifier"]]
        ids = [identifier, identifier.removeprefix("Participant ")]
        if "Email address" in places:
            ids.append(row[places["Email address"]])
        line = finder.find(ids, row[places["Full name"]] if "Full name" in places else "")
        if line is None or line.score is None:
            continue
        there.add(line.entry.student)
        row[places["Grade"]] = number(line.score)
        if "Feedback comments" in places:
            row[places["Feedback comments"]] = text(feedback_of(line, class_))
    return Table(write_csv(header, rows), frozenset(there))


def grades_xml(class_: ClassFile, lines: Sequence[Line], assignment: str) -> Table:
    """Return the XML of Moodle's grade import; students and the assignment are named by their ID numbers.

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
            ("state", "new"), ("assignment", assignment), ("student", line.entry.student),
            ("score", number(line.score)), ("feedback", feedback_of(line, class_)),
        ):  # fmt: skip
            ET.SubElement(result, tag).text = _xml(value)
    ET.indent(root)
    body: bytes = ET.tostring(root, encoding="utf-8", xml_declaration=True)
    return Table(body + b"\n", frozenset(line.entry.student for line in lines))


def _status(line: Line) -> str:
    return "No submission" if line.entry.missing else "Submitted for grading"


def _xml(value: str) -> str:
    return _NOT_XML.sub("\N{REPLACEMENT CHARACTER}", value)
