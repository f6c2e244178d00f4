"""Points: from the outcomes of cases to checks, questions and a score. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Protocol

import msgspec

from grader.assignment.schema import CheckSpec, Spec
from grader.model import CaseResult, CheckResult, Question, Status

if TYPE_CHECKING:
    from grader.checking.explain.diagnosis import Mistake


class Checked(Protocol):
    """What came of a check, as far as scoring looks at it."""

    title: str
    cases: list[CaseResult]
    mistake: Mistake
    functions: tuple[str, ...]
    reference_seconds: float


def score_check(spec: CheckSpec, check: Checked) -> CheckResult:
    """Return a check's result: its cases share its points by their weights, the first that failed
    gives its message.

    A case that is right given an earlier mistake has its points, one that is partly right has a
    part of them, and a known mistake may keep a share of the rest; the status stays what it is.
    """
    weights = spec.weights or {}
    cases = tuple(
        msgspec.structs.replace(case, weight=weights.get(case.id, 1.0)) for case in check.cases
    )
    status = _status(cases)
    return CheckResult(
        id=spec.id,
        question=spec.question,
        title=check.title,
        points=0.0 if status is Status.ERROR else _points(spec, cases, check.mistake.share),
        max_points=spec.points,
        status=status,
        visibility=spec.visibility,
        message=_message(cases, status),
        hint=check.mistake.hint,
        mistake=check.mistake.name,
        seconds=round(sum(case.seconds for case in cases), 3),
        cases=cases,
        requires=spec.requires,
        notebook=spec.notebook,
        functions=check.functions,
        reference_seconds=round(check.reference_seconds, 3) or None,
        follow_through=any(case.follows for case in cases),
        in_box=spec.in_box,
    )


def _points(spec: CheckSpec, cases: tuple[CaseResult, ...], share: float) -> float:
    """Return the points of a check: what its cases have earned, and a share of the rest for a known
    mistake.
    """
    whole = sum(case.weight for case in cases)
    right = sum(case.weight * case.earned for case in cases)
    if right == whole:
        return float(spec.points)  # as the author wrote them, an eighth of a point included
    return round(spec.points * (right + share * (whole - right)) / whole, 2)


def rescored(spec: CheckSpec, check: CheckResult) -> CheckResult:
    """Return a check that was graded earlier as the present spec has it: the same share of its
    points.

    spec: of the check, with no points where ``check`` could not have any
    """
    points, most = check.points, check.max_points
    if spec.points != most:
        points = float(spec.points) if points == most else round(spec.points * points / most, 2)
    return msgspec.structs.replace(
        check,
        question=spec.question,
        points=points,
        max_points=spec.points,
        visibility=spec.visibility,
        requires=spec.requires,
    )


def questions(spec: Spec, checks: Iterable[CheckResult]) -> tuple[Question, ...]:
    """Return the sums by question, in the spec's order, of those questions that have checks among
    these.
    """
    checks = tuple(checks)
    result = []
    for question in spec.questions:
        own = [check for check in checks if check.question == question.id]
        if own:
            points, most = (
                total(check.points for check in own),
                total(check.max_points for check in own),
            )
            result.append(Question(question.id, question.title, points, most))
    return tuple(result)


def total(points: Iterable[float]) -> float:
    """Return a sum of points without the dust of binary fractions."""
    return round(sum(points), 2)


def _status(cases: tuple[CaseResult, ...]) -> Status:
    statuses = {case.status for case in cases}
    if not cases or Status.ERROR in statuses:
        return Status.ERROR
    if statuses == {Status.PASS}:
        return Status.PASS
    return Status.SKIP if statuses == {Status.SKIP} else Status.FAIL


def _message(cases: tuple[CaseResult, ...], status: Status) -> str:
    if not cases:
        return "no case of this check was run"
    bad = [case for case in cases if case.status is not Status.PASS]
    if not bad:
        return ""
    causes = dict.fromkeys(id_ for case in bad for id_ in case.follows)
    if causes and all(case.follows for case in bad):
        names = ", ".join(f"`{id_}`" for id_ in causes)
        return f"right, given the mistake in {names}: it has cost its points there, and none here"
    return _first(cases, bad, status)


def _first(cases: tuple[CaseResult, ...], bad: list[CaseResult], status: Status) -> str:
    """Return the message of the first bad case, and how many there are."""
    first = next((case for case in bad if case.status is status), bad[0])
    if len(bad) == len(cases) and all(case.message == first.message for case in bad):
        return first.message
    many = (
        f"{len(bad)} of {len(cases)} cases" if len(bad) < len(cases) else f"all {len(cases)} cases"
    )
    return f"{many} fail; {first.id}: {first.message}"
