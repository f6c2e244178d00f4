"""Questions that are answered in words: found in the author's notebooks, their answers in a
student's.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import msgspec

from grader.assignment.spec import Assignment
from grader.classroom.marks.course_marks import Inline
from grader.grading.intake.candidates import listed_cells
from grader.markers import PLACEHOLDER, released
from grader.notebooks.answer_cells import answers, is_graded_code
from grader.notebooks.cells import Cell, cell_key, is_students, ours, text_of
from grader.notebooks.matching import match

QUESTION_LIMIT = 4_000  # characters


class Written(msgspec.Struct, frozen=True, omit_defaults=True):
    """An answer as it is kept: untrusted. ``pictures`` are base64 by their names in the text."""

    text: str
    pictures: Mapping[str, str] = {}
    elsewhere: bool = False  # it did not stand in the question's own cell


def questions(assignment: Assignment) -> tuple[Inline, ...]:
    """Return the cells that a person reads: Markdown cells of students, and code of theirs that has
    points.
    """
    found = []
    for spec in assignment.spec.notebooks:
        cells = author_cells(assignment, spec.source)
        for before, cell in zip([None, *cells], cells, strict=False):
            points = _number(ours(cell).get("points"))
            if not is_students(cell) or not (
                cell.get("cell_type") == "markdown" or is_graded_code(cell)
            ):
                continue
            stem = spec.path.rpartition("/")[2].removesuffix(".ipynb")
            asked = before is not None and before.get("cell_type") == "markdown"
            found.append(
                Inline(
                    id=f"{stem}/{cell_key(cell)}",
                    notebook=spec.path,
                    cell=cell_key(cell),
                    question=text_of(before)[:QUESTION_LIMIT]
                    if before is not None and asked
                    else "",
                    untouched=released(text_of(cell), PLACEHOLDER),
                    points=points,
                )
            )
    return tuple(found)


def _number(told: object) -> float:
    return float(told) if isinstance(told, int | float) else 0.0


def author_cells(assignment: Assignment, source: str) -> Sequence[Cell]:
    """Return the cells of one of the assignment's notebooks."""
    return listed_cells((assignment.folder / source).read_bytes())


def written(
    assignment: Assignment, inline: Sequence[Inline], files: Mapping[str, bytes]
) -> dict[str, Written]:
    """Return the answers that a student wrote: id -> answer. Untrusted, and whatever can't be read
    is no answer.
    """
    kept: dict[str, Written] = {}
    for spec in assignment.spec.notebooks:
        own = {question.cell: question.id for question in inline if question.notebook == spec.path}
        cells = listed_cells(files.get(spec.path, b"")) if own else []
        if not cells:
            continue
        found = answers(match(author_cells(assignment, spec.source), cells))
        for question in inline:
            answer = found.get(question.cell) if question.id in own.values() else None
            if answer is not None:
                kept[question.id] = Written(answer.text, dict(answer.pictures), answer.elsewhere)
    return kept
