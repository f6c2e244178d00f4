"""What is kept of each submission so that a class can be shown without opening its reports
again.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterable, Mapping
from enum import StrEnum
from operator import attrgetter

import msgspec

from grader import __version__
from grader.assignment.schema import CheckSpec, LateSpec
from grader.assignment.spec import Assignment
from grader.classroom.download.students import Entry
from grader.classroom.marks.course_marks import CheckPoints, Inline, total
from grader.classroom.marks.decisions import ANSWER_OF, CHECK_OF, Item, seen_check
from grader.model import CaseResult, CheckResult, Report, Status, Visibility
from grader.text import clean

CLASS_SCHEMA = 1
HEADLINE = 160


class SubmissionOutcome(StrEnum):
    """What became of a submission."""

    GRADED = "graded"
    REFUSED = "refused"  # it can't be taken in: the student's matter, no points
    FAULT = "fault"  # the grader failed: ours, no mark
    MISSING = "missing"  # nothing was handed in
    WAITING = "waiting"  # not graded yet
    ASKED = "asked"  # whose it is, is not known: nobody is graded for it


class CheckRow(msgspec.Struct, frozen=True, omit_defaults=True):
    """One check of one submission."""

    id: str
    points: float
    max_points: float
    status: Status
    mistake: str = ""  # a known mistake, by its name or hint
    known: bool = False  # it is a known mistake that gives exactly these numbers
    headline: str = ""  # what went wrong
    stopped: str = ""  # the notebook's cell, in words, that stopped what this needs
    fingerprint: str = ""  # equal if two submissions have the same wrong numbers

    @property
    def marks(self) -> CheckPoints:
        """The check as far as marks look at it."""
        return CheckPoints(self.id, self.points, self.max_points, self.status, self.seen)

    @property
    def seen(self) -> str:
        """Digest of the result, by which a decision of a person knows whether it was made on this
        one.
        """
        return seen_check(self.points, self.max_points, self.status.value, self.fingerprint)


def not_passed(checks: Iterable[CheckRow]) -> list[str]:
    """Return the checks that did not pass, by their ids."""
    return [check.id for check in checks if check.status is not Status.PASS]


class Row(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """The file that makes a result complete: written last, and valid for one key alone."""

    schema: int
    student: str
    submission: str = ""  # digest of what was handed in
    key: str  # digest of submission, assignment and grader
    # digest of the assignment that all of it was graded with; empty if that is more than one
    assignment: str = ""
    rules: str = ""  # digest of what the reports were rendered with, besides
    outcome: SubmissionOutcome
    message: str = ""
    checks: tuple[CheckRow, ...] = ()
    answered: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()  # of intake and checks, as the report has them
    look: tuple[str, ...] = ()  # why a person should look at it
    seconds: float = 0.0
    started: str = ""
    isolation: str = ""
    regraded: Mapping[str, str] = {}  # check -> the run that regraded it
    files: Mapping[str, str] = {}  # of the result -> SHA-256, so that a damaged one is found
    # digest of each answer by its id; None: of an earlier version
    texts: Mapping[str, str] | None = None
    # of a fault: the complete result before it, whose files are kept and which gives no mark
    before: Row | None = None

    @property
    def complete(self) -> bool:
        """Whether this is a verdict: if the grader failed, there is none yet."""
        return self.outcome is not SubmissionOutcome.FAULT and not self.unjudged

    def is_of(self, assignment: str) -> bool:
        """Whether every verdict in this is of the assignment with this digest."""
        return self.outcome is not SubmissionOutcome.GRADED or self.assignment == assignment

    def complete_but(self, ids: Collection[str]) -> bool:
        """Whether this is a verdict on all checks but these."""
        return self.outcome is SubmissionOutcome.GRADED and self.unjudged <= set(ids)

    @property
    def unjudged(self) -> set[str]:
        """The checks that have no verdict, by a fault of the grader or the machine."""
        return {check.id for check in self.checks if check.status is Status.ERROR}

    @property
    def passed(self) -> bool:
        """Whether every check passed."""
        return self.outcome is SubmissionOutcome.GRADED and not self.failed

    @property
    def failed(self) -> list[str]:
        """The checks that did not pass, by their ids."""
        return not_passed(self.checks)


class CheckHead(msgspec.Struct, frozen=True):
    """A check of the assignment."""

    id: str
    question: str
    points: float
    hidden: bool = True  # if that is not known, students don't read its name
    in_box: bool = False  # whether its verdict is the word of the student's process


class ClassFile(msgspec.Struct, frozen=True, kw_only=True):
    """``class.json``: the class and the assignment, as far as marks, pages and exports need
    them.
    """

    schema: int
    name: str
    title: str
    version: str
    layout: str
    checks: tuple[CheckHead, ...]
    inline: tuple[Inline, ...] = ()
    late: LateSpec | None = None
    entries: tuple[Entry, ...] = ()
    assignment: str = ""  # digest of the assignment with its expectations
    shards: tuple[int, ...] = (1,)  # the parts of the class that lie here,
    of: int = 1  # of so many
    seconds: float = 0.0  # of the last run
    grader: str = ""  # its version
    # what the assignment brings; the desk's own stands with the decisions
    rubric: tuple[Item, ...] = ()

    @property
    def max_points(self) -> float:
        """The points of all checks and answers."""
        return total((*self.checks, *self.inline))

    @property
    def in_box_points(self) -> float:
        """The points that rest on the students' own processes."""
        return total(filter(attrgetter("in_box"), self.checks))

    @property
    def part(self) -> str:
        """What of the class lies here, in words."""
        if self.shards == tuple(range(1, self.of + 1)):
            return "the whole class"
        return (
            f"shard{'s' if len(self.shards) > 1 else ''} {', '.join(map(str, self.shards))} of"
            f" {self.of}"
        )


def class_file(
    assignment: Assignment,
    digest: str,
    layout: str,
    inline: tuple[Inline, ...],
    entries: tuple[Entry, ...],
    shard: tuple[int, int] = (1, 1),
) -> ClassFile:
    """Return what a class needs to know of its assignment."""
    spec = assignment.spec
    return ClassFile(
        schema=CLASS_SCHEMA,
        name=spec.name,
        title=spec.title,
        version=spec.version,
        layout=layout,
        checks=tuple(map(_check_head, spec.checks)),
        inline=inline,
        rubric=rubric_of(assignment, inline),
        late=spec.late,
        entries=entries,
        assignment=digest,
        grader=__version__,
        shards=shard[:1],
        of=shard[1],
    )


def _check_head(check: CheckSpec) -> CheckHead:
    hidden = check.visibility is Visibility.HIDDEN
    return CheckHead(check.id, check.question, check.points, hidden, check.in_box)


def rubric_of(assignment: Assignment, inline: tuple[Inline, ...]) -> tuple[Item, ...]:
    """Return the rubric's items that the assignment brings."""
    answers = {one.id for one in inline}
    items = []
    for number, item in enumerate(assignment.spec.rubric):
        part = f"{ANSWER_OF if item.part in answers else CHECK_OF}{item.part}"
        items.append(Item(part=part, text=item.text, points=item.points, order=float(number)))
    return tuple(items)


def check_rows(report: Report) -> tuple[CheckRow, ...]:
    """Return the checks of a report in short."""
    return tuple(map(_check_row, report.checks))


def _check_row(check: CheckResult) -> CheckRow:
    bad = [case for case in check.cases if case.status is not Status.PASS]
    failed = check.status is not Status.PASS
    stopped = next(filter(None, map(attrgetter("stopped_by"), bad)), "")
    line = (check.message.strip().splitlines() or [""])[0].rstrip()
    return CheckRow(
        id=check.id,
        points=check.points,
        max_points=check.max_points,
        status=check.status,
        known=failed and bool(check.mistake),
        mistake=clean(check.mistake or check.hint, HEADLINE) if failed else "",
        headline=clean(line, HEADLINE) if failed else "",
        stopped=clean(stopped, HEADLINE),
        fingerprint=_fingerprint(bad),
    )


def _fingerprint(cases: list[CaseResult]) -> str:
    """Return a digest of the wrong numbers: how far they are off, where, and in how many places;
    empty without any.
    """
    parts = []
    for case in cases:
        for value in case.values:
            relative, absolute = value.max_relative_error, value.max_absolute_error
            if not value.ok and value.wrong:
                # Of integers there is no error, but a picture of what came for what.
                picture = msgspec.json.encode((value.scatter, value.error_map)).decode()
                error = picture if relative is None else f"{relative:.9e} {absolute}"
                parts.append(
                    f"{case.id}|{value.name}|{value.wrong}/{value.total}|{value.where}|{error}"
                )
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:16] if parts else ""
