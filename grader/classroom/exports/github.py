"""GitHub Classroom: a workflow for the students' repositories, and what its grading reporter reads."""

from __future__ import annotations

from typing import Any

import msgspec

from grader.classroom.page import template_of
from grader.model import CheckResult, Report, Status
from grader.report import words
from grader.report.audience import Audience, view
from grader.text import clean

MESSAGE_LIMIT = 1_000


def workflow(title: str) -> bytes:
    """Return ``.github/workflows/classroom.yml`` for repositories that were made from the handout."""
    return template_of("exports/classroom.yml.j2", title=" ".join(clean(title, 100).split())).encode()


def results(report: Report) -> bytes:
    """Return the result as the Classroom's grading reporter reads it: as students may see it, a test for each check."""
    shown = view(report, Audience.STUDENT)
    error = words.unfinished(report)
    passed = all(check.status is Status.PASS for check in shown.checks)
    data = {
        "version": 1,
        "status": "error" if error else "pass" if passed else "fail",
        "max_score": shown.max_score,
        "tests": [_test(check) for check in shown.checks],
    }
    return msgspec.json.format(msgspec.json.encode(data), indent=1) + b"\n"


def commands(report: Report) -> list[str]:
    """Return a workflow command for each check that did not pass, at the student's line where that is known."""
    lines = []
    for check in view(report, Audience.STUDENT).checks:
        if check.status in (Status.FAIL, Status.ERROR):
            place = _place(check)
            where = f" file={_property(place[0])},line={place[1]}," if place else " "
            title = _property(f"{check.title} ({words.points(check.points)} of {words.points(check.max_points)})")
            lines.append(f"::error{where}title={title}::{_data(check.message or words.status(check))}")
    return lines


def _test(check: CheckResult) -> dict[str, Any]:
    place = _place(check)
    hint = f"\nHint: {check.hint}" if check.hint else ""
    return {
        "name": clean(check.title, 200),
        "status": {Status.PASS: "pass", Status.ERROR: "error"}.get(check.status, "fail"),
        "message": clean(check.message + hint, MESSAGE_LIMIT),
        "line_no": place[1] if place else 0,
        "filename": clean(place[0], 200) if place else "",
        "execution_time": f"{check.seconds:.3f}s",
        "score": check.points,
        "max_score": check.max_points,
    }


def _place(check: CheckResult) -> tuple[str, int] | None:
    """Return the student's line where an exception came from."""
    frames = next((case.frames for case in check.cases if case.frames and case.status is not Status.PASS), ())
    return (frames[-1].file, frames[-1].line) if frames else None


def _data(text: str) -> str:
    """Return text as a workflow command's message: it must not end the line, or begin another command."""
    return clean(text, MESSAGE_LIMIT).replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")
