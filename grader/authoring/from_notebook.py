"""Turns a notebook with nbgrader's or Otter's markup into an assignment that records, grades and hands out.

The notebook stays its own reference. Its tests become checks; those that its own solution fails, or its untouched
template passes, are left out, and like all that can't be carried over they are told in sentences.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import msgspec

from grader.authoring import from_nbgrader, from_otter
from grader.authoring.from_checks import Surroundings, checks_file, spec, surroundings, uncarried
from grader.authoring.from_parts import Draft, files_beside, is_beside, read_cells
from grader.authoring.from_trial import tried
from grader.errors import UsageError

MARKUPS = (from_nbgrader.is_nbgraders, from_nbgrader.draft), (from_otter.is_otters, from_otter.draft)
KNOWN = (
    "nbgrader's (cells marked as solutions and tests, with points) or Otter's (`# BEGIN QUESTION` in a raw cell, or "
    "`BEGIN QUESTION` in a fenced block)"
)


class Converted(msgspec.Struct, frozen=True):
    """The files of an assignment, and what of the notebook it could not take over."""

    files: dict[str, bytes]
    notes: tuple[str, ...]


def convert(path: Path, name: str, title: str) -> Converted:
    """Return an assignment made of a notebook.

    Raises `UsageError` where it can't be read, has no markup that is known, or no test that could become a check.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise UsageError(f"{path} can't be read: {error.strerror}") from error
    notebook, cells = read_cells(data, path.name)
    drafts = [draft for known, draft in MARKUPS if known(cells)]
    if not drafts:
        raise UsageError(f"{path.name} has no markup to be read: mark it up with {KNOWN}, or begin with `grader new`")
    if len(drafts) > 1:
        raise UsageError(f"{path.name} has nbgrader's markup and Otter's: remove one of the two")
    made = drafts[0](cells, title)
    provided = _provided(made, path.parent)
    around = surroundings(made.cells + cells, made.tests)
    _drop(made, {test.id: why for test in made.tests if (why := uncarried(test, around))}, path.name)
    while True:
        told = {"name": name, "title": title, "notebook": path.name}
        files = _files(notebook, made, around, list(provided), told)
        trial = tried(files | provided)
        if not trial.wrong:
            break
        _drop(made, trial.wrong, path.name)
    made.notes += [
        f"a line of a solution stands in the handout's {leak}; reword one of the two" for leak in trial.leaks
    ]
    return Converted(files | provided, tuple(made.notes))


def _provided(made: Draft, folder: Path) -> dict[str, bytes]:
    """Return the files beside the notebook that go with it, and note those that are not there."""
    found, missing = files_beside(made.cells, folder)
    found += [path for path in made.files if path not in found and is_beside(path, folder)]
    missing += [path for path in made.files if path not in found and path not in missing]
    made.notes += [f"{path} is not beside the notebook: add it, and name it under [provided]" for path in missing]
    return {path: (folder / path).read_bytes() for path in found}


def _drop(made: Draft, wrong: dict[str, str], name: str) -> None:
    """Leave tests out and say so; raise `UsageError` where none is left."""
    asked = "all that it asks is for a person to grade" if not made.tests else "none of its tests is left"
    made.notes += [f"{test.place} is left out: {wrong[test.id]}" for test in made.tests if test.id in wrong]
    made.tests = [test for test in made.tests if test.id not in wrong]
    if not made.tests:
        told = "".join(f"\n- {note}" for note in made.notes)
        raise UsageError(f"{name} can't become an assignment, which needs a check: {asked}{told}")


def _files(
    notebook: dict[str, Any], made: Draft, around: Surroundings, provided: list[str], told: dict[str, str]
) -> dict[str, bytes]:
    cells = []
    for cell in made.cells:
        lines = {"source": cell["source"].splitlines(keepends=True)}
        cells.append(cell | lines | ({"outputs": [], "execution_count": None} if cell["cell_type"] == "code" else {}))
    whole = notebook | {"cells": cells, "nbformat": 4, "nbformat_minor": 5}
    text = json.dumps(whole, indent=1, ensure_ascii=False, sort_keys=True)
    files = {
        "assignment.toml": spec(made.tests, made.questions, provided, **told),
        told["notebook"]: f"{text}\n",
        "checks/test_notebook.py": checks_file(made.tests, around),
    }
    return {path: content.encode() for path, content in files.items()}
