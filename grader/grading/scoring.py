"""Points: from the outcomes of cases to checks, questions and a score. Pure."""

from __future__ import annotations

from collections.abc import Iterable

from grader.assignment.spec import CheckSpec, Spec
from grader.model import CaseResult, CheckResult, Question, Status


def score_check(spec: CheckSpec, title: str, cases: Iterable[CaseResult]) -> CheckResult:
    """Return a check's result: its cases share its points, and its message is that of the first case that failed."""
    cases = tuple(cases)
    passed = sum(case.status is Status.PASS for case in cases)
    status = _status(cases)
    points = 0.0 if status is Status.ERROR or not cases else round(spec.points * passed / len(cases), 2)
    return CheckResult(
        id=spec.id,
        question=spec.question,
        title=title,
        points=points,
        max_points=spec.points,
        status=status,
        visibility=spec.visibility,
        message=_message(cases, status),
        hint="",
        seconds=round(sum(case.seconds for case in cases), 3),
        cases=cases,
        requires=spec.requires,
        notebook=spec.notebook,
    )


def questions(spec: Spec, checks: Iterable[CheckResult]) -> tuple[Question, ...]:
    """Return the sums by question, in the spec's order, of those questions that have checks among these."""
    checks = tuple(checks)
    result = []
    for question in spec.questions:
        own = [check for check in checks if check.question == question.id]
        if own:
            points, most = total(check.points for check in own), total(check.max_points for check in own)
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
    bad = [case for case in cases if case.status not in (Status.PASS,)]
    if not bad:
        return ""
    first = next((case for case in bad if case.status is status), bad[0])
    if len(bad) == len(cases) and all(case.message == first.message for case in bad):
        return first.message
    many = f"{len(bad)} of {len(cases)} cases" if len(bad) < len(cases) else f"all {len(cases)} cases"
    return f"{many} fail; {first.id}: {first.message}"
