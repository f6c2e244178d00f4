"""Each student's page in one zip, named so that the LMS that the class came from knows whose it is."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Sequence
from pathlib import Path

from grader.classroom.download import lms_filenames
from grader.classroom.download.students import Entry
from grader.classroom.exports.tables import Table
from grader.classroom.marks.gradebook import Line
from grader.classroom.run.results import ClassFile, Outcome
from grader.grading.outputs import STUDENTS_PAGE

EPOCH = (1980, 1, 1, 0, 0, 0)
REFUSED = "refused.txt"


def render(class_: ClassFile, lines: Sequence[Line], out: Path) -> Table:
    """Return the zip: the page that may be handed back, or why a submission could not be taken in.

    out: what ``grader batch`` wrote
    """
    buffer, there = io.BytesIO(), set()
    seen: set[str] = set()  # a group has one hand-in, and one answer to it
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for line in lines:
            page = (
                out
                / line.entry.folder
                / (REFUSED if line.outcome is Outcome.REFUSED else STUDENTS_PAGE)
            )
            name = _name(class_.layout, line.entry, page.suffix)
            if (
                line.outcome not in (Outcome.GRADED, Outcome.REFUSED)
                or not name
                or not page.is_file()
                or name in seen
            ):
                continue
            info = zipfile.ZipInfo(name, EPOCH)
            info.compress_type, info.external_attr = zipfile.ZIP_DEFLATED, 0o644 << 16
            archive.writestr(info, page.read_bytes())
            seen.add(name)
            there.add(line.entry.student)
    return Table(buffer.getvalue(), frozenset(there))


def _name(layout: str, entry: Entry, suffix: str) -> str:
    """Return the page's name in the zip; nothing where the LMS could not tell whose it is."""
    if not entry.paths:
        return ""
    if layout in lms_filenames.ANSWERED:
        head = lms_filenames.answer_to(layout, entry.paths[0].rpartition("/")[2], entry.lms_id)
        return f"{head}feedback{suffix}" if head else ""
    return f"{entry.folder}/feedback{suffix}"
