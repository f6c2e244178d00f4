"""Classroom 50: an autograder for its runner, and the `result.json` that the runner collects."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import msgspec

from grader.classroom.marks.class_page import template_of
from grader.errors import GraderFault
from grader.model import CheckResult, Report, Status
from grader.report import labels
from grader.report.audience import Audience, view
from grader.text import clean

SCHEMA = "classroom50/result/v1"
MESSAGE_LIMIT = 1_000
# What the runner says of a submission, by the name of the field that repeats it.
_SAID = {
    "classroom": "CLASSROOM",
    "assignment": "ASSIGNMENT",
    "submission": "SUBMISSION_TAG",
    "commit": "COMMIT_URL",
    "release": "RELEASE_URL",
    "review": "REVIEW_URL",
}


def autograder(title: str, requires: Sequence[str] = ()) -> bytes:
    """Return ``autograder.py``, which lies beside the handout's wheels and assignment.

    requires: packages that the assignment needs, as pip writes them
    """
    plain = " ".join(clean(title, 100).replace('"', "'").replace("\\", "/").split())
    return template_of(
        "exports/autograder50.py.j2", title=plain, requires=json.dumps([*requires])
    ).encode()


def results(report: Report, environment: Mapping[str, str]) -> bytes:
    """Return ``result.json``: as students may see it, a test for each check, in whole points.

    environment: of the runner, which names the submission

    Raises `GraderFault` if a check has no verdict: then there is no mark, and no result to be
    collected.
    """
    if labels.unfinished(report):
        raise GraderFault("the grader failed in some checks, so there is no result: grade again")
    shown = view(report, Audience.STUDENT)
    whole = all(float(check.max_points).is_integer() for check in shown.checks)
    tests = [_test(check, 1 if whole else 100) for check in shown.checks]
    said = {field: environment.get(name, "") for field, name in _SAID.items()}
    said["review"] = said["review"] or said["commit"]
    data = {
        "schema": SCHEMA,
        **said,
        "datetime": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "score": sum(test["score"] for test in tests),
        "max-score": sum(test["max-score"] for test in tests),
        "tests": tests,
    }
    return msgspec.json.format(msgspec.json.encode(data), indent=1) + b"\n"


def _test(check: CheckResult, factor: int) -> dict[str, Any]:
    """Return a check as a test: points are cut to whole ones, so that nothing is given that was not
    earned.
    """
    hint = f"\nHint: {check.hint}" if check.hint else ""
    return {
        "test-name": clean(check.title, 200),
        "passed": check.status is Status.PASS,
        "score": math.floor(check.points * factor + 1e-6),
        "max-score": round(check.max_points * factor),
        "message": clean(check.message + hint, MESSAGE_LIMIT),
    }


def commands(report: Report) -> list[str]:
    """Return a workflow command for each check that did not pass, at the student's line if that is
    known.
    """
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
    failed = [case for case in check.cases if case.frames and case.status is not Status.PASS]
    return (failed[0].frames[-1].file, failed[0].frames[-1].line) if failed else None


def _data(text: str) -> str:
    """Return text as a workflow command's message: it must not end the line, or begin another
    command.
    """
    return clean(text, MESSAGE_LIMIT).replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")
