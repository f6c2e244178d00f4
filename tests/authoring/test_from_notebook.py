"""`grader new --from-notebook`: small notebooks in each markup become assignments that do all that
one should.

The notebooks in `notebooks/` were written for these tests, by hand and in the markup that the tools
document.
"""

from __future__ import annotations

import json
import tomllib
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from toy import Graders

from grader.assignment.spec import Assignment, load
from grader.authoring import record
from grader.authoring.first_trial import tried
from grader.authoring.handout import contents, leak_check
from grader.cli import run
from grader.errors import UsageError
from grader.grading.grade import Grader
from grader.importing.convert import convert
from grader.model import Report

NOTEBOOKS = Path(__file__).with_name("notebooks")
HIDDEN = {
    "weather_nbgrader": {"to_kelvin_hidden"},
    "weather_otter": {"q1_3", "q2_2", "q3_2"},
    "weather_otter_old": {"q1_3", "q2_2"},
}
POINTS = {"weather_nbgrader": 9, "weather_otter": 10, "weather_otter_old": 7}
# What a student may write in place of a line of the solution, and the checks that must fail for it.
WRONG = {
    "+ 273.15": (
        "+ 273",
        {"to_kelvin", "to_kelvin_hidden", "mean"},
        {"q1_1", "q1_3", "q3_2"},
        {"q1_1", "q1_3"},
    ),
    "== top}": ("!= top}", {"warmest"}, {"q2_1"}, {"q2_1", "q2_2"}),
    "ValueError": ("KeyError", {"no_days"}, {"q2_2"}, set()),
    "mean = float(": ("mean = str(", {"mean"}, {"q3_1", "q3_2"}, {"q3_1"}),
}


class Made(NamedTuple):
    """What the command made of a notebook, recorded."""

    name: str
    assignment: Assignment
    grader: Grader


@pytest.fixture(scope="module", params=sorted(POINTS))
def made(
    request: pytest.FixtureRequest, graders: Graders, tmp_path_factory: pytest.TempPathFactory
) -> Made:
    folder = tmp_path_factory.mktemp("from") / "weather"
    assert (
        run(
            [
                "new",
                str(folder),
                "--from-notebook",
                str(NOTEBOOKS / f"{request.param}.ipynb"),
                "--quiet",
            ]
        )
        == 0
    )
    record.record(load(folder), reseed=False, again=False, progress=lambda line: None)
    return Made(request.param, load(folder), graders(folder))


def graded(made: Made, folder: Path, old: str = "", new: str = "") -> Report:
    """Grade the reference with one text replaced."""
    text = (made.assignment.folder / f"{made.name}.ipynb").read_text(encoding="utf-8")
    assert old in text
    (folder / f"{made.name}.ipynb").write_text(text.replace(old, new, 1), encoding="utf-8")
    return made.grader.grade(folder).report


def notebook(path: Path, *cells: dict[str, Any], **metadata: Any) -> Path:
    """Write a notebook with test cells of nbgrader's markup."""
    path.write_text(
        json.dumps({"cells": cells, "metadata": metadata, "nbformat": 4, "nbformat_minor": 2})
    )
    return path


def cell(source: str, kind: str = "code", **nbgrader: Any) -> dict[str, Any]:
    return {
        "cell_type": kind,
        "metadata": {"nbgrader": nbgrader} if nbgrader else {},
        "source": source,
        "outputs": [],
    }


def graded_cell(source: str, id_: str) -> dict[str, Any]:
    return cell(source, grade=True, grade_id=id_, points=1)


X = cell("x = 41 + 1", solution=True, grade_id="x")
X_TEST = graded_cell("assert x == 42", "test_x")


def test_the_reference_gets_all_points(made: Made, tmp_path: Path) -> None:
    report = graded(made, tmp_path)
    assert (report.score, report.max_score) == (POINTS[made.name],) * 2, [
        check.message for check in report.checks
    ]


def test_hidden_tests_are_hidden_checks(made: Made) -> None:
    hidden = {
        check.id for check in made.assignment.spec.checks if check.visibility.value == "hidden"
    }
    assert hidden == HIDDEN[made.name]


def test_its_template_earns_nothing_and_holds_no_answer(made: Made) -> None:
    built = contents.build(made.assignment)
    leak_check.prove(built, made.assignment)
    assert b"max(days.values())" not in b"".join(built.files.values())
    assert built.files["week.svg"].startswith(b"<svg")


@pytest.mark.parametrize("old", WRONG)
def test_wrong_solutions_fail_as_failures_of_the_student(
    made: Made, tmp_path: Path, old: str
) -> None:
    new, *failing = WRONG[old]
    wanted = failing[sorted(POINTS).index(made.name)]
    report = graded(made, tmp_path, old, new)
    assert {check.id for check in report.checks if check.status.value == "fail"} == wanted
    assert not [check.message for check in report.checks if check.status.value == "error"]


def test_an_answer_in_words_waits_for_a_person(made: Made) -> None:
    from grader.classroom.marks.written_answers import questions

    found = questions(made.assignment)
    assert found[0].points == 2
    assert "absolute zero" not in "".join(question.untouched for question in found)
    assert len(found) == (2 if made.name == "weather_nbgrader" else 1)  # nbgrader's task


# --- what is refused, and what is left out --------------------------------------------------------


@pytest.mark.parametrize(
    ("cells", "metadata", "why"),
    [
        ([cell("x = 1")], {}, "has no markup to be read: mark it up with nbgrader's"),
        (
            [X, X_TEST, cell("# BEGIN QUESTION\nname: q1", "raw")],
            {},
            "has nbgrader's markup and Otter's",
        ),
        ([X, X_TEST], {"language_info": {"name": "R"}}, "is a notebook in R"),
    ],
    ids=["no markup", "both", "another language"],
)
def test_what_can_not_become_an_assignment_is_refused(
    tmp_path: Path, cells: list[dict[str, Any]], metadata: dict[str, Any], why: str
) -> None:
    with pytest.raises(UsageError, match=why):
        convert(notebook(tmp_path / "n.ipynb", *cells, **metadata), "n", "N", tried)


@pytest.mark.parametrize(
    "data", [b"", b"[]", b'{"cells": [1]}', b'{"cells": [], "metadata": []}', b"\xff"]
)
def test_what_is_no_notebook_is_refused(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "n.ipynb").write_bytes(data)
    with pytest.raises(UsageError, match=r"n\.ipynb is not a notebook"):
        convert(tmp_path / "n.ipynb", "n", "N", tried)


def test_a_file_that_can_not_be_read_is_told(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="can't be read: No such file"):
        convert(tmp_path / "none.ipynb", "n", "N", tried)


def test_a_notebook_whose_cells_raise_is_taken_on_and_one_without_a_test_too(
    tmp_path: Path,
) -> None:
    stops = notebook(
        tmp_path / "n.ipynb", cell("import nowhere_at_all"), cell("input()"), X, X_TEST
    )
    assert convert(stops, "n", "N", tried).files["checks/test_notebook.py"].count(b"def test_") == 1
    made = convert(notebook(tmp_path / "m.ipynb", X), "m", "M", tried)
    assert b"checks = []" in made.files["assignment.toml"]


@pytest.mark.parametrize(
    ("source", "why"),
    [
        ("del x", "it deletes names of the notebook"),
        ("%timeit -n1 -r1 x\nassert x", "it is more than Python (a magic command?)"),
        ("assert 1 + 1 == 2", "it asks for nothing that the notebook defines"),
        (
            "import asyncio\nawait asyncio.sleep(0)\nassert x",
            "it can't stand in a function ('await' outside async function)",
        ),
        (
            "import time\nstart = time.time()\nassert x and time.time() - start < 5",
            "it measures time",
        ),
        ("assert type(odd) is Odd", "in the grader's process the notebook's own solution fails it"),
    ],
)
def test_a_test_that_needs_the_students_objects_runs_in_the_box_and_says_so(
    tmp_path: Path, source: str, why: str
) -> None:
    cells = [cell("class Odd(int): ...\nodd = Odd(1)"), X, X_TEST, graded_cell(source, "odd")]
    made = convert(notebook(tmp_path / "n.ipynb", *cells), "n", "N", tried)
    (note,) = [
        note for note in made.notes if note.startswith("cell 4 (odd, 1 points) runs in the box")
    ]
    assert why in note
    assert source.encode() in made.files["checks/in_box/odd.py"]
    assert b"in_box = true" in made.files["assignment.toml"]


def test_a_test_of_what_a_later_cell_changes_stands_at_its_place(tmp_path: Path) -> None:
    cells = [X, graded_cell("### BEGIN HIDDEN TESTS\nassert x > 0\n### END HIDDEN TESTS", "odd")]
    later = cell("x = 100\nother = 2")
    made = convert(notebook(tmp_path / "n.ipynb", *cells, later), "n", "N", tried)
    assert "cell 2 (odd, 1 points) runs in the box, beside the students' objects: a later cell" in (
        "\n".join(made.notes)
    )
    (check,) = tomllib.loads(made.files["assignment.toml"].decode())["checks"]
    assert check["after"] == json.loads(made.files["n.ipynb"])["cells"][0]["id"]
    again = cell("y = 100\nother = 2")
    made = convert(notebook(tmp_path / "n.ipynb", *cells, again), "n", "N", tried)
    assert not made.notes


def test_a_test_that_asks_for_an_import_does_not_import_it_itself(tmp_path: Path) -> None:
    task = cell("import random", solution=True, grade_id="task")
    path = notebook(tmp_path / "n.ipynb", task, graded_cell("assert random", "there"))
    made = convert(path, "n", "N", tried)
    assert made.files["checks/in_box/there.py"] == b"assert random\n"
    assert not [note for note in made.notes if "given for nothing" in note]


def test_a_value_that_is_shown_otherwise_now_is_expected_as_it_is_shown_now(tmp_path: Path) -> None:
    told = {"output_type": "execute_result", "data": {"text/plain": ["1.5"]}, "metadata": {}}
    test = cell("mean") | {"outputs": [told | {"execution_count": 1}]}
    head, behind = "# BEGIN QUESTION\nname: q1", ("# END TESTS", "# END QUESTION")
    cells = [cell("import numpy as np"), cell(head, "raw"), cell("# BEGIN SOLUTION", "raw")]
    cells += [cell("mean = np.mean([1, 2])  # SOLUTION"), cell("# END SOLUTION", "raw")]
    cells += [cell("# BEGIN TESTS", "raw"), test, *[cell(end, "raw") for end in behind]]
    cells += [cell("mean = None")]
    made = convert(notebook(tmp_path / "n.ipynb", *cells), "n", "N", tried)
    assert b"assert abs(mean - 1.5) <= " in made.files["checks/in_box/q1_1.py"]


def test_a_test_that_can_not_be_carried_over_is_a_comment_and_its_points_wait_for_a_person(
    tmp_path: Path,
) -> None:
    path = notebook(tmp_path / "n.ipynb", X, X_TEST, graded_cell("assert x == 43", "odd"))
    made = convert(path, "n", "N", tried)
    (note,) = [note for note in made.notes if "cell 3 (odd, 1 points) is left out" in note]
    assert "the notebook's own solution fails it: `x == 43` does not hold" in note
    assert b"# assert x == 43" in made.files["not_carried_over.py"]
    (x,) = json.loads(made.files["n.ipynb"])["cells"]
    assert x["metadata"]["grader"] == {"role": "student", "points": 1}


def test_a_test_that_the_untouched_template_passes_keeps_its_points_and_is_told(
    tmp_path: Path,
) -> None:
    function = cell(
        "def f(n):\n    ### BEGIN SOLUTION\n    return n\n    ### END SOLUTION",
        solution=True,
        grade_id="f",
    )
    cells = [
        cell("given = 1"),
        function,
        graded_cell("assert f(1) == 1", "f"),
        graded_cell("assert given == 1", "odd"),
    ]
    made = convert(notebook(tmp_path / "n.ipynb", *cells), "n", "N", tried)
    assert [
        note
        for note in made.notes
        if "cell 4 (odd, 1 points): the untouched template passes it too" in note
    ]
    assert b"may_pass_untouched = true" in made.files["assignment.toml"]


def test_files_that_lie_beside_go_with_it_and_those_that_do_not_are_told(tmp_path: Path) -> None:
    (tmp_path / "here.csv").write_text("1")
    (tmp_path / "tools.py").write_text("ONE = 1\n")
    (tmp_path / "elsewhere.txt").write_text("no")
    cells = [
        cell(
            "![](gone.png) and ![](https://example.org/a.png) and <img src='here.csv'>", "markdown"
        ),
        cell("import tools\nrows = open('here.csv').read()\nother = '../elsewhere.txt'"),
        cell("y = tools.ONE + int(rows)", solution=True, grade_id="y"),
        graded_cell("assert y == 2", "test_y"),
    ]
    made = convert(notebook(tmp_path / "n.ipynb", *cells), "n", "N", tried)
    assert {"here.csv", "tools.py"} <= made.files.keys()
    assert not {"elsewhere.txt", "../elsewhere.txt"} & made.files.keys()
    assert [note for note in made.notes if "beside" in note] == [
        "gone.png is not beside the notebook: add it, and name it under [provided]",
        "cell 2: `../elsewhere.txt` lies outside of the notebook's folder and is not carried over: put it beside the "
        "notebook and correct the path",
    ]


def test_a_function_of_the_authors_is_copied_into_the_check_that_calls_it(
    graders: Graders, tmp_path: Path
) -> None:
    """In the notebook, a student could put another in its place."""
    helper = cell("def must_be(a, b):\n    assert a == b, f'{a} is not {b}'")
    path = notebook(tmp_path / "n.ipynb", helper, X, graded_cell("must_be(x, 42)", "test_x"))
    made = convert(path, "n", "N", tried)
    assert b'defined(notebook, "must_be")' not in made.files["checks/test_notebook.py"]
    folder = tmp_path / "made"
    assert run(["new", str(folder), "--from-notebook", str(path), "--quiet"]) == 0
    assignment = load(folder)
    record.record(assignment, reseed=False, again=False, progress=lambda line: None)
    forged = json.loads((folder / "n.ipynb").read_text())
    forged["cells"][1]["source"] = "x = 0\ndef must_be(a, b): pass"
    (tmp_path / "theirs").mkdir()
    (tmp_path / "theirs" / "n.ipynb").write_text(json.dumps(forged))
    (check,) = graders(folder).grade(tmp_path / "theirs").report.checks
    assert (check.status.value, check.message) == ("fail", "0 is not 42")


def test_an_assignment_is_graded_where_it_stands_without_a_word_of_its_own_files(
    graders: Graders, tmp_path: Path
) -> None:
    path = notebook(tmp_path / "n.ipynb", X, X_TEST)
    folder = tmp_path / "made"
    assert run(["new", str(folder), "--from-notebook", str(path), "--quiet"]) == 0
    assert run(["record", "--assignment", str(folder), "--quiet"]) == 0
    (folder / "misconceptions").mkdir()
    (folder / "idea.txt").write_text("to be thought through")
    report = graders(folder).grade(folder).report
    assert (report.score, report.max_score) == (1, 1)
    assert [*report.notes] == ["1 other file was not used: `idea.txt`."]


@pytest.mark.usefixtures("real_starts")
def test_the_command_tells_what_it_made_and_what_it_left_out(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = notebook(tmp_path / "n.ipynb", X, X_TEST, graded_cell("del x", "odd"))
    assert run(["new", str(tmp_path / "made"), "--from-notebook", str(path)]) == 0
    out = capsys.readouterr().out
    assert (
        "What could not be carried over as it was:\n- cell 3 (odd, 1 points) runs in the box" in out
    )
    assert "  grader check . " in out
    assert run(["new", str(tmp_path / "made"), "--from-notebook", str(path)]) == 2
    assert "exists already and is not empty" in capsys.readouterr().err
