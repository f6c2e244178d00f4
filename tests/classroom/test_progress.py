"""What is said of each submission: the mark of the gradebook, and why it is not what the checks
gave.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import bulk
import mini
import pytest

from grader.assignment.schema import LateSpec
from grader.classroom.marks.course_marks import Adjustment, Rules, compute
from grader.classroom.run.progress import Pace, describe
from grader.classroom.run.results import CheckRow, Row, SubmissionOutcome
from grader.classroom.run.run_types import Event
from grader.model import Status

CHECKS = (CheckRow("double", 6, 6, Status.PASS), CheckRow("shift", 1, 4, Status.FAIL))


def adjust(**fields: object) -> Adjustment:
    return Adjustment(student="s1", reason="because", **fields)


def said(rules: Rules, row: Row | None, checks: tuple[CheckRow, ...] = CHECKS) -> str:
    marks = compute([check.marks for check in checks], rules)
    return describe(Event(student="s1", row=row, marks=marks, done=1, total=9)).plain


def graded(checks: tuple[CheckRow, ...] = CHECKS) -> Row:
    return Row(schema=1, student="s1", key="k", outcome=SubmissionOutcome.GRADED, checks=checks)


@pytest.mark.parametrize(
    ("rules", "mark"),
    [
        (Rules(), "7 / 10, not passed: shift"),
        (
            Rules(late=LateSpec(max_days=2), late_days=3),
            "0 / 10 (7 / 10 by the checks, 7 taken off as late)",
        ),
        (Rules(adjustments=(adjust(points=115),)), "115 / 10 (7 / 10 by the checks)"),
        (Rules(adjustments=(adjust(comment="well done"),)), "7 / 10, not passed"),
    ],
)
def test_the_mark_that_counts_stands_first(rules: Rules, mark: str) -> None:
    assert said(rules, graded()).startswith(f"[1/9] s1: {mark}")


def test_where_the_grader_failed_in_a_check_there_is_no_mark() -> None:
    checks = (*CHECKS, CheckRow("last", 0, 5, Status.ERROR))
    assert "s1: no mark, 7 / 15 by the checks" in said(Rules(), graded(checks), checks)


def test_points_by_hand_are_told_where_nothing_could_be_graded() -> None:
    rules = Rules(adjustments=(adjust(points=3),))
    refused = Row(
        schema=1,
        student="s1",
        key="k",
        outcome=SubmissionOutcome.REFUSED,
        message="it holds a link.",
    )
    assert said(rules, refused, ()).endswith("it holds a link; 3 points by the instructor")
    assert said(rules, None, ()).endswith("nothing was handed in; 3 points by the instructor")
    assert said(Rules(), None, ()).endswith("nothing was handed in")


def test_terminal_and_gradebook_agree(batch: Callable, tmp_path: Path) -> None:
    for student in ("ada", "bob"):
        mini.write(tmp_path / "submissions" / student, mini.KINDS["right"].files)
    (tmp_path / "roster.csv").write_text("id,late_days\nada,1\nbob,4\n")
    run = batch(tmp_path / "submissions", "--roster", tmp_path / "roster.csv")
    for row in bulk.read(tmp_path / "out" / "gradebook.csv"):
        assert f"{row['id']}: {row['score']} / {row['max_score']} (10 / 10 by the checks" in run.out


def test_the_pace_is_told_once_a_minute_with_what_is_left() -> None:
    pace, lines = Pace(0.0), []
    for done in range(1, 41):
        event = Event(student="s", row=graded(), done=done, total=100, reused=done <= 10)
        pace.count(event)
        lines.append(pace.due(event, 4.0 * done))
    assert [line for line in lines if line] == [
        "15 of 100 are settled: 5.0/min, about 17 min left", "30 of 100 are settled: 10/min, about 7 min left",
    ]  # fmt: skip


def test_before_anything_was_graded_no_pace_is_made_up() -> None:
    pace = Pace(0.0)
    event = Event(student="s", row=graded(), done=1, total=9, reused=True)
    pace.count(event)
    assert pace.said(event, 100.0) == ""
