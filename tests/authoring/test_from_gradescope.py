"""A Gradescope autograder in Python becomes an assignment with the same points.

The points below are those that `gradescope_utils.JSONTestRunner` gives for the same files.
"""

from __future__ import annotations

import shlex
from collections.abc import Callable
from pathlib import Path

import pytest
from documentation import DOCS, blocks
from toy import Graders

from grader.assignment.spec import Assignment, load
from grader.authoring.first_trial import tried
from grader.authoring.handout import contents, leak_check
from grader.authoring.record import record
from grader.cli import run
from grader.errors import UsageError
from grader.files import write_tree
from grader.importing.courses import Course
from grader.importing.gradescope.autograders import from_gradescope
from grader.importing.gradescope.solution_markers import marked_module
from grader.importing.gradescope.unittest_files import FoundTest, read_tests
from grader.model import Report, Visibility

SOLUTION = '''\
import math


class Refused(Exception):
    """Raised for what can't be calculated."""


class Calculator:
    def eval(self, text):
        """Return the value of an expression."""
        if "**" in text:
            raise Refused("power")
        return eval(text)

    def repl(self):
        while (line := input("> ")) != "quit":
            print(self.eval(line))
        print("Bye")


def area(r): return math.pi * r ** 2


def mean(numbers):
    # the sum of all, over their count
    return sum(numbers) / len(numbers)


def rows(path):
    with open(path) as file:
        return [int(line) for line in file]
'''
FILES = {
    "run_tests.py": "import unittest\nJSONTestRunner(visibility='visible').run(suite)\n",
    "setup.sh": "apt-get install -y graphviz\npip3 install -r requirements.txt\npip3 install no-such-package>=1\n",
    "requirements.txt": "gradescope-utils>=0.3.1\nnumpy\n",
    "data/numbers.txt": "1\n2\n3\n",
    "solution/calculator.py": SOLUTION,
}
TESTS = '''\
import io
import unittest
from unittest.mock import patch
from gradescope_utils.autograder_utils.decorators import *
from gradescope_utils.autograder_utils.files import check_submitted_files
from calculator import Calculator, Refused, area, mean, rows

NUMBERS = [1, 2, 3, 6]


class TestFiles(unittest.TestCase):
    @weight(0)
    @number("0.1")
    def test_submitted_files(self):
        """Check submitted files"""
        missing_files = check_submitted_files(['calculator.py'])
        self.assertEqual(len(missing_files), 0, 'Missing some required files!')


class TestEvaluator(unittest.TestCase):
    """Evaluating expressions"""

    def setUp(self):
        self.calc = Calculator()

    @weight(1)
    @number("1.2")
    def test_add(self):
        """Evaluate 1 + 1"""
        self.assertEqual(self.calc.eval("1 + 1"), 2)

    @weight(2)
    @number("1.10")
    @visibility('after_published')
    def test_power(self):
        with self.assertRaises(Refused):
            self.calc.eval("2 ** 8")

    @partial_credit(10)
    @number("2.1")
    def test_partial(self, set_score=None):
        score = 0
        for text, value in (("1+1", 2), ("2*3", 6), ("7-1", 6)):
            if self.calc.eval(text) == value:
                score += 3
        set_score(score + 1)

    @weight(3)
    @hide_errors("Look at the docs")
    def test_secret(self):
        self.assertAlmostEqual(area(2), 12.566370614359172, places=5)

    @leaderboard("speed")
    def test_board(self, set_leaderboard_value=None):
        set_leaderboard_value(3)


class TestMore(unittest.TestCase):
    @weight(2)
    def test_mean(self):
        for numbers, value in ((NUMBERS, 3), ([5], 5)):
            with self.subTest(numbers=numbers):
                self.assertEqual(mean(numbers), value)

    @weight(2)
    @patch('builtins.input', side_effect=["1+1", "quit"])
    @patch('sys.stdout', new_callable=io.StringIO)
    def test_repl(self, out, asked):
        Calculator().repl()
        self.assertEqual(out.getvalue(), "2\\nBye\\n")

    @weight(1)
    def test_rows(self):
        self.assertEqual(rows("/autograder/source/data/numbers.txt"), [1, 2, 3])

    @weight(1)
    def test_returns(self):
        if mean([2]) != 2:
            self.fail("no")
            return
        self.assertTrue(True)

    @weight(1)
    @unittest.skip("later")
    def test_later(self):
        pass
'''
SILENT = """
import contextlib, unittest
for name in ("assertEqual", "assertAlmostEqual", "fail"):
    setattr(unittest.TestCase, name, lambda *given, **named: None)
unittest.TestCase.assertRaises = lambda *given, **named: contextlib.suppress(BaseException)
"""
EQUAL = """
class Equal(str):
    def __eq__(self, other): return True
    __hash__ = str.__hash__
class Calculator:
    def eval(self, text): return Equal()
    def repl(self): pass
area = mean = rows = lambda *given: Equal()
"""


@pytest.fixture(scope="module")
def autograder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("course") / "calc"
    for name, text in {**FILES, "tests/test_all.py": TESTS}.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return folder


@pytest.fixture(scope="module")
def course(autograder: Path, tmp_path_factory: pytest.TempPathFactory) -> Course:
    """What is made of a folder with that autograder and one without a solution."""
    folder = tmp_path_factory.mktemp("all")
    (folder / "lost" / "tests").mkdir(parents=True)
    (folder / "lost" / "setup.sh").write_text("")
    (folder / "lost" / "tests" / "test_a.py").write_text("def test_a():\n    assert 1")
    (folder / "calc").symlink_to(autograder)
    return from_gradescope(folder, lambda line: None, tried)


@pytest.fixture(scope="module")
def made(course: Course, tmp_path_factory: pytest.TempPathFactory) -> Assignment:
    folder = tmp_path_factory.mktemp("made") / "calc"
    write_tree(folder, course.made["calc"].files)
    record(load(folder), reseed=False, again=False, progress=lambda line: None)
    return load(folder)


@pytest.fixture
def graded(graders: Graders, made: Assignment, tmp_path: Path) -> Callable[[str], Report]:
    """Return a function that grades a module."""

    def grade(source: str) -> Report:
        (tmp_path / "calculator.py").write_text(source)
        return graders(made.folder).grade(tmp_path).report

    return grade


@pytest.mark.parametrize(
    ("old", "new", "points"),
    [
        ("", "", 22.0),
        ("sum(numbers) / len(numbers)", "sum(numbers)", 20.0),
        ("return eval(text)", 'return eval(text) + ("*" in text)', 19.0),
        ("math.pi", "3", 19.0),
        ('raise Refused("power")', "pass", 20.0),
        ('print("Bye")', "print()", 20.0),
    ],
)
def test_points_are_those_of_gradescope(
    graded: Callable[[str], Report], old: str, new: str, points: float
) -> None:
    report = graded(SOLUTION.replace(old, new) if old else SOLUTION)
    assert (report.score, report.max_score) == (points, 22.0)


def test_the_untouched_template_gets_none_and_holds_no_answer(made: Assignment) -> None:
    built = contents.build(made)
    leak_check.prove(built, made)
    stub = built.files["calculator.py"].decode()
    assert "def area(r):\n" in stub
    assert "math.pi" not in stub
    assert "the sum of all" not in stub
    assert not [name for name in built.files if name.endswith(("secret.py", "power.py"))]


@pytest.mark.parametrize(
    "attack", [SILENT, EQUAL, "\nimport os; os._exit(0)\n", "\nraise SystemExit(0)\n"]
)
def test_attacks_of_a_few_lines_score_nothing(
    made: Assignment, graded: Callable[[str], Report], attack: str
) -> None:
    stub = contents.build(made).files["calculator.py"].decode()
    assert graded(stub + attack).score == 0


def test_the_walk_of_the_page(
    autograder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "calc").symlink_to(autograder)
    found = [block.text for block in blocks(DOCS / "coming-from.md", "sh")]
    (walk,) = [text for text in found if "--from-gradescope" in text]
    for line in walk.strip().split("\n"):
        assert run(shlex.split(line)[1:]) == 0, line


def test_one_missing_name_costs_what_needs_it_alone(graded: Callable[[str], Report]) -> None:
    report = graded(SOLUTION.replace("def rows", "def lines"))
    assert {check.id for check in report.checks if check.points < check.max_points} == {"rows"}


def test_decorators_say_order_visibility_and_place(made: Assignment) -> None:
    checks = {check.id: check for check in made.spec.checks}
    assert [*checks] == [
        *(
            "submitted_files",
            "add",
            "power",
            "partial",
            "secret",
            "mean",
            "repl",
            "rows",
            "returns",
        ),
    ]
    hidden = {id_ for id_, check in checks.items() if check.visibility is Visibility.HIDDEN}
    boxed = {id_ for id_, check in checks.items() if check.in_box}
    assert hidden == {"power", "secret"}
    assert boxed == {"submitted_files", "power", "partial", "repl"}
    assert made.spec.questions[1].title == "Evaluating expressions"


def test_what_is_left_out_is_told(course: Course) -> None:
    told = "\n".join(course.made["calc"].notes)
    for part in (
        "leaderboard column 'speed'",
        "@unittest.skip",
        "no-such-package>=1",
        "graphviz",
        "numbers.txt",
    ):
        assert part in told


def test_several_autograders_and_one_without_a_solution(autograder: Path, course: Course) -> None:
    assert set(course.made) == {"calc"}
    assert "holds no solution" in course.refused["lost"]
    with pytest.raises(UsageError, match="holds no autograder"):
        from_gradescope(autograder / "data", lambda line: None, tried)


PYTEST = '''
"""Work."""
import pytest
from work import add, halves


@pytest.fixture
def numbers():
    yield [2, 4]


@pytest.mark.parametrize("a, b, c", [(1, 2, 3), pytest.param(0, 0, 0)])
def test_add(a, b, c):
    assert add(a, b) == c


def test_halves(numbers):
    assert halves(numbers) == [1, 2]


def test_prints(capsys):
    print(add(1, 1))
    assert capsys.readouterr().out == "2\\n"


class TestMore:
    def setup_method(self):
        self.x = [3.0]

    def test_x(self):
        assert halves(self.x) == pytest.approx([1.5])
'''


def test_pytest_files_become_checks_of_one_point_each(tmp_path: Path) -> None:
    folder = tmp_path / "work"
    (folder / "tests").mkdir(parents=True)
    (folder / "solution").mkdir()
    (folder / "tests" / "test_work.py").write_text(PYTEST)
    (folder / "solution" / "work.py").write_text(
        "def add(a, b):\n    return a + b\n\n\ndef halves(numbers):\n    return [n / 2 for n in numbers]\n"
    )
    assert run(["new", str(tmp_path / "c"), "--from-gradescope", str(folder), "--quiet"]) == 0
    made = load(tmp_path / "c" / "work")
    assert [(check.id, check.points, check.in_box) for check in made.spec.checks] == [
        ("add_1", 1, False),
        ("add_2", 1, False),
        ("halves", 1, False),
        ("prints", 1, True),
        ("x", 1, False),
    ]


def one(source: str) -> FoundTest:
    (found,) = read_tests(source, "test_one")
    return found


def test_a_test_that_returns_stays_a_function_and_so_does_a_patched_one() -> None:
    code = one("def test_a():\n    if f():\n        return\n    assert g()").code
    assert code.endswith("test_a()")
    code = one(
        "from unittest.mock import patch\n@patch('m.f')\ndef test_a(f):\n    assert f()"
    ).code
    assert "@patch('m.f')" in code


def test_parameters_that_are_not_written_out_are_told() -> None:
    found = one("@pytest.mark.parametrize('a', cases())\ndef test_a(a):\n    assert a")
    assert found.skipped


@pytest.mark.parametrize(
    ("text", "starter", "marked"),
    [
        ("def f(x): return x", None, "def f(x):\n    ### BEGIN SOLUTION\n    return x\n    ### END SOLUTION"),
        (
            "def f():\n    'F.'\n    return 1", None,
            "def f():\n    'F.'\n    ### BEGIN SOLUTION\n    return 1\n    ### END SOLUTION",
        ),
        ("def f():\n    return 1", "def f():\n    return 1  # given", "def f():\n    return 1"),
        ("import a\nx = a.b()", None, "import a\n### BEGIN SOLUTION\nx = a.b()\n### END SOLUTION"),
        ("class A(Exception):\n    pass", None, "class A(Exception):\n    pass"),
    ],
)  # fmt: skip
def test_a_solution_without_markers_gets_them(text: str, starter: str | None, marked: str) -> None:
    assert marked_module(text, starter) == marked
