"""Who reads a report, and what they may see of it.

Every renderer works from a view, so what is left out of it can't leak.
"""

from __future__ import annotations

import functools
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
    """The reader of a report."""

    STUDENT = "student"
    INSTRUCTOR = "instructor"


def view(report: Report, audience: Audience) -> Report:
    """Return the report for an audience: students see points and status of hidden checks."""
    if audience is Audience.INSTRUCTOR:
        return report
    hidden = [check.id for check in report.checks if check.visibility is Visibility.HIDDEN]
    names = hidden_names(hidden)
    shown = map(_coarse, report.checks) if report.coarse else report.checks
    return msgspec.structs.replace(
        report,
        checks=tuple(map(functools.partial(_redact, names=names), shown)),
        notes=_all_renamed(report.notes, names),
        look=(),
        by_hand=tuple(map(functools.partial(_by_hand, names=names), report.by_hand)),
    )


def hidden_names(ids: Iterable[str]) -> dict[str, str]:
    """Return for hidden checks the names that students see, in the assignment's order."""
    names: dict[str, str] = {}
    for number, name in enumerate(ids, start=1):
        names[name] = f"hidden_{number}"
    return names


def view_check(check: CheckResult, audience: Audience) -> CheckResult:
    """Return one check for an audience, for lines that are shown before the report is complete.

    The other hidden checks are not known then, and a message may name one. So students read the
    message in the summary.
    """
    if audience is Audience.INSTRUCTOR:
        return check
    return msgspec.structs.replace(_redact(check, {check.id: "hidden"}), message="")


def _redact(check: CheckResult, names: Mapping[str, str]) -> CheckResult:
    """Return a hidden check without details, a visible one without names of hidden ones."""
    if check.visibility is not Visibility.HIDDEN:
        return msgspec.structs.replace(
            check,
            message=renamed(check.message, names),
            requires=tuple(name for name in check.requires if name not in names),
            cases=tuple(map(functools.partial(_without, names=names), check.cases)),
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
        in_box=check.in_box,
    )


def _by_hand(given: HandGraded, names: Mapping[str, str]) -> HandGraded:
    """Return what a person gave; hidden checks get the names that students see."""
    items = [GivenItem(renamed(item.text, names), item.points) for item in given.items]
    return msgspec.structs.replace(
        given,
        title=names.get(given.check, given.title),
        check=names.get(given.check, given.check),
        items=tuple(items),
        comment=renamed(given.comment, names),
    )


def _coarse(check: CheckResult) -> CheckResult:
    """Return a check whose values only say which entries are off, not by how much."""
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
        notes=_all_renamed(case.notes, names),
        follows=tuple(names.get(name, name) for name in case.follows),
    )


def _all_renamed(texts: Iterable[str], names: Mapping[str, str]) -> tuple[str, ...]:
    return tuple(renamed(text, names) for text in texts)


def renamed(text: str, names: Mapping[str, str]) -> str:
    """Return a text in which hidden checks have the names that students see."""
    for name, known_as in names.items():
        if name in text:
            text = re.sub(rf"(?<!\w){re.escape(name)}(?!\w)", known_as, text)
    return text
