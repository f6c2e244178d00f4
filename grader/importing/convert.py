"""Turns notebooks with nbgrader's or Otter's markup into an assignment that records, grades and
hands out.

A notebook stays its own reference. Its tests become checks that run in the grader's process; those
that need the student's own objects run in the box, at their place. What can't be carried over
either way is kept as a comment with its reason, and its points wait for a person. A notebook is
refused only if it can't be read or has no markup.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import msgspec

from grader.assignment.trial import Trial, TryOut
from grader.errors import AssignmentError
from grader.importing.books import Book, keep_definitions, read, word
from grader.importing.check_files import checks_file, in_box_source
from grader.importing.drafts import Test, add_points, answer_cell
from grader.importing.spec_file import LIMITS, check_entry, question_entries, spec_text
from grader.importing.where_tests_run import NOT_CARRIED, into_the_box, move_on, place_tests

MOST_TRIALS = 10


class Converted(msgspec.Struct, frozen=True):
    """The files of an assignment, and what of the notebooks it could not take over."""

    files: dict[str, bytes]
    notes: tuple[str, ...]


def convert(path: Path, name: str, title: str, try_out: TryOut) -> Converted:
    """Return an assignment made of a notebook; raise `UsageError` if it can't be read or has no
    markup.
    """
    return convert_all([path], name, title, try_out)


def convert_all(paths: Sequence[Path], name: str, title: str, try_out: TryOut) -> Converted:
    """Return an assignment made of several notebooks, which share a folder."""
    books = [read(path, title, alone=len(paths) == 1) for path in paths]
    for book in books:
        keep_definitions(book)
        place_tests(book)
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
                    move_on(book, test, trial.wrong[test.id], trial.partly.get(test.id))
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
                into_the_box(book, test, reason)
                moved = True
    return moved


def _easy_note(test: Test, passes: bool) -> list[str]:
    if not passes or not test.points:
        return []
    return [
        f"{test.place}: the untouched template passes it too, so its points are given for nothing:"
        " ask for more"
    ]


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
        texts[book.name] = book.text()
        stem = "notebook" if len(books) == 1 else word(book.path.stem)
        texts[f"checks/test_{stem}.py"] = checks_file(book.made.tests, book.around)
        for test in book.made.tests:
            if test.in_box:
                source = in_box_source(test, book.around, book.before(test))
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


def commented(left: Iterable[tuple[Test, str]]) -> str:
    """Return the tests that were left out, as comments with their reasons."""
    parts = ["# Tests that could not be carried over. Students never get this file.\n"]
    for test, why in left:
        lines = [f"{test.place}: {' '.join(why.split())}", "", *test.code.split("\n")]
        parts.append("\n".join(map(str.rstrip, map("# {}".format, lines))) + "\n")
    return "\n".join(parts)
