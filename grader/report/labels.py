"""Numbers, times and verdicts in words: one way to say them in every format of the report."""

from __future__ import annotations

import itertools
import math
from collections import Counter
from typing import NamedTuple

from grader.model import CaseResult, CheckResult, Report, Status, Tier, sums
from grader.report.audience import Audience
from grader.text import counted

STATUS = {
    Status.PASS: "passed",
    Status.FAIL: "failed",
    Status.SKIP: "skipped",
    Status.ERROR: "not graded",
}
SYMBOL = {Status.PASS: "✓", Status.FAIL: "✗", Status.SKIP: "–", Status.ERROR: "!"}
TIER = {
    Tier.BUBBLEWRAP: "sandboxed (bubblewrap)",
    Tier.LANDLOCK: "sandboxed (landlock)",
    Tier.NONE: "practice, not sandboxed",
}
GRADER_FAULT = (
    "The grader itself failed here. This is not the student's fault, no mark is given: grade again."
)


def points(value: float) -> str:
    """Return points with at most two decimals: 3, 2.5, 0.33."""
    return f"{round(value, 2):g}" if math.isfinite(value) else "?"


def in_box(report: Report) -> str:
    """Return how many points rest on the student's own process, or nothing if none do."""
    boxed = [check for check in report.checks if check.in_box]
    if not boxed:
        return ""
    got, most = sums(boxed)
    return (
        f"{points(got)} / {points(most)} points rest on checks that ran in the student's own"
        " process"
    )


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


class ShownVerdict(NamedTuple):
    """A verdict as it is shown."""

    kind: str  # names its colours
    symbol: str
    word: str

    def counted(self, count: int) -> str:
        """Return a number of checks with this verdict, in words."""
        return f"{count} {self.word}"


PARTLY = ShownVerdict("fail", SYMBOL[Status.FAIL], "partly passed")
# all points: it fails by the mistake of an earlier function alone
FOLLOWS = ShownVerdict("pass", "↳", "right itself")
VERDICTS = {status: ShownVerdict(status.value, SYMBOL[status], STATUS[status]) for status in Status}
ORDER = (
    VERDICTS[Status.PASS],
    PARTLY,
    VERDICTS[Status.FAIL],
    FOLLOWS,
    VERDICTS[Status.SKIP],
    VERDICTS[Status.ERROR],
)


def verdict(check: CheckResult) -> ShownVerdict:
    """Return how a check's verdict is shown.

    A failed check with some of its points is partly passed. One with all of them passes with right
    functions in the place of earlier ones: there is nothing to mend in it.
    """
    if check.status is Status.FAIL and check.points > 0:
        return FOLLOWS if check.follow_through and check.points >= check.max_points else PARTLY
    return VERDICTS[check.status]


def case_verdict(case: CaseResult) -> ShownVerdict:
    """Return how a case's verdict is shown."""
    return FOLLOWS if case.follows else VERDICTS[case.status]


def status(check: CheckResult) -> str:
    """Return a check's verdict in words."""
    return verdict(check).word


def public_seed(report: Report, audience: Audience) -> str:
    """Return a sentence for instructors if no hidden seed was used, else nothing."""
    if report.seed != "public" or report.practice or audience is not Audience.INSTRUCTOR:
        return ""
    return "public (its answers are in the handout)"


def first_line(text: str) -> str:
    """Return the first line of a text that is not blank."""
    lines = text.strip().splitlines()
    return lines[0].strip() if lines else ""


def unfinished(report: Report) -> bool:
    """Return whether the grader failed in a check: then the score is not a mark yet."""
    return any(check.status is Status.ERROR for check in report.checks)


def first_to_fix(report: Report) -> CheckResult | None:
    """Return the failed check whose repair helps most checks; among equals the earliest.

    A check only counts if it says what is wrong. One that builds on a failed check counts only if
    all do.
    """
    by_id = _by_id(report)
    below: dict[str, set[str]] = {}
    broken: set[str] = set()
    failed: list[CheckResult] = []
    for check in report.checks:
        below[check.id] = _builds_on(check.id, by_id)
        if check.status in (Status.FAIL, Status.SKIP):
            broken.add(check.id)
        if check.status is Status.FAIL and (check.message or check.cases):
            failed.append(check)
    candidates = [check for check in failed if broken.isdisjoint(below[check.id])] or failed
    causes = Counter(map(cause, failed))
    builders = Counter(itertools.chain.from_iterable(below.values()))

    def helped(check: CheckResult) -> int:
        same = causes[cause(check)] - 1 if cause(check) is not None else 0
        return same + builders[check.id]

    return max(candidates, key=helped, default=None)


def behind(report: Report, check: CheckResult) -> str:
    """Say how many more checks cost points by the same error, or else because they build on it."""
    by_id = _by_id(report)
    same = built = 0
    for other in report.checks:
        if other.id == check.id or other.points >= other.max_points:
            continue
        same += cause(other) == cause(check) is not None
        built += check.id in _builds_on(other.id, by_id)
    more = counted(same or built, "more check")
    s = "s" if (same or built) == 1 else ""  # of the verb
    if same:
        return f"{more} stop{s} at the same error"
    return f"{more} that did not pass build{s} on it" if built else ""


def cause(check: CheckResult) -> tuple[str, int, str] | None:
    """Return the file, line and kind of the exception that first stopped a check, or None.

    If a notebook's cell stopped and a name is missing therefore, it is that cell.
    """
    stopped = next(iter(check.not_passed), None)
    if stopped is not None and stopped.stopped_by:
        return stopped.stopped_by, 0, check.notebook
    if stopped is None or not stopped.frames or not stopped.trace.strip():
        return None
    raised = stopped.frames[-1]
    return raised.file, raised.line, stopped.trace.strip().splitlines()[-1].partition(":")[0]


def _by_id(report: Report) -> dict[str, CheckResult]:
    return {check.id: check for check in report.checks}


def _builds_on(name: str, checks: dict[str, CheckResult]) -> set[str]:
    """Return the ids of all checks that one builds on, directly or not, without itself."""
    found: set[str] = set()
    waiting = [name]
    while waiting:
        for needed in checks[waiting.pop()].requires:
            if needed in checks and needed not in found:
                found.add(needed)
                waiting.append(needed)
    return found - {name}
