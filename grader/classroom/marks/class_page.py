"""Makes ``index.html``, the results of a class on one page. It also works without its script.

Theory of operation. Names and messages were made by students and are hostile:
`grader.report.templating` keeps them from acting. The script sorts and filters rows that stand
there already; it makes no markup.
"""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import chain
from operator import attrgetter, itemgetter
from statistics import median
from typing import Any
from urllib.parse import quote

from grader.classroom.marks.course_marks import Inline
from grader.classroom.marks.gradebook import Line, notes_of
from grader.classroom.run.result_store import GRADEBOOK
from grader.classroom.run.results import CheckHead, CheckRow, ClassFile, SubmissionOutcome
from grader.model import Status
from grader.report import labels, templating

BINS = 10
NAMED = 12  # students that are named beside a mistake
BRIEF = 80  # characters of the notes that are shown unopened


@dataclass(frozen=True)
class Bin:
    """A bar of the distribution."""

    label: str
    count: int
    height: float  # share of the highest


@dataclass(frozen=True)
class CheckLine:
    """A check over the whole class."""

    id: str
    points: float
    passed: int
    failed: int
    skipped: int
    mean: float
    share: float  # of those graded, who passed
    mistakes: Sequence[tuple[str, int]]  # the known ones
    messages: Sequence[tuple[str, int]]  # the commonest others


@dataclass(frozen=True)
class StoppedCell:
    """A cell of a notebook that stopped: one cause for all checks that need what it defines."""

    cell: str  # in words
    submissions: int
    checks: Sequence[str]


@dataclass(frozen=True)
class StudentRow:
    """A row of the table."""

    line: Line
    link: str
    status: str
    sort: float  # no score sorts below zero
    failed: Sequence[str]
    notes: Sequence[str]
    brief: str  # how the notes begin, if they are long
    look: Sequence[str]


@dataclass(frozen=True)
class Shared:
    """Submissions with the same wrong numbers, which few others have."""

    check: str
    headline: str
    students: Sequence[StudentRow]


@dataclass(frozen=True)
class Page:
    """Everything that the template shows."""

    students: Sequence[StudentRow]
    counts: Sequence[tuple[str, int]]
    bins: Sequence[Bin]
    mean: float | None
    median: float | None
    most: float
    checks: Sequence[CheckLine]
    stopped: Sequence[StoppedCell]
    shared: Sequence[Shared]
    look: Sequence[StudentRow]
    waiting: int  # submissions with answers that nobody has read
    grading_seconds: float


STATUS_WORDS = {
    "passed": "all passed",
    "failed": "something failed",
    "refused": "can't be taken in",
    "fault": "the grader failed",
    "missing": "nothing handed in",
    "waiting": "not graded yet",
    "asked": "who is this?",
}


def render(class_: ClassFile, rows: Sequence[Line], left_over: Sequence[str] = ()) -> str:
    """Return the class page; ``left_over`` are folders of students who are not in the class any
    more.
    """
    return page_of(
        "index.html.j2",
        "index.js",
        class_=class_,
        page=build(class_, rows),
        statuses=STATUS_WORDS,
        named=NAMED,
        gradebook=GRADEBOOK,
        left_over=left_over,
    )


def page_of(template: str, script: str = "", **values: Any) -> str:
    """Return a page of ours: one template, the style, and a script if it has one, each allowed
    by its hash.
    """
    return templating.render(
        "grader.classroom", template, style="class.css", script=script, **values
    )


def template_of(name: str, **values: Any) -> str:
    """Return a text of ours that is not a page: a script or a workflow, in which nothing is
    escaped.
    """
    from jinja2 import Environment, PackageLoader, StrictUndefined

    environment = Environment(  # noqa: S701 - no markup
        loader=PackageLoader("grader.classroom"),
        undefined=StrictUndefined,
        keep_trailing_newline=True,
    )
    return environment.get_template(name).render(**values)


def build(class_: ClassFile, rows: Sequence[Line]) -> Page:
    """Work out the page."""
    students = [_student(line) for line in rows]
    scores = sorted(line.score for line in rows if line.score is not None)
    statuses = Counter(map(attrgetter("status"), students))
    lines = [_check(check, rows) for check in class_.checks]
    lines += [_answer(inline, rows) for inline in class_.inline]
    return Page(
        students=students,
        counts=[(status, statuses[status]) for status in STATUS_WORDS if statuses[status]],
        bins=_bins(scores, class_.max_points),
        mean=sum(scores) / len(scores) if scores else None,
        median=median(scores) if scores else None,
        most=class_.max_points,
        checks=lines,
        stopped=_stopped(rows),
        shared=_shared(students),
        look=list(filter(attrgetter("look"), students)),
        waiting=sum(map(bool, map(attrgetter("waiting"), rows))),
        grading_seconds=sum(map(attrgetter("seconds"), rows)),
    )


def _student(line: Line) -> StudentRow:
    status = line.outcome.value
    if line.outcome is SubmissionOutcome.GRADED:
        status = "failed" if line.failed else "passed"
    notes = notes_of(line)
    names = {SubmissionOutcome.REFUSED: "refused.txt"}
    nothing = line.outcome in (
        SubmissionOutcome.MISSING,
        SubmissionOutcome.WAITING,
        SubmissionOutcome.ASKED,
    )
    handed_in = not nothing and (line.checks or line.outcome in names)
    return StudentRow(
        line=line,
        link=(
            f"{quote(line.entry.folder)}/{names.get(line.outcome, 'report.html')}"
            if handed_in
            else ""
        ),
        status=status,
        sort=line.score if line.score is not None else -1.0,
        failed=line.failed,
        notes=notes,
        brief=_brief("; ".join(notes)),
        look=line.needs_a_look,
    )


def _brief(text: str) -> str:
    """Return the beginning of a long text, at the end of a word and not within a name in
    `quotes`.
    """
    if 2 * len(text) <= 3 * BRIEF:
        return ""
    cut = text[:BRIEF].rpartition(" ")[0] or text[:BRIEF]
    return (cut.rpartition("`")[0] if cut.count("`") % 2 else cut).rstrip(" ;:,") + " …"


def _bins(scores: Sequence[float], most: float) -> list[Bin]:
    """Return the distribution in tenths of what can be reached; full marks and more stand in the
    last.
    """
    counts = [0] * BINS
    for score in scores:
        counts[max(0, min(BINS - 1, math.floor(score / most * BINS)))] += 1 if most else 0
    top = max(counts, default=0) or 1
    bins = []
    for place, count in enumerate(counts):
        low = labels.points(most * place / BINS)
        high = labels.points(most * (place + 1) / BINS)
        bins.append(Bin(f"{low}–{high}", count, count / top))
    return bins


def _check(check: CheckHead, rows: Iterable[Line]) -> CheckLine:
    """Return a check's line; a cell that stopped has a part of its own, and is left out here."""
    statuses: Counter[Status] = Counter()
    mistakes: Counter[str] = Counter()
    messages: Counter[str] = Counter()
    points = 0.0
    for own in chain.from_iterable(map(attrgetter("checks"), rows)):
        if own.id != check.id:
            continue
        statuses[own.status] += 1
        points += own.points
        if own.status is Status.FAIL and not own.stopped:
            mistakes[own.mistake] += 1
            messages["" if own.mistake else own.headline] += 1
    for counts in (mistakes, messages):
        del counts[""]
    graded = statuses.total() or 1
    return CheckLine(
        id=check.id,
        points=check.points,
        passed=statuses[Status.PASS],
        failed=statuses[Status.FAIL],
        skipped=statuses[Status.SKIP],
        mean=points / graded,
        share=statuses[Status.PASS] / graded,
        mistakes=mistakes.most_common(6),
        messages=messages.most_common(3),
    )


def _stopped(rows: Iterable[Line]) -> list[StoppedCell]:
    """Return the cells that stopped, those of most submissions first."""
    checks: dict[str, dict[str, None]] = defaultdict(dict)
    submissions: Counter[str] = Counter()
    for line in rows:
        cells: set[str] = set()
        for check in line.checks:
            if check.stopped and check.status is Status.FAIL:
                cells.add(check.stopped)
                checks[check.stopped][check.id] = None
        submissions.update(cells)
    found = [StoppedCell(cell, count, [*checks[cell]]) for cell, count in submissions.items()]
    return sorted(found, key=lambda cell: (-cell.submissions, cell.cell))


def _answer(inline: Inline, rows: Iterable[Line]) -> CheckLine:
    """Return a part that a person reads as a line among the checks: those who have all its points
    passed.
    """
    known: list[float] = []
    waiting = 0
    for line in rows:
        if line.marks is None or line.outcome is not SubmissionOutcome.GRADED:
            continue
        points = line.marks.answers.get(inline.id)
        if points is not None:
            known.append(points)
        else:
            waiting += inline.id in line.marks.answers
    passed = sum(points >= inline.points for points in known) if inline.points else 0
    return CheckLine(
        id=inline.id,
        points=inline.points,
        passed=passed,
        failed=len(known) - passed,
        skipped=waiting,
        mean=sum(known) / len(known) if known else 0.0,
        share=passed / len(known) if known else 0.0,
        mistakes=(),
        messages=[("wait to be read", waiting)] if waiting else (),
    )


def _shared(students: Sequence[StudentRow]) -> list[Shared]:
    """Return submissions with the same wrong numbers, if few others have them and no known mistake
    says why.

    Unusual is what at most one in twenty has, and at most eight: a mistake that everybody makes
    says nothing.
    """
    groups: dict[tuple[str, str], list[tuple[StudentRow, CheckRow]]] = defaultdict(list)
    for student in students:
        for check in student.line.checks:
            if check.fingerprint and not check.known and check.status is Status.FAIL:
                groups[check.id, check.fingerprint].append((student, check))
    limit = min(8, max(3, len(students) // 20))
    found = []
    for (id_, _), group in groups.items():
        if 2 <= len(group) <= limit:
            own = list(map(itemgetter(0), group))
            found.append(Shared(id_, group[0][1].headline, own))
    return sorted(found, key=lambda shared: (len(shared.students), shared.check))[:40]
