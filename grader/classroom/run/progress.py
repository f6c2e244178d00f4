"""What is said of each submission while a class is graded."""

from __future__ import annotations

from operator import attrgetter

from rich.text import Text

from grader.classroom.download.students import tidy
from grader.classroom.marks.course_marks import Marks
from grader.classroom.run.results import Row, SubmissionOutcome
from grader.classroom.run.run_types import Event
from grader.report import labels
from grader.text import clean, first_of

_NAMED = 4
EVERY = 60.0  # seconds between two lines on the pace


class Pace:
    """Measures the submissions graded in a minute, and estimates the remaining time."""

    def __init__(self, now: float) -> None:
        """Begin at ``now``, in seconds of a clock that only goes forward."""
        self._start = self._told = now
        self._graded = 0

    def count(self, event: Event) -> None:
        """Count a submission that was graded; one that was taken over as it was took no time."""
        self._graded += event.row is not None and not event.reused

    def said(self, event: Event, now: float) -> str:
        """Return the pace and what is left; nothing before anything was graded."""
        seconds = now - self._start
        if not self._graded or seconds <= 0:
            return ""
        per_minute = 60 * self._graded / seconds
        left = (event.total - event.done) / per_minute
        rate = f"{per_minute:.0f}" if per_minute >= 10 else f"{per_minute:.1f}"
        return (
            f"{rate}/min, about {_minutes(left)} left"
            if event.total > event.done
            else f"{rate}/min"
        )

    def due(self, event: Event, now: float) -> str:
        """Return a line on the pace once a minute, and nothing in between."""
        if now - self._told < EVERY or not (said := self.said(event, now)):
            return ""
        self._told = now
        return f"{event.done} of {event.total} are settled: {said}"


def _minutes(minutes: float) -> str:
    if minutes < 1:
        return "1 min"
    hours, rest = divmod(round(minutes), 60)
    return f"{hours} h {rest} min" if hours else f"{rest} min"


def describe(event: Event) -> Text:
    """Return one line: how far the run is, whose submission it was, and what came of it."""
    if event.text:
        return Text(clean(event.text, 300))
    line = Text(f"[{event.done}/{event.total}] ")
    line.append(tidy(event.student, 60), style="bold")
    line.append(": ")
    row, marks = event.row, event.marks
    if event.asked:
        return line.append(clean(event.asked, 300), style="red")
    if row is None:
        return line.append(f"nothing was handed in{_by_hand(marks)}")
    if row.outcome in (SubmissionOutcome.REFUSED, SubmissionOutcome.FAULT):
        kind = "" if row.outcome is SubmissionOutcome.REFUSED else "the grader failed: "
        why = clean(row.message.strip().splitlines()[-1].rstrip(".") if row.message else "", 300)
        return line.append(f"{kind}{why}{_by_hand(marks)}", style="red")
    line.append(_mark(row, marks))
    if row.failed:
        line.append(f", not passed: {first_of(row.failed, _NAMED)}")
    took = "as it was" if event.reused else labels.seconds(row.seconds)
    return line.append(f" ({took})", style="dim")


def _mark(row: Row, marks: Marks | None) -> str:
    """Return the mark as the gradebook has it, and the checks' points if lateness or an
    instructor changed them.
    """
    points = sum(map(attrgetter("points"), row.checks))
    most = sum(map(attrgetter("max_points"), row.checks))
    by_checks = f"{labels.points(points)} / {labels.points(most)}"
    if marks is None or marks.score is None:
        return f"no mark, {by_checks} by the checks"
    mark = f"{labels.points(marks.score)} / {labels.points(marks.max_points)}"
    if marks.score == round(points, 2):
        return mark
    return f"{mark} ({by_checks} by the checks{_late(marks)})"


def _late(marks: Marks) -> str:
    return f", {labels.points(marks.penalty)} taken off as late" if marks.penalty else ""


def _by_hand(marks: Marks | None) -> str:
    """Return what an instructor gave if there is nothing to grade."""
    given = marks.score if marks is not None else None
    return f"; {labels.points(given)} points by the instructor" if given else ""
