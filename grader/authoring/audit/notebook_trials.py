"""Tries a notebook's checks: does a mistake in one cell cost the points of another task?

The reference notebook is tried with a cell at its end that raises, with each task left unwritten,
and with a syntax error in each task's cell. A check should fail for one task only, and for those
of the checks that it names in ``requires``.
"""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import msgspec

from grader.assignment.schema import CheckSpec
from grader.assignment.spec import Assignment
from grader.authoring.audit.trial_runs import TrialRun, Verdict
from grader.authoring.strip_notebooks import strip_notebook
from grader.notebooks.cells import cell_key, is_students, text_of
from grader.notebooks.definitions import definitions
from grader.text import quoted

AT_THE_END = "a cell at the end raises"
UNWRITTEN = "one task is not written"
SYNTAX_ERROR = "one task's cell has a syntax error"
RAISING: dict[str, Any] = {
    "cell_type": "code",
    "id": "raises",
    "metadata": {},
    "outputs": [],
    "execution_count": None,
}


class NotebookResult(msgspec.Struct, frozen=True):
    """The checks that one change of a notebook failed although they are about other tasks."""

    notebook: str
    change: str
    cell: str  # the id of the changed cell; empty for one that was added
    lost: Mapping[str, str]  # check -> message


class TaskCell(msgspec.Struct, frozen=True):
    """A cell that students write: its id, its index, the names it defines, and its stub."""

    cell: str
    index: int
    names: frozenset[str]
    stub: str


def notebook_trials(
    assignment: Assignment, reference: Mapping[str, bytes], seed: str
) -> Iterator[TrialRun]:
    """Yield the changed references, each with the checks of its notebook."""
    for spec in assignment.spec.notebooks:
        own = [check.id for check in assignment.spec.checks if check.notebook == spec.path]
        if not own:
            continue
        checks = frozenset(own)
        data = reference.get(spec.path) or (assignment.folder / spec.source).read_bytes()
        yield _trial(spec.path, AT_THE_END, "", _changed(data, _add_raising), seed, checks)
        for task in tasks(data, spec.path):
            for change, source in ((UNWRITTEN, task.stub), (SYNTAX_ERROR, f"def {task.cell} (:")):
                files = _changed(data, _replacing(task.index, source))
                yield _trial(spec.path, change, task.cell, files, seed, checks)


def tasks(data: bytes, name: str) -> list[TaskCell]:
    """Return the code cells of a reference notebook that students write."""
    stubs = json.loads(strip_notebook(data, name)[0])["cells"]
    cells = json.loads(data)["cells"]
    found = []
    for index, cell in enumerate(cells):
        if is_students(cell) and cell["cell_type"] == "code":
            names = definitions(text_of(cell))
            found.append(TaskCell(cell_key(cell), index, names, text_of(stubs[index])))
    return found


def notebook_results(
    assignment: Assignment,
    reference: Mapping[str, bytes],
    verdicts: Mapping[tuple[str, str], Verdict],
) -> Iterator[NotebookResult]:
    """Yield for each trial the checks that should not have failed."""
    lost = {id_: verdict.noticed for (id_, _), verdict in verdicts.items()}
    for spec in assignment.spec.notebooks:
        data = reference.get(spec.path) or (assignment.folder / spec.source).read_bytes()
        end = _id(spec.path, AT_THE_END, "")
        if end not in lost:
            continue
        yield NotebookResult(spec.path, AT_THE_END, "", lost[end])
        found = tasks(data, spec.path)
        owners = {}
        for check in assignment.spec.checks:
            owners[check.id] = _owner(check, found, lost, spec.path)
        for change, task in itertools.product((UNWRITTEN, SYNTAX_ERROR), found):
            beside = {}
            for id_, message in lost.get(_id(spec.path, change, task.cell), {}).items():
                if task.cell not in _allowed(id_, owners, assignment):
                    beside[id_] = message
            yield NotebookResult(spec.path, change, task.cell, beside)


def _owner(
    check: CheckSpec, found: list[TaskCell], lost: Mapping[str, Mapping[str, str]], path: str
) -> str:
    """Return the task that a check is about: of those that it fails for, the one that defines its
    name, or the first.
    """
    owner = ""
    for task in found:
        if check.id in lost.get(_id(path, UNWRITTEN, task.cell), {}):
            if check.id in task.names:
                return task.cell
            owner = owner or task.cell
    return owner


def _allowed(check: str, owners: Mapping[str, str], assignment: Assignment) -> set[str]:
    """Return the tasks without which a check may fail: its own, and those of checks it requires."""
    waiting, seen = [check], {check}
    while waiting:
        spec = assignment.check(waiting.pop())
        for needed in spec.requires if spec is not None else ():
            if needed not in seen:
                seen.add(needed)
                waiting.append(needed)
    return {owners.get(one, "") for one in seen} - {""}


def notebook_advice(results: tuple[NotebookResult, ...]) -> Iterator[str]:
    """Yield what an author should do about checks that fail for another task's mistake."""
    for one in results:
        if one.lost:
            ids = quoted(one.lost)
            cell = f" (`{one.cell}`)" if one.cell else ""
            loses = "loses its points" if len(one.lost) == 1 else "lose their points"
            yield (
                f"{one.notebook}: {ids} {loses} if {one.change}{cell}. Ask for the names that the"
                ' check is about, `notebook["x"]`, in place of `notebook.must_run()`; or name what'
                " it builds on in `requires`."
            )


# --- changes --------------------------------------------------------------------------------------


def _trial(
    path: str, change: str, cell: str, data: bytes, seed: str, checks: frozenset[str]
) -> TrialRun:
    return TrialRun(_id(path, change, cell), {path: data}, seed, (checks,))


def _id(path: str, change: str, cell: str) -> str:
    return f"notebook:{path}:{change}:{cell}"


def _changed(data: bytes, change: Callable[[list[dict[str, Any]]], None]) -> bytes:
    tree = json.loads(data)
    change(tree["cells"])
    return json.dumps(tree).encode()


def _add_raising(cells: list[dict[str, Any]]) -> None:
    cells.append({**RAISING, "source": "1 / 0"})


def _replacing(index: int, source: str) -> Callable[[list[dict[str, Any]]], None]:
    def change(cells: list[dict[str, Any]]) -> None:
        cells[index]["source"] = source

    return change
