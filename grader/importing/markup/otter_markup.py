"""Reads the markup of otter-assign: questions between raw cells, or behind Markdown cells as it was
before.

    raw: # BEGIN QUESTION        Markdown: ``` BEGIN QUESTION
         name: q1                              name: q1 ```
    ... raw: # BEGIN SOLUTION ... # END SOLUTION, # BEGIN PROMPT ..., # BEGIN TESTS ...

For editors without raw cells, such as Colab's, a Markdown cell that is one fenced block of the
language `otter` stands for a raw cell.

Both are read into one stream of pieces. In either, comments in code mark the solution's lines
(`otter_comments`), and a test is a cell whose last line shows something, an assertion, or a
function (`otter_tests`).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from operator import attrgetter
from typing import Any

import msgspec

from grader.importing.drafts import (
    Cell,
    Draft,
    Names,
    Test,
    answer_cell,
    check_id,
    identify,
    numbered,
    shared,
    to_students,
)
from grader.importing.markup.otter_comments import marked, prompted, without_otters_own
from grader.importing.markup.otter_tests import TestCell, read_test, resolved
from grader.markers import BEGIN, END
from grader.text import quoted

_BOUNDARY = re.compile(r"#+\s*(BEGIN|END)\s+(QUESTION|SOLUTION|PROMPT|TESTS?)\b", re.IGNORECASE)
_CONFIG = re.compile(r"#+\s*(?:BEGIN\s+ASSIGNMENT|ASSIGNMENT\s+CONFIG)\b", re.IGNORECASE)
_FENCED = re.compile(
    r"^(`{3,})[ \t]*\n?\s*BEGIN (ASSIGNMENT|QUESTION)[ \t]*\n(.*?)^\1[ \t]*$", re.M | re.S
)
_AS_RAW = re.compile(r"\s*```otter[ \t]*\n(.*?)\n?[ \t]*```\s*", re.S)
_TEST_HEAD = re.compile(
    r"#+\s*(?:hidden\s+)?test\b[\s#]*$|\"\"\"\s*#\s*BEGIN TEST CONFIG", re.IGNORECASE
)
_IGNORED = re.compile(r"#+\s*ignore\b[\s#]*$", re.IGNORECASE)
_ANSWER = re.compile(r"^(?:<strong>|\*\*)solution:?(?:</strong>|\*\*)", re.IGNORECASE | re.M)

# Keys of an assignment's that are taken over or told apart.
SILENT = {"name", "files", "student_files", "tests", "seed"}
# Keys of a question's that need no word.
OF_QUESTIONS = {"name", "points", "manual", "export", "check_cell", "all_or_nothing"}


class MarkedCell(msgspec.Struct, frozen=True):
    """A cell and what it is for."""

    number: int
    role: str  # assignment, question, end, prompt, solution, test or plain
    cell: Cell
    told: dict[str, Any] = {}  # the configuration of an assignment or a question


class _Question(msgspec.Struct):
    """A question while its cells are gone through."""

    id: str
    number: int
    told: dict[str, Any]
    cleared: bool = False  # whether the notebook keeps no outputs
    prompt: Cell | None = None
    answered: bool = False
    tests: list[MarkedCell] = []

    @property
    def manual(self) -> bool:
        return bool(self.told.get("manual"))

    @property
    def points(self) -> float:
        told = self.told.get("points")
        return float(told) if isinstance(told, int | float) else 1.0


def is_otters(cells: list[Cell]) -> bool:
    """Return whether cells bear otter-assign's markup."""
    return _with_raw_cells(cells) or any(
        cell["cell_type"] == "markdown" and _FENCED.search(cell["source"]) for cell in cells
    )


def draft(cells: list[Cell], title: str) -> Draft:
    """Sort the cells of a notebook; ``title`` is of no use here, since the questions have names."""
    made = Draft()
    ids, names = Names("-"), Names("_")
    question: _Question | None = None
    cleared = not any(cell.get("outputs") or cell.get("execution_count") for cell in cells)
    for piece in _pieces_between(cells) if _with_raw_cells(cells) else _pieces_behind(cells):
        if piece.role == "assignment":
            _assignment(piece, made)
        elif piece.role in ("question", "end"):
            if question is not None:
                _end(question, made, ids, names)
            question = _begin(piece, made) if piece.role == "question" else None
            if question is not None:
                question.cleared = cleared
        elif piece.role == "test" and question is not None:
            question.tests.append(piece)
        elif piece.role == "prompt" and question is not None:
            question.prompt = piece.cell
        else:
            _cell(piece, question, made, ids)
    if question is not None:
        _end(question, made, ids, names)
    return made


# --- the stream of pieces -------------------------------------------------------------------------


def _with_raw_cells(cells: list[Cell]) -> bool:
    for text in filter(None, map(_raw, cells)):
        if _BOUNDARY.match(text) or _CONFIG.match(text):
            return True
    return False


def _raw(cell: Cell) -> str:
    """Return the text of a raw cell, or of a Markdown cell that stands for one; nothing of any
    other.
    """
    if cell["cell_type"] == "raw":
        return str(cell["source"]).lstrip()
    found = _AS_RAW.fullmatch(cell["source"]) if cell["cell_type"] == "markdown" else None
    return found[1].lstrip() if found else ""


def _pieces_between(cells: list[Cell]) -> Iterator[MarkedCell]:
    """Yield the pieces of a notebook whose questions stand between raw cells."""
    block = "plain"
    for number, cell in enumerate(cells, start=1):
        text = _raw(cell)
        found = _BOUNDARY.match(text)
        if _CONFIG.match(text):
            yield MarkedCell(number, "assignment", cell, _yaml(text))
        elif found is None:
            yield MarkedCell(number, block, cell)
        elif found[2].upper() == "QUESTION":
            begins = found[1].upper() == "BEGIN"
            yield MarkedCell(
                number, "question" if begins else "end", cell, _yaml(text) if begins else {}
            )
            block = "plain"
        else:
            kind = found[2].lower().rstrip("s")
            block = kind if found[1].upper() == "BEGIN" else "plain"


def _pieces_behind(cells: list[Cell]) -> Iterator[MarkedCell]:
    """Yield the pieces of a notebook whose questions begin with a fenced block in a Markdown
    cell.
    """
    asked: dict[str, Any] | None = None  # the question's configuration, None outside of one
    solved = False
    for number, cell in enumerate(cells, start=1):
        found = _FENCED.search(cell["source"]) if cell["cell_type"] == "markdown" else None
        if found is not None:
            told = _yaml(found[3])
            role = found[2].lower()
            asked, solved = (told, False) if role == "question" else (asked, solved)
            yield MarkedCell(number, role, cell, told)
            cell["source"] = (
                cell["source"][: found.start()] + cell["source"][found.end() :]
            ).strip()
            if cell["source"]:
                yield MarkedCell(number, "plain", cell)
        elif asked is None:
            yield MarkedCell(number, "plain", cell)
        elif cell["cell_type"] == "code" and _TEST_HEAD.match(_first_line(cell)):
            yield MarkedCell(number, "test", cell)
        elif not solved and (cell["cell_type"] == "code" or _ANSWER.search(cell["source"])):
            solved = True
            yield MarkedCell(number, "solution", cell)
        elif not solved:
            yield MarkedCell(number, "prompt" if asked.get("manual") else "plain", cell)
        else:
            asked = None
            yield MarkedCell(number, "end", cell)
            yield MarkedCell(number, "plain", cell)


def _first_line(cell: Cell) -> str:
    return str(cell["source"]).lstrip().partition("\n")[0]


def _yaml(text: str) -> dict[str, Any]:
    """Return a configuration: a dict, empty if it can't be read."""
    import yaml  # type: ignore[import-untyped]  # its stubs are a package of their own

    try:
        told = yaml.safe_load(text)
    except yaml.YAMLError:
        return {}
    return told if isinstance(told, dict) else {}


# --- pieces ---------------------------------------------------------------------------------------


def _assignment(piece: MarkedCell, made: Draft) -> None:
    """Take over what an assignment's configuration says of files, and name the rest."""
    told = piece.told
    for key in ("files", "student_files"):
        made.files += map(str, told.get(key) or ())
    seed = told.get("seed")
    if isinstance(seed, dict) and seed.get("variable"):
        made.notes.append(
            f"cell {piece.number}: `{seed['variable']}` is the same for students and when grading"
        )
    if told.get("config_file"):
        made.notes.append(
            f"cell {piece.number}: {told['config_file']} is not read: what it says of points is"
            " lost"
        )
    others = sorted(told.keys() - SILENT - {"config_file"})
    if others:
        made.notes.append(
            f"cell {piece.number}: left out, since nothing here answers to them: {quoted(others)}"
        )


def _begin(piece: MarkedCell, made: Draft) -> _Question:
    name = str(piece.told.get("name") or f"q{len(made.questions) + 1}")
    others = sorted(piece.told.keys() - OF_QUESTIONS)
    if others:
        made.notes.append(
            f"cell {piece.number} ({name}): left out, since each test is a check of its own:"
            f" {quoted(others)}"
        )
    if name in made.questions:
        made.notes.append(
            f"cell {piece.number}: a second question {name}: their checks are counted together"
        )
    made.questions[name] = (
        f"Question {name.removeprefix('q')}" if re.fullmatch(r"q\d+\w?", name) else name
    )
    return _Question(name, piece.number, piece.told)


def _cell(piece: MarkedCell, question: _Question | None, made: Draft, ids: Names) -> None:
    """Keep a cell: a solution goes to the students, and so does any cell with marked lines."""
    cell, solution = piece.cell, piece.role == "solution"
    if _IGNORED.match(_first_line(cell)):
        return
    included = "otter_include" in (cell.get("metadata", {}).pop("tags", None) or ())
    if cell["cell_type"] != "code":
        solution = solution and not included
        if solution and question is not None and not question.manual:
            made.notes.append(
                f"cell {piece.number} ({question.id}): words in the solution of code are left out"
            )
            return
        if solution and question is not None:
            _words(cell, question, made)
        identify(cell, f"{question.id}-answer" if solution and question else "", piece.number, ids)
        made.cells.append(cell)
        return
    place = f"cell {piece.number}"
    lines = without_otters_own(cell["source"], place, made.notes)
    if not lines.strip() and cell["source"].strip():
        return
    prompt = question.prompt if solution and question else None
    hint = prompt["source"] if prompt and prompt["cell_type"] != "code" else ""
    if prompt and not hint:
        lines = prompted(prompt["source"], lines)
    cell["source"], found = marked(lines, question.id if question else "", place, made.notes, hint)
    identify(cell, f"{question.id}-solution" if solution and question else "", piece.number, ids)
    by_a_person = solution and question is not None and question.manual and not question.answered
    if by_a_person and question is not None:
        told = f"{place} ({question.id}, {question.points:g} points)"
        made.notes.append(
            f"{told} is code that a person graded, and still is: its code waits for a person"
        )
    if found or solution:
        to_students(cell, question.points if by_a_person and question is not None else None)
    if solution and question is not None:
        question.answered, question.prompt = True, None
    made.cells.append(cell)


def _words(cell: Cell, question: _Question, made: Draft) -> None:
    """Make a cell a student's answer in words, the prompt ahead of what is to be taken out."""
    answer = _stripped_lines(cell["source"])
    cell["source"] = f"{BEGIN} {question.id}\n{cell['source'].strip()}\n{END}"
    if question.prompt is not None and answer & _stripped_lines(question.prompt["source"]):
        made.notes.append(
            f"the prompt of {question.id} is left out: a handout can't hold lines of the answer"
        )
    elif question.prompt is not None:
        cell["source"] = f"{question.prompt['source'].rstrip()}\n\n{cell['source']}"
    to_students(cell, 0 if question.answered else question.points)
    question.answered, question.prompt = True, None


def _stripped_lines(text: str) -> set[str]:
    return set(map(str.strip, text.split("\n"))) - {""}


def _end(question: _Question, made: Draft, ids: Names, names: Names) -> None:
    """Finish a question: an answer cell if it has a prompt alone, and its tests with their
    points.
    """
    if question.prompt is not None and not question.answered:
        made.cells.append(
            answer_cell(
                ids.take(f"{question.id}-answer", ""), question.points, question.prompt["source"]
            )
        )
    elif not question.tests and not question.manual and question.answered:
        made.notes.append(f"{question.id} has no tests, so it has no points: write a check for it")
    read = [read_test(piece.cell, cleared=question.cleared) for piece in question.tests]
    points = resolved(question.told.get("points"), list(map(attrgetter("points"), read)))
    together = bool(question.told.get("all_or_nothing")) and len(read) > 1
    whole: list[TestCell] = []
    for index, (piece, test, worth) in enumerate(
        zip(question.tests, read, points, strict=True), start=1
    ):
        place = f"cell {piece.number} ({question.id}, test {index}, {worth:g} points)"
        made.notes += [f"{place}: {note}" for note in test.notes]
        if not test.code.strip():
            made.notes.append(f"{place} is left out: it tests nothing")
            continue
        kind = "hidden test" if test.hidden else "test"
        whole.append(test)
        made.tests.append(
            Test(
                id=names.take(check_id(f"{question.id}_{index}"), ""),
                place=place,
                question=question.id,
                points=shared(worth, 1)[0] if worth and not together else 0.0,
                code=test.code,
                box_code=test.box_code,
                after=made.cells[-1]["id"] if made.cells else "",
                cell=f"{question.id}-test-{index}",
                hidden=test.hidden,
                sentence=test.sentence or f"{made.questions[question.id]}, {kind} {index}.",
                when_passed=test.when_passed,
                when_failed=test.when_failed,
            )
        )
    if together and whole:
        made.tests.append(_all_or_nothing(question, whole, sum(points), made, names))


def _all_or_nothing(
    question: _Question, tests: list[TestCell], points: float, made: Draft, names: Names
) -> Test:
    """Return the check that has a question's points: it passes only if all of its tests do."""
    return Test(
        id=names.take(check_id(f"{question.id}_all"), ""),
        place=f"cell {question.number} ({question.id}, all of its tests, {points:g} points)",
        question=question.id,
        points=points,
        code=numbered("\n".join(map(attrgetter("code"), tests))),
        box_code="\n".join(test.box_code or test.code for test in tests),
        hidden=any(test.hidden for test in tests),
        sentence=f"{made.questions[question.id]}, all of its tests together.",
        after=made.cells[-1]["id"] if made.cells else "",
        cell=f"{question.id}-all",
    )
