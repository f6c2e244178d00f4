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
from collections.abc import Callable, Iterable, Sequence
from itertools import chain, takewhile
from pathlib import Path
from typing import Any

import msgspec

from grader.assignment.trial import Trial, TryOut
from grader.checking.cells.watched_tests import parsed, plain
from grader.errors import AssignmentError, UsageError
from grader.files import write_tree
from grader.importing.autotest_answers import answered, asks
from grader.importing.check_files import (
    TestScope,
    checks_file,
    gives_points,
    in_box_source,
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
    code_cell,
    position_behind,
    read_cells,
    trees,
    without_false_markers,
)
from grader.importing.markup import nbgrader_markup, otter_markup
from grader.importing.old_modules import beside_notebook
from grader.importing.source_code import altered, bound, needed, parses, plain_python
from grader.importing.spec_file import LIMITS, check_entry, question_entries, spec_text
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
            later = _changed_later(book, test)
            why = uncarried(test, book.around) or later
            if why:
                _into_the_box(book, test, why, in_place=bool(later))
    trial = _settle(books, name, title, try_out)
    for book in books:
        _leave_points_to_a_person(book)
    books[0].made.notes += map("before `grader handout`: {}".format, trial.leaks)
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
    every = [*made.cells, *[code_cell("", test.code) for test in made.tests]]
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
        surroundings(made.cells + cells, made.tests, found.files),
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
    word = _word(stem)
    for test in [*made.tests]:
        made.change(test, id=f"{word}_{test.id}", question=f"{word}-{test.question}")
    if list(made.questions) == [nbgrader_markup.QUESTION]:
        made.questions = {f"{word}-{nbgrader_markup.QUESTION}": stem}
        return
    titles = made.questions
    made.questions = {f"{word}-{id_}": f"{stem}: {title}" for id_, title in titles.items()}


def _word(stem: str) -> str:
    return re.sub(r"[^a-z0-9]+", "_", stem.lower()).strip("_") or "notebook"


def _keep_definitions(book: Book) -> None:
    """Leave in the notebook what a visible test defines and a later cell needs."""
    made = book.made
    made_by = _defined(made.cells)
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
    cells = frozenset(_defined(made.cells))
    book.around = msgspec.structs.replace(book.around, cells=cells)


def _defined(cells: list[Cell]) -> set[str]:
    """Return the names that cells define."""
    return set(chain.from_iterable(bound(tree.body) for _, tree in trees(cells)))


def _wanted(cells: list[Cell]) -> set[str]:
    """Return the names that cells need."""
    sources = [plain_python(cell["source"]) for cell, _ in trees(cells)]
    return set(chain.from_iterable(map(needed, sources)))


# --- what runs where ------------------------------------------------------------------------------


def _changed_later(book: Book, test: Test) -> str:
    """Return that a cell behind a test gives another value to what the test reads of the students';
    nothing if none does.

    The grader's process knows only what the finished notebook holds. A test of a recorded value
    also stands in place if a later cell changes a part of that value.
    """
    code = plain_python(test.code)
    if not test.after or not parses(code):
        return ""
    later = book.made.cells[position_behind(book.made.cells, test.after) :]
    changed = _defined(later)
    if asks(test.code):
        for _, tree in trees(later):
            changed |= altered(tree)
    read = needed(code, book.around.students) & book.around.students & changed
    return f"a later cell changes `{min(read)}`" if read else ""


def _into_the_box(book: Book, test: Test, why: str, *, in_place: bool = False) -> None:
    """Let a test run in the box, a visible one at its place; leave it out if it can't be read even
    there.

    in_place: whether a hidden one stands at its place, too
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
    if not test.by_number and parses(code) and gives_points(tree_of(code)):
        code = f"{code.rstrip()}\npass"  # in the box, a number at the end would be one of points
    book.made.change(
        test,
        in_box=True,
        in_place=in_place or not test.hidden,
        code=code,
        expects=test.code if test.box_code else "",
    )
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
        links = dict(zip(book.provided, map(Path(folder).joinpath, book.provided), strict=True))
        return answered(code, whole, notebook, test.after, Staging(links, {}))


def _leave_out(book: Book, test: Test, why: str) -> None:
    waits = f"; its points wait for a person, and it stands in {NOT_CARRIED}" if test.points else ""
    note = f"{test.place} is left out: {why}{waits}"
    book.made.leave_out(test, why, note, f"{test.place} runs in the box")


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
                    book.made.change(test, untouched=True)
                    book.made.notes += _easy_note(test, trial.easy[test.id])
    return trial


def _all_into_the_box(books: list[Book], why: str) -> bool:
    """Move every check of the grader's process, when their file can't be imported; return whether
    there was one.
    """
    reason = f"the checks could not be run in the grader's process: {why.splitlines()[0]}"
    moved = False
    for book in books:
        for test in [*book.made.tests]:
            if not test.in_box:
                _into_the_box(book, test, reason)
                moved = True
    return moved


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
        book.made.change(test, in_place=True)
    elif not test.cumulative and _before(book, test):
        book.made.change(test, cumulative=True)
    elif test.expects:
        _expect_anew(book, test, why)
    elif points is not None and test.reference_points is None:
        book.made.change(test, reference_points=points)
        book.made.notes.append(
            f"{test.place}: the notebook's own solution has {points:g} of its points"
        )
    else:
        _leave_out(book, test, f"the notebook's own solution fails it: {why}")


def _expect_anew(book: Book, test: Test, why: str) -> None:
    """Let a test in the box assert what the solution shows now, in place of the text that the
    notebook keeps: other versions of a library write the same value otherwise.
    """
    try:
        code = _answered(book, test, test.expects)
    except (LookupError, SyntaxError) as error:
        _leave_out(book, test, f"the notebook's own solution fails it: {why}; {error}")
        return
    book.made.change(test, code=code, expects="", cumulative=False)


def _before(book: Book, test: Test) -> list[Test]:
    """Return the tests that stood before one, those of the same cell left out."""
    before = takewhile(lambda one: one.id != test.id, book.tests)
    return [one for one in before if one.cell != test.cell]


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
    left: list[tuple[Test, str]] = []
    for book in books:
        provided |= book.provided
        texts[book.name] = _notebook(book)
        stem = "notebook" if len(books) == 1 else _word(book.path.stem)
        texts[f"checks/test_{stem}.py"] = checks_file(book.made.tests, book.around)
        for test in book.made.tests:
            if test.in_box:
                source = in_box_source(test, book.around, _before(book, test))
                texts[f"checks/in_box/{test.id}.py"] = source
        left += book.made.left.values()
    if left:
        texts[NOT_CARRIED] = commented(left)
    for path in texts:
        provided.pop(path, None)
    texts["assignment.toml"] = _spec(books, provided, name, title)
    return {path: text.encode() for path, text in texts.items()} | provided


def _spec(books: list[Book], provided: Iterable[str], name: str, title: str) -> str:
    questions: list[dict[str, Any]] = []
    notebooks: list[dict[str, Any]] = []
    checks: list[dict[str, Any]] = []
    for book in books:
        questions += question_entries(book.made.questions, book.made.tests)
        notebooks.append({"path": book.name, "source": book.name, "required": len(books) == 1})
        checks += [check_entry(test, book.name) for test in book.made.tests]
    table = {
        "name": name,
        "title": title,
        "reference": ".",
        "questions": questions or [{"id": "q1", "title": title}],
        "notebooks": notebooks,
        "checks": checks,
        "limits": LIMITS,
    }
    return spec_text(", ".join(book.name for book in books), table, provided)


def _notebook(book: Book) -> str:
    cells = []
    for cell in book.made.cells:
        saved = cell | {"source": cell["source"].splitlines(keepends=True)}
        if cell["cell_type"] == "code":
            saved |= {"outputs": [], "execution_count": None}
        cells.append(saved)
    whole = book.notebook | {"cells": cells, "nbformat": 4, "nbformat_minor": 5}
    return json.dumps(whole, indent=1, ensure_ascii=False, sort_keys=True) + "\n"


def commented(left: Iterable[tuple[Test, str]]) -> str:
    """Return the tests that were left out, as comments with their reasons."""
    parts = ["# Tests that could not be carried over. Students never get this file.\n"]
    for test, why in left:
        lines = [f"{test.place}: {' '.join(why.split())}", "", *test.code.split("\n")]
        parts.append("\n".join(map(str.rstrip, map("# {}".format, lines))) + "\n")
    return "\n".join(parts)
