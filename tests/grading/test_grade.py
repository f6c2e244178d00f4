"""Grading one submission: what is taken, what is laid down afresh, what the report says, and what
is refused.
"""

from __future__ import annotations

import shutil
import zipfile
from pathlib import Path

import msgspec
import pytest
from toy import REFERENCE, SPEC, Toy, build

from grader.assignment.spec import load
from grader.errors import AssignmentError, SubmissionError, SubmissionTooLarge, UsageError
from grader.grading.grade import Options, grade, wanted
from grader.grading.intake.text_notebooks import take_in
from grader.model import Report

PRACTICE = Options(isolation="none", only=frozenset({"count"}))


def test_report_tells_what_was_graded(toy: Toy) -> None:
    report = toy.plain.grade().report
    assert (report.assignment, report.title, report.isolation, report.seed) == (
        "toy",
        "A toy",
        "none",
        "hidden",
    )
    assert [question.id for question in report.questions] == ["q1"]
    assert msgspec.json.decode(msgspec.json.encode(report), type=Report) == report


def test_checks_come_in_the_order_of_the_spec(toy: Toy) -> None:
    seen: list[str] = []
    options = Options(
        isolation="none",
        only=frozenset({"tally", "count", "center"}),
        on_check=lambda c: seen.append(c.id),
    )
    report = grade(toy.assignment, toy.submission(), options).report
    assert seen == [check.id for check in report.checks] == ["center", "count", "tally"]


def test_only_what_was_asked_for_counts(toy: Toy) -> None:
    report = toy.grade(REFERENCE, "center", "count").report
    assert (report.score, report.max_score) == (6, 6)


def test_edited_support_code_changes_nothing(toy: Toy) -> None:
    submission = toy.submission(REFERENCE.replace("return total(", "return 2 * total("))
    (submission / "pack" / "given.py").write_text("def total(x):\n    return float(x.sum()) / 2\n")
    report = grade(
        toy.assignment, submission, Options(isolation="none", only=frozenset({"tally"}))
    ).report
    assert report.score < report.max_score
    assert any("given.py" in note for note in report.notes)


def test_planted_files_have_no_say(toy: Toy) -> None:
    submission = toy.submission(
        REFERENCE.replace("np.bincount(ids, minlength=n)", "np.zeros(n, dtype=int)")
    )
    for name in (
        "conftest.py",
        "sitecustomize.py",
        "pack/conftest.py",
        "numpy.py",
        "pytest.py",
        "checks/test_toy.py",
    ):
        (submission / name).parent.mkdir(exist_ok=True)
        (submission / name).write_text("import os\nos._exit(0)\n")
    (submission / "pytest.ini").write_text("[pytest]\naddopts = --co\n")
    report = grade(toy.assignment, submission, PRACTICE).report
    assert [check.status for check in report.checks] == ["fail"]
    assert "4 of" in report.checks[0].message or "5 of" in report.checks[0].message


def test_source_and_notebook_come_beside_the_report(toy: Toy) -> None:
    graded = grade(toy.assignment, toy.submission(), Options(isolation="none"))
    assert graded.sources == {"pack/toy.py": REFERENCE}
    assert set(graded.notebooks) == set(graded.report.notebooks) == {"Toy.ipynb"}


def test_unknown_check_is_refused_with_the_known_ones(toy: Toy) -> None:
    with pytest.raises(UsageError, match=r"--only cuont: there is no such check .*count"):
        grade(
            toy.assignment, toy.submission(), Options(isolation="none", only=frozenset({"cuont"}))
        )


def test_missing_submission_is_refused(toy: Toy) -> None:
    with pytest.raises(SubmissionError):
        grade(toy.assignment, toy.submission() / "nowhere", PRACTICE)


def test_the_spec_says_how_much_may_be_handed_in(toy: Toy, tmp_path: Path) -> None:
    spec = SPEC.replace("[limits]", "[limits]\nsubmission_mb = 1\nsubmission_files = 2")
    asked = wanted(build(tmp_path / "assignment", spec=spec))
    beside = tmp_path / "submission"
    shutil.copytree(toy.submission(), beside)
    (beside / "more").mkdir()
    with pytest.raises(SubmissionTooLarge, match="more than 2 entries"):
        take_in(beside, asked)
    archive = tmp_path / "alice.zip"
    with zipfile.ZipFile(archive, "w") as packed:
        packed.writestr("data.bin", bytes((1 << 20) + 1))
    with pytest.raises(SubmissionTooLarge, match="more than 1 MiB"):
        take_in(archive, asked)


def test_missing_expectations_are_told(toy: Toy, tmp_path: Path) -> None:
    with pytest.raises(
        AssignmentError, match=r"there are no expectations at .*: run `grader record`"
    ):
        grade(build(tmp_path), toy.submission(), PRACTICE)


def test_stale_expectations_are_refused(toy: Toy, tmp_path: Path) -> None:
    folder = shutil.copytree(toy.assignment.folder, tmp_path / "assignment")
    assert grade(load(folder), toy.submission(), PRACTICE).report.score == 2
    with (folder / "checks" / "test_toy.py").open("a") as file:
        file.write("\n# changed\n")
    with pytest.raises(
        AssignmentError,
        match=r"hidden\.h5 is stale: the assignment has changed since; run `grader record`",
    ):
        grade(load(folder), toy.submission(), PRACTICE)


def test_handout_without_hidden_expectations_is_graded_with_the_public_ones(
    toy: Toy, tmp_path: Path
) -> None:
    folder = shutil.copytree(toy.assignment.folder, tmp_path / "assignment")
    (folder / "expectations" / "hidden.h5").unlink()
    report = grade(load(folder), toy.submission(), PRACTICE).report
    assert (report.seed, report.score) == ("public", 2)
