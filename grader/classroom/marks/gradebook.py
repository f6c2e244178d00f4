"""``gradebook.csv``: a row per student, a column per check, and nothing in it that a spreadsheet
would run.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator, Sequence
from itertools import repeat
from operator import attrgetter

import msgspec

from grader.classroom.download.students import Entry
from grader.classroom.marks import decided
from grader.classroom.marks.course_marks import Marks, Rules, compute, days_of
from grader.classroom.marks.overrides import Overrides, rules_of
from grader.classroom.run.result_store import Store
from grader.classroom.run.results import CheckRow, ClassFile, Row, SubmissionOutcome, not_passed
from grader.model import Status
from grader.report.audience import hidden_names, renamed
from grader.text import clean, counted

_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "|", "%", "＝", "＋", "－", "＠")
CELL_LIMIT = 2_000
MOST_SAID = 12  # notes of a report that the gradebook repeats
MIXED = "graded with an earlier assignment, at least in part: grade again without --regrade"


class Line(msgspec.Struct, frozen=True, kw_only=True):
    """One student: who, what became of the submission, and the marks."""

    entry: Entry
    outcome: SubmissionOutcome
    message: str = ""
    checks: tuple[CheckRow, ...] = ()
    marks: Marks | None = None  # if there is something to mark
    late_days: int = 0
    seconds: float = 0.0
    said: tuple[str, ...] = ()  # of intake and checks, as the report has it
    look: tuple[str, ...] = ()  # what of the hand-in a person should look at
    mixed: bool = False  # some verdicts are of an earlier assignment

    @property
    def score(self) -> float | None:
        """The mark; None if none is given."""
        return self.marks.score if self.marks is not None else None

    @property
    def needs_a_look(self) -> tuple[str, ...]:
        """Why a person should look at this one, besides answers that wait to be read."""
        reasons = []
        if self.outcome is SubmissionOutcome.FAULT:
            reasons.append("the grader failed")
        if self.outcome is SubmissionOutcome.REFUSED:
            reasons.append(self.message.strip().rstrip(".") or "can't be taken in")
        return (*reasons, *self.unjudged, *self.entry.look, *self.look)

    @property
    def unjudged(self) -> tuple[str, ...]:
        """The checks that nobody could judge, by a fault of the grader or the machine."""
        found = []
        for check in self.checks:
            if check.status is Status.ERROR:
                found.append(f"`{check.id}` could not be judged: {check.headline}".rstrip(": "))
        return tuple(found)

    @property
    def waiting(self) -> tuple[str, ...]:
        """The answers that nobody has read yet, by their ids."""
        return self.marks.waiting if self.marks is not None else ()

    @property
    def failed(self) -> list[str]:
        """The checks that did not pass, by their ids."""
        return not_passed(self.checks)


def lines(store: Store, class_: ClassFile, overrides: Overrides) -> Iterator[Line]:
    """Yield the class, a student at a time, in the order of ``class.json``."""
    book = decided.book(store.out)
    for entry in class_.entries:
        row = None if entry.missing or entry.asked else store.row(entry.folder, entry.student)
        own = book.of(entry.student, class_)
        rules = rules_of(entry, class_.late, overrides, class_.inline, own)
        if own and row is not None and row.texts is None:
            row = msgspec.structs.replace(row, texts=store.texts(entry.folder, row))
        yield line_of(entry, row, rules, class_.assignment)


def line_of(entry: Entry, row: Row | None, rules: Rules, assignment: str = "") -> Line:
    """Return the line of one student; ``assignment`` is the digest of the present one, if that
    is of interest.
    """
    if row is None:
        outcome = SubmissionOutcome.MISSING if entry.missing else SubmissionOutcome.WAITING
        outcome = SubmissionOutcome.ASKED if entry.asked else outcome
        # What an instructor gave by hand counts though nothing was handed in.
        given = any(change.points is not None or change.add for change in rules.adjustments)
        given = given or any(one.points and not one.seen for one in rules.decided)
        return Line(
            entry=entry,
            outcome=outcome,
            marks=compute([], rules) if given and not entry.paths else None,
        )
    rules = msgspec.structs.replace(rules, answered=row.answered, texts=row.texts or {})
    fault = row.outcome is SubmissionOutcome.FAULT
    return Line(
        entry=entry,
        outcome=row.outcome if row.complete or fault else SubmissionOutcome.FAULT,
        message=row.message,
        checks=row.checks,
        marks=None if fault else compute(list(map(attrgetter("marks"), row.checks)), rules),
        late_days=days_of(rules),
        seconds=row.seconds,
        said=row.notes,
        look=row.look,
        mixed=bool(assignment) and not row.is_of(assignment),
    )


IN_BOX = "points_in_box"  # those that rest on the student's own process


def header(class_: ClassFile) -> list[str]:
    """Return the names of the columns."""
    ids = map(attrgetter("id"), (*class_.checks, *class_.inline))
    return [
        "id",
        "name",
        "email",
        "status",
        *map(text, ids),
        "adjustment",
        "points",
        "late_days",
        "penalty",
        "score",
        "max_score",
        *([IN_BOX] if class_.in_box_points else []),
        "notes",
    ]


def render(class_: ClassFile, rows: Iterable[Line]) -> bytes:
    """Return the gradebook: numbers as numbers, text made safe, the same bytes for the same
    class.
    """
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow(header(class_))
    for line in rows:
        writer.writerow(_cells(class_, line))
    return buffer.getvalue().encode("utf-8", "replace")


def _cells(class_: ClassFile, line: Line) -> list[str]:
    entry, marks = line.entry, line.marks
    who = [text(entry.student), text(entry.name), text(entry.email), line.outcome.value]
    refused = line.outcome is SubmissionOutcome.REFUSED
    there = marks is not None and line.outcome is not SubmissionOutcome.MISSING
    checks = marks.checks if marks is not None else {}
    answers = marks.answers if marks is not None and there else {}
    values = [number(checks.get(check.id, 0.0 if refused else None)) for check in class_.checks]
    values += [number(answers.get(inline.id)) for inline in class_.inline]
    sums = [
        number(marks.adjustment if marks else None),
        number(marks.points if marks else None),
        str(line.late_days),
        number(marks.penalty if marks else None),
        number(line.score),
        number(class_.max_points),
    ]
    if class_.in_box_points:
        boxed = [checks.get(check.id) or 0.0 for check in class_.checks if check.in_box]
        sums.append(number(round(sum(boxed), 2)))
    return [*who, *values, *sums, text("; ".join(notes_of(line)))]


def notes_of(line: Line) -> Sequence[str]:
    """Return what a person should know of this row, in sentences."""
    own = {
        SubmissionOutcome.MISSING: "nothing was handed in",
        SubmissionOutcome.ASKED: "no mark: whose a hand-in is, is asked",
        SubmissionOutcome.WAITING: "not graded yet",
        SubmissionOutcome.FAULT: "the grader failed, no mark is given: grade again",
    }
    notes = [own[line.outcome]] if line.outcome in own else []
    if line.outcome is SubmissionOutcome.REFUSED:
        notes.append(line.message.rstrip("."))
    if line.mixed:
        notes.append(MIXED)
    if line.marks is not None:
        notes += [*line.marks.notes, *line.marks.private]
    else:
        notes += [*line.entry.notes, *line.entry.look]
    if line.outcome is SubmissionOutcome.FAULT and line.message:
        notes.append(line.message.strip().splitlines()[-1].rstrip("."))
    notes += [*line.unjudged, *line.look]
    notes += map(str.rstrip, line.said[:MOST_SAID], repeat("."))
    if len(line.said) > MOST_SAID:
        notes.append(f"and {len(line.said) - MOST_SAID} more notes in the report")
    if line.waiting:
        notes.append(f"{counted(len(line.waiting), 'answer')} in words to be read")
    return [*dict.fromkeys(notes)]  # what asks for a look may stand in the report, too


def feedback_of(line: Line, class_: ClassFile) -> str:
    """Return what the student may read of the row: no hidden check by its name, nothing that is for
    the instructor.
    """
    known_as = hidden_names(check.id for check in class_.checks if check.hidden)
    if line.outcome in (
        SubmissionOutcome.WAITING,
        SubmissionOutcome.FAULT,
        SubmissionOutcome.ASKED,
    ):
        return ""
    said = {
        SubmissionOutcome.MISSING: ["nothing was handed in"],
        SubmissionOutcome.REFUSED: [line.message.rstrip(".")],
    }.get(line.outcome, [])
    if line.failed:
        failed = [known_as.get(id_, id_) for id_ in line.failed]
        said.append(f"not passed: {', '.join(failed)}")
    notes = line.marks.notes if line.marks is not None else line.entry.notes
    return "; ".join([*said, *map(renamed, notes, repeat(known_as))])


def number(value: float | None) -> str:
    """Return points with at most two decimals; nothing if there are none."""
    return "" if value is None else f"{round(value, 2) + 0.0:.2f}".rstrip("0").rstrip(".")


def text(value: str) -> str:
    """Return a stranger's text as a cell that stays text: an apostrophe makes it no formula.

    In some countries a spreadsheet takes `;` for the separator, so each part between them is held.
    """
    line = " ".join(clean(value, CELL_LIMIT).split())
    parts = []
    for part in line.split(";"):
        start = len(part) - len(part.lstrip(' "'))
        formula = part[start:].startswith(_FORMULA)
        parts.append(f"{part[:start]}'{part[start:]}" if formula else part)
    return ";".join(parts)
