"""Writes the CSV of ``nbgrader export``, for tools that read it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

from grader.classroom.exports.tables import Table, students_of, write_csv
from grader.classroom.marks.gradebook import Line, text
from grader.classroom.run.results import ClassFile

HEADER = (
    "assignment",
    "duedate",
    "timestamp",
    "student_id",
    "last_name",
    "first_name",
    "email",
    "raw_score",
    "late_submission_penalty",
    "score",
    "max_score",
)


def render(class_: ClassFile, lines: Sequence[Line]) -> Table:
    """Return the CSV: a row per student. As with nbgrader, who handed in nothing stands there with
    zeros.
    """
    due = _time(class_.late.due) if class_.late is not None and class_.late.due is not None else ""
    rows = []
    for line in lines:
        if line.score is None and not line.entry.missing:
            continue  # the grader failed, or has not been there yet: no mark is given
        marks = line.marks
        last, first = _names(line.entry.name)
        submitted = (
            _time(datetime.fromisoformat(line.entry.submitted)) if line.entry.submitted else ""
        )
        sums = [marks.points, marks.penalty, marks.score] if marks is not None else [0.0] * 3
        rows.append(
            [
                class_.name,
                due,
                submitted,
                text(line.entry.student),
                text(last),
                text(first),
                text(line.entry.email),
                *[str(float(value or 0.0)) for value in (*sums, class_.max_points)],
            ]
        )
    return Table(write_csv(HEADER, rows), students_of(lines))


def _names(name: str) -> tuple[str, str]:
    """Return last and first name: what stands before a comma, or the last word."""
    if "," in name:
        last, _, first = name.partition(",")
        return last.strip(), first.strip()
    first, _, last = name.rpartition(" ")
    return last.strip(), first.strip()


def _time(moment: datetime) -> str:
    """Return a time as nbgrader keeps it: in UTC, without saying so."""
    return moment.astimezone(UTC).replace(tzinfo=None).isoformat(sep=" ")
