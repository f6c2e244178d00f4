"""Who reads a report, and what of it he may see. Every renderer works from a view, so what is left
out can't leak.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from enum import StrEnum

import msgspec

from grader.error_map import coarse
from grader.model import (
    CaseResult,
    CheckResult,
    Comparison,
    GivenItem,
    HandGraded,
    Report,
    Visibility,
)

HIDDEN_TITLE = "A hidden check"


class Audience(StrEnum):
    """Whose eyes a report is for."""

    STUDENT = "student"
    INSTRUCTOR = "instructor"


def view(report: Report, audience: Audience) -> Report:
    """Return the report as an audience may see it: for students, hidden checks keep only points and
    status.
    """
    if audience is Audience.INSTRUCTOR:
        return report
    names = hidden_names(
        check.id for check in report.checks if check.visibility is Visibility.HIDDEN
    )
    shown = map(_coarse, report.checks) if report.coarse else report.checks
    return msgspec.structs.replace(
        report,
        checks=tuple(_redact(check, names) for check in shown),
        notes=tuple(renamed(note, names) for note in report.notes),
        look=(),
        by_hand=tuple(_by_hand(given, names) for given in report.by_hand),
    )


def hidden_names(ids: Iterable[str]) -> dict[str, str]:
    """Return the names that students know hidden checks by, in the order of the assignment."""
    return {name: f"hidden_{number}" for number, name in enumerate(ids, start=1)}


def view_check(check: CheckResult, audience: Audience) -> CheckResult:
    """Return one check as an audience may see it, for lines that are shown before the report
    stands.

    Which other checks are hidden is not known then, and a message may name one: students read it in
    the summary.
    """
    if audience is Audience.INSTRUCTOR:
        return check
    return msgspec.structs.replace(_redact(check, {check.id: "hidden"}), message="")


def _redact(check: CheckResult, names: Mapping[str, str]) -> CheckResult:
    """Return a hidden check without its details, and a visible one without the names of hidden
    ones.
    """
    if check.visibility is not Visibility.HIDDEN:
        return msgspec.structs.replace(
            check,
            message=renamed(check.message, names),
            requires=tuple(name for name in check.requires if name not in names),
            cases=tuple(_without(case, names) for case in check.cases),
        )
    return CheckResult(
        id=names[check.id],
        question=check.question,
        title=HIDDEN_TITLE,
        points=check.points,
        max_points=check.max_points,
        status=check.status,
        visibility=check.visibility,
        message="",
        hint="",
        seconds=0.0,
        follow_through=check.follow_through,
    )


def _by_hand(given: HandGraded, names: Mapping[str, str]) -> HandGraded:
    """Return what a person gave, with hidden checks by the names that students know them by."""
    items = [GivenItem(renamed(item.text, names), item.points) for item in given.items]
    return msgspec.structs.replace(
        given,
        title=names.get(given.check, given.title),
        check=names.get(given.check, given.check),
        items=tuple(items),
        comment=renamed(given.comment, names),
    )


def _coarse(check: CheckResult) -> CheckResult:
    """Return a check whose values say of their entries only whether they are off."""
    cases = []
    for case in check.cases:
        values = tuple(map(_coarse_value, case.values))
        cases.append(msgspec.structs.replace(case, values=values))
    return msgspec.structs.replace(check, cases=tuple(cases))


def _coarse_value(value: Comparison) -> Comparison:
    found = None if value.error_map is None else coarse(value.error_map)
    return msgspec.structs.replace(value, error_map=found, scatter=None)


def _without(case: CaseResult, names: Mapping[str, str]) -> CaseResult:
    """Return a case that names no hidden check."""
    return msgspec.structs.replace(
        case,
        message=renamed(case.message, names),
        notes=tuple(renamed(note, names) for note in case.notes),
        follows=tuple(names.get(name, name) for name in case.follows),
    )


def renamed(text: str, names: Mapping[str, str]) -> str:
    """Return a text in which hidden checks stand by the names that students know them by."""
    for name, known_as in names.items():
        if name in text:
            text = re.sub(rf"(?<!\w){re.escape(name)}(?!\w)", known_as, text)
    return text
