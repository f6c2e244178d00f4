"""Turns notebooks with nbgrader's or Otter's markup into an assignment that records, grades and
hands out.

A notebook stays its own reference. Its tests become checks that run in the grader's process; those
that need the student's own objects run in the box, at their place. What can't be carried over
either way is kept as a comment with its reason, and its points wait for a person. A notebook is
refused only if it can't be read or has no markup.
"""

from __future__ import annotations

import ast
import json
import re
import tempfile
from collections.abc import Callable, Sequence
from itertools import chain
from pathlib import Path
from typing import Any

import msgspec

from grader.assignment.trial import Trial, TryOut
from grader.checking.cells.watched_tests import parsed, plain
from grader.errors import AssignmentError, UsageError
from grader.files import write_tree
from grader.importing import nbgrader_markup, otter_markup
from grader.importing.autotest_answers import answered, asks
from grader.importing.check_files import (
    TestScope,
    bound,
    checks_file,
    gives_points,
    in_box_source,
    needed,
    spec,
    surroundings,
    uncarried,
)
from grader.importing.data_files import beside
from grader.importing.drafts import (
    Cell,
    Draft,
    Test,
    add_points,
    answer_cell,
    plain_python,
    read_cells,
    trees,
    without_false_markers,
)
from grader.importing.old_modules import beside_notebook
from grader.notebooks.definitions import tree_of
from grader.sandbox.box import Staging

KNOWN = (
    "nbgrader's (cells marked as solutions and tests, with points) or Otter's (`# BEGIN QUESTION`"
    " in a raw cell, or `BEGIN QUESTION` in a fenced block)"
)
MOST_TRIALS = 10
NOT_CARRIED = "not_carried_over.py"


class Converted(msgspec.Struct, frozen=True):
    """The files of an assignment, and what of the notebooks it could not take over."""

    files: dict[str, bytes]
    notes: tuple[str, ...]


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


def convert(path: Path, name: str, title: str, try_out: TryOut) -> Converted:
    """Return an assignment made of a notebook; raise `UsageError` if it can't be read or has no
    markup.
    """
    return convert_all([path], name, title, try_out)


def convert_all(paths: Sequence[Path], name: str, title: str, try_out: TryOut) -> Converted:
    """Return an assignment made of several notebooks, which share a folder."""
    books = [_read(path, title, alone=len(paths) == 1) for path in paths]
    for book in books:
        _keep_definitions(book)
        for test in [*book.made.tests]:
            why = uncarried(test, book.around)
            if why:
                _into_the_box(book, test, why)
    trial = _settle(books, name, title, try_out)
    for book in books:
        _leave_points_to_a_person(book)
    if trial.leaks:
        books[0].made.notes += [f"before `grader handout`: {leak}" for leak in trial.leaks]
    files = _files(books, name, title)
    several = len(books) > 1
    notes: dict[str, None] = {}
    for book in books:
        for note in book.made.notes:
            notes[f"{book.name}: {note}" if several else note] = None
    return Converted(files, tuple(notes))


def _read(path: Path, title: str, *, alone: bool) -> Book:
    try:
        data = path.read_bytes()
    except OSError as error:
        raise UsageError(f"{path} can't be read: {error.strerror}") from error
    notebook, cells = read_cells(data, path.name)
    made = _reader(cells, path.name)(cells, title)
    without_false_markers(made.cells)
    if not alone:
        _renamed(made, path.stem)
    every = [*made.cells, *_as_cells(made.tests)]
    found = beside(every, path.parent, made.files, path.name)
    made.notes += found.notes
    old = beside_notebook(every)
    if old:
        made.notes.append(
            "nose can't be installed any more: `nose/` is a copy of its assertions, made of"
            " unittest's"
        )
    return Book(
        path,
        notebook,
        made,
        surroundings(made.cells + cells, made.tests),
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


def _as_cells(tests: list[Test]) -> list[Cell]:
    return [{"cell_type": "code", "metadata": {}, "source": test.code} for test in tests]


def _renamed(made: Draft, stem: str) -> None:
    """Let the ids of one notebook of several be told from the others'."""
    word = _word(stem)
    made.tests = [
        msgspec.structs.replace(test, id=f"{word}_{test.id}", question=f"{word}-{test.question}")
        for test in made.tests
    ]
    single = len(made.questions) == 1 and next(iter(made.questions)) == nbgrader_markup.QUESTION
    made.questions = {
        f"{word}-{id_}": stem if single else f"{stem}: {title}"
        for id_, title in made.questions.items()
    }


def _word(stem: str) -> str:
    return re.sub(r"[^a-z0-9]+", "_", stem.lower()).strip("_") or "notebook"


def _keep_definitions(book: Book) -> None:
    """Leave in the notebook what a visible test defines and a later cell needs."""
    made = book.made
    made_by = set[str]().union(*(bound(tree.body) for _, tree in trees(made.cells)))
    for test in made.tests:
        ids = [cell["id"] for cell in made.cells]
        if test.hidden or test.after not in ids or not _parses(test.code):
            continue
        body = [node for node in tree_of(test.code).body if not isinstance(node, ast.Assert)]
        behind = made.cells[ids.index(test.after) + 1 :]
        sources = (plain_python(cell["source"]) for cell in behind if cell["cell_type"] == "code")
        wanted = set[str]().union(*(needed(source) for source in sources if _parses(source)))
        if bound(body) & wanted - made_by:
            kept = "\n".join(ast.unparse(node) for node in body if bound([node]))
            made.cells.insert(ids.index(test.after) + 1, _code_cell(f"{test.cell}-kept"[:60], kept))
            made.notes.append(
                f"{test.place}: what it defines stays in the notebook, since later cells need it"
            )
    there = set[str]().union(*(bound(tree.body) for _, tree in trees(made.cells)))
    book.around = msgspec.structs.replace(book.around, cells=frozenset(there))


def _code_cell(id_: str, source: str) -> Cell:
    return {
        "cell_type": "code",
        "id": id_,
        "metadata": {},
        "source": source,
        "outputs": [],
        "execution_count": None,
    }


def _parses(code: str) -> bool:
    try:
        tree_of(code)
    except SyntaxError:
        return False
    return True


# --- what runs where ------------------------------------------------------------------------------


def _into_the_box(book: Book, test: Test, why: str) -> None:
    """Let a test run in the box, a visible one at its place; leave it out if it can't be read even
    there.
    """
    code = test.box_code or test.code
    try:
        parsed(plain(code), code)
    except AssignmentError as error:
        _leave_out(book, test, str(error))
        return
    if asks(code):
        try:
            code = _answered(book, test, code)
        except (LookupError, SyntaxError) as error:
            _leave_out(book, test, f"{why}; {error}")
            return
    if not test.by_number and _parses(code) and gives_points(tree_of(code)):
        code = f"{code.rstrip()}\npass"  # in the box, a number at the end would be one of points
    moved = msgspec.structs.replace(test, in_box=True, in_place=not test.hidden, code=code)
    _replace(book, test, moved)
    book.made.notes.append(f"{test.place} runs in the box, beside the students' objects: {why}")


def _answered(book: Book, test: Test, code: str) -> str:
    """Return a test with assertions of what the author's solution shows, in place of lines that ask
    for it.
    """
    bare = msgspec.structs.replace(test, code=code, box_code="")
    whole = in_box_source(bare, book.around, _before(book, test))
    notebook = json.loads(_notebook(book))
    with tempfile.TemporaryDirectory(prefix="grader-new-") as folder:
        write_tree(Path(folder), book.provided)
        return answered(code, whole, notebook, test.after, Staging(_links(book, Path(folder)), {}))


def _links(book: Book, folder: Path) -> dict[str, Path]:
    return {path: folder / path for path in book.provided}


def _leave_out(book: Book, test: Test, why: str) -> None:
    book.made.tests = [one for one in book.made.tests if one.id != test.id]
    book.made.left[test.id] = (test, why)
    book.made.notes = [
        note for note in book.made.notes if not note.startswith(f"{test.place} runs in the box")
    ]
    waits = f"; its points wait for a person, and it stands in {NOT_CARRIED}" if test.points else ""
    book.made.notes.append(f"{test.place} is left out: {why}{waits}")


def _replace(book: Book, test: Test, other: Test) -> None:
    book.made.tests = [other if one.id == test.id else one for one in book.made.tests]


def _settle(books: list[Book], name: str, title: str, try_out: TryOut) -> Trial:
    """Try the assignment until every check has its place; return the last trial."""
    trial = Trial()
    for _ in range(MOST_TRIALS):
        try:
            trial = try_out(_files(books, name, title))
        except AssignmentError as error:
            if not _all_into_the_box(books, str(error)):
                raise
            continue
        if not trial.wrong and not trial.easy:
            break
        for book in books:
            for test in [*book.made.tests]:
                if test.id in trial.wrong:
                    _move_on(book, test, trial.wrong[test.id], trial.partly.get(test.id))
                elif test.id in trial.easy:
                    _replace(book, test, msgspec.structs.replace(test, untouched=True))
                    book.made.notes += _easy_note(test, trial.easy[test.id])
    return trial


def _all_into_the_box(books: list[Book], why: str) -> bool:
    """Move every check of the grader's process, when their file can't be imported; return whether
    there was one.
    """
    moved = []
    for book in books:
        moved += [(book, test) for test in book.made.tests if not test.in_box]
    for book, test in moved:
        _into_the_box(
            book,
            test,
            f"the checks could not be run in the grader's process: {why.splitlines()[0]}",
        )
    return bool(moved)


def _easy_note(test: Test, passes: bool) -> list[str]:
    if not passes or not test.points:
        return []
    return [
        f"{test.place}: the untouched template passes it too, so its points are given for nothing:"
        " ask for more"
    ]


def _move_on(book: Book, test: Test, why: str, points: float | None) -> None:
    """Give a test that the notebook's own solution fails its next chance.

    points: those that it has all the same
    """
    if not test.in_box:
        _into_the_box(
            book, test, f"in the grader's process the notebook's own solution fails it: {why}"
        )
    elif not test.in_place and test.after:
        _replace(book, test, msgspec.structs.replace(test, in_place=True))
    elif not test.cumulative and _before(book, test):
        _replace(book, test, msgspec.structs.replace(test, cumulative=True))
    elif points is not None and test.reference_points is None:
        _replace(book, test, msgspec.structs.replace(test, reference_points=points))
        book.made.notes.append(
            f"{test.place}: the notebook's own solution has {points:g} of its points"
        )
    else:
        _leave_out(book, test, f"the notebook's own solution fails it: {why}")


def _before(book: Book, test: Test) -> list[Test]:
    """Return the tests that stood before one, those of the same cell left out."""
    ids = [one.id for one in book.tests]
    return [one for one in book.tests[: ids.index(test.id)] if one.cell != test.cell]


def _leave_points_to_a_person(book: Book) -> None:
    """Let the points of tests that were left out wait for a person."""
    for test, _ in book.made.left.values():
        if test.points and not add_points(book.made.cells, test.after, test.points):
            book.made.cells.append(answer_cell(f"{test.cell}-points"[:60], test.points))


# --- files ----------------------------------------------------------------------------------------


def _files(books: list[Book], name: str, title: str) -> dict[str, bytes]:
    """Return the files of the assignment as it stands."""
    provided: dict[str, bytes] = {}
    texts: dict[str, str] = {}
    for book in books:
        provided |= book.provided
        texts[book.name] = _notebook(book)
        stem = "notebook" if len(books) == 1 else _word(book.path.stem)
        texts[f"checks/test_{stem}.py"] = checks_file(book.made.tests, book.around)
        for test in book.tests:
            now = next((one for one in book.made.tests if one.id == test.id), None)
            if now is not None and now.in_box:
                texts[f"checks/in_box/{test.id}.py"] = in_box_source(
                    now, book.around, _before(book, now)
                )
    left = list(chain.from_iterable(book.made.left.values() for book in books))
    if left:
        texts[NOT_CARRIED] = commented(left)
    taken = {path: data for path, data in provided.items() if path not in texts}
    texts["assignment.toml"] = spec(books_of(books), list(taken), name, title)
    return {path: text.encode() for path, text in texts.items()} | taken


def books_of(books: list[Book]) -> list[tuple[str, list[Test], dict[str, str]]]:
    """Return each notebook's file name, tests and questions."""
    return [(book.name, book.made.tests, book.made.questions) for book in books]


def _notebook(book: Book) -> str:
    cells = []
    for cell in book.made.cells:
        lines = {"source": cell["source"].splitlines(keepends=True)}
        code = cell["cell_type"] == "code"
        cells.append(cell | lines | ({"outputs": [], "execution_count": None} if code else {}))
    whole = book.notebook | {"cells": cells, "nbformat": 4, "nbformat_minor": 5}
    return json.dumps(whole, indent=1, ensure_ascii=False, sort_keys=True) + "\n"


def commented(left: list[tuple[Test, str]]) -> str:
    """Return the tests that were left out, as comments with their reasons."""
    parts = ["# Tests that could not be carried over. Students never get this file.\n"]
    for test, why in left:
        lines = [f"{test.place}: {' '.join(why.split())}", "", *test.code.split("\n")]
        parts.append("\n".join(f"# {line}".rstrip() for line in lines) + "\n")
    return "\n".join(parts)
