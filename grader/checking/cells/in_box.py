"""Checks that run in the box: an author's cell beside the student's own objects, at its place in
the notebook.

Theory of operation. Such a check is the word of the student's process, which every report says. The
code runs in a fork of the notebook's process (`grader.sandbox.inside.work.cells.probe`); what comes
back is data, of which everything may be a lie. The box asks for the test and for questions beside
it one by one, and for what comes of comparisons (`Conversation`). It passes only if the test went
through statement by statement, each comparison that a passing test makes held here, and each
question was answered as it must be. The questions stand before and behind the test in an order that
is drawn anew, so an answer of "all went well" fails. If an answer is wrong the check fails, and a
person is asked to look.
"""

from __future__ import annotations

import builtins
import math
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from grader.assignment.schema import CheckSpec
from grader.assignment.spec import Assignment
from grader.checking.cells.box_questions import in_words
from grader.checking.cells.probe_talk import Conversation
from grader.checking.cells.watched_tests import Program, program
from grader.checking.run.box_accounts import listed, texts, told_text
from grader.checking.run.remote import Remote
from grader.errors import (
    AssignmentError,
    GraderError,
    GraderFault,
    LimitExceeded,
    NotImplementedYet,
    PartlyRight,
    StudentException,
    SubmissionFailed,
    WorkerDied,
    WrongReturn,
)
from grader.model import Visibility
from grader.notebooks.cells import text_of
from grader.notebooks.definitions import definitions
from grader.notebooks.format import provided
from grader.text import clean

GRACE_SECONDS = 5.0  # for the box to end a fork by itself
# What every module has under these names is no builtin: a cell's `__name__` is "__main__".
OF_MODULES = frozenset(("__name__", "__doc__", "__package__", "__loader__", "__spec__"))
BUILTINS = frozenset(dir(builtins)) - OF_MODULES
A_LOOK = "what must come out false came out true in the student's process"


@dataclass(frozen=True)
class InBox:
    """One check that runs in the box of a notebook."""

    id: str
    after: str  # the key of the cell behind which it runs; empty: behind the last
    source: str
    points: float
    hidden: bool
    theirs: frozenset[str]  # what the author's notebook defines
    modules: tuple[str, ...] = ()  # of the student's files


@dataclass(frozen=True)
class Answered:
    """What came of one: a failure or none, and what a person should look at."""

    error: GraderError | None = None
    look: str = ""
    missing: str = ""  # the name that the test did not find


def in_box_of(
    assignment: Assignment, notebook: str, checks: Iterable[CheckSpec]
) -> tuple[InBox, ...]:
    """Return the checks that run in the box of a notebook, or for "" beside the files alone, as the
    spec lists them.
    """
    wanted = [check for check in checks if check.in_box and check.notebook == notebook]
    if not wanted:
        return ()
    theirs: set[str] = set()
    if notebook:
        for cell in provided(assignment.folder / assignment.notebook(notebook).source).cells:
            if cell.cell_type == "code":
                theirs |= definitions(text_of(cell))
    modules = tuple(file.module for file in assignment.spec.files if file.path.endswith(".py"))
    found = []
    for check in wanted:
        test = InBox(
            id=check.id,
            after=check.after,
            source=_source(assignment, check),
            points=check.points,
            hidden=check.visibility is Visibility.HIDDEN,
            theirs=frozenset(theirs),
            modules=modules,
        )
        found.append(test)
    return tuple(found)


def _source(assignment: Assignment, check: CheckSpec) -> str:
    path = assignment.in_box_path(check.id)
    try:
        return path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise AssignmentError(
            f"the check `{check.id}` runs in the box, but its code can't be read: {error}"
        ) from None


class BesideFiles:
    """The checks in the box that stand beside no notebook; each is a fork of one box with the
    student's files.
    """

    def __init__(self, tests: Iterable[InBox], remote: Remote, seconds: float) -> None:
        self._tests = {test.id: test for test in tests}
        self._remote = remote
        self._seconds = seconds
        self._answered: dict[str, Answered] = {}
        self.look: list[str] = []  # what a person should decide

    def passed_in_box(self, id: str) -> None:  # noqa: A002
        """Run a check, if it has not been run; raise why it did not pass, if it did not."""
        if id not in self._answered:
            answered = self._answered[id] = self._ask(self._tests[id])
            self.look += [answered.look] if answered.look else []
        error = self._answered[id].error
        if error is not None:
            raise error

    def _ask(self, test: InBox) -> Answered:
        """Run a check; if its process ends, once more without what ends it in a module."""
        answered = ask(test, self._remote, self._seconds)
        if not isinstance(answered.error, WorkerDied):
            return answered
        self._remote.close()
        if not self._remote.may_come_further(answered.error):
            return answered
        return ask(test, self._remote, self._seconds)

    def close(self) -> None:
        """End the box."""
        self._remote.close()


def ask(test: InBox, remote: Remote, seconds: float) -> Answered:
    """Run a check in its box; raise `GraderFault` and `AssignmentError` for what is our own
    fault.
    """
    sent = program(test.source, test.theirs, BUILTINS, test.modules)
    what = f"the check `{test.id}`"
    talk = Conversation(sent)
    try:
        reply = remote.request(
            what, sent.body(seconds), seconds=seconds, grace=GRACE_SECONDS, probed=talk.answer
        )
    except SubmissionFailed as error:
        if sys.platform == "win32":
            raise GraderFault(
                f"{what} runs in the box, which needs a system that can fork"
            ) from error
        return Answered(error)
    told = reply.body.get("told")
    if not isinstance(told, Mapping):
        raise GraderFault(f"{what} can't be run in the box here")
    if told.get("late") is True:
        return Answered(
            LimitExceeded(f"{what} was still running after the limit of {seconds:g} seconds")
        )
    if not told:
        how = "before its last line"
        return Answered(WorkerDied(f"{what} ended its process {how}", how=how))
    if len(talk.results) != len(sent.pieces):
        return _look(test, "its answer is not one of the grader's")
    return _judged(test, sent, talk)


def _judged(test: InBox, sent: Program, talk: Conversation) -> Answered:
    """Return what came of a test by the answers to all pieces."""
    for index, result in enumerate(talk.results):
        raised = isinstance(result.get("raised"), Mapping)
        if index != sent.test and raised == (index in sent.true):
            question = sent.questions[index].replace(f"{sent.guard}.other", "object()")
            asked = clean(in_words(question), 200)
            return _look(test, f"`{asked}` came out {str(not raised).lower()}")
    own = talk.results[sent.test]
    if isinstance(own.get("raised"), Mapping):
        return _raised(test, sent, talk, own)
    if talk.liars:
        return _look(test, clean(talk.liars[0], 200))
    if listed(own.get("marks")) != [*sent.pieces[sent.test].marks] or own.get("traced"):
        return _look(test, "not all of its lines were run")
    wrong = talk.wrong()
    if wrong:
        return _look(test, wrong)
    return Answered(_partly(test, talk.points(own.get("value"))))


def _look(test: InBox, why: str) -> Answered:
    """Return a failure that a person should look at."""
    said = f"this can't be judged by a program: {why}; a person will look at it"
    return Answered(WrongReturn(said), f"check `{test.id}`: {A_LOOK}: {why}")


def _partly(test: InBox, value: object) -> GraderError | None:
    """Return None for a full mark; by the number that a cell ends with, the failure that keeps a
    part of the points.
    """
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    if not test.points or value >= test.points:
        return None
    share = 0.0 if math.isnan(value) else max(0.0, value / test.points)
    return PartlyRight(f"the check gives {max(value, 0):g} of its {test.points:g} points", share)


def _raised(test: InBox, sent: Program, talk: Conversation, own: dict[str, Any]) -> Answered:
    """Return the failure for a test that raised."""
    raised, marks = own["raised"], own.get("marks")
    kinds = tuple(clean(kind, 80) for kind in texts(raised.get("kinds"))) or ("an exception",)
    message = talk.in_words(told_text(raised.get("message"), 500))
    missing = told_text(raised.get("missing"), 200)
    if "NotImplementedError" in kinds:
        return Answered(NotImplementedYet(_stub(message) or test.id))
    if raised.get("interrupted") is True:
        return Answered(LimitExceeded(f"the check `{test.id}` took too long"))
    if test.hidden:
        why = (
            "a hidden test does not hold"
            if "AssertionError" in kinds
            else f"a hidden test raised {kinds[0]}"
        )
        return Answered(WrongReturn(why), missing=missing)
    at = len(listed(marks))
    line = clean(sent.statements[at], 300) if at < len(sent.statements) else ""
    said = message.partition("\n")[0]
    if "AssertionError" in kinds:
        held = f"an assertion does not hold in `{line}`"
        if line.startswith("assert "):
            held = f"`{line.removeprefix('assert ')}` does not hold"
        return Answered(WrongReturn(said or held))
    text = f"`{line}` raised {kinds[0]}" + (f": {said}" if said else "")
    return Answered(StudentException(text, kinds=kinds), missing=missing)


def _stub(message: str) -> str:
    """Return what a stub says it is."""
    return message.partition(" is not")[0].strip()[:100]
