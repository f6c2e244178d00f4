"""Marks: from checks to what stands in the gradebook, by the course's rules. Pure.

Points are the checks' and the answers in words, with the instructor's adjustments; the score is
what lateness leaves of them. If the grader failed, or nothing was handed in, there is no score, and
nobody is given a zero in its place.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from itertools import filterfalse
from operator import attrgetter
from typing import Any

import msgspec

from grader.assignment.schema import LateSpec
from grader.model import CheckResult, GivenItem, HandGraded, Question, Report, Status
from grader.report import labels
from grader.text import counted

ANSWERS = "Answers in words"
GUESSED = (
    "late by the LMS's mark, which does not say by how much: counted as one day (see"
    " overrides.toml)"
)


class Adjustment(
    msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True, omit_defaults=True
):
    """``[[adjust]]`` of overrides.toml: what an instructor changes for one student, and why."""

    student: str
    reason: str
    check: str = ""  # its points; neither check nor answer: the whole
    answer: str = ""  # an answer in words, by the name that `grader batch --todo` gives it
    points: float | None = None  # in the place of what stands there
    add: float | None = None
    late_days: int | None = None  # in the place of what was counted
    comment: str = ""
    note: str = ""  # of the instructor's own: reason and comment reach the student, this does not


class Decided(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """What a person gave at the desk for one answer or check of one student."""

    answer: str = ""  # an answer's id, or
    check: str = ""  # a check's
    points: float = 0.0  # of an answer: all that it has; of a check: what is added
    done: bool = True  # False: a comment alone, and the answer waits
    items: tuple[GivenItem, ...] = ()  # of the rubric
    add: float = 0.0  # within the points: what this student alone was given
    comment: str = ""
    seen: str = ""  # digest of what was read
    who: str = ""


class Inline(msgspec.Struct, frozen=True):
    """A part of the work that a person reads: a question answered in words, a cell of code, or a
    function.
    """

    id: str  # the notebook's stem and the cell's id
    notebook: str
    cell: str
    question: str  # what is asked: the cell before it
    untouched: str  # what stands there before a student writes
    points: float = 0.0  # what it can give; 0 if the author says nothing
    title: str = ""  # what people call it; the id if there is none
    function: str = ""  # of a student's file, if the part is not a cell
    model: str = ""  # the author's own answer
    code: bool = False  # whether it is code or a plot, so that checks' results stand beside it


class Rules(msgspec.Struct, frozen=True, omit_defaults=True):
    """All that makes one student's mark, besides the checks."""

    late: LateSpec | None = None
    late_days: int = 0
    adjustments: tuple[Adjustment, ...] = ()
    inline: tuple[Inline, ...] = ()
    answered: tuple[str, ...] = ()  # ids of those answers in words that the student wrote
    notes: tuple[str, ...] = ()  # about how the submission was handed in
    private: tuple[str, ...] = ()  # the same, for the instructor alone
    decided: tuple[Decided, ...] = ()  # at the desk
    texts: Mapping[str, str] = {}  # digest of each answer that the student wrote, by its id


class CheckPoints(msgspec.Struct, frozen=True):
    """A check as far as marks look at it."""

    id: str
    points: float
    max_points: float
    status: Status
    # digest of the result, by which a decision knows whether it was made on this one
    seen: str = ""


class Marks(msgspec.Struct, frozen=True):
    """One row of the gradebook. None: no mark is given."""

    checks: Mapping[str, float | None]
    answers: Mapping[str, float | None]  # None: waits for a person
    adjustment: float  # of the whole
    points: float | None
    max_points: float
    penalty: float
    score: float | None
    notes: tuple[str, ...] = ()  # what was changed and why, in sentences that the student may read
    private: tuple[str, ...] = ()  # what the instructor alone should know
    waiting: tuple[str, ...] = ()  # ids of answers that nobody has looked at yet


def late_days(late: LateSpec | None, submitted: str, flagged: bool) -> tuple[int, str]:
    """Return the days that count as late, and a note if they were guessed.

    submitted: ISO 8601 with an offset, or empty; flagged: the LMS calls it late, without saying by
    how much
    """
    if late is not None and late.due is not None and submitted:
        accepted = late.due + timedelta(minutes=late.grace_minutes)
        excess = datetime.fromisoformat(submitted) - accepted
        return max(0, math.ceil(excess / timedelta(days=1))), ""
    if flagged:
        return 1, GUESSED
    return 0, ""


def compute(checks: Sequence[CheckPoints], rules: Rules) -> Marks:
    """Return the marks of a graded submission."""
    given: dict[str, float | None] = {}
    answers: dict[str, float | None] = {}
    for check in checks:
        given[check.id] = None if check.status is Status.ERROR else check.points
    for inline in rules.inline:
        answers[inline.id] = None if inline.id in rules.answered else 0.0
    days, whole, notes, private = rules.late_days, 0.0, list(rules.notes), list(rules.private)
    fixed: float | None = None
    said, doubts = _decide(given, answers, checks, rules)
    notes += said
    private += doubts
    for change in rules.adjustments:
        notes.append(_sentence(change))
        if change.note:
            private.append(f"your note on {_what(change)}: {change.note}")
        if change.late_days is not None:
            days = change.late_days
        elif (change.check or change.answer) and _gives_points(change):
            where, name = (given, change.check) if change.check else (answers, change.answer)
            where[name] = _changed(change, where.get(name) or 0.0)
        elif change.points is not None:
            fixed = change.points
        else:
            whole += change.add or 0.0
    private += _bounded(given, {check.id: check.max_points for check in checks}, rules)
    private += _bounded(answers, {inline.id: inline.points for inline in rules.inline}, rules)
    most = round(sum(map(attrgetter("max_points"), checks)) + total(rules.inline), 2)
    points = fixed if fixed is not None else _points_of(given, answers, whole)
    if points is not None:
        changed = bool(checks) and (fixed is not None or bool(whole))
        private += _doubtful(points, most if changed else math.inf)
        points = max(points, 0.0)
    penalty = round(_penalty(points, most, days, rules.late), 2) if points is not None else 0.0
    if days:
        notes.append(_lateness(days, penalty, rules.late))
    return Marks(
        checks=given,
        answers=answers,
        adjustment=whole,
        points=points,
        max_points=most,
        penalty=penalty,
        score=None if points is None else round(max(0.0, points - penalty), 2),
        notes=tuple(notes),
        private=tuple(private),
        waiting=tuple(name for name, value in answers.items() if value is None),
    )


def _gives_points(change: Adjustment) -> bool:
    return change.points is not None or change.add is not None


def _changed(change: Adjustment, before: float) -> float:
    return change.points if change.points is not None else before + (change.add or 0.0)


def _points_of(
    checks: Mapping[str, float | None], answers: Mapping[str, float | None], whole: float
) -> float | None:
    """Return the points together; None while a check has none."""
    if None in checks.values():
        return None
    given = filter(None, (*checks.values(), *answers.values()))
    return round(sum(given) + whole, 2)


def _doubtful(points: float, most: float) -> list[str]:
    """Return a note on a sum below 0, or above what there is."""
    if points < 0:
        return [f"{labels.points(points)} points after your changes: counted as 0"]
    if points > most:
        return [
            f"{labels.points(points)} points after your changes, more than the"
            f" {labels.points(most)} there are"
        ]
    return []


def _decide(
    given: dict[str, float | None],
    answers: dict[str, float | None],
    checks: Sequence[CheckPoints],
    rules: Rules,
) -> tuple[list[str], list[str]]:
    """Put what was given at the desk into the points; return notes for all, and those for the
    instructor alone.

    A decision on an answer counts for the text that was read: if that has changed, the answer waits
    again.
    """
    notes, private = [], []
    results = {check.id: check.seen for check in checks}
    for one in rules.decided:
        who = f" by {one.who}" if one.who else ""
        if one.check:
            if one.check not in given:
                continue
            given[one.check] = (given[one.check] or 0.0) + one.points
            notes.append(decided_sentence(one))
            if results[one.check] and one.seen != results[one.check]:
                private.append(
                    f"`{one.check}`: the check's result has changed since it was adjusted{who}"
                )
        elif one.answer in answers:
            if one.seen == rules.texts.get(one.answer, ""):
                answers[one.answer] = one.points if one.done else answers[one.answer]
                notes.append(decided_sentence(one))
            else:
                answers[one.answer] = None
                private.append(
                    f"`{one.answer}`: the answer has changed since it was graded{who}: read it"
                    " again"
                )
    return notes, private


def stands(one: Decided, rules: Rules) -> bool:
    """Tell whether a decision is on what the student's work holds now; one on a check always
    counts.
    """
    return bool(one.check) or one.seen == rules.texts.get(one.answer, "")


_TEXT: Callable[[GivenItem], str] = attrgetter("text")


def signed(points: float) -> str:
    """Return points that are added, with their sign."""
    return f"{'+' if points >= 0 else ''}{labels.points(points)}"


def total(parts: Iterable[Any]) -> float:
    """Return the points of checks, answers or questions together."""
    points: Iterable[float] = map(attrgetter("points"), parts)
    return round(sum(points), 2)


def decided_sentence(one: Decided) -> str:
    """Return a decision as one line of a gradebook."""
    name = one.check or one.answer
    head = f"`{name}`: {signed(one.points) if one.check else labels.points(one.points)} points"
    if not one.done:
        head = f"a comment on `{name}`"
    parts = list(map(_TEXT, one.items))
    if one.add:
        parts.append(f"{signed(one.add)} for this one")
    if one.comment:
        parts.append(one.comment)
    return head + (f" ({'; '.join(parts)})" if parts else "")


def _bounded(values: dict[str, float | None], most: Mapping[str, float], rules: Rules) -> list[str]:
    """Set what was changed to less than nothing to 0; return notes on that, and on more than can be
    reached.
    """
    notes = []
    changed: list[Decided | Adjustment] = [*rules.decided, *rules.adjustments]
    for name in dict.fromkeys(one.check or one.answer for one in changed):
        value = values.get(name)
        if value is not None and value < 0:
            values[name] = 0.0
            notes.append(
                f"`{name}`: {labels.points(value)} points after your changes: counted as 0"
            )
        elif value is not None and most.get(name) and value > most[name]:
            there = labels.points(most[name])
            notes.append(
                f"`{name}`: {labels.points(value)} points after your changes, more than the {there}"
                " there are"
            )
    return notes


def days_of(rules: Rules) -> int:
    """Return the late days that count, an instructor's word before all."""
    days = rules.late_days
    for change in rules.adjustments:
        days = change.late_days if change.late_days is not None else days
    return days


def _penalty(points: float, most: float, days: int, late: LateSpec | None) -> float:
    if late is None or days <= late.free_days or points <= 0:
        return 0.0
    if late.max_days is not None and days > late.max_days:
        return points
    base = most if late.percent_of == "max" else points
    return min(points, base * late.percent_per_day / 100 * (days - late.free_days))


def _lateness(days: int, penalty: float, late: LateSpec | None) -> str:
    many = f"{days} day{'s' if days > 1 else ''} late"
    if late is None:
        return f"{many}; the assignment has no rule for that"
    if late.max_days is not None and days > late.max_days:
        return f"{many}, more than the {late.max_days} that are accepted: no points"
    return (
        f"{many}: {counted(round(penalty, 2), 'point')} taken off"
        if penalty
        else f"{many}: nothing is taken off"
    )


def _what(change: Adjustment) -> str:
    return f"`{change.check or change.answer}`" if change.check or change.answer else "the whole"


def _sentence(change: Adjustment) -> str:
    what = _what(change)
    if change.late_days is not None:
        text = f"late days set to {change.late_days} by the instructor"
    elif change.points is not None:
        text = f"{what} set to {labels.points(change.points)} points by the instructor"
    elif change.add is not None:
        text = f"{what}: {signed(change.add)} points by the instructor"
    else:
        text = f"a comment by the instructor on {what}"
    text = f"{text}: {change.reason}" if change.reason else text
    return f"{text} — {change.comment}" if change.comment else text


def shown(report: Report, rules: Rules) -> Report:
    """Return the report with adjusted points, and with the reasons among its notes."""
    marks = compute(points_of(report.checks), rules)
    checks = tuple(_adjusted(check, marks.checks.get(check.id), rules) for check in report.checks)
    questions = []
    for question in report.questions:
        points = total(check for check in checks if check.question == question.id)
        questions.append(msgspec.structs.replace(question, points=points))
    given = list(filter(None, marks.answers.values()))
    if given or any(map(attrgetter("points"), rules.inline)):
        answers = Question("answers", ANSWERS, round(sum(given, 0.0), 2), total(rules.inline))
        questions.append(answers)
    # What concerns one check stands at that check, where a hidden one's name does not reach the
    # student.
    elsewhere = {_sentence(change) for change in rules.adjustments if change.check}
    elsewhere |= set(map(decided_sentence, rules.decided))  # stands in a part of its own
    notes = list(filterfalse(elsewhere.__contains__, marks.notes))
    if marks.waiting:
        notes.append(
            f"{len(marks.waiting)} answers in words wait for a person"
            if len(marks.waiting) > 1
            else "an answer in words waits for a person"
        )
    if marks.penalty and marks.score is not None:
        notes.append(
            f"the mark is {labels.points(marks.score)} of {labels.points(marks.max_points)}"
        )
    return msgspec.structs.replace(
        report,
        checks=checks,
        questions=tuple(questions),
        score=report.score if marks.points is None else marks.points,
        max_score=marks.max_points,
        notes=(*map(_as_sentence, notes), *report.notes),
        by_hand=_by_hand(report, rules),
    )


def _by_hand(report: Report, rules: Rules) -> tuple[HandGraded, ...]:
    """Return what was given at the desk, in the assignment's order, as students read it."""
    titles = {inline.id: inline for inline in rules.inline}
    there = set(map(attrgetter("id"), report.checks))
    found = []
    for one in rules.decided:
        if not stands(one, rules) or not (one.check in there or one.answer in titles):
            continue
        items = one.items
        if one.add:
            items = (*items, GivenItem("for this one", one.add))
        inline = titles.get(one.answer)
        found.append(
            HandGraded(
                title=(inline.title or inline.id) if inline is not None else one.check,
                points=one.points,
                max_points=inline.points if inline is not None else 0.0,
                items=items,
                comment=one.comment,
                check=one.check,
            )
        )
    return tuple(found)


def points_of(checks: Iterable[CheckResult]) -> list[CheckPoints]:
    """Return checks as far as marks look at them."""
    return [CheckPoints(check.id, check.points, check.max_points, check.status) for check in checks]


def _adjusted(check: CheckResult, points: float | None, rules: Rules) -> CheckResult:
    own = [_sentence(change) for change in rules.adjustments if change.check == check.id]
    own += [_at_check(one) for one in rules.decided if one.check == check.id]
    if not own:
        return check
    # What failed stands first: it is what a student should mend first.
    message = "\n".join([check.message, *map(_as_sentence, own)]).strip()
    return msgspec.structs.replace(
        check, points=check.points if points is None else points, message=message
    )


def _as_sentence(note: str) -> str:
    return f"{note[0].upper()}{note[1:]}."


def _at_check(one: Decided) -> str:
    """Return the sentence that stands at an adjusted check; the comment stands in the part of what
    people gave.
    """
    head = f"{signed(one.points)} points by a person"
    return f"{head}: {'; '.join(map(_TEXT, one.items))}" if one.items else head
