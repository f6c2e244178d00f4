"""Substitution: a failed check is run once more with right functions in the place of earlier ones
that failed.

Theory of operation. The functions that failed are replaced, in a fresh box with the student's
files, by stand-ins that ask this side, which asks the reference in a box of its own. The box with
student code may ask for any function. Only the failed functions are answered, and only these and
the functions that the check builds on may make caches. The function that the check judges is never
answered, unless the check judges a notebook's cells. Questions and answers are passed on as bytes
and not decoded here. A report gets from such a run only what is right, and the name of a known
mistake.
"""

from __future__ import annotations

import operator
import time
from collections.abc import Mapping
from typing import Any

import msgspec

from grader.assignment.expectations import Expectations
from grader.assignment.spec import Assignment
from grader.checking.run.remote import Remote, Request
from grader.checking.run.verdicts import CheckOutcome
from grader.errors import SubmissionFailed
from grader.sandbox.box import Sandbox, Staging
from grader.sandbox.wire import Frame

STEPS = 64  # of one question: the call itself, and those that made what it is given
ARGUMENTS = 64
BYTES = 64 << 20  # of one question's arrays
REFUSED = Frame({"ok": False})


class Substitution(msgspec.Struct, frozen=True):
    """What is replaced while one check runs again."""

    roots: tuple[str, ...]  # the failed checks whose functions these are
    replaced: frozenset[str]  # functions, methods as `Class.method`
    watched: frozenset[str]  # functions whose caches the replaced ones may be given, and classes
    stubs: bool  # whether none of the replaced functions is implemented, so that none makes a cache


class Built:
    """What builds on what: the checks that each check requires, and the functions that each
    judges.
    """

    def __init__(self, assignment: Assignment, judged: Mapping[str, frozenset[str]]) -> None:
        self._assignment = assignment
        self._judged = judged

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
        if spec is None or not lost or (spec.notebook and not self._mostly_right(below)):
            return None
        judged = self._judged_by(check)
        roots: dict[str, None] = {}
        replaced: set[str] = set()
        watched: set[str] = set()
        for one in below:
            functions = self._functions(one.id) - (frozenset() if spec.notebook else judged)
            watched |= functions
            if one.lost and functions:
                replaced |= functions
                roots |= dict.fromkeys(one.roots)
        if not replaced or (spec.notebook and judged and judged <= replaced):
            return None  # with nothing left of the student's that the check judges
        watched |= {name.partition(".")[0] for name in replaced}  # of a method, its class
        return Substitution(
            roots=tuple(roots),
            replaced=frozenset(replaced),
            watched=frozenset(filter(self._assignment.modules.get, watched - replaced)),
            stubs=all(one.is_unwritten for one in lost),
        )

    def same(self, check: str) -> tuple[str, ...]:
        """Return the checks that judge the same functions as a check does."""
        own = self._judged.get(check)
        return tuple(
            other for other, names in self._judged.items() if other != check and names == own
        )

    def own(self, check: str) -> frozenset[str]:
        """Return the functions that a check is the first to judge; none for a notebook's."""
        spec = self._assignment.check(check)
        if spec is None or spec.notebook:
            return frozenset()
        return self._judged_by(check).difference(*map(self._judged_by, self.below(check)))

    def _judged_by(self, check: str) -> frozenset[str]:
        return self._judged.get(check, frozenset())

    def _functions(self, check: str) -> frozenset[str]:
        """Return what a check judges in the student's files; what a notebook's cells define is not
        replaced.
        """
        spec = self._assignment.check(check)
        if spec is None or spec.notebook:
            return frozenset()
        return frozenset(filter(self._assignment.module_of, self._judged_by(check)))

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
    """The reference in a box of its own, opened when it is first asked."""

    def __init__(
        self, assignment: Assignment, sandbox: Sandbox, files: Mapping[str, bytes]
    ) -> None:
        self._assignment = assignment
        self._remote = Remote(
            sandbox, Staging(assignment.links, files), assignment.spec.limits, hide_numbers=True
        )

    def close(self) -> None:
        """End the box."""
        self._remote.close()

    def begin(self) -> None:
        """Begin a new case: nothing that an earlier one made is kept."""
        self._remote.reset(seed=2016)

    def answer(
        self, steps: list[dict[str, Any]], blobs: tuple[bytes, ...], seconds: float
    ) -> Frame:
        """Do calls one after the other and return the last one's results; raises
        `SubmissionFailed`.
        """
        for step in steps:
            step["module"] = self._assignment.module_of(step["function"])
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


def request(assignment: Assignment, what: Substitution, *, own_caches: bool) -> Request:
    """Return what a fresh box is asked first: to put the stand-ins in their places."""

    def places(names: frozenset[str]) -> list[list[str]]:
        return [[assignment.module_of(name), name] for name in sorted(names)]

    body = {"op": "substitute", "own_caches": own_caches}
    body |= {"replaced": places(what.replaced), "watched": places(what.watched)}
    return Request("beginning a second run", body)


def judged(expectations: Expectations) -> dict[str, frozenset[str]]:
    """Return the functions that each check judges: those that its cases called last when they were
    recorded.
    """
    found: dict[str, frozenset[str]] = {}
    for (check, _), record in expectations.cases.items():
        if record.calls:
            found[check] = found.get(check, frozenset()) | {record.calls[-1].function}
    return found
