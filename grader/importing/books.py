"""Notebooks on their way into an assignment: reads them, and keeps what their cells need."""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Callable
from itertools import chain, takewhile
from pathlib import Path
from typing import Any

import msgspec

from grader.errors import UsageError
from grader.importing.check_files import TestScope, by_name, surroundings
from grader.importing.data_files import beside
from grader.importing.drafts import (
    Cell,
    Draft,
    Test,
    code_cell,
    position_behind,
    read_cells,
    trees,
    without_false_markers,
)
from grader.importing.markup import nbgrader_markup, otter_markup
from grader.importing.old_modules import beside_notebook
from grader.importing.source_code import bound, needed, parses, plain_python
from grader.notebooks.definitions import tree_of

KNOWN = (
    "nbgrader's (cells marked as solutions and tests, with points) or Otter's (`# BEGIN QUESTION`"
    " in a raw cell, or `BEGIN QUESTION` in a fenced block)"
)


class Book(msgspec.Struct):
    """One notebook on its way."""

    path: Path
    notebook: dict[str, Any]
    made: Draft
    around: TestScope
    provided: dict[str, bytes]
    tests: list[Test]  # all of them, those that were left out too

    @property
    def name(self) -> str:
        """The notebook's file name in the assignment."""
        return f"{self.path.stem}.ipynb"

    def before(self, test: Test) -> list[Test]:
        """Return the tests that stood before one, those of the same cell left out."""
        before = takewhile(lambda one: one.id != test.id, self.tests)
        return [one for one in before if one.cell != test.cell]

    def text(self) -> str:
        """Return the notebook as it stands, without outputs."""
        cells = []
        for cell in self.made.cells:
            saved = cell | {"source": cell["source"].splitlines(keepends=True)}
            if cell["cell_type"] == "code":
                saved |= {"outputs": [], "execution_count": None}
            cells.append(saved)
        whole = self.notebook | {"cells": cells, "nbformat": 4, "nbformat_minor": 5}
        return json.dumps(whole, indent=1, ensure_ascii=False, sort_keys=True) + "\n"


def read(path: Path, title: str, *, alone: bool) -> Book:
    """Return a notebook and what stands beside it; raise `UsageError` if it can't be read or has no
    markup.

    alone: whether it is the assignment's only one
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise UsageError(f"{path} can't be read: {error.strerror}") from error
    notebook, cells = read_cells(data, path.name)
    made = _reader(cells, path.name)(cells, title)
    without_false_markers(made.cells)
    if not alone:
        _renamed(made, path.stem)
    every = [*made.cells, *[code_cell("", test.code) for test in made.tests]]
    found = beside(every, path.parent, made.files, path.name)
    made.notes += found.notes
    old = beside_notebook(every)
    if old:
        made.notes.append(
            "nose can't be installed any more: `nose/` is a copy of its assertions, made of"
            " unittest's"
        )
    around = surroundings(made.cells + cells, made.tests, found.files)
    made.tests = by_name(made.tests, found.files)
    return Book(
        path,
        notebook,
        made,
        around,
        old | found.files,
        [*made.tests],
    )


def _reader(cells: list[Cell], name: str) -> Callable[[list[Cell], str], Draft]:
    """Return the reader of a notebook's markup; nbgrader's empty metadata, which editors leave
    behind, is none.
    """
    otters, nbgraders = otter_markup.is_otters(cells), nbgrader_markup.is_nbgraders(cells)
    if otters and nbgraders and nbgrader_markup.asks_for_work(cells):
        raise UsageError(f"{name} has nbgrader's markup and Otter's: remove one of the two")
    if otters:
        return otter_markup.draft
    if nbgraders:
        return nbgrader_markup.draft
    raise UsageError(
        f"{name} has no markup to be read: mark it up with {KNOWN}, or begin with `grader new`"
    )


def _renamed(made: Draft, stem: str) -> None:
    """Let the ids of one notebook of several be told from the others'."""
    ahead = word(stem)
    for test in [*made.tests]:
        made.change(test, id=f"{ahead}_{test.id}", question=f"{ahead}-{test.question}")
    if list(made.questions) == [nbgrader_markup.QUESTION]:
        made.questions = {f"{ahead}-{nbgrader_markup.QUESTION}": stem}
        return
    titles = made.questions
    made.questions = {f"{ahead}-{id_}": f"{stem}: {title}" for id_, title in titles.items()}


def word(stem: str) -> str:
    """Return a word for names of code, made of a file's name."""
    return re.sub(r"[^a-z0-9]+", "_", stem.lower()).strip("_") or "notebook"


def keep_definitions(book: Book) -> None:
    """Leave in the notebook what a visible test defines and a later cell needs."""
    made = book.made
    made_by = defined(made.cells)
    for test in made.tests:
        behind = position_behind(made.cells, test.after)
        stood = behind > 0 and made.cells[behind - 1]["id"] == test.after
        if test.hidden or not stood or not parses(test.code):
            continue
        body = [node for node in tree_of(test.code).body if not isinstance(node, ast.Assert)]
        if bound(body) & _wanted(made.cells[behind:]) - made_by:
            kept = "\n".join(ast.unparse(node) for node in body if bound([node]))
            made.cells.insert(behind, code_cell(f"{test.cell}-kept"[:60], kept))
            made.notes.append(
                f"{test.place}: what it defines stays in the notebook, since later cells need it"
            )
    cells = frozenset(defined(made.cells))
    book.around = msgspec.structs.replace(book.around, cells=cells)


def defined(cells: list[Cell]) -> set[str]:
    """Return the names that cells define."""
    return set(chain.from_iterable(bound(tree.body) for _, tree in trees(cells)))


def _wanted(cells: list[Cell]) -> set[str]:
    """Return the names that cells need."""
    sources = [plain_python(cell["source"]) for cell, _ in trees(cells)]
    return set(chain.from_iterable(map(needed, sources)))
