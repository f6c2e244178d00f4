"""Parts of students' work that a person reads: answers in words, cells of code, functions."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping, Sequence

import msgspec

from grader.assignment.schema import ManualSpec
from grader.assignment.spec import Assignment
from grader.classroom.marks.course_marks import Inline
from grader.classroom.marks.decisions import seen_answer
from grader.errors import AssignmentError
from grader.grading.intake.candidates import listed_cells
from grader.markers import BEGIN, END, PLACEHOLDER, released
from grader.notebooks.answer_cells import LONGEST, answers, fenced, is_graded_code
from grader.notebooks.cells import Cell, cell_key, is_students, ours, text_of
from grader.notebooks.definitions import is_untouched
from grader.notebooks.matching import match
from grader.report.markup.snippets import function_text

QUESTION_LIMIT = 4_000  # characters
MODEL_LIMIT = 8_000  # characters of the author's own answer


class WrittenAnswer(msgspec.Struct, frozen=True, omit_defaults=True):
    """An answer as it is kept: untrusted. ``pictures`` are base64 by their names in the text."""

    text: str
    pictures: Mapping[str, str] = {}
    elsewhere: bool = False  # it did not stand in the question's own cell

    @property
    def seen(self) -> str:
        """Digest of it, by which a decision of a person knows whether it was made on this one."""
        return seen_answer(self.text, map(":".join, sorted(self.pictures.items())))


def questions(assignment: Assignment) -> tuple[Inline, ...]:
    """Return the parts that a person reads.

    These are Markdown cells of students, code of theirs that has points, and what stands under
    ``[[manual]]``.
    """
    manual = {(part.notebook, part.cell): part for part in assignment.spec.manual if part.cell}
    found = []
    for spec in assignment.spec.notebooks:
        cells = author_cells(assignment, spec.source)
        for before, cell in zip([None, *cells], cells, strict=False):
            part = manual.pop((spec.path, cell_key(cell)), None)
            read = cell.get("cell_type") == "markdown" or is_graded_code(cell) or part is not None
            if is_students(cell) and read:
                found.append(_asked(spec.path, before, cell, part))
            elif part is not None:
                raise AssignmentError(
                    f"[[manual]] `{part.id}`: the cell {part.cell!r} of {spec.path} is not the "
                    "students': give it the role `student`"
                )
    for part in manual.values():
        raise AssignmentError(
            f"[[manual]] `{part.id}`: {part.notebook} has no cell with the id {part.cell!r}"
        )
    functions = [_function(assignment, part) for part in assignment.spec.manual if part.function]
    return (*found, *functions)


def _asked(notebook: str, before: Cell | None, cell: Cell, part: ManualSpec | None) -> Inline:
    """Return a cell as a question: the text before it is what is asked."""
    stem = notebook.rpartition("/")[2].removesuffix(".ipynb")
    asked = before is not None and before.get("cell_type") == "markdown"
    code = cell.get("cell_type") == "code"
    model = _between_markers(text_of(cell))
    return Inline(
        id=part.id if part is not None else f"{stem}/{cell_key(cell)}",
        notebook=notebook,
        cell=cell_key(cell),
        question=text_of(before)[:QUESTION_LIMIT] if before is not None and asked else "",
        untouched=released(text_of(cell), PLACEHOLDER),
        points=part.points if part is not None else _number(ours(cell).get("points")),
        title=part.title if part is not None else "",
        model=fenced(model, "python") if code and model else model,
        code=code,
    )


def _function(assignment: Assignment, part: ManualSpec) -> Inline:
    """Return a student's function as a part; the reference's own is the model."""
    model = ""
    if part.notebook:
        sources = {one.path: one.source for one in assignment.spec.notebooks}
        cells = author_cells(assignment, sources[part.notebook])
        model = _defined(list(filter(is_students, cells)), part.function)
        if not model:
            raise AssignmentError(
                f"[[manual]] `{part.id}`: no cell of the students in {part.notebook} defines "
                f"{part.function!r}"
            )
    else:
        for data in (assignment.reference_modules() or {}).values():
            model = model or function_text(data.decode("utf-8", "replace"), part.function) or ""
    model = released_markers(model)[:MODEL_LIMIT]
    return Inline(
        id=part.id,
        notebook="",
        cell="",
        question="",
        untouched="",
        points=part.points,
        title=part.title or f"`{part.function}`",
        function=part.function,
        model=fenced(textwrap.dedent(model), "python") if model else "",
        code=True,
    )


def released_markers(text: str) -> str:
    """Return a text without the lines that are markers."""
    return "\n".join(line for line in text.split("\n") if not line.strip().startswith((BEGIN, END)))


def _between_markers(text: str) -> str:
    """Return what an author wrote between the markers of a solution."""
    kept: list[str] = []
    inside = False
    for line in text.split("\n"):
        bare = line.strip()
        if bare == BEGIN or bare.startswith(f"{BEGIN} "):
            inside = True
        elif bare == END:
            inside = False
        elif inside:
            kept.append(line)
    return textwrap.dedent("\n".join(kept))[:MODEL_LIMIT]


def _number(told: object) -> float:
    return float(told) if isinstance(told, int | float) else 0.0


def author_cells(assignment: Assignment, source: str) -> Sequence[Cell]:
    """Return the cells of one of the assignment's notebooks."""
    return listed_cells((assignment.folder / source).read_bytes())


def written(
    assignment: Assignment, inline: Sequence[Inline], files: Mapping[str, bytes]
) -> dict[str, WrittenAnswer]:
    """Return the answers that a student wrote: id -> answer. Untrusted, and whatever can't be read
    is not an answer.
    """
    kept: dict[str, WrittenAnswer] = {}
    for spec in assignment.spec.notebooks:
        own = {question.cell: question.id for question in inline if question.notebook == spec.path}
        cells = listed_cells(files.get(spec.path, b"")) if own else []
        if not cells:
            continue
        found = answers(match(author_cells(assignment, spec.source), cells), own)
        for cell, id_ in own.items():
            answer = found.get(cell)
            if answer is not None:
                kept[id_] = WrittenAnswer(answer.text, dict(answer.pictures), answer.elsewhere)
    return kept | _functions(assignment, inline, files)


def _functions(
    assignment: Assignment, inline: Sequence[Inline], files: Mapping[str, bytes]
) -> dict[str, WrittenAnswer]:
    """Return the functions that a person reads, if they are written. The text is never run or
    parsed beyond bounds.
    """
    kept = {}
    notebooks = {part.id: part.notebook for part in assignment.spec.manual}
    for part in inline:
        if not part.function:
            continue
        if notebook := notebooks.get(part.id):
            text = _defined(listed_cells(files.get(notebook, b"")), part.function)
        else:
            text = _in_files(assignment, part.function, files)
        text = textwrap.dedent(text)
        if text and not is_untouched(text):
            kept[part.id] = WrittenAnswer(fenced(text[:LONGEST], "python"))
    return kept


def _in_files(assignment: Assignment, function: str, files: Mapping[str, bytes]) -> str:
    """Return the source of a function in the file that provides it; nothing if it isn't there."""
    for file in assignment.spec.files:
        if function.split(".")[0] in file.provides:
            text = files.get(file.path, b"").decode("utf-8", "replace")
            return function_text(text, function) or ""
    return ""


def _defined(cells: Sequence[Cell], function: str) -> str:
    """Return the source of a function in a notebook's code; of several, the one that runs last."""
    found = ""
    for cell in cells:
        if cell.get("cell_type") == "code":
            found = function_text(text_of(cell), function) or found
    return found
