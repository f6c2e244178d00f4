"""Some checks graded afresh: what is kept follows the present spec, and a mixed result says so and
does not stay.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import bulk
import mini
import pytest


class Course(NamedTuple):
    """A class of three with an assignment that its author changes."""

    run: Callable
    assignment: Path
    out: Path

    def change(self, *changes: tuple[str, str]) -> None:
        spec = mini.SPEC
        for old, new in changes:
            spec = spec.replace(old, new)
        mini.build(self.assignment, spec)

    def report(self, student: str) -> dict:
        return json.loads((self.out / student / "report.json").read_text())

    def scores(self) -> dict[str, str]:
        return {
            row["id"]: f"{row['score']} of {row['max_score']}"
            for row in bulk.read(self.out / "gradebook.csv")
        }

    def notes(self) -> set[str]:
        return {row["notes"] for row in bulk.read(self.out / "gradebook.csv")}


@pytest.fixture
def course(command: Callable, tier: str, tmp_path: Path) -> Course:
    for name, kind in {"ada": "right", "bob": "lucky", "eve": "left"}.items():
        mini.write(tmp_path / "submissions" / name, mini.KINDS[kind].files)
    assignment, out = mini.build(tmp_path / "assignment").folder, tmp_path / "out"
    fixed = ("--assignment", assignment, "--isolation", tier, "--out", out)
    done = Course(
        lambda *words: command("batch", tmp_path / "submissions", *fixed, *words), assignment, out
    )
    done.run()
    return done


def test_kept_checks_have_the_points_of_the_present_spec(course: Course) -> None:
    course.change(("points = 6", "points = 20"))
    course.run("--regrade", "shift")
    assert course.scores() == {"ada": "24 of 26", "bob": "14 of 26", "eve": "20 of 26"}
    assert [check["max_points"] for check in course.report("bob")["checks"]] == [20, 4]


def test_a_check_that_became_hidden_is_hidden_where_its_verdict_was_kept(course: Course) -> None:
    course.change(('id = "double"\n', 'id = "double"\nvisibility = "hidden"\n'))
    course.run("--regrade", "shift")
    assert course.report("bob")["checks"][0]["visibility"] == "hidden"


def test_a_check_without_a_verdict_is_run_with_those_asked_for(
    course: Course, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as without:
        without.setattr(mini, "CHECKS", mini.CHECKS.replace("test_double", "double"))
        course.change(('[[checks]]\nid = "double"\nquestion = "q1"\npoints = 6\n', ""))
    course.run()
    course.change()
    course.run("--regrade", "shift")
    assert course.scores()["bob"] == "7 of 12"


def test_the_next_whole_run_grades_anew_what_a_changed_assignment_was_regraded_in(
    course: Course,
) -> None:
    course.change(("points = 4", "points = 5"))
    run = course.run("--regrade", "shift")
    assert "of 3 students some verdicts are of an earlier assignment" in run.out
    assert all("graded with an earlier assignment" in note for note in course.notes())
    # each check was regraded now, and still no whole run has been
    course.run("--regrade", "double")
    assert "3 graded" in course.run().out
    assert course.notes() == {""}
    assert "3 as they were before" in course.run().out


def test_a_change_that_is_taken_back_leaves_no_verdict_of_its_own(course: Course) -> None:
    course.change(("points = 4", "points = 5"))
    course.run("--regrade", "shift")
    course.change()
    assert "3 graded" in course.run().out


def test_a_regrade_with_the_same_assignment_is_whole(course: Course) -> None:
    assert "earlier assignment" not in course.run("--regrade", "shift").out
    assert course.notes() == {""}
    assert "3 as they were before" in course.run().out
