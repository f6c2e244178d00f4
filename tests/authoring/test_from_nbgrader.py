"""A notebook with nbgrader's markup becomes an assignment whose reference gets all points."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from grader.assignment.spec import Assignment, load
from grader.authoring.first_trial import tried
from grader.authoring.handout import contents, leak_check
from grader.authoring.new import create
from grader.authoring.record import record
from grader.grading.grade import Options, grade
from grader.importing.convert import Converted, convert
from grader.importing.drafts import Draft, read_cells
from grader.importing.markup.nbgrader_markup import draft
from grader.model import Report


def cell(source: str, kind: str = "code", **nbgrader: Any) -> dict[str, Any]:
    """Return a cell of format 4.2, which has no id."""
    made: dict[str, Any] = {"cell_type": kind, "metadata": {}, "source": source.strip("\n")}
    if nbgrader:
        usual = {"schema_version": 3, "grade": False, "solution": False, "locked": False}
        made["metadata"]["nbgrader"] = usual | nbgrader
    if kind == "code":
        made |= {"execution_count": 3, "outputs": []}
    return made


def graded_cell(source: str, id_: str, points: float = 1) -> dict[str, Any]:
    return cell(source, grade=True, locked=True, grade_id=id_, points=points)


def notebook(*cells: dict[str, Any]) -> bytes:
    return json.dumps({"cells": cells, "metadata": {}, "nbformat": 4, "nbformat_minor": 2}).encode()


SET_UP = cell("%matplotlib inline\nimport numpy as np")
CUBES = cell(
    """
def cubes(n):
    '''The first n cubes.'''
    ### BEGIN SOLUTION
    if n < 1:
        raise ValueError("n must be at least 1")
    return [i ** 3 for i in range(1, n + 1)]
    ### END SOLUTION
""",
    solution=True,
    grade_id="cubes",
)
WHOLE = cell("total = float(np.sum(cubes(4)))", solution=True, grade_id="total")
RIGHT = graded_cell(
    '''
"""cubes gives the first cubes."""
assert cubes(1) == [1]
assert cubes(3) == [1, 8, 27]
### BEGIN HIDDEN TESTS
assert cubes(10)[-1] == 1000
### END HIDDEN TESTS
''',
    "test_cubes",
    points=4,
)
REFUSES = graded_cell(
    """
try:
    cubes(0)
except ValueError:
    pass
else:
    raise AssertionError("did not raise")
""",
    "cubes refuses 0",
)
TOTAL = graded_cell("assert np.isclose(total, 100.0)", "test_total", points=2)
WORDS = cell(
    "Because they grow faster.", "markdown", solution=True, grade=True, points=3, grade_id="why"
)
EXAMPLE = (cell("# Cubes", "markdown"), SET_UP, CUBES, RIGHT, REFUSES, WHOLE, TOTAL, WORDS)


def converted(folder: Path, *cells: dict[str, Any]) -> Converted:
    path = folder / "cubes.ipynb"
    path.write_bytes(notebook(*cells))
    return convert(path, "cubes", "Cubes", tried)


def drafted(*cells: dict[str, Any]) -> Draft:
    """Read the markup alone: nothing is tried."""
    return draft(read_cells(notebook(*cells), "cubes.ipynb")[1], "Cubes")


@pytest.fixture(scope="module")
def cubes(tmp_path_factory: pytest.TempPathFactory) -> Assignment:
    folder = tmp_path_factory.mktemp("converted") / "cubes"
    create(folder, converted(tmp_path_factory.mktemp("source"), *EXAMPLE).files)
    record(load(folder), reseed=False, again=False, progress=lambda line: None)
    return load(folder)


def graded(assignment: Assignment, folder: Path, old: str = "", new: str = "") -> Report:
    """Grade the reference with one text replaced."""
    text = (assignment.folder / "cubes.ipynb").read_text(encoding="utf-8")
    assert old in text
    (folder / "cubes.ipynb").write_text(text.replace(old, new, 1), encoding="utf-8")
    return grade(assignment, folder, Options(isolation="none")).report


def passed(report: Report) -> set[str]:
    return {check.id for check in report.checks if check.status.value == "pass"}


def test_the_reference_gets_all_points(cubes: Assignment, tmp_path: Path) -> None:
    report = graded(cubes, tmp_path)
    assert (report.score, report.max_score) == (7, 7), [check.message for check in report.checks]


def test_tests_become_checks_and_hidden_ones_hidden_checks(cubes: Assignment) -> None:
    told = {check.id: (check.points, check.visibility.value) for check in cubes.spec.checks}
    assert told == {
        "cubes": (0, "visible"), "cubes_hidden": (4, "hidden"), "cubes_refuses_0": (1, "visible"),
        "total": (2, "visible"),
    }  # fmt: skip


def test_the_docstring_of_a_test_cell_is_the_sentence_of_the_report(
    cubes: Assignment, tmp_path: Path
) -> None:
    assert graded(cubes, tmp_path).checks[0].title == "cubes gives the first cubes."


def test_its_handout_holds_neither_answers_nor_tests(cubes: Assignment) -> None:
    made = contents.build(cubes)
    leak_check.prove(made, cubes)
    assert b"assert" not in made.files["cubes.ipynb"]
    assert b"1000" not in made.files["assignment/checks/test_notebook.py"]


@pytest.mark.parametrize(
    ("old", "new", "failing"),
    [
        ("i ** 3", "i ** 2", {"cubes", "cubes_hidden", "total"}),
        ("if n < 1", "if n < -1", {"cubes_refuses_0"}),
        ("raise ValueError(", "raise KeyError(", {"cubes_refuses_0"}),
        ("range(1, n + 1)", "range(1, min(n, 4) + 1)", {"cubes_hidden"}),
    ],
)
def test_wrong_solutions_fail_as_failures_of_the_student(
    cubes: Assignment, tmp_path: Path, old: str, new: str, failing: set[str]
) -> None:
    report = graded(cubes, tmp_path, old, new)
    assert {check.id for check in report.checks if check.status.value == "fail"} == failing
    assert not [check for check in report.checks if check.status.value == "error"]


def test_a_tuple_in_place_of_a_list_passes(cubes: Assignment, tmp_path: Path) -> None:
    new = "tuple(i ** 3 for i in range(1, n + 1))"
    assert len(passed(graded(cubes, tmp_path, "[i ** 3 for i in range(1, n + 1)]", new))) == 4


def test_an_answer_in_words_waits_for_a_person(cubes: Assignment) -> None:
    from grader.classroom.marks.written_answers import questions

    (question,) = questions(cubes)
    assert (question.cell, question.points) == ("why", 3)
    assert "grow" not in question.untouched


def test_a_test_without_points_stays_worth_none() -> None:
    made = drafted(CUBES, graded_cell("assert cubes(1)", "free", points=0))
    assert (made.notes, made.tests[0].points) == ([], 0)


def test_a_cell_that_tests_nothing_gives_its_points_as_nbgrader_does() -> None:
    made = draft(
        [graded_cell("# to come", "later", points=2), graded_cell("", "no", points=0)], "T"
    )
    assert [(test.id, test.points, test.code) for test in made.tests] == [("later", 2, "pass")]


@pytest.mark.parametrize(("told", "points"), [("3", 3), (-1, 0), ("two", 0), ("nan", 0)])
def test_points_are_read_as_nbgrader_reads_them(told: Any, points: float) -> None:
    (test,) = draft([graded_cell("assert f() == 1", "f", points=told)], "T").tests
    assert test.points == points


def test_names_that_would_be_one_are_told_apart() -> None:
    made = drafted(graded_cell("assert cubes(1)", "a-b"), graded_cell("assert cubes(2)", "a_b"))
    assert [test.id for test in made.tests] == ["a_b", "a_b_2"]


def test_a_cells_points_are_those_of_its_tests_together() -> None:
    both = "assert cubes(1)\n### BEGIN HIDDEN TESTS\nassert cubes(2)\n### END HIDDEN TESTS"
    made = drafted(graded_cell(both, "a", points=0.25))
    assert [(test.id, test.points, test.hidden) for test in made.tests] == [
        ("a", 0, False),
        ("a_hidden", 0.25, True),
    ]


@pytest.mark.parametrize("hashes", ["### ", "###", "# ", "#", "#### ", "  ## ", "x = 1  # "])
def test_markers_are_read_however_they_are_written(hashes: str) -> None:
    """What is not read as hidden would be handed out."""
    hidden = (
        f"assert cubes(1)\n{hashes}BEGIN HIDDEN TESTS\nassert cubes(2)\n{hashes}END HIDDEN TESTS"
    )
    made = drafted(graded_cell(hidden, "a"))
    assert [(test.code.strip(), test.hidden) for test in made.tests] == [
        ("assert cubes(1)", False),
        ("assert cubes(1)\nassert cubes(2)", True),
    ]
    solved = f"def f():\n    {hashes}BEGIN SOLUTION\n    return 1\n    {hashes}END SOLUTION"
    made = drafted(cell(solved, solution=True, grade_id="f"))
    lines = [line.strip() for line in made.cells[0]["source"].split("\n")]
    assert lines == ["def f():", "### BEGIN SOLUTION", "return 1", "### END SOLUTION"]


def test_hidden_lines_of_a_plain_cell_stay_with_the_author() -> None:
    made = drafted(
        cell("x = 1\n# BEGIN HIDDEN TESTS\nassert cubes(2)\n# END HIDDEN TESTS", grade_id="plain")
    )
    assert made.cells[0]["source"] == "x = 1"
    assert "its hidden tests are left out" in made.notes[0]


def test_a_cell_whose_tests_are_all_hidden_is_one_hidden_check() -> None:
    made = drafted(
        graded_cell("### BEGIN HIDDEN TESTS\nassert cubes(2)\n### END HIDDEN TESTS", "a", points=2)
    )
    assert [(test.id, test.points, test.hidden) for test in made.tests] == [("a", 2, True)]


@pytest.mark.parametrize(
    ("line", "wanted"),
    [
        ("### AUTOTEST cubes(2); cubes(3);", ["cubes(2)", "cubes(3)"]),
        ("### HASHED AUTOTEST len(cubes(2))", ["len(cubes(2))"]),
        ("#  AUTOTEST cubes(2)  ", ["cubes(2)"]),
    ],
)
def test_automatic_tests_record_what_the_reference_answers(line: str, wanted: list[str]) -> None:
    made = drafted(graded_cell(line, "auto"))
    assert made.tests[0].code.split("\n") == [
        f"expect({text!r}, recordable({text}))" for text in wanted
    ]


def test_an_automatic_test_that_is_asked_for_twice_is_told_apart() -> None:
    made = drafted(graded_cell("### AUTOTEST total\n### AUTOTEST total", "auto"))
    assert "expect('total [2]', recordable(total))" in made.tests[0].code


def test_an_automatic_test_that_is_not_python_tests_nothing_and_keeps_its_points() -> None:
    made = drafted(graded_cell("### AUTOTEST what is this?", "auto"))
    assert [(test.code, test.points) for test in made.tests] == [("pass", 1.0)]


def test_a_task_gets_an_answer_cell_with_its_points_behind_it() -> None:
    made = drafted(cell("Say why.", "markdown", task=True, grade_id="say", points=4))
    assert [c["id"] for c in made.cells] == ["say", "say-answer"]
    assert made.cells[1]["metadata"] == {"grader": {"role": "student", "points": 4}}
    assert made.notes == [
        "cell 1 (say, 4 points) is a task: an answer in words stands behind it, for a person to grade"
    ]


def test_code_that_a_person_graded_is_told() -> None:
    made = drafted(cell("y = 1", solution=True, grade=True, grade_id="free", points=2))
    assert made.notes[0].startswith(
        "cell 1 (free, 2 points) is code that a person graded, and still is"
    )
    assert made.cells[0]["metadata"]["grader"] == {"role": "student", "points": 2}


def test_a_test_cell_of_words_is_told() -> None:
    made = drafted(cell("Well done?", "markdown", grade=True, grade_id="words", points=1))
    assert made.notes == ["cell 1 (words, 1 points) is left out: it is a test cell and no code"]
