"""A course of nbgrader's: in, graded, and out as nbgrader's own grades.csv, as docs/coming-from.md
shows it.
"""

from __future__ import annotations

import csv
import json
import shlex
from pathlib import Path
from typing import Any

import pytest
from documentation import DOCS, blocks

from grader.assignment.spec import load
from grader.authoring.first_trial import tried
from grader.cli import run
from grader.errors import UsageError
from grader.importing.courses import from_nbgrader_course, from_otter_course


def cell(source: str, kind: str = "code", **nbgrader: Any) -> dict[str, Any]:
    made: dict[str, Any] = {
        "cell_type": kind,
        "metadata": {"nbgrader": nbgrader} if nbgrader else {},
        "source": source,
    }
    return made | ({"outputs": [], "execution_count": None} if kind == "code" else {})


def notebook(path: Path, *cells: dict[str, Any]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(
        json.dumps({"cells": cells, "metadata": {}, "nbformat": 4, "nbformat_minor": 2})
    )


def task(name: str, body: str) -> dict[str, Any]:
    return cell(
        f"def {name}(x):\n    # BEGIN SOLUTION\n    return {body}\n    # END SOLUTION",
        solution=True,
        grade_id=name,
    )


def graded_cell(source: str, id_: str, points: float) -> dict[str, Any]:
    return cell(source, grade=True, locked=True, grade_id=id_, points=points)


DOUBLE = graded_cell(
    "assert double(2) == 4\n# BEGIN HIDDEN TESTS\nassert double(5) == 10\n# END HIDDEN TESTS",
    "d",
    2,
)
KIND = graded_cell("import inspect\nassert inspect.isfunction(half) and half(4) == 2", "h", 3)


@pytest.fixture
def course(tmp_path: Path) -> Path:
    """A course of three notebooks in two assignments, and what two students handed in of the first."""
    folder = tmp_path / "nbgrader-course"
    notebook(folder / "source" / "header.ipynb", cell("# Header", "markdown"))
    notebook(folder / "source" / "ps1" / "one.ipynb", task("double", "2 * x"), DOUBLE)
    notebook(folder / "source" / "ps1" / "two.ipynb", task("half", "x / 2"), KIND)
    third = graded_cell("assert third(3) == 1", "t", 1)
    notebook(folder / "source" / "ps2" / "three.ipynb", task("third", "x / 3"), third)
    notebook(folder / "release" / "ps1" / "one.ipynb", task("double", "None"), DOUBLE)
    (folder / "nbgrader_config.py").write_text(
        "c = get_config()\nc.CourseDirectory.source_directory = 'source'\n"
    )
    for student, double, half in (("ada", "x + x", "x / 2"), ("bob", "x + 2", "0")):
        theirs = folder / "submitted" / student / "ps1"
        notebook(theirs / "one.ipynb", task("double", double), DOUBLE)
        notebook(theirs / "two.ipynb", task("half", half), KIND)
    return folder


def test_the_walk_of_the_page(
    course: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (walk,) = [
        block for block in blocks(DOCS / "coming-from.md", "sh") if "--from-nbgrader" in block.text
    ]
    for line in walk.text.strip().split("\n"):
        assert run(shlex.split(line)[1:]) == (1 if "batch" in line else 0), (
            line
        )  # 1: not all have passed
    assert {check.id for check in load(tmp_path / "course" / "ps2").spec.checks} == {"t"}
    with (tmp_path / "grades.csv").open() as file:
        rows = {row["student_id"]: row for row in csv.DictReader(file)}
    assert [
        (rows[who]["assignment"], rows[who]["raw_score"], rows[who]["max_score"])
        for who in ("ada", "bob")
    ] == [
        ("ps1", "5.0", "5.0"),
        ("ps1", "0.0", "5.0"),
    ]


def test_several_notebooks_of_one_assignment_stay_together(course: Path) -> None:
    made = from_nbgrader_course(course, lambda line: None, tried).made
    assert [*made] == ["ps1", "ps2"]
    assert {"one.ipynb", "two.ipynb", "checks/test_one.py", "checks/in_box/two_h.py"} <= made[
        "ps1"
    ].files.keys()


def test_a_folder_without_notebooks_of_the_markup_is_refused(course: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="holds no notebook with Otter's markup"):
        from_otter_course(course, lambda line: None, tried)
    with pytest.raises(UsageError, match="is not a folder"):
        from_nbgrader_course(tmp_path / "none", lambda line: None, tried)


def test_otters_notebooks_become_a_folder_each(tmp_path: Path) -> None:
    raw = (
        "# ASSIGNMENT CONFIG",
        "# BEGIN QUESTION\nname: q1",
        "# BEGIN SOLUTION",
        "# END SOLUTION",
        "# BEGIN TESTS",
    )
    head, question, begins, ends, tests = (cell(text, "raw") for text in raw)
    code, test = cell("x = 2 # SOLUTION"), cell("x == 2")
    closing = cell("# END TESTS", "raw"), cell("# END QUESTION", "raw")
    notebook(
        tmp_path / "labs" / "lab01.ipynb", head, question, begins, code, ends, tests, test, *closing
    )
    notebook(tmp_path / "labs" / "dist" / "lab01.ipynb", head)
    made = from_otter_course(tmp_path / "labs", lambda line: None, tried).made
    assert [*made] == ["lab01"]
