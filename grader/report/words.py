"""Numbers, times and verdicts in words: one way to say them in every format of the report."""

from __future__ import annotations

import math

from grader.model import CheckResult, Report, Status, Tier

STATUS = {Status.PASS: "passed", Status.FAIL: "failed", Status.SKIP: "skipped", Status.ERROR: "not graded"}
SYMBOL = {Status.PASS: "✓", Status.FAIL: "✗", Status.SKIP: "–", Status.ERROR: "!"}
TIER = {
    Tier.BUBBLEWRAP: "sandboxed (bubblewrap)",
    Tier.LANDLOCK: "sandboxed (landlock)",
    Tier.NONE: "practice, not sandboxed",
}
GRADER_FAULT = "The grader itself failed here. This is not the student's fault, no mark is given: grade again."


def points(value: float) -> str:
    """Return points with at most two decimals: 3, 2.5, 0.33."""
    return f"{round(value, 2):g}" if math.isfinite(value) else "?"


def seconds(value: float) -> str:
    """Return a duration with two or three significant digits and its unit."""
    if value < 0.0005:
        return "under 1 ms"
    if value < 1:
        return f"{value * 1000:.0f} ms"
    return f"{value:.1f} s" if value < 120 else f"{value / 60:.0f} min"


def error(value: float) -> str:
    """Return an error with two significant digits; what is not finite by name."""
    if math.isnan(value):
        return "NaN"
    return "infinite" if math.isinf(value) else f"{value:.2g}"


def status(check: CheckResult) -> str:
    """Return the verdict in words; a failed check with some of its points is partly passed."""
    if check.status is Status.FAIL and check.points > 0:
        return "partly passed"
    return STATUS[check.status]


def first_line(text: str) -> str:
    """Return the first line of a text that says something."""
    return next((line.strip() for line in text.splitlines() if line.strip()), "")


def unfinished(report: Report) -> bool:
    """Tell whether the grader failed somewhere, so that the score is not a mark yet."""
    return any(check.status is Status.ERROR for check in report.checks)


def first_to_fix(report: Report) -> CheckResult | None:
    """Return the failed check whose repair helps most: the one that most others build on, among equals the earliest.

    A check counts only where none of those it builds on has failed itself, and where it may say what is wrong.
    """
    by_id = {check.id: check for check in report.checks}
    broken = {check.id for check in report.checks if check.status in (Status.FAIL, Status.SKIP)}
    below = {name: _builds_on(name, by_id) for name in by_id}
    failed = [check for check in report.checks if check.status is Status.FAIL and (check.message or check.cases)]
    candidates = [check for check in failed if not below[check.id] & broken] or failed
    return max(candidates, key=lambda check: sum(check.id in below[name] for name in by_id), default=None)


def _builds_on(id: str, checks: dict[str, CheckResult]) -> set[str]:  # noqa: A002 - the word that the report uses
    """Return the ids of all checks that one builds on, near and far, itself left out."""
    found: set[str] = set()
    waiting = [id]
    while waiting:
        for needed in checks[waiting.pop()].requires:
            if needed in checks and needed not in found:
                found.add(needed)
                waiting.append(needed)
    return found - {id}
