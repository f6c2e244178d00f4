"""What a check can ask of what stays in the box, of what a call changed, and what it may never
judge unseen.
"""

from __future__ import annotations

import re
import textwrap
from collections.abc import Callable
from pathlib import Path

import pytest
from toy import Graders, Toy, build

from grader.assignment.spec import Assignment
from grader.authoring import record
from grader.errors import AssignmentError

SPEC = """
schema = 1
name = "border"
title = "Border"
reference = "reference"

[[questions]]
id = "q"
title = "Q"

[[files]]
path = "pack/toy.py"
provides = ["Vector", "chunks", "letters", "sort", "shift", "step", "corners", "steps", "apply", "double", "draw"]
"""

REFERENCE = """
import numpy as np
import matplotlib.pyplot as plt


class Vector:
    def __init__(self, x, y):
        self.x, self.y = x, y

    def __add__(self, other):
        return Vector(self.x + other.x, self.y + other.y)

    def __eq__(self, other):
        return (self.x, self.y) == (other.x, other.y)

    def __len__(self):
        return 2

    def __enter__(self):
        return self

    def __exit__(self, *error):
        return None

    def __str__(self):
        return f"({self.x}, {self.y})"


def chunks(items, size):
    for start in range(0, len(items), size):
        yield items[start : start + size]


def letters(text):
    return set(text)


def sort(items):
    items.sort()


def shift(x):
    x += 1
    return x.sum()


def step(x, state):
    state["mean"] = 0.5 * state["mean"] + x.mean(axis=0)
    return 2 * x


def corners(x):
    return x.min(), x.max()


def steps(n):
    return np.arange(float(n))


def apply(function, x):
    return function(x)


def double(x):
    if x is None:
        raise KeyError("nothing to double")
    return 2 * x


def draw(x):
    plt.plot(x)
    plt.title("a title")
"""


def assignment(folder: Path, *bodies: str, fixtures: str = "student, expect, rng") -> Assignment:
    """Return an assignment whose checks `c0`, `c1` and so on have these bodies."""
    spec, checks = SPEC, "import numpy as np\nimport pytest\n"
    for number, body in enumerate(bodies):
        spec += f'\n[[checks]]\nid = "c{number}"\nquestion = "q"\npoints = 1\n'
        checks += (
            f'\n\ndef test_c{number}({fixtures}):\n    """C."""\n{textwrap.indent(body, "    ")}\n'
        )
    return build(folder / "assignment", spec=spec, checks=checks, reference=REFERENCE)


Recorded = Callable[..., Toy]


@pytest.fixture
def recorded(tmp_path: Path, graders: Graders) -> Recorded:
    """Return a function that gives such an assignment with what the reference answers."""

    def make(*bodies: str, fixtures: str = "student, expect, rng") -> Toy:
        made = assignment(tmp_path, *bodies, fixtures=fixtures)
        record.record(made, reseed=False, again=False, progress=lambda line: None)
        return Toy(made, tmp_path / "submissions", graders)

    return make


def with_own(definition: str) -> str:
    return f"{REFERENCE}\n\n{definition}\n"


# --- what is refused ---


def test_recording_refuses_every_judgement_of_a_handle_and_tells_all_of_them(
    tmp_path: Path,
) -> None:
    vector = "student.Vector(1, 2)"
    asked = {
        f"{vector} == {vector}": "student.operator.eq",
        f"{vector} != 3": "student.operator.ne",
        f"{vector} < {vector}": "student.operator.lt",
        f"{vector} >= 1": "student.operator.ge",
        f"bool({vector})": "student.builtins.bool",
        f"1 in {vector}": "student.operator.contains",
        f"{vector} in [1, 2]": "student.operator.eq",
        f"len({vector})": "student.builtins.len",
        f"[*{vector}] == []": "student.builtins.list",
        f"np.asarray(3) == {vector}": "student.operator.eq",
        f"{vector} + {vector}": "student.operator.add",
        f"3 @ {vector}": "student.operator.matmul",
        f"np.ones(2) * {vector}": "student.operator.mul",
        f"{vector} & 1": "student.operator.and_",
        f"-{vector}": "student.operator.neg",
        f"abs({vector})": "student.operator.abs",
        f"[1, 2][{vector}]": "student.operator.index",
        f"float({vector})": "student.builtins.float",
        f"repr({vector})": "student.builtins.repr",
        "next(student.chunks([1, 2], 1))": "student.builtins.next",
        f"len({{{vector}, {vector}}})": "student.builtins.set",
        f"np.asarray({vector})": "checks/box.py",
        f"__import__('copy').copy({vector})": "checks/box.py",
        f"{vector}.__sizeof_all__": "student.builtins.getattr",
        f"bool({vector}.__doc__)": "student.builtins.bool",
        "len(student.chunks([1, 2], 1).fetch())": "object of type generator",
    }
    made = assignment(tmp_path, *(f'expect.that("x", {one} or True, "never")' for one in asked))
    with pytest.raises(AssignmentError) as refused:
        record.record(made, reseed=False, again=False, progress=lambda line: None)
    told = str(refused.value).splitlines()
    assert len(told) == len(asked)
    for line, (one, instead) in zip(told, asked.items(), strict=True):
        assert instead in line, one
        assert re.search(r"\(test_toy\.py, line \d+\)$", line), one


def test_an_object_in_place_of_plain_data_is_the_submissions_failure(recorded: Recorded) -> None:
    toy = recorded('expect.that("x", student.double(2) == 4, "double")', "assert student.double(2)")
    graded = toy.grade(with_own("class double:\n    def __init__(self, x):\n        pass"))
    assert graded.statuses == {"c0": "fail", "c1": "fail"}
    assert graded["c0"].message == "`double` returned an object, expected plain data"


def test_what_is_not_plain_within_fetched_data_can_be_asked_on(recorded: Recorded) -> None:
    body = 'found = student.apply(student.builtins.dict, [["v", student.Vector(3, 4)]]).fetch()\n'
    toy = recorded(f'{body}expect("x", found["v"].x.fetch())')
    assert toy.grade(REFERENCE).passed == {"c0"}


def test_a_list_in_place_of_a_generator_is_asked_for_in_the_same_way(recorded: Recorded) -> None:
    toy = recorded('expect("v", student.builtins.list(student.chunks([1, 2, 3], 2)))')
    listed = "def chunks(items, size):\n    return [items[:2], items[2:]]"
    assert toy.grade(with_own(listed)).passed == {"c0"}
    assert not toy.grade(with_own(listed.replace("items[2:]", "items"))).passed


def test_an_exit_that_answers_an_array_is_the_submissions_failure(recorded: Recorded) -> None:
    with_vector = "student.Vector(1, 2)"
    toy = recorded(f"with {with_vector}:\n    pass\nexpect('v', 1)")
    empty = "Vector.__exit__ = lambda self, *error: np.zeros(0)"
    graded = toy.grade(with_own(empty))
    assert graded.statuses == {"c0": "fail"}
    assert "expected a boolean or None" in graded["c0"].message


# --- what is asked for by name ---

BY_NAME = {
    'expect("v", student.builtins.len(student.Vector(1, 2)))': "Vector.__len__ = lambda self: 3",
    'expect("v", student.builtins.str(student.Vector(1, 2)))': "Vector.__str__ = lambda self: 'v'",
    'expect("v", str(student.Vector(1, 2)))': "Vector.__str__ = lambda self: 'v'",
    'v = student.Vector(1, 2)\nexpect("v", student.operator.eq(v, student.Vector(1, 2)))': (
        "Vector.__eq__ = lambda a, b: 'yes'"
    ),
    'v = student.Vector(1, 2)\nexpect("v", student.operator.add(v, student.Vector(3, 4)).y)': (
        "Vector.__add__ = lambda a, b: a"
    ),
    'expect("v", student.apply(student.builtins.repr, student.double))': "double = 3",
    'expect("v", student.builtins.sorted(student.letters("hello")))': "letters = lambda text: set(text[1:])",
    'expect("v", student.builtins.list(student.chunks([1, 2, 3], 2)))': "def chunks(items, size):\n    yield items",
    'expect("v", student.apply(student.double, 4))': "double = lambda x: x",
    'expect("v", student.chunks.__name__)': "chunks.__name__ = 'pieces'",
    'expect("v", student.letters.__doc__)': "letters.__doc__ = 'The letters of a text.'",
}


def test_what_python_does_in_the_box_is_asked_for_by_name_and_judged(recorded: Recorded) -> None:
    toy = recorded(*BY_NAME)
    assert len(toy.grade(REFERENCE).passed) == len(BY_NAME)
    graded = toy.grade(with_own("\n".join(BY_NAME.values())))
    assert set(graded.statuses.values()) == {"fail"}


def test_a_check_is_still_about_the_students_function_that_it_called(recorded: Recorded) -> None:
    toy = recorded('expect("v", student.builtins.list(student.chunks([1, 2, 3], 2)))')
    graded = toy.grade(
        with_own("def chunks(items, size):\n    raise NotImplementedError\n    yield")
    )
    assert graded["c0"].status == "fail"


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        (
            "def chunks(items, size):\n    while True:\n        yield 1",
            "`list` returned more than fits",
        ),
        (
            "def chunks(items, size):\n    yield 1\n    raise OSError('no')",
            "`list` raised OSError: no",
        ),
        (
            "class chunks:\n    def __init__(self, items, size):\n        pass",
            "`list` raised TypeError",
        ),
        (
            "def chunks(items, size):\n    yield [1, object()]",
            "is an object of type object, expected",
        ),
        ("def chunks(items, size):\n    yield [1] * 100_000", "far more than is expected"),
    ],
)
def test_what_answers_by_name_in_the_box_is_bounded_and_told(
    recorded: Recorded, wrong: str, told: str
) -> None:
    toy = recorded('expect("v", student.builtins.list(student.chunks([1, 2], 2)))')
    graded = toy.grade(with_own(wrong))
    assert graded["c0"].status == "fail"
    assert told in graded["c0"].message


def test_a_text_that_is_none_is_the_submissions_failure(recorded: Recorded) -> None:
    toy = recorded('expect("v", str(student.Vector(1, 2)))')
    graded = toy.grade(with_own("Vector.__str__ = lambda self: 3"))
    assert "`str` raised TypeError" in graded["c0"].message


def test_a_name_that_python_has_not_is_the_authors_mistake(tmp_path: Path) -> None:
    made = assignment(tmp_path, 'expect("v", student.builtins.length(student.Vector(1, 2)))')
    with pytest.raises(AssignmentError, match="Python's `builtins` has no `length`"):
        record.record(made, reseed=False, again=False, progress=lambda line: None)


# --- kinds ---


def test_an_array_may_stand_for_a_list_or_a_tuple_and_the_other_way(recorded: Recorded) -> None:
    toy = recorded(
        'low, high = student.corners(rng.standard_normal(9))\nexpect("low", low)\nexpect("high", high)',
        'expect("steps", student.steps(4))',
        'expect("steps", student.steps(4), kind="exact")',
    )
    other = "corners = lambda x: np.quantile(x, [0, 1])\nsteps = lambda n: [*range(n)]"
    graded = toy.grade(with_own(other))
    assert graded.statuses == {"c0": "pass", "c1": "pass", "c2": "fail"}
    assert "its kind matters here" in graded["c2"].message
    assert not graded["c2"].hint
    assert toy.grade(with_own("steps = lambda n: [*range(1, n + 1)]"))["c1"].status == "fail"
    assert (
        "returned a single value, expected 2"
        in toy.grade(with_own("corners = lambda x: x"), "c0")["c0"].message
    )


# --- arguments that a call changes ---


def test_what_a_call_made_of_its_arguments_is_judged(recorded: Recorded) -> None:
    toy = recorded(
        'items = rng.integers(0, 99, 9).tolist()\nstudent.sort(items)\nexpect("items", items)',
        'state = {"mean": np.zeros(3)}\nexpect("y", student.step(rng.standard_normal((4, 3)), state))\n'
        'expect("mean", state["mean"])',
        'x = rng.standard_normal(4)\nstudent.shift(x)\nexpect("x", x)',
        'state = {"mean": np.zeros(3)}\nstudent.step(rng.standard_normal((4, 3)), state)\n'
        'expect("mean", student.after(state)["mean"])',
    )
    assert toy.grade(REFERENCE).report.score == 4
    also = "def sort(items):\n    items.sort()\n    return items"
    assert "c0" in toy.grade(with_own(also)).passed
    idle = "sort = lambda items: None\nstep = lambda x, state: 2 * x\nshift = lambda x: x.sum() + len(x)"
    assert toy.grade(with_own(idle)).report.score == 0


def test_an_array_that_a_call_returned_is_judged_as_it_came(recorded: Recorded) -> None:
    body = 'y = student.double(np.arange(3.0))\nstudent.apply(student.double, y)\nexpect("y", y)'
    toy = recorded(body)
    in_place = "def apply(function, x):\n    x *= 0\n    return x"
    assert toy.grade(with_own(in_place)).passed == {"c0"}


def test_recording_warns_of_an_argument_that_no_call_has_changed(tmp_path: Path) -> None:
    made, said = assignment(tmp_path, 'x = [1, 2]\nstudent.double(x)\nexpect("x", x)'), list[str]()
    record.record(made, reseed=False, progress=said.append)
    assert any("`x` is an argument that no call has changed" in line for line in said)


def test_changed_lists_and_dicts_are_seen_by_not_modified(recorded: Recorded) -> None:
    toy = recorded(
        'student.double([[1], {"a": (2, [3])}])\nexpect.not_modified()',
        'student.double([[1.0, float("nan")]])\nexpect.not_modified()',
    )
    changes = (
        "def double(x):\n    type(x[-1]) is dict and x[-1]['a'][1].append(4)\n    return 2 * x"
    )
    assert len(toy.grade(REFERENCE).passed) == 2
    graded = toy.grade(with_own(changes))
    assert graded.statuses == {"c0": "fail", "c1": "pass"}
    assert "`double` changed its argument 1 in place" in graded["c0"].message


# --- pytest's own ---


def test_pytests_fixtures_and_helpers_work_in_a_check(recorded: Recorded) -> None:
    toy = recorded(
        '(tmp_path / "a").write_text("2")\nexpect("y", student.double(int((tmp_path / "a").read_text())))',
        "assert student.double(0.1) == pytest.approx(0.2)",
        "with pytest.raises(KeyError, match='nothing'):\n    student.double(None)",
        'monkeypatch.setenv("A", "1")\nexpect("y", student.double(2))',
        fixtures="student, expect, tmp_path, monkeypatch",
    )
    assert toy.grade(REFERENCE).report.score == 4
    graded = toy.grade(with_own("def double(x):\n    return 3"))
    assert graded.statuses == dict.fromkeys(("c0", "c1", "c2", "c3"), "fail")
    assert "DID NOT RAISE" in graded["c2"].message


@pytest.mark.parametrize(
    ("fixture", "body", "told"),
    [
        ("capsys", "pass", "`capsys`: what a student's code prints is held by `expect.printed()`"),
        (
            "tmp_path",
            'student.double(str(tmp_path / "a"))',
            "hands a path in `tmp_path` to `double`",
        ),
    ],
)
def test_what_of_pytest_does_not_work_is_told_in_a_sentence(
    recorded: Recorded, fixture: str, body: str, told: str
) -> None:
    with pytest.raises(AssignmentError, match="the reference fails") as refused:
        recorded(body, fixtures=f"student, expect, {fixture}")
    assert told in str(refused.value)


# --- figures ---


def test_a_figure_that_is_shown_or_closed_is_still_there(recorded: Recorded) -> None:
    toy = recorded('expect.plot("figure", student.draw([1.0, 2.0]))')
    draw = "def draw(x):\n    plt.plot(x)\n    plt.title('t')\n    "
    for last in ("plt.show()", "plt.close('all')"):
        assert toy.grade(with_own(draw + last)).passed == {"c0"}, last
    assert (
        "there is no figure" in toy.grade(with_own("def draw(x):\n    plt.close()"))["c0"].message
    )
