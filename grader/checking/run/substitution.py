"""Substitution: a failed check is run once more with right functions in the place of earlier ones
that failed.

Theory of operation. The functions that failed are replaced, in a fresh box with the student's
files, by stand-ins that ask this side, which asks the reference in a box of its own. Functions that
a notebook's cells define are replaced when the cells have run. The box with student code may ask
for any function. Only the failed functions are answered, and only these and the functions that the
check builds on may make caches. The function that the check judges is never answered, unless the
check judges what a notebook's cells have made of the student's modules. Questions and answers are
passed on as bytes and not decoded here. A report gets from such a run only what is right, and the
name of a known mistake.
"""

from __future__ import annotations

import operator
import time
from collections.abc import Iterable, Mapping
from typing import Any

import msgspec

from grader.assignment.expectations import Expectations
from grader.assignment.spec import Assignment
from grader.checking.api.notebook import NotebookRun
from grader.checking.run.remote import Remote, Request
from grader.checking.run.verdicts import CheckOutcome
from grader.errors import GraderFault, SubmissionFailed
from grader.notebooks.cells import is_students, text_of
from grader.notebooks.definitions import definitions
from grader.notebooks.format import provided
from grader.sandbox.wire import Frame

STEPS = 64  # of one question: the call itself, and those that made what it is given
ARGUMENTS = 64
BYTES = 64 << 20  # of one question's arrays
REFUSED = Frame({"ok": False})
CELLS = "__main__"  # the module of what a notebook's cells define


class Substitution(msgspec.Struct, frozen=True):
    """What is replaced while one check runs again."""

    roots: tuple[str, ...]  # the failed checks whose functions these are
    replaced: frozenset[str]  # functions, methods as `Class.method`
    watched: frozenset[str]  # functions whose caches the replaced ones may be given, and classes
    stubs: bool  # whether none of the replaced functions is implemented, so that none makes a cache
    cells: frozenset[str] = frozenset()  # of all these, what a notebook's cells define
    # whether the check does nothing but call functions of the cells: these run without stand-ins
    calls: bool = False

    def allows(self, other: Substitution) -> bool:
        """Return whether all that another one answers may be answered here, too: a box in which
        that was asked may be asked this.
        """
        modules = (self.replaced | self.watched) - self.cells
        return other.replaced <= self.replaced and modules == (
            (other.replaced | other.watched) - other.cells
        )


class Built:
    """What builds on what: the checks that each check requires, and the functions that each
    judges.

    looking: checks of notebooks of which some case looks at what the cells have made
    """

    def __init__(
        self,
        assignment: Assignment,
        judged: Mapping[str, frozenset[str]],
        looking: frozenset[str] = frozenset(),
    ) -> None:
        self._assignment = assignment
        self._judged = judged
        self._looking = looking
        self._tasks: dict[str, frozenset[str]] = {}  # by the notebook

    def below(self, check: str) -> tuple[str, ...]:
        """Return all checks that a check builds on, in the order of the spec."""
        found: set[str] = set()
        waiting = [check]
        while waiting:
            spec = self._assignment.check(waiting.pop())
            new = set(spec.requires if spec is not None else ()) - found
            found |= new
            waiting += new
        return tuple(one.id for one in self._assignment.spec.checks if one.id in found)

    def begun_below(self, check: str, outcomes: Mapping[str, CheckOutcome]) -> list[CheckOutcome]:
        """Return the outcomes of the checks that a check builds on, of those that have begun."""
        return [outcomes[id_] for id_ in self.below(check) if id_ in outcomes]

    def substitution(self, check: str, outcomes: Mapping[str, CheckOutcome]) -> Substitution | None:
        """Return what to replace for a check's second run; None when nothing that it builds on has
        failed.
        """
        spec = self._assignment.check(check)
        below = self.begun_below(check, outcomes)
        lost = [one for one in below if one.lost]
        if spec is None or not lost:
            return None
        judged = self._judged_by(check)
        own = self._of_cells(spec.notebook, judged) if spec.notebook else judged
        calls = bool(spec.notebook and own) and check not in self._looking
        if spec.notebook and not calls and not self._mostly_right(below):
            return None
        roots: dict[str, None] = {}
        replaced: set[str] = set()
        watched: set[str] = set()
        for one in below:
            functions = self._functions(one.id, spec.notebook) - own
            watched |= functions
            if one.lost and functions:
                replaced |= functions
                roots |= dict.fromkeys(one.roots)
        if not replaced or (spec.notebook and judged and judged <= replaced):
            return None  # with nothing left of the student's that the check judges
        watched |= {name.partition(".")[0] for name in replaced}  # of a method, its class
        kept = {name for name in watched - replaced if "." not in name}
        return Substitution(
            roots=tuple(roots),
            replaced=frozenset(replaced),
            watched=frozenset(kept),
            stubs=all(one.is_unwritten for one in lost),
            cells=self._of_cells(spec.notebook, replaced | kept),
            calls=calls,
        )

    def same(self, check: str) -> tuple[str, ...]:
        """Return the checks that judge the same functions as a check does."""
        own = self._judged.get(check)
        return tuple(
            other for other, names in self._judged.items() if other != check and names == own
        )

    def own(self, check: str) -> frozenset[str]:
        """Return the functions that a check is the first to judge."""
        return self._judged_by(check).difference(*map(self._judged_by, self.below(check)))

    def _judged_by(self, check: str) -> frozenset[str]:
        return self._judged.get(check, frozenset())

    def _functions(self, check: str, notebook: str) -> frozenset[str]:
        """Return what a check judges that can be replaced where a notebook has run, or without one
        in the student's files alone.
        """
        spec, judged = self._assignment.check(check), self._judged_by(check)
        if spec is None:
            return frozenset()
        if spec.notebook:
            return self._of_cells(notebook, judged) if spec.notebook == notebook else frozenset()
        return frozenset(filter(self._assignment.module_of, judged))

    def _of_cells(self, notebook: str, names: Iterable[str]) -> frozenset[str]:
        """Return the functions and methods, of some names, that a notebook's cells leave to
        students.
        """
        tasks = self._tasks_of(notebook) if notebook else frozenset[str]()
        return frozenset(name for name in names if name.partition(".")[0] in tasks)

    def _tasks_of(self, notebook: str) -> frozenset[str]:
        """Return the names that a notebook's cells leave to students, and no file defines."""
        if notebook not in self._tasks:
            spec = self._assignment.notebook(notebook)
            names = set(spec.provides)
            for cell in provided(self._assignment.folder / spec.source).cells:
                if cell.cell_type == "code" and is_students(cell):
                    names |= definitions(text_of(cell))
            self._tasks[notebook] = frozenset(names - self._assignment.modules.keys())
        return self._tasks[notebook]

    def _mostly_right(self, below: list[CheckOutcome]) -> bool:
        """Return whether most of what a notebook builds on is the submission's own right work.

        All code of a notebook may be the author's, so it would run to its end with nothing of the
        student's in it.
        """
        right = most = 0.0
        for one in below:
            spec = self._assignment.check(one.id)
            points = spec.points if spec is not None else 0.0
            right += points * one.earned
            most += points
        return 2 * right > most


class Reference:
    """The reference in a box of its own, opened when it is first asked.

    cells: the run of its notebook in that box, if cells define what it is asked for
    """

    def __init__(
        self, assignment: Assignment, remote: Remote, cells: NotebookRun | None = None
    ) -> None:
        self._assignment = assignment
        self._remote = remote
        self._cells = cells

    def wait(self) -> None:
        """Wait until it can be asked; raises `GraderFault` if the grader itself failed."""
        failure = None if self._cells is None else self._cells.failure()
        if isinstance(failure, GraderFault):
            raise failure

    def begin(self) -> None:
        """Begin a new case: nothing that an earlier one made is kept."""
        if self._cells is not None:
            self._cells.revive()
        self._remote.reset(seed=2016)

    def answer(
        self, steps: list[dict[str, Any]], blobs: tuple[bytes, ...], seconds: float
    ) -> Frame:
        """Do calls one after the other and return the last one's results; raises
        `SubmissionFailed`.
        """
        for step in steps:
            step["module"] = self._assignment.module_of(step["function"]) or CELLS
        reply = self._remote.request(
            "what a stand-in asks", {"op": "answer", "steps": steps}, blobs, seconds=seconds
        )
        told = {key: reply.body[key] for key in ("container", "values", "printed")}
        return Frame({"ok": True, **told}, reply.blobs)


class ReferenceAnswers:
    """Answers what the stand-ins of one second run ask, as far as they may."""

    def __init__(self, reference: Reference, what: Substitution, calls: int) -> None:
        self._reference = reference
        self._what = what
        self._most = calls
        self._calls = 0
        self._deadline = time.monotonic()

    def allow(self, what: Substitution) -> None:
        """Answer from now on for what another check builds on."""
        self._what = what

    def begin(self, seconds: float) -> None:
        """Begin a case, which may ask for so long."""
        self._reference.begin()
        self._calls, self._deadline = 0, time.monotonic() + seconds

    def __call__(self, frame: Frame) -> Frame:
        """Return the answer to a question, or a refusal without a reason."""
        self._calls += 1
        left = self._deadline - time.monotonic()
        steps = self._steps(frame)
        if steps is None or self._calls > self._most or left <= 0:
            return REFUSED
        try:
            return self._reference.answer(steps, frame.blobs, left)
        except SubmissionFailed:  # arguments that the reference can't take: the submission's matter
            return REFUSED

    def _steps(self, frame: Frame) -> list[dict[str, Any]] | None:
        """Return a question's calls, made anew of what may stand in them; None when something else
        does.
        """
        steps = frame.body.get("steps")
        if not isinstance(steps, list) or len(steps) > STEPS or sum(map(len, frame.blobs)) > BYTES:
            return None
        made: list[dict[str, Any]] = []
        for number, step in enumerate(map(_step, steps), start=1):
            may_be = self._what.replaced if number == len(steps) else self._what.watched
            if step is None or step["function"] not in may_be:
                return None
            made.append(step)
        return made or None


def _step(step: Any) -> dict[str, Any] | None:
    if not isinstance(step, dict) or not isinstance(step.get("function"), str):
        return None
    args, kwargs, state = _entries(step, "args"), _entries(step, "kwargs"), _entries(step, "state")
    if args is None or kwargs is None or state is None or not _natural(step.get("number")):
        return None
    if not all(map(_named, (*kwargs, *state))):
        return None
    if not all(map(_item, (*args, *map(operator.itemgetter(1), kwargs)))):
        return None
    return {
        "number": step["number"],
        "function": step["function"],
        "args": args,
        "kwargs": kwargs,
        "state": state,
    }


def _entries(step: dict[str, Any], key: str) -> list[Any] | None:
    part = step.get(key, [])
    return part if isinstance(part, list) and len(part) <= ARGUMENTS else None


def _named(pair: Any) -> bool:
    return isinstance(pair, list) and len(pair) == 2 and isinstance(pair[0], str)


def _item(item: Any) -> bool:
    """Return whether an argument is data, which is for the reference's box to decode, or what a
    call made.
    """
    if not isinstance(item, dict) or len(item) != 1:
        return False
    made = item.get("made")
    return "value" in item or (isinstance(made, list) and len(made) == 2 and all(map(_whole, made)))


def _whole(number: Any) -> bool:
    return isinstance(number, int) and not isinstance(number, bool) and -1 <= number < 1 << 31


def _natural(number: Any) -> bool:
    return _whole(number) and number >= 0


def request(assignment: Assignment, what: Substitution, *, own_caches: bool) -> Request | None:
    """Return what a fresh box is asked first: to put stand-ins in their places; None if it is not
    to be asked yet.
    """
    left_out = what.cells if what.calls else frozenset[str]()
    replaced = _places(assignment, what.replaced - left_out)
    if not replaced:
        return None
    watched = _places(assignment, what.watched - left_out)
    return _request(replaced, watched, own_caches=own_caches, renew=bool(what.cells - left_out))


def request_behind_cells(
    assignment: Assignment, what: Substitution, *, own_caches: bool
) -> Request:
    """Return what a box is asked if its cells have run, and the check calls what they define."""
    replaced, watched = (_places(assignment, names) for names in (what.replaced, what.watched))
    return _request(replaced, watched, own_caches=own_caches, renew=False)


def _places(assignment: Assignment, names: frozenset[str]) -> list[list[str]]:
    return [[assignment.module_of(name) or CELLS, name] for name in sorted(names)]


def _request(
    replaced: list[list[str]], watched: list[list[str]], *, own_caches: bool, renew: bool
) -> Request:
    body = {"op": "substitute", "own_caches": own_caches, "renew": renew}
    return Request("beginning a second run", body | {"replaced": replaced, "watched": watched})


def judged(expectations: Expectations) -> dict[str, frozenset[str]]:
    """Return the functions that each check judges: those that its cases called last when they were
    recorded.
    """
    found: dict[str, frozenset[str]] = {}
    for (check, _), record in expectations.cases.items():
        if record.calls:
            found[check] = found.get(check, frozenset()) | {record.calls[-1].function}
    return found


def looking(assignment: Assignment, expectations: Expectations) -> frozenset[str]:
    """Return the checks of notebooks of which some case called nothing when it was recorded."""
    found = set()
    for (check, _), record in expectations.cases.items():
        spec = assignment.check(check)
        if spec is not None and spec.notebook and not record.calls:
            found.add(check)
    return frozenset(found)
