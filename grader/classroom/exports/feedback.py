"""Each student's page in one zip, named so that the LMS that the class came from knows whose it
is.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from grader.classroom.download import lms_filenames
from grader.classroom.download.students import Entry
from grader.classroom.exports.tables import Table
from grader.classroom.marks.gradebook import Line
from grader.classroom.run.results import ClassFile, SubmissionOutcome
from grader.grading.outputs import STUDENTS_PAGE
from grader.zips import zipped

REFUSED = "refused.txt"


def render(class_: ClassFile, lines: Sequence[Line], out: Path) -> Table:
    """Return the zip: the page that may be handed back, or why a submission could not be taken in.

    out: what ``grader batch`` wrote
    """
    files: dict[str, bytes] = {}
    there = set()
    for line in lines:
        if line.outcome not in (SubmissionOutcome.GRADED, SubmissionOutcome.REFUSED):
            continue
        page = REFUSED if line.outcome is SubmissionOutcome.REFUSED else STUDENTS_PAGE
        path = out / line.entry.folder / page
        name = _name(class_.layout, line.entry, path.suffix)
        # A group has one hand-in, and one answer to it.
        if name and name not in files and path.is_file():
            files[name] = path.read_bytes()
            there.add(line.entry.student)
    return Table(zipped(files, compressed=True), frozenset(there))


def _name(layout: str, entry: Entry, suffix: str) -> str:
    """Return the page's name in the zip; nothing if the LMS could not tell whose it is."""
    if not entry.paths:
        return ""
    if layout in lms_filenames.ANSWERED:
        head = lms_filenames.answer_to(layout, entry.paths[0].rpartition("/")[2], entry.lms_id)
        return f"{head}feedback{suffix}" if head else ""
    return f"{entry.folder}/feedback{suffix}"
