"""``result.json`` for Classroom 50: the form that its runner collects, and its annotations."""

from __future__ import annotations

import math
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import msgspec

from grader.errors import GraderFault
from grader.model import CheckResult, Report, Status
from grader.report import labels
from grader.report.audience import Audience, view
from grader.text import clean

SCHEMA = "classroom50/result/v1"
MESSAGE_LIMIT = 1_000
# The variables in which the runner describes a submission, by the field that repeats them.
_SAID = {
    "classroom": "CLASSROOM",
    "assignment": "ASSIGNMENT",
    "submission": "SUBMISSION_TAG",
    "commit": "COMMIT_URL",
    "release": "RELEASE_URL",
    "review": "REVIEW_URL",
}


def results(report: Report, environment: Mapping[str, str]) -> bytes:
    """Return ``result.json``: as students may see it, a test for each check, in whole points.

    environment: of the runner, which names the submission

    Raises `GraderFault` if a check has no verdict: there is no mark then.
    """
    if labels.unfinished(report):
        raise GraderFault("the grader failed in some checks, so there is no result: grade again")
    shown = view(report, Audience.STUDENT)
    whole = all(float(check.max_points).is_integer() for check in shown.checks)
    tests: list[dict[str, Any]] = []
    score = max_score = 0
    for check in shown.checks:
        test = _test(check, 1 if whole else 100)
        score += test["score"]
        max_score += test["max-score"]
        tests.append(test)
    said: dict[str, str] = {}
    for field, name in _SAID.items():
        said[field] = environment.get(name, "")
    said["review"] = said["review"] or said["commit"]
    data = {
        "schema": SCHEMA,
        **said,
        "datetime": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "score": score,
        "max-score": max_score,
        "tests": tests,
    }
    return msgspec.json.format(msgspec.json.encode(data), indent=1) + b"\n"


def _test(check: CheckResult, factor: int) -> dict[str, Any]:
    """Return a check as a test; points are rounded down, so that none is given unearned."""
    hint = f"\nHint: {check.hint}" if check.hint else ""
    return {
        "test-name": clean(check.title, 200),
        "passed": check.status is Status.PASS,
        "score": math.floor(check.points * factor + 1e-6),
        "max-score": round(check.max_points * factor),
        "message": clean(check.message + hint, MESSAGE_LIMIT),
    }


def commands(report: Report) -> list[str]:
    """Return a workflow command for each failed check, at the student's line if it is known."""
    lines = []
    for check in view(report, Audience.STUDENT).checks:
        if check.status in (Status.FAIL, Status.ERROR):
            place = _place(check)
            where = f" file={_property(place[0])},line={place[1]}," if place else " "
            points = f"{labels.points(check.points)} of {labels.points(check.max_points)}"
            title = _property(f"{check.title} ({points})")
            said = _data(check.message or labels.status(check))
            lines.append(f"::error{where}title={title}::{said}")
    return lines


def _place(check: CheckResult) -> tuple[str, int] | None:
    """Return the student's line that an exception came from."""
    for case in check.not_passed:
        if case.frames:
            return case.frames[-1].file, case.frames[-1].line
    return None


def _data(text: str) -> str:
    """Return text as a command's message, which can't end the line or start another command."""
    return clean(text, MESSAGE_LIMIT).replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")
