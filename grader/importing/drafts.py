"""What notebooks with another grader's markup have in common: their cells, and the draft that a
markup's reader makes.

A reader (`nbgrader_markup`, `otter_markup`) goes through the cells and sorts them: cells that stay,
some of them now the students', and tests that become checks. What it can't take over it says in
sentences that name the cell.
"""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Iterator
from itertools import filterfalse
from typing import Any

import msgspec

from grader.errors import UsageError
from grader.importing.source_code import plain_python
from grader.markers import BEGIN, END, PLACEHOLDER, RESEMBLES
from grader.notebooks.definitions import tree_of
from grader.notebooks.jupyter_format import nbformat
from grader.notebooks.text_format import is_text_notebook, notebook_of

Cell = dict[str, Any]  # as in the notebook's JSON, its source joined to one text

_ID = re.compile(r"[^A-Za-z0-9_-]+")


class Test(msgspec.Struct, frozen=True, kw_only=True):
    """A test on its way to a check."""

    id: str
    place: str  # the cell, in notes
    question: str
    points: float
    code: str
    hidden: bool = False
    sentence: str = ""  # of the report; the code's docstring if it is empty
    when_passed: str = ""  # the author's words for who passes, and for who does not
    when_failed: str = ""
    after: str = ""  # the id of the notebook's cell that it stood behind; empty: ahead of all
    cell: str = ""  # the id of the cell that it was
    box_code: str = ""  # what runs in the box in the code's place
    expects: str = ""  # the code that asks for recorded values, if the box has other code now
    by_number: bool = False  # whether a number that it ends with is that of its points
    in_box: bool = False  # whether it runs beside the student's objects
    in_place: bool = False  # whether it runs where it stood, and not behind the last cell
    # whether what earlier tests did to the notebook's objects is done first
    cumulative: bool = False
    # the points that the notebook's own solution has of a test that ends with a number, if not all
    reference_points: float | None = None
    untouched: bool = False  # whether the untouched template passes it


class TestDraft(msgspec.Struct):
    """The tests of an assignment on its way."""

    tests: list[Test] = []
    questions: dict[str, str] = {}  # id -> title
    left: dict[str, tuple[Test, str]] = {}  # tests that could not be carried over, and why
    notes: list[str] = []

    def change(self, test: Test, **changes: Any) -> None:
        """Put a changed test in a test's place."""
        self.tests[self.tests.index(test)] = msgspec.structs.replace(test, **changes)

    def leave_out(self, test: Test, why: str, note: str, outdated: str) -> None:
        """Take out a test.

        note: what the author reads of it; outdated: how earlier notes begin that it replaces
        """
        self.tests.remove(test)
        self.left[test.id] = (test, why)
        self.notes = [old for old in self.notes if not old.startswith(outdated)]
        self.notes.append(note)


class Draft(TestDraft):
    """What a markup's reader found."""

    cells: list[Cell] = []
    files: list[str] = []  # paths of files beside the notebook, that students need


class Names:
    """Gives out names, none of them twice."""

    def __init__(self, joint: str) -> None:
        self._joint = joint
        self._taken: set[str] = set()

    def take(self, wanted: str, otherwise: str) -> str:
        """Return the wanted name, or the other if it is empty, with a number behind it if it is
        taken.
        """
        base = wanted or otherwise
        name, count = base, 1
        while name in self._taken:
            count += 1
            name = f"{base}{self._joint}{count}"
        self._taken.add(name)
        return name


def from_text(data: bytes, name: str) -> bytes:
    """Return the notebook that a text stands for; raise `UsageError` if it is none, or jupytext is
    not installed.
    """
    if not is_text_notebook(data):
        raise UsageError(
            f"{name} is not a notebook: a text needs jupytext's `# %%` or its head with"
            " `format_name: light`, or MyST's `{code-cell}`"
        )
    made = notebook_of(data, name)
    if made is None:
        raise UsageError(
            f"{name} can't be read as a notebook written as text: is jupytext installed?"
        )
    return made


def read_cells(data: bytes, name: str) -> tuple[dict[str, Any], list[Cell]]:
    """Return a notebook and its cells; raise `UsageError` if it is none, or none in Python."""
    if name.endswith((".py", ".md")):
        data = from_text(data, name)
    try:
        notebook = json.loads(data)
        if "worksheets" in notebook:  # formats before the fourth
            notebook = json.loads(
                nbformat.writes(nbformat.reads(data.decode("utf-8-sig"), as_version=4))
            )
        cells = list(map(_with_source, notebook["cells"]))
        told = notebook.get("metadata", {})
        language = (
            told.get("language_info", {}).get("name")
            or told.get("kernelspec", {}).get("language")
            or "python"
        )
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise UsageError(f"{name} is not a notebook of the current format: {error!r}") from None
    if "python" not in language.lower():
        raise UsageError(
            f"{name} is a notebook in {language}: only those in Python can be graded here"
        )
    return notebook, cells


def _with_source(cell: Cell) -> Cell:
    return cell | {"source": "".join(cell["source"])}


def identify(cell: Cell, wanted: str, number: int, ids: Names) -> str:
    """Give a cell the id that distinguishes a submission's cells, and return it."""
    cell["id"] = ids.take(
        _ID.sub("-", wanted or cell.get("id") or "").strip("-")[:56], f"cell-{number}"
    )
    return str(cell["id"])


def check_id(text: str) -> str:
    """Return a text as a check's id: the end of a function's name."""
    return re.sub(r"\W", "_", text).strip("_").lower()


def to_students(cell: Cell, points: float | None = None) -> None:
    """Give a cell to the students, with markers around the whole of it if it has none;
    ``points`` are for words.
    """
    ours: dict[str, Any] = {"role": "student"}
    if points is not None:
        ours["points"] = points
    cell.setdefault("metadata", {})["grader"] = ours
    if BEGIN not in cell["source"] and cell["source"].strip():
        first, _, rest = cell["source"].partition("\n")
        if first.startswith("%%"):  # which must stay the first line
            cell["source"] = f"{first}\n{BEGIN}\n{rest.rstrip()}\n{END}"
        else:
            cell["source"] = f"{BEGIN}\n{cell['source'].rstrip()}\n{END}"


def code_cell(id_: str, source: str) -> Cell:
    """Return a new code cell, which has not run."""
    cell: Cell = {"cell_type": "code", "id": id_, "metadata": {}, "source": source}
    return cell | {"outputs": [], "execution_count": None}


def answer_cell(id_: str, points: float, text: str = "") -> Cell:
    """Return a new Markdown cell for an answer in words."""
    metadata = {"grader": {"role": "student", "points": points}}
    return {"cell_type": "markdown", "id": id_, "metadata": metadata, "source": text or PLACEHOLDER}


def shared(points: float, count: int) -> list[float]:
    """Return points in as many parts, in hundredths, since that is what a report counts; none of
    them is 0.
    """
    whole, rest = divmod(max(round(100 * points), count), max(count, 1))
    return [(whole + (index < rest)) / 100 for index in range(count)]


def expected(text: str) -> str:
    """Return the line that expects what an expression is, by the expression itself."""
    return f"expect({text!r}, recordable({text}))"


def numbered(code: str) -> str:
    """Return code in which no value is expected twice under the same name."""
    seen: dict[str, int] = {}
    lines = []
    for line in code.split("\n"):
        if line.lstrip().startswith("expect("):
            seen[line] = seen.get(line, 0) + 1
            again = f" [{seen[line]}]" if seen[line] > 1 else ""
            lines.append(
                re.sub(r"(['\"]), recordable\(", rf"{again}\1, recordable(", line, count=1)
            )
        else:
            lines.append(line)
    return "\n".join(lines)


def is_students(cell: Cell) -> bool:
    """Return whether a cell has been given to the students."""
    return bool(cell.get("metadata", {}).get("grader", {}).get("role") == "student")


def trees(cells: list[Cell]) -> Iterator[tuple[Cell, ast.Module]]:
    """Yield the code cells that can be parsed, with their syntax trees."""
    for cell in cells:
        if cell["cell_type"] == "code":
            try:
                yield cell, tree_of(plain_python(cell["source"]))
            except SyntaxError:
                continue


def without_false_markers(cells: list[Cell]) -> None:
    """Take out comments that only resemble a marker of ours: a handout with one is refused."""
    for cell in cells:
        kept = filterfalse(_is_false_marker, cell["source"].split("\n"))
        cell["source"] = "\n".join(kept)


def _is_false_marker(line: str) -> bool:
    bare = line.strip()
    if bare in (BEGIN, END) or bare.startswith(f"{BEGIN} ") or not bare.startswith("#"):
        return False
    return RESEMBLES.search(line) is not None


def position_behind(cells: list[Cell], id_: str) -> int:
    """Return the position behind the cell with an id: behind the last one if there is no such
    cell.
    """
    for position, cell in enumerate(cells, start=1):
        if cell.get("id") == id_:
            return position
    return len(cells)


def add_points(cells: list[Cell], after: str, points: float) -> bool:
    """Let a person give points for the last of the students' cells up to one; return whether there
    is such a cell.
    """
    for cell in reversed(cells[: position_behind(cells, after)]):
        if is_students(cell):
            ours = cell["metadata"]["grader"]
            ours["points"] = float(ours.get("points", 0)) + points
            return True
    return False
