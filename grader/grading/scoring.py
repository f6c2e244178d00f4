"""Points: from the outcomes of cases to checks, questions and a score. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Protocol

import msgspec

from grader.assignment.schema import CheckSpec, Spec
from grader.model import CaseResult, CheckResult, Question, Status, sums
from grader.text import quoted

if TYPE_CHECKING:
    from grader.checking.explain.diagnosis import Mistake


class Checked(Protocol):
    """The outcome of a check, as far as scoring reads it."""

    title: str
    cases: list[CaseResult]
    mistake: Mistake
    functions: tuple[str, ...]
    reference_seconds: float


def score_check(spec: CheckSpec, check: Checked) -> CheckResult:
    """Return a check's result: cases share its points by weight; the first failure's message.

    A case that is right given an earlier mistake has all of its points; one that is partly right
    has a part of them; a known mistake may keep a share of the rest. The status does not change.
    """
    weights = spec.weights or {}
    weighted: list[CaseResult] = []
    for case in check.cases:
        weighted.append(msgspec.structs.replace(case, weight=weights.get(case.id, 1.0)))
    cases = tuple(weighted)
    status = _status(cases)
    return CheckResult(
        id=spec.id,
        question=spec.question,
        title=check.title,
        points=0.0 if status is Status.ERROR else _points(spec, cases, check.mistake.share),
        max_points=spec.points,
        status=status,
        visibility=spec.visibility,
        message=_in_words(spec, _message(cases, status), status),
        hint=check.mistake.hint,
        mistake=check.mistake.name,
        seconds=round(sum(case.seconds for case in cases), 3),
        cases=cases,
        requires=spec.requires,
        notebook=spec.notebook,
        functions=check.functions,
        reference_seconds=round(check.reference_seconds, 3) or None,
        follow_through=bool(_causes(cases)),
        in_box=spec.in_box,
    )


def _points(spec: CheckSpec, cases: tuple[CaseResult, ...], share: float) -> float:
    """Return what the cases have earned, and a known mistake's share of the rest."""
    whole = sum(case.weight for case in cases)
    right = sum(case.weight * case.earned for case in cases)
    if right == whole:
        return float(spec.points)  # as the author wrote them: not rounded, an eighth stays one
    return round(spec.points * (right + share * (whole - right)) / whole, 2)


def rescored(spec: CheckSpec, check: CheckResult) -> CheckResult:
    """Return a check that was graded earlier with the present spec: the same share of its points.

    spec: of the check; its points are 0 if ``check`` was worth 0 points
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
    """Return the sums of the questions that have checks among these, in the spec's order."""
    checks = tuple(checks)
    result = []
    for question in spec.questions:
        own = [check for check in checks if check.question == question.id]
        if own:
            result.append(Question(question.id, question.title, *sums(own)))
    return tuple(result)


def total(points: Iterable[float]) -> float:
    """Return a sum of points, rounded to hundredths."""
    return round(sum(points), 2)


def _status(cases: tuple[CaseResult, ...]) -> Status:
    statuses = {case.status for case in cases}
    if not cases or Status.ERROR in statuses:
        return Status.ERROR
    return statuses.pop() if len(statuses) == 1 else Status.FAIL


def _message(cases: tuple[CaseResult, ...], status: Status) -> str:
    if not cases:
        return "no case of this check was run"
    bad = [case for case in cases if case.status is not Status.PASS]
    if not bad:
        return ""
    if all(case.follows for case in bad):
        cost = "it has cost its points there, and none here"
        return f"right, given the mistake in {quoted(_causes(bad))}: {cost}"
    return _first(cases, bad, status)


def _in_words(spec: CheckSpec, message: str, status: Status) -> str:
    """Return a message with the author's own words ahead of it, if there are some."""
    own = {Status.PASS: spec.when_passed, Status.FAIL: spec.when_failed}.get(status, "")
    return "\n".join(filter(None, (own, message)))


def _causes(cases: Iterable[CaseResult]) -> list[str]:
    """Return the failed checks that these cases' failures follow from, each once."""
    causes: dict[str, None] = {}
    for case in cases:
        causes |= dict.fromkeys(case.follows)
    return list(causes)


def _first(cases: tuple[CaseResult, ...], bad: list[CaseResult], status: Status) -> str:
    """Return the message of the first bad case, and how many there are."""
    first = next((case for case in bad if case.status is status), bad[0])
    if len(bad) < len(cases):
        return f"{len(bad)} of {len(cases)} cases fail; {first.id}: {first.message}"
    if len({case.message for case in bad}) == 1:
        return first.message
    return f"all {len(cases)} cases fail; {first.id}: {first.message}"
