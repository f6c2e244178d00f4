"""Kinds of notebooks that instructors have: each is carried over whole, and handed out without an
answer.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from toy import Graders

from grader.assignment.spec import Assignment, load
from grader.authoring.handout import contents, leak_check
from grader.authoring.record import record
from grader.cli import run
from grader.model import Report, Visibility

MEAN = "def mean(x):\n    ### BEGIN SOLUTION\n    return sum(x) / len(x)\n    ### END SOLUTION"
BISECT = "def bisect(f, a, b):\n    ### BEGIN SOLUTION\n    return a if f(a) == 0 else b\n    ### END SOLUTION"
VISIBLE = "assert mean([1, 3]) == 2"


def plain(source: str, **metadata: Any) -> dict[str, Any]:
    made = {"cell_type": "code", "metadata": metadata, "source": source, "outputs": []}
    return made | {"execution_count": None}


def solution(source: str, id_: str) -> dict[str, Any]:
    return plain(source, nbgrader={"solution": True, "grade": False, "grade_id": id_})


def graded_cell(source: str, id_: str, points: float = 1) -> dict[str, Any]:
    return plain(
        source, nbgrader={"solution": False, "grade": True, "grade_id": id_, "points": points}
    )


def taken_on(
    graders: Graders, folder: Path, *cells: dict[str, Any], lost: float = 0
) -> tuple[Assignment, Report, contents.Handout]:
    """Make an assignment of cells, record it, grade its reference and prove its handout.

    lost: the points that the reference itself does not have
    """
    path = folder / "n.ipynb"
    path.write_text(
        json.dumps({"cells": cells, "metadata": {}, "nbformat": 4, "nbformat_minor": 2})
    )
    made = folder / "made"
    assert run(["new", str(made), "--from-notebook", str(path), "--quiet"]) == 0
    record(load(made), reseed=False, again=False, progress=lambda line: None)
    assignment = load(made)
    report = graders(made).grade(made).report
    assert report.score == report.max_score - lost, [check.message for check in report.checks]
    built = contents.build(assignment)
    leak_check.prove(built, assignment)
    assert not (made / "not_carried_over.py").exists()
    return assignment, report, built


def test_hidden_tests_stand_nowhere_in_the_handout_however_they_are_marked(
    graders: Graders, tmp_path: Path
) -> None:
    one = f"{VISIBLE}\n# BEGIN HIDDEN TESTS\nassert mean([10, 20, 60]) == 30\n#END HIDDEN TESTS"
    other = "###BEGIN HIDDEN TESTS\nassert mean([11, 13]) == 12\n###END HIDDEN TESTS"
    tests = graded_cell(one, "t"), graded_cell(other, "u")
    assignment, report, built = taken_on(graders, tmp_path, solution(MEAN, "mean"), *tests)
    hidden = {check.id for check in assignment.spec.checks if check.visibility is Visibility.HIDDEN}
    assert hidden == {"t_hidden", "u"}
    assert report.max_score == 2
    assert b"[10, 20, 60]" not in b"".join(built.files.values())
    assert b"[11, 13]" not in b"".join(built.files.values())


def test_a_notebook_with_hidden_tests_alone_has_a_handout_without_checks(
    graders: Graders, tmp_path: Path
) -> None:
    hidden = f"### BEGIN HIDDEN TESTS\n{VISIBLE}\n### END HIDDEN TESTS"
    _, report, built = taken_on(graders, tmp_path, solution(MEAN, "mean"), graded_cell(hidden, "t"))
    assert [check.id for check in report.checks] == ["t"]
    assert b"checks = []" in built.files["assignment/assignment.toml"]
    assert "n.ipynb" in built.files


def test_files_and_modules_beside_go_with_it_and_what_it_writes_does_not(
    graders: Graders, tmp_path: Path
) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "a.csv").write_text("1,3")
    (tmp_path / "out.txt").write_text("old")
    reader = "def numbers():\n    return [int(a) for a in open('more.txt').read().split()]\n"
    (tmp_path / "reader.py").write_text(reader)
    (tmp_path / "more.txt").write_text("2 2")
    reads = plain(
        "import reader\nxs = [int(a) for a in open('./data/a.csv').read().split(',')]\nys = reader.numbers()"
    )
    (tmp_path / "plots").mkdir()
    writes = plain(
        "for path in ['x']:\n    open('out.txt', 'w').write('new')\n    open('plots/a.txt', 'w').write('a')"
    )
    test = graded_cell(f"import reader\nassert mean(xs) == 2 == mean(ys)\n{VISIBLE}", "t")
    assignment, _, _ = taken_on(graders, tmp_path, reads, writes, solution(MEAN, "mean"), test)
    assert {*assignment.spec.provided} == {"data/a.csv", "reader.py", "more.txt", "plots/.keep"}


def test_what_needs_the_students_own_objects_runs_in_the_box(
    graders: Graders, tmp_path: Path
) -> None:
    first = "### BEGIN SOLUTION\nitems = ['a']\n### END SOLUTION"
    second = "### BEGIN SOLUTION\nitems.append('b')\n### END SOLUTION"
    _, report, _ = taken_on(
        graders,
        tmp_path,
        plain("1 / 0", tags=["raises-exception"]),
        solution(MEAN, "mean"),
        graded_cell(
            f"import inspect, io\nassert 'sum' in inspect.getsource(mean)\n{VISIBLE}", "source"
        ),
        graded_cell("%timeit -n1 -r1 mean([1, 3])\nassert mean([1, 3]) == 2", "magic"),
        graded_cell("best = mean([2, 4])\nassert best == 3", "defines"),
        graded_cell("assert best + mean([1, 1]) == 4", "uses"),
        solution(BISECT, "bisect"),
        graded_cell("assert bisect(lambda x: x - 2, 2, 3) == 2", "function"),
        solution(first, "a"),
        graded_cell("assert items == ['a']", "before"),
        solution(second, "b"),
        graded_cell("assert items == ['a', 'b']", "after"),
    )
    boxed = {check.id for check in report.checks if check.in_box}
    assert {"source", "magic", "uses", "before"} <= boxed
    # A function of the test's can be called from the box.
    assert boxed.isdisjoint({"after", "function"})


def test_a_builtin_that_students_write_is_the_one_that_is_tested(
    graders: Graders, tmp_path: Path
) -> None:
    code = "def sum(xs):\n    ### BEGIN SOLUTION\n    return xs[0] + xs[1]\n    ### END SOLUTION"
    assignment, report, _ = taken_on(
        graders,
        tmp_path,
        solution(code, "sum"),
        graded_cell("x = [3, 1]\nx = sorted(x)\nassert sum(x) == 4", "t", points=0),
    )
    assert report.max_score == 0
    theirs = tmp_path / "theirs"
    theirs.mkdir()
    text = (assignment.folder / "n.ipynb").read_text().replace("xs[0] + xs[1]", "0")
    (theirs / "n.ipynb").write_text(text)
    (check,) = graders(assignment.folder).grade(theirs).report.checks
    assert check.status.value == "fail"


@pytest.mark.parametrize("form", ["py:percent", "py:light", "md:myst"])
def test_a_notebook_written_as_text_is_a_source_and_a_submission(
    graders: Graders, tmp_path: Path, form: str
) -> None:
    jupytext = pytest.importorskip("jupytext")
    cells = [solution(MEAN, "mean"), graded_cell(VISIBLE, "t")]
    kernel = {"kernelspec": {"name": "python3", "display_name": "Python", "language": "python"}}
    notebook = json.dumps({"cells": cells, "metadata": kernel, "nbformat": 4, "nbformat_minor": 2})
    suffix = f".{form[:2]}"
    path = tmp_path / f"n{suffix}"
    path.write_text(jupytext.writes(jupytext.reads(notebook, fmt="ipynb"), fmt=form))
    assert run(["new", str(tmp_path / "made"), "--from-notebook", str(path), "--quiet"]) == 0
    record(load(tmp_path / "made"), reseed=False, again=False, progress=lambda line: None)
    assignment = load(tmp_path / "made")
    assert [check.id for check in assignment.spec.checks] == ["t"]
    theirs = tmp_path / "theirs"
    theirs.mkdir()
    (theirs / path.name).write_text(path.read_text())
    report = graders(assignment.folder).grade(theirs).report
    assert (report.score, report.notes[0]) == (
        1,
        f"`n.ipynb` was made of `n{suffix}`, a notebook written as text.",
    )


def test_the_tests_in_a_notebook_that_is_handed_in_are_not_run_once_more(
    graders: Graders, tmp_path: Path
) -> None:
    """Students of nbgrader's have the test cells in their files, and these may change what others
    look at.
    """
    cells = [
        solution("### BEGIN SOLUTION\nstack = []\n### END SOLUTION", "stack"),
        graded_cell("stack.append(3)\nassert stack == [3]", "first"),
        graded_cell("stack.append(4)\nassert stack == [3, 4]", "second"),
    ]
    assignment, _, _ = taken_on(graders, tmp_path, *cells)
    theirs = tmp_path / "theirs"
    theirs.mkdir()
    text = json.dumps({"cells": cells, "metadata": {}, "nbformat": 4, "nbformat_minor": 2})
    (theirs / "n.ipynb").write_text(text)
    report = graders(assignment.folder).grade(theirs).report
    assert report.score == 2, [check.message for check in report.checks]


def test_an_automatic_test_that_needs_the_box_asserts_what_the_solution_shows(
    graders: Graders,
    tmp_path: Path,
) -> None:
    helper = (
        "def raises(call, kind):\n    try:\n        call()\n    except kind:\n        return True\n"
        "    return False"
    )
    ahead = graded_cell(f"{helper}\n### AUTOTEST mean([1, 2])", "ahead")
    automatic = (
        "kept = mean\ndel mean\n### AUTOTEST raises(lambda: twice([1]), NameError)\n"
        "### AUTOTEST kept([1, 2]); str(kept([4]))\nmean = kept"
    )
    body = "def twice(x):\n    ### BEGIN SOLUTION\n    return 2 * mean(x)\n    ### END SOLUTION"
    twice = solution(body, "two")
    assignment, report, built = taken_on(
        graders,
        tmp_path,
        solution(MEAN, "mean"),
        twice,
        ahead,
        graded_cell(automatic, "automatic", 2),
    )
    assert report.max_score == 3
    code = assignment.in_box_path("automatic").read_text()
    assert "assert raises(lambda: twice([1]), NameError) == True" in code
    assert "assert abs(kept([1, 2]) - 1.5) <= 1.5e-06" in code
    assert b"NotImplementedError" in built.files["n.ipynb"]


def test_a_test_in_the_box_may_await(graders: Graders, tmp_path: Path) -> None:
    later = (
        "import asyncio\nasync def later(x):\n    ### BEGIN SOLUTION\n    await asyncio.sleep(0)\n"
        "    return x + 1\n    ### END SOLUTION"
    )
    test = graded_cell("found = await later(1)\nassert found == 2", "t")
    assignment, _, _ = taken_on(graders, tmp_path, solution(later, "later"), test)
    assert [check.in_box for check in assignment.spec.checks] == [True]


def test_tests_of_noses_time_and_runners_of_unittest_are_carried_over(
    graders: Graders, tmp_path: Path
) -> None:
    add = solution(
        "def add(a, b):\n    ### BEGIN SOLUTION\n    return a + b\n    ### END SOLUTION", "add"
    )
    cells = [
        plain("from nose.tools import assert_equal, assert_raises\nimport unittest"),
        plain("%run more.py"),
        add,
        graded_cell("assert_equal(add(1, more), 3)\nassert_raises(TypeError, add, 1, 'x')", "nose"),
        graded_cell("import nose.tools as nt\ndel cells\nnt.ok_(add(2, 2) == 4)", "boxed"),
        graded_cell(
            "class TestAdd(unittest.TestCase):\n    def test_add(self):\n"
            "        self.assertEqual(add(2, 3), 5)\n"
            "done = unittest.main(argv=[''], exit=False)\nassert done.result.wasSuccessful()",
            "runner",
        ),
        graded_cell("%%capture said\nprint(add(4, 5))", "prints", 0),
        graded_cell("assert said.stdout == '9\\n'", "printed"),
        graded_cell("points = 0.5\nif add('a', 'b') == 'ab':\n    points += 1\npoints", "part", 3),
    ]
    cells.insert(2, plain("cells = [1]"))
    (tmp_path / "more.py").write_text("more = 2\n")
    assignment, report, _ = taken_on(graders, tmp_path, *cells, lost=1.5)
    points = {check.id: check.points for check in report.checks}
    assert points == {"nose": 1, "boxed": 1, "runner": 1, "prints": 0, "printed": 1, "part": 1.5}
    assert (assignment.folder / "nose" / "tools.py").is_file()
    assert assignment.check("part").reference_points == 1.5  # type: ignore[union-attr]


def handed_in(graders: Graders, assignment: Assignment, folder: Path, old: str, new: str) -> Report:
    """Grade the author's notebook with a text of it changed, as a student's."""
    folder.mkdir(exist_ok=True)
    text = (assignment.folder / "n.ipynb").read_text()
    assert old in text
    (folder / "n.ipynb").write_text(text.replace(old, new))
    return graders(assignment.folder).grade(folder).report


def test_a_test_that_runs_only_as_the_main_program_is_run(graders: Graders, tmp_path: Path) -> None:
    """Tests of courses that keep their notebooks as scripts look like this."""
    inner = 'def test_mean():\n    """The mean."""\n    assert mean([1, 3]) == 2'
    guard = 'if __name__ == "__main__":\n    test_mean()'
    boxed = f"{inner}\nimport inspect\nassert inspect.getsource(mean)\n{guard}"
    other = 'if "__main__" == __name__: test_mean()  # again'
    cells = graded_cell(f"{inner}\n\n{guard}", "t"), graded_cell(f"{boxed}\n{other}", "u")
    assignment, _, _ = taken_on(graders, tmp_path, solution(MEAN, "mean"), *cells)
    assert [check.in_box for check in assignment.spec.checks] == [False, True]
    report = handed_in(graders, assignment, tmp_path / "theirs", "len(x)", "2 + 1")
    assert report.score == 0, [check.message for check in report.checks]


def test_a_test_in_the_box_is_the_main_program(graders: Graders, tmp_path: Path) -> None:
    test = (
        f"import inspect\nassert inspect.getsource(mean)\nassert __name__ == '__main__'\n{VISIBLE}"
    )
    assignment, _, _ = taken_on(graders, tmp_path, solution(MEAN, "mean"), graded_cell(test, "t"))
    old = '"def mean(x):'
    report = handed_in(graders, assignment, tmp_path / "theirs", old, f'"__name__ = 7\\n",\n{old}')
    assert report.score == 1, [check.message for check in report.checks]


def test_what_a_class_of_the_students_has_is_no_replacement(
    graders: Graders, tmp_path: Path
) -> None:
    box = (
        "class Box:\n    ### BEGIN SOLUTION\n    def __init__(self, size):\n"
        "        self.size = size\n    @property\n    def double(self):\n        return 2 * self.size\n"
        "    ### END SOLUTION"
    )
    test = (
        "import inspect\nassert len(inspect.signature(Box.__init__).parameters) == 2\n"
        "assert isinstance(Box.double, property)\nclass Small(Box):\n    pass\n"
        "assert Small.double is Box.double\nassert Small(3).double == 6"
    )
    assignment, _, _ = taken_on(graders, tmp_path, solution(box, "box"), graded_cell(test, "t"))
    assert [check.in_box for check in assignment.spec.checks] == [True]


def test_a_test_that_changes_a_module_runs_in_the_box(graders: Graders, tmp_path: Path) -> None:
    """A function that students must not use is put away: never the grader's own."""
    provided = plain("import numpy as np\nimport sys, io")
    hidden = (
        f"{VISIBLE}\nassert np.mean([1, 3]) == 2\n### BEGIN HIDDEN TESTS\ntry:\n"
        "    np.mean = None\nexcept AttributeError:\n    pass\nassert mean([2, 4]) == 3\n"
        "### END HIDDEN TESTS"
    )
    out = (
        "kept, sys.stdout = sys.stdout, io.StringIO()\nassert mean([1, 5]) == 3\nsys.stdout = kept"
    )
    assignment, _, _ = taken_on(
        graders,
        tmp_path,
        provided,
        solution(MEAN, "mean"),
        graded_cell(hidden, "t"),
        graded_cell(out, "out"),
    )
    boxed = [check.in_box for check in assignment.spec.checks]
    assert boxed == [False, True, True]
    report = handed_in(
        graders, assignment, tmp_path / "theirs", "return sum(x) / len(x)", "return np.mean(x)"
    )
    assert [check.status.value for check in report.checks] == ["pass", "fail", "pass"]


def test_a_name_that_came_with_a_star_is_the_students_to_use(
    graders: Graders, tmp_path: Path
) -> None:
    code = "### BEGIN SOLUTION\ngamma = 0.5\nrec = mean([gamma, 1.5])\n### END SOLUTION"
    assignment, _, _ = taken_on(
        graders,
        tmp_path,
        plain("from math import *\nfrom numpy import *"),
        solution(MEAN, "mean"),
        solution(code, "numbers"),
        graded_cell("assert gamma == 0.5 and rec == 1", "t"),
        graded_cell("import inspect\nassert inspect.getsource(mean)\nassert rec == 1", "u"),
    )
    assert [check.in_box for check in assignment.spec.checks] == [False, True]


def test_what_pylab_brings_is_the_tests_own(graders: Graders, tmp_path: Path) -> None:
    """A student who puts another `allclose` in its place wins nothing."""
    assignment, _, _ = taken_on(
        graders,
        tmp_path,
        plain("%pylab inline"),
        solution(MEAN.replace("mean", "middle"), "middle"),
        graded_cell("assert allclose(middle(array([1, 3])), np.array(2))", "t"),
    )
    wrong = "global allclose; allclose = lambda *_: True; return 7"
    report = handed_in(graders, assignment, tmp_path / "theirs", "return sum(x) / len(x)", wrong)
    assert report.score == 0, report.notes
    text = (assignment.checks_folder / "test_notebook.py").read_text()
    assert "from numpy import allclose" in text


def test_a_tests_own_star_gives_it_and_later_tests_what_they_need(
    graders: Graders, tmp_path: Path
) -> None:
    own = "from math import *; from numpy.testing import *"
    assignment, _, _ = taken_on(
        graders,
        tmp_path,
        plain("from numpy import *"),
        solution(MEAN, "mean"),
        graded_cell("assert allclose(floor(array([1.5])), 1)\nassert mean([1, 3]) == 2", "t"),
        graded_cell(f"{own}\nassert_allclose(mean([2, 4]), floor(3.5))", "u"),
        graded_cell("assert_equal(mean([2, 6]), 4)\nassert mean([pi, pi]) == pi", "v"),
    )
    assert [check.in_box for check in assignment.spec.checks] == [False, False, False]
    text = (assignment.checks_folder / "test_notebook.py").read_text()
    assert "from math import floor, pi; from numpy.testing import assert_allclose" in text


def test_a_comment_that_stands_in_the_stub_or_in_a_visible_test_too_is_no_leak(
    graders: Graders, tmp_path: Path
) -> None:
    """Whoever writes tests by copying them has the same comments above each of them."""
    asked = "# Put your answer to the question here."
    code = MEAN.replace("    ###", f"    {asked}\n    ###", 1)
    visible = f"# check that the function exists\n{VISIBLE}"
    hidden = visible.replace("[1, 3]) == 2", "[5, 9]) == 7")
    taken_on(
        graders,
        tmp_path,
        solution(code, "mean"),
        solution(asked, "free"),
        graded_cell(visible, "t"),
        graded_cell(f"{VISIBLE}\n### BEGIN HIDDEN TESTS\n{hidden}\n### END HIDDEN TESTS", "u"),
    )


@pytest.mark.parametrize("asked", ["dir()", "globals()", "locals()"])
def test_a_test_that_looks_at_the_names_of_the_notebook_runs_in_the_box(
    graders: Graders, tmp_path: Path, asked: str
) -> None:
    """In the grader's process there are none of them, so a test for what is forbidden would hold."""
    test = graded_cell(f"assert 'median' not in {asked}\n{VISIBLE}", "t")
    assignment, _, _ = taken_on(graders, tmp_path, solution(MEAN, "mean"), test)
    assert [check.in_box for check in assignment.spec.checks] == [True]
    old = '"def mean(x):'
    changed = f'"from statistics import median\\n",\n{old}'
    assert handed_in(graders, assignment, tmp_path / "theirs", old, changed).score == 0


def test_what_came_with_a_star_is_imported_by_the_test_itself(
    graders: Graders, tmp_path: Path
) -> None:
    """Otherwise a student's own function under that name would be asked."""
    helper = "def check(value, wanted):\n    assert value == wanted\ndef mean(x):\n    return 0\n"
    (tmp_path / "helpers.py").write_text(helper)
    assignment, _, _ = taken_on(
        graders,
        tmp_path,
        plain("from numpy.testing import *\nfrom helpers import *"),
        solution(MEAN, "mean"),
        graded_cell("assert_allclose(mean([1, 3]), 2)", "t"),
        graded_cell("check(mean([1, 5]), 3)", "u"),
    )
    assert [check.in_box for check in assignment.spec.checks] == [False, True]
    old = '"def mean(x):'
    lies = '"assert_allclose = check = lambda *args: None\\n",\n'
    theirs = tmp_path / "theirs"
    report = handed_in(graders, assignment, theirs, old, f"{lies}{old}")
    assert report.score == 2, [check.message for check in report.checks]
    text = (theirs / "n.ipynb").read_text().replace("sum(x)", "sum(x) + 1")
    (theirs / "n.ipynb").write_text(text)
    assert graders(assignment.folder).grade(theirs).report.score == 0
