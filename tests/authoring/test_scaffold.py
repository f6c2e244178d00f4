"""`grader new`: what it makes records, grades and hands out as it is."""

from __future__ import annotations

import argparse
import os
import zipfile
from pathlib import Path

import pytest

from grader.assignment.spec import Assignment, load
from grader.authoring import record
from grader.authoring.handout import contents, leak_check
from grader.authoring.new import create, scaffold
from grader.cli import new
from grader.errors import UsageError
from grader.grading.grade import Graded, Options, grade
from grader.report import terminal


@pytest.fixture(scope="module")
def fresh(tmp_path_factory: pytest.TempPathFactory) -> Assignment:
    """A new assignment, recorded."""
    folder = tmp_path_factory.mktemp("new") / "Week 1"
    create(folder, scaffold(folder.name))
    assignment = load(folder / "assignment")
    record.record(assignment, reseed=False, progress=lambda line: None)
    return assignment


def graded(assignment: Assignment, submission: Path) -> Graded:
    return grade(assignment, submission, Options(isolation="none"))


def test_it_is_named_after_its_folder(fresh: Assignment) -> None:
    assert (fresh.spec.name, fresh.spec.title) == ("week-1", "Week 1")


def test_its_reference_gets_all_points(fresh: Assignment) -> None:
    report = graded(fresh, fresh.folder.parent / "solutions").report
    assert (report.score, report.max_score) == (10, 10), terminal.summary(report)


def test_its_expectations_are_up_to_date(fresh: Assignment) -> None:
    assert list(record.check(fresh, lambda line: None)) == []


def test_it_hands_out_without_its_answers(fresh: Assignment, tmp_path: Path) -> None:
    made = contents.build(fresh)
    leak_check.prove(made, fresh)
    path = tmp_path / "handout.zip"
    path.write_bytes(made.archive())
    with zipfile.ZipFile(path) as archive:
        assert "week-1/first.py" in archive.namelist()
        assert b"NotImplementedError('Task 1: standardise')" in archive.read("week-1/first.py")


def test_its_known_mistake_is_told_its_hint(fresh: Assignment, tmp_path: Path) -> None:
    text = (fresh.folder.parent / "solutions" / "first.py").read_text()
    (tmp_path / "first.py").write_text(text.replace("x.mean(axis=0)", "x.mean()"))
    (check,) = [
        check for check in graded(fresh, tmp_path).report.checks if check.id == "standardise"
    ]
    assert check.mistake == "The mean of the whole array in place of each column's"
    assert "Which axis runs over the rows?" in check.hint


def test_what_is_there_is_not_overwritten(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("mine")
    with pytest.raises(UsageError, match="exists already and is not empty"):
        create(tmp_path, scaffold("week"))
    assert [path.name for path in tmp_path.iterdir()] == ["notes.txt"]


def test_an_empty_folder_is_filled(tmp_path: Path) -> None:
    create(tmp_path, scaffold("week"))
    assert (tmp_path / "assignment" / "assignment.toml").is_file()


@pytest.mark.parametrize("name", ["", "...", "---"])
def test_a_folder_without_letters_gives_no_name(name: str) -> None:
    with pytest.raises(UsageError, match="can't name an assignment"):
        scaffold(name)


def test_a_name_may_hold_anything(tmp_path: Path) -> None:
    create(tmp_path / "x", scaffold('Übung "1" {{ x }}'))
    assert load(tmp_path / "x" / "assignment").spec.name == "bung-1-x"


def test_the_command_says_what_it_made(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    parser = argparse.ArgumentParser()
    new.add(parser.add_subparsers())
    assert new.run(parser.parse_args(["new", str(tmp_path / "week")])) == 0
    assert "solutions/first.py" in capsys.readouterr().out
    assert new.run(parser.parse_args(["new", str(tmp_path / "quiet"), "--quiet"])) == 0
    assert capsys.readouterr().out == ""


@pytest.mark.skipif(os.name != "posix", reason="a path is quoted otherwise there")
def test_the_command_quotes_a_folder_with_spaces(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    parser = argparse.ArgumentParser()
    new.add(parser.add_subparsers())
    new.run(parser.parse_args(["new", str(tmp_path / "My week")]))
    assert f"cd '{tmp_path / 'My week'}'" in capsys.readouterr().out
