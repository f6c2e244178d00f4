"""Marks: points, adjustments, answers in words, lateness."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from grader.assignment.schema import LateSpec
from grader.classroom.marks import overrides
from grader.classroom.marks.course_marks import (
    Adjustment,
    CheckPoints,
    Inline,
    Rules,
    compute,
    late_days,
)
from grader.errors import UsageError
from grader.model import Status

DUE = datetime(2026, 5, 1, 12, tzinfo=UTC)
CHECKS = [CheckPoints("a", 6, 6, Status.PASS), CheckPoints("b", 1.5, 4, Status.FAIL)]
WHY = Inline("n/why", "n.ipynb", "why", "Why?", "", points=2)


def adjust(**fields: object) -> Adjustment:
    return Adjustment(student="s", reason="because", **fields)


@pytest.mark.parametrize(
    ("submitted", "days"),
    [
        ("2026-05-01T12:00:00+00:00", 0),
        ("2026-05-01T12:10:00+00:00", 0),  # the last moment of grace
        ("2026-05-01T12:10:01+00:00", 1),
        ("2026-05-02T12:10:00+00:00", 1),
        ("2026-05-02T12:10:01+00:00", 2),
        ("2026-05-01T14:05:00+02:00", 0),
        ("2026-04-01T00:00:00+00:00", 0),
    ],
)
def test_a_day_that_has_begun_counts(submitted: str, days: int) -> None:
    assert late_days(LateSpec(due=DUE, grace_minutes=10), submitted, flagged=True) == (days, "")


def test_a_mark_of_the_lms_counts_as_one_day_and_says_so() -> None:
    days, note = late_days(LateSpec(due=DUE), "", flagged=True)
    assert days == 1
    assert "does not say by how much" in note


@pytest.mark.parametrize(
    ("late", "days", "score"),
    [
        (None, 3, 7.5),
        (LateSpec(percent_per_day=10), 0, 7.5),
        (LateSpec(percent_per_day=10), 2, 6.0),
        (LateSpec(percent_per_day=10, percent_of="max"), 2, 5.5),
        (LateSpec(percent_per_day=10, free_days=1), 2, 6.75),
        (LateSpec(percent_per_day=60), 2, 0.0),
        (LateSpec(percent_per_day=10, max_days=2), 2, 6.0),
        (LateSpec(percent_per_day=10, max_days=2), 3, 0.0),
    ],
)
def test_what_lateness_takes_off(late: LateSpec | None, days: int, score: float) -> None:
    assert compute(CHECKS, Rules(late=late, late_days=days)).score == score


def test_adjustments_apply_in_order_and_give_their_reasons() -> None:
    changes = (
        adjust(check="b", points=3),
        adjust(check="b", add=0.5),
        adjust(add=-1),
        adjust(comment="well done"),
    )
    marks = compute(CHECKS, Rules(adjustments=changes))
    assert marks.checks == {"a": 6, "b": 3.5}
    assert marks.score == 8.5
    assert [note.endswith(("because", "well done")) for note in marks.notes] == [True] * 4


def test_the_whole_can_be_set() -> None:
    assert compute(CHECKS, Rules(adjustments=(adjust(points=9),))).score == 9


def test_late_days_by_hand_count_before_all() -> None:
    rules = Rules(
        late=LateSpec(percent_per_day=10), late_days=5, adjustments=(adjust(late_days=1),)
    )
    assert compute(CHECKS, rules).penalty == 0.75


def test_an_answer_waits_until_it_has_points() -> None:
    assert compute(CHECKS, Rules(inline=(WHY,), answered=("n/why",))).waiting == ("n/why",)
    given = compute(
        CHECKS,
        Rules(inline=(WHY,), answered=("n/why",), adjustments=(adjust(answer="n/why", points=2),)),
    )
    assert (given.waiting, given.score, given.max_points) == ((), 9.5, 12)


def test_an_answer_that_was_left_empty_gets_nothing_and_does_not_wait() -> None:
    marks = compute(CHECKS, Rules(inline=(WHY,)))
    assert (marks.waiting, marks.answers) == ((), {"n/why": 0.0})


def test_where_the_grader_failed_there_is_no_mark() -> None:
    broken = [*CHECKS, CheckPoints("c", 0, 5, Status.ERROR)]
    assert compute(broken, Rules()).score is None
    assert compute(broken, Rules(adjustments=(adjust(check="c", points=5),))).score == 12.5


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("due = 2026-05-01T12:00:00", "offset"),
        ('[[adjust]]\nstudent = "s"\nreason = "r"', "changes nothing"),
        ('[[adjust]]\nstudent = "s"\nreason = " "\nadd = 1', "reason"),
        ('[[adjust]]\nstudent = "s"\nreason = "r"\nadd = 1\npoints = 2', "both `points` and `add`"),
        ('[[adjust]]\nstudent = "s"\nreason = "r"\nlate_days = -1', "negative"),
        ('[[adjust]]\nstudent = "s"\nreason = "r"\npionts = 1', "pionts"),
        ('[[adjust]]\nreason = "r"\npoints = 1', "student"),
        ("[[adjust", "overrides.toml"),
    ],
)
def test_a_mistake_in_the_overrides_is_one_clear_sentence(
    tmp_path: Path, text: str, complaint: str
) -> None:
    (tmp_path / "overrides.toml").write_text(text)
    with pytest.raises(UsageError, match=complaint):
        overrides.read(tmp_path / "overrides.toml")


def test_an_override_of_nobody_is_refused_with_a_suggestion(tmp_path: Path) -> None:
    (tmp_path / "o.toml").write_text(
        '[[adjust]]\nstudent = "s10"\nreason = "r"\nadd = 1\ncheck = "shfit"'
    )
    read = overrides.read(tmp_path / "o.toml")
    names = {"student": ["s10"], "check": ["shift"], "answer": []}
    with pytest.raises(UsageError, match="did you mean 'shift'"):
        overrides.verify(read, tmp_path / "o.toml", names)
