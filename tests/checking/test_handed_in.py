"""What a check hands into the box beside plain data: functions, generators, input, files; and what
it does there.
"""

from __future__ import annotations

import textwrap
from pathlib import Path

import pytest
from toy import Toy, build

from grader.authoring import record
from grader.errors import AssignmentError

SPEC = """
schema = 1
name = "handed"
title = "Handed"
reference = "reference"

[[questions]]
id = "q"
title = "Q"

[[files]]
path = "pack/toy.py"
provides = ["newton", "keep", "kept", "twice", "apply", "roll", "greet", "copy", "Timer", "Box", "f", "refuse"]

[limits]
call_seconds = 2
"""

REFERENCE = """
import random
import sys
import time
from pathlib import Path


def newton(f, x, steps=20):
    for _ in range(steps):
        slope = (f(x + 1e-6) - f(x - 1e-6)) / 2e-6
        x = x - f(x) / slope
    return x


def keep(f):
    global kept_function
    kept_function = f


def kept(x):
    return kept_function(x)


def twice(f, x):
    return f(f(x))


def f(x):
    return x + 1


def apply(f, x):
    return f(x + x)


def roll(rng, n):
    return rng.random(n)


def greet():
    first = input("Name? ")
    second = sys.stdin.readline().strip()
    print("Hello,", first, "and", second)
    return first + second


def refuse(items):
    print("no")
    raise KeyError(items[0])


def copy(source, target):
    Path(target).write_text(Path(source).read_text().upper())


class Timer:
    def __init__(self):
        self.log = []

    def __enter__(self):
        self.log.append("in")
        return self

    def __exit__(self, kind, error, trace):
        self.log.append("out" if error is None else f"{kind.__name__}: {error}")
        return kind is KeyError


class Box:
    def __init__(self):
        self.items = {"a": 1, "b": 2}
        self.spare = 3

    def names(self):
        return sorted(self.items), hasattr(self, "spare"), getattr(self, "given", None)
"""


def recorded(
    folder: Path, *bodies: str, fixtures: str = "student, expect, rng", limits: str = ""
) -> Toy:
    """Return a recorded assignment whose checks `c0`, `c1` and so on have these bodies."""
    spec, checks = f"{SPEC}{limits}\n", "import math\nimport numpy as np\nimport pytest\n"
    for number, body in enumerate(bodies):
        spec += f'\n[[checks]]\nid = "c{number}"\nquestion = "q"\npoints = 1\n'
        checks += (
            f'\n\ndef test_c{number}({fixtures}):\n    """C."""\n{textwrap.indent(body, "    ")}\n'
        )
    made = build(folder / "assignment", spec=spec, checks=checks, reference=REFERENCE)
    record.record(made, reseed=False, again=False, progress=lambda line: None)
    return Toy(made, folder / "submissions")


def wrong(definition: str) -> str:
    return f"{REFERENCE}\n\n{definition}\n"


NEWTON = 'expect("x", student.newton(lambda x: x * x - 2, 1.0))'


def test_functions_of_a_check_are_called_from_the_box(tmp_path: Path) -> None:
    toy = recorded(
        tmp_path,
        NEWTON,
        'expect("x", student.newton(math.cos, 1.0))',
        'student.keep(lambda x: 3 * x)\nexpect("x", student.kept(2))',
        'expect("x", student.twice(lambda x: student.f(x) * 2, 1))',
        "def fails(x):\n    raise KeyError('none')\n"
        "with pytest.raises(KeyError, match='none'):\n    student.twice(fails, 1)",
        'expect("x", student.twice(np.exp, np.arange(3.0)))',
        'big = np.ones(1 << 20)\nexpect("x", student.apply(lambda x: float(x.sum()), big))',
    )
    right = toy.grade(REFERENCE)
    assert right.report.score == 7, [check.message for check in right.report.checks]
    mistaken = "def newton(f, x):\n    return f(x)\n\n\ndef twice(f, x):\n    return f(x, x)"
    graded = toy.grade(wrong(mistaken))
    assert graded.passed == {"c2", "c6"}
    assert "`twice` raised TypeError" in graded["c3"].message


@pytest.mark.parametrize(
    ("definition", "told"),
    [
        ("def newton(f, x):\n    while True:\n        f(x)", "it was given more than 10000|still running after"),
        ("def newton(f, x):\n    time.sleep(9)", "still running after the limit of 2 seconds"),
        ("def newton(f, x):\n    return f([1] * 10**6)", "disturbed|more than"),
        ("import threading\n\n\ndef newton(f, x):\n    out = []\n"
         "    t = threading.Thread(target=lambda: out.append(f(x)))\n"
         "    t.start()\n    t.join()\n    return out[0]", "raised IndexError"),
    ],
)  # fmt: skip
def test_calls_of_a_checks_functions_are_bounded(
    tmp_path: Path, definition: str, told: str
) -> None:
    toy = recorded(tmp_path, NEWTON)
    graded = toy.grade(wrong(definition))
    assert graded["c0"].status == "fail"
    assert any(part in graded["c0"].message for part in told.split("|")), graded["c0"].message


def test_an_author_sets_how_often_they_may_be_called(tmp_path: Path) -> None:
    toy = recorded(tmp_path, NEWTON, limits="callbacks = 60")
    assert toy.grade(REFERENCE)["c0"].status == "pass"
    definition = "def newton(f, x):\n    for _ in range(61):\n        f(x)"
    message = toy.grade(wrong(definition))["c0"].message
    assert "called the functions that it was given more than 60 times" in message


def test_a_function_that_calls_itself_through_the_box_is_stopped(tmp_path: Path) -> None:
    toy = recorded(tmp_path, 'expect("x", student.twice(lambda x: student.f(x), 1))')
    again = "def f(x):\n    return twice(given, x)\n\n\n"
    again += "def twice(f, x):\n    global given\n    given = f\n    return f(x)"
    graded = toy.grade(wrong(again))
    assert graded["c0"].status == "fail"
    assert "from within itself 8 times" in graded["c0"].message


def test_a_function_of_an_earlier_case_is_not_called(tmp_path: Path) -> None:
    toy = recorded(
        tmp_path,
        'student.keep(lambda x: x)\nexpect("x", student.kept(2))',
        'expect("x", student.f(1))',
    )
    graded = toy.grade(wrong("def f(x):\n    return kept(x) + 1"))
    assert graded.statuses == {"c0": "pass", "c1": "fail"}
    assert "can only be called while the check that gave it is running" in graded["c1"].message


def test_generators_go_in_by_their_state_and_input_is_given(tmp_path: Path) -> None:
    toy = recorded(
        tmp_path,
        "want = np.random.default_rng(3).random(4)\n"
        'expect.that("same", np.array_equal(student.roll(np.random.default_rng(3), 4), want), "another draw")',
        'expect("x", student.greet(stdin="Ada\\nBob\\n"))\nexpect.printed()',
        'with pytest.raises(EOFError):\n    student.greet(stdin="")',
        'expect("x", student.roll(rng, 3))',
    )
    assert toy.grade(REFERENCE).report.score == 4
    graded = toy.grade(
        wrong("def greet():\n    input()\n    input()\n    print('Hello')\n    return input()"),
        "c1",
    )
    assert "called more often than there are lines" in graded["c1"].message
    assert "what makes yours ask once more?" in graded["c1"].hint


def test_what_a_call_printed_and_changed_before_it_raised_is_seen(tmp_path: Path) -> None:
    call = "items = [1]\nexpect.raises(KeyError, student.refuse, items)\n"
    toy = recorded(
        tmp_path,
        f"{call}expect.not_modified()",
        f'{call}expect("items", student.after(items))',
        f"{call}expect.printed()",
    )
    assert toy.grade(REFERENCE).report.score == 3
    late = "def refuse(items):\n    print('well')\n    items.append(2)\n    raise KeyError"
    graded = toy.grade(wrong(late))
    assert graded.statuses == {"c0": "fail", "c1": "fail", "c2": "fail"}
    assert "`refuse` changed its argument 1 in place" in graded["c0"].message


def test_files_of_a_case_come_and_go_by_name(tmp_path: Path) -> None:
    body = (
        'student.files["in.txt"] = "some text"\nstudent.copy("in.txt", "out.txt")\n'
        'expect("text", student.files["out.txt"])\nassert student.files.written() == ["out.txt"]'
    )
    gone = 'with pytest.raises(FileNotFoundError):\n    student.copy("in.txt", "out.txt")'
    toy = recorded(tmp_path, body, gone)
    assert toy.grade(REFERENCE).report.score == 2
    graded = toy.grade(wrong("def copy(source, target):\n    open(source)"))
    assert "there is no file `out.txt`" in graded["c0"].message


@pytest.mark.parametrize("name", ["../x", "/etc/x", "", ".", "a\\b"])
def test_a_file_stays_in_the_students_folder(tmp_path: Path, name: str) -> None:
    with pytest.raises(AssignmentError, match="does not stay in the student's folder"):
        recorded(tmp_path, f'student.files[{name!r}] = "x"')


def test_deleting_setting_and_context_managers_reach_the_box(tmp_path: Path) -> None:
    toy = recorded(
        tmp_path,
        'box = student.Box()\ndel box.items["a"]\ndel box.spare\nbox.given = 5\nexpect("names", box.names())',
        'timer = student.Timer()\nwith timer as entered:\n    entered.log.append("body")\nexpect("log", timer.log)',
        'timer = student.Timer()\nwith timer:\n    raise KeyError("gone")\nexpect("log", timer.log)',
        "with pytest.raises(KeyError):\n    del student.Box().items['c']",
    )
    assert toy.grade(REFERENCE).report.score == 4
    exits = "Timer.__exit__ = lambda self, kind, error, trace: True\nBox.names = lambda self: ([], True, None)"
    assert toy.grade(wrong(exits)).passed == {"c3"}
