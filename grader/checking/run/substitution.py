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

import time
from collections.abc import Mapping
from itertools import chain
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

    def substitution(self, check: str, outcomes: Mapping[str, CheckOutcome]) -> Substitution | None:
        """Return what to replace for a check's second run; None when nothing that it builds on has
        failed.
        """
        spec = self._assignment.check(check)
        below = [outcomes[id_] for id_ in self.below(check) if id_ in outcomes]
        lost = [one for one in below if one.lost]
        if spec is None or not lost or (spec.notebook and not self._mostly_right(below)):
            return None
        own = frozenset[str]() if spec.notebook else self._judged.get(check, frozenset())
        functions = {one.id: self._functions(one.id) - own for one in below}
        roots: dict[str, None] = {}
        for one in lost:
            if functions[one.id]:
                roots |= dict.fromkeys(one.roots)
        replaced = frozenset[str]().union(*(functions[one.id] for one in lost))
        judged = self._judged.get(check, frozenset())
        if not replaced or (spec.notebook and judged and judged <= replaced):
            return None  # with nothing left of the student's that the check judges
        classes = {name.split(".")[0] for name in replaced if "." in name}
        watched = frozenset(classes).union(*functions.values()) - replaced
        cases = chain.from_iterable(one.cases for one in lost)
        stubs = all(case.unimplemented for case in cases)
        return Substitution(
            tuple(roots), replaced, frozenset(one for one in watched if one in self._modules), stubs
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
        none = frozenset[str]()
        below = (self._judged.get(other, none) for other in self.below(check))
        return self._judged.get(check, none).difference(*below)

    def _functions(self, check: str) -> frozenset[str]:
        """Return what a check judges in the student's files; what a notebook's cells define is not
        replaced.
        """
        spec = self._assignment.check(check)
        names = (
            self._judged.get(check, frozenset())
            if spec is not None and not spec.notebook
            else frozenset[str]()
        )
        return frozenset(name for name in names if name.split(".")[0] in self._modules)

    @property
    def _modules(self) -> Mapping[str, str]:
        return self._assignment.modules

    def _mostly_right(self, below: list[CheckOutcome]) -> bool:
        """Return whether most of what a notebook builds on is the submission's own right work.

        All code of a notebook may be the author's, so it would run to its end with nothing of the
        student's in it.
        """
        points = {check.id: check.points for check in self._assignment.spec.checks}
        right = sum(points[one.id] * one.earned for one in below)
        return 2 * right > sum(points[one.id] for one in below)


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
            step["module"] = self._assignment.modules[step["function"].split(".")[0]]
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
        if (
            not isinstance(steps, list)
            or not 0 < len(steps) <= STEPS
            or sum(map(len, frame.blobs)) > BYTES
        ):
            return None
        made = [_step(step) for step in steps]
        checked = [step for step in made if step is not None]
        if len(checked) < len(steps) or checked[-1]["function"] not in self._what.replaced:
            return None
        if any(step["function"] not in self._what.watched for step in checked[:-1]):
            return None
        return checked


def _step(step: Any) -> dict[str, Any] | None:
    if (
        not isinstance(step, dict)
        or not isinstance(step.get("function"), str)
        or not _natural(step.get("number"))
    ):
        return None
    args, kwargs, state = (_entries(step.get(key, [])) for key in ("args", "kwargs", "state"))
    if args is None or kwargs is None or state is None or not all(map(_named, (*kwargs, *state))):
        return None
    if not all(map(_item, [*args, *(value for _, value in kwargs)])):
        return None
    return {
        "number": step["number"],
        "function": step["function"],
        "args": args,
        "kwargs": kwargs,
        "state": state,
    }


def _entries(part: Any) -> list[Any] | None:
    return part if isinstance(part, list) and len(part) <= ARGUMENTS else None


def _named(pair: Any) -> bool:
    return isinstance(pair, list) and len(pair) == 2 and isinstance(pair[0], str)


def _item(item: Any) -> bool:
    """Return whether an argument is data, which is for the reference's box to decode, or what a
    call made.
    """
    if not isinstance(item, dict) or len(item) != 1:
        return False
    made = item.get("made", [0, 0])
    return (
        ("value" in item or "made" in item)
        and isinstance(made, list)
        and len(made) == 2
        and all(map(_whole, made))
    )


def _whole(number: Any) -> bool:
    return isinstance(number, int) and not isinstance(number, bool) and -1 <= number < 1 << 31


def _natural(number: Any) -> bool:
    return _whole(number) and number >= 0


def request(assignment: Assignment, what: Substitution, *, own_caches: bool) -> Request:
    """Return what a fresh box is asked first: to put the stand-ins in their places."""
    modules = assignment.modules

    def places(names: frozenset[str]) -> list[list[str]]:
        return [[modules[name.split(".")[0]], name] for name in sorted(names)]

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
