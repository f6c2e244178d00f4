"""What is said of each submission while a class is graded."""

from __future__ import annotations

from rich.text import Text

from grader.classroom.entries import tidy
from grader.classroom.orders import Event
from grader.classroom.rows import Outcome
from grader.model import Status
from grader.report import words
from grader.text import clean

_NAMED = 4


def describe(event: Event) -> Text:
    """Return one line: how far the run is, whose submission it was, and what came of it."""
    if event.text:
        return Text(clean(event.text, 300))
    line = Text(f"[{event.done}/{event.total}] ")
    line.append(tidy(event.student, 60), style="bold")
    line.append(": ")
    row = event.row
    if row is None:
        return line.append("nothing was handed in")
    if row.outcome in (Outcome.REFUSED, Outcome.FAULT):
        kind = "" if row.outcome is Outcome.REFUSED else "the grader failed: "
        return line.append(
            f"{kind}{clean(row.message.strip().splitlines()[-1] if row.message else '', 300)}", style="red"
        )
    points = sum(check.points for check in row.checks)
    most = sum(check.max_points for check in row.checks)
    failed = [check.id for check in row.checks if check.status is not Status.PASS]
    line.append(f"{words.points(points)} / {words.points(most)}")
    if failed:
        more = f" and {len(failed) - _NAMED} more" if len(failed) > _NAMED else ""
        line.append(f", not passed: {', '.join(failed[:_NAMED])}{more}")
    line.append(" (as it was)" if event.reused else f" ({words.seconds(row.seconds)})", style="dim")
    return line
