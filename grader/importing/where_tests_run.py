"""Where the tests of a notebook run: in the grader's process, in the box, or nowhere."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path

import msgspec

from grader.checking.cells.watched_tests import parsed, plain
from grader.errors import AssignmentError
from grader.files import write_tree
from grader.importing.autotest_answers import answered, asks
from grader.importing.books import Book, defined
from grader.importing.check_files import gives_points, in_box_source, uncarried
from grader.importing.drafts import Test, position_behind, trees
from grader.importing.source_code import altered, needed, parses, plain_python
from grader.notebooks.definitions import tree_of
from grader.sandbox.box import Staging

NOT_CARRIED = "not_carried_over.py"


def place_tests(book: Book) -> None:
    """Move those tests into the box that the grader's process can't run."""
    for test in [*book.made.tests]:
        later = _changed_later(book, test)
        why = uncarried(test, book.around) or later
        if why:
            into_the_box(book, test, why, in_place=bool(later))


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
    changed = defined(later)
    if asks(test.code):
        for _, tree in trees(later):
            changed |= altered(tree)
    read = needed(code, book.around.students) & book.around.students & changed
    return f"a later cell changes `{min(read)}`" if read else ""


def into_the_box(book: Book, test: Test, why: str, *, in_place: bool = False) -> None:
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
    whole = in_box_source(bare, book.around, book.before(test))
    notebook = json.loads(book.text())
    with tempfile.TemporaryDirectory(prefix="grader-new-") as folder:
        write_tree(Path(folder), book.provided)
        links = dict(zip(book.provided, map(Path(folder).joinpath, book.provided), strict=True))
        return answered(code, whole, notebook, test.after, Staging(links, {}))


def _leave_out(book: Book, test: Test, why: str) -> None:
    waits = f"; its points wait for a person, and it stands in {NOT_CARRIED}" if test.points else ""
    note = f"{test.place} is left out: {why}{waits}"
    book.made.leave_out(test, why, note, f"{test.place} runs in the box")


def move_on(book: Book, test: Test, why: str, points: float | None) -> None:
    """Give a test that the notebook's own solution fails its next chance.

    points: those that it has all the same
    """
    if not test.in_box:
        into_the_box(
            book, test, f"in the grader's process the notebook's own solution fails it: {why}"
        )
    elif not test.in_place and test.after:
        book.made.change(test, in_place=True)
    elif not test.cumulative and book.before(test):
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
