"""What check authors have besides plain comparison. The examples of its docstrings are the checks
of these tests.
"""

from __future__ import annotations

import inspect
import textwrap
from pathlib import Path

import numpy as np
import pytest
from toy import Graded, Graders, Toy, build

from grader.assignment.expectations import CaseRecord, Expectations
from grader.authoring.record import record
from grader.checking.api.expect import Expect
from grader.checking.api.held_values import Mode
from grader.checking.judge.judgements import raised
from grader.errors import AssignmentError, StudentException

METHODS = (
    "__call__", "one_of", "unordered", "printed", "raises", "not_modified", "gradient", "quality", "that", "plot",
    "property",
)  # fmt: skip
ELSEWHERE = {"picture"}  # of a notebook: see test_plots.py
IDS = [method.strip("_") for method in METHODS]

REFERENCE = '''"""Functions that the examples call."""

import numpy as np


def scale(x, factor):
    y = factor * x
    return np.where(x > 0, y, np.random.rand(*x.shape))


def root(x):
    if x < 0:
        raise ValueError("there is no root of a negative number")
    return float(np.sqrt(x))


def greet(name):
    print(f"Hello {name}")
    print("  pi is about ", np.pi)


def split(x):
    return x[:1], x[1:]


def square(x):
    return x**2


def square_gradient(x):
    return 2 * x


def accuracy(x):
    return 0.93


def plot_losses(x):
    import matplotlib.pyplot as plt

    plt.plot(x, label="loss")
    plt.xlabel("step")
    plt.ylabel("loss")
'''
FUNCTIONS = (
    "scale",
    "root",
    "greet",
    "split",
    "square",
    "square_gradient",
    "accuracy",
    "plot_losses",
)
SPEC = """
schema = 1
name = "examples"
title = "The examples of docstrings"
reference = "reference"
questions = [{{ id = "q1", title = "Examples" }}]
files = [{{ path = "pack/toy.py", provides = {functions} }}]
provided = {{ pack = "pack" }}
checks = [{checks}]
limits = {{ call_seconds = 60 }}
"""


def example(method: str) -> str:
    """Return the code of a docstring's example."""
    return textwrap.dedent(inspect.getdoc(getattr(Expect, method)).partition("Example:\n")[2])


def checks(examples: dict[str, str]) -> str:
    """Return a file of checks made of examples."""
    x = "    x = np.append(rng.standard_normal(5), 1.0)"
    tests = [
        f"def test_{id_}(student, expect, rng):\n{x}\n{textwrap.indent(code, '    ')}\n"
        for id_, code in examples.items()
    ]
    return "\n\n".join(["import numpy as np", *tests])


def toy(
    folder: Path,
    examples: dict[str, str],
    reference: str = REFERENCE,
    graders: Graders | None = None,
) -> Toy:
    """Return a recorded assignment whose checks are examples."""
    told = ", ".join(f'{{ id = "{id_}", question = "q1", points = 1 }}' for id_ in examples)
    spec = SPEC.format(functions=str(list(FUNCTIONS)).replace("'", '"'), checks=told)
    assignment = build(
        folder / "assignment", spec=spec, checks=checks(examples), reference=reference
    )
    record(assignment, reseed=False, again=False, progress=lambda line: None)
    return Toy(assignment, folder / "submissions", graders)


@pytest.fixture(scope="module")
def examples(tmp_path_factory: pytest.TempPathFactory, graders: Graders) -> Toy:
    return toy(
        tmp_path_factory.mktemp("examples"),
        {id_: example(m) for id_, m in zip(IDS, METHODS, strict=True)},
        graders=graders,
    )


def change(toy: Toy, definition: str, *only: str) -> Graded:
    return toy.grade(f"{REFERENCE}\n\n{definition}\n", *only)


def message(graded: Graded, id_: str) -> str:
    return graded[id_].cases[0].message


def test_every_method_has_an_example() -> None:
    public = {name for name in vars(Expect) if not name.startswith("_")} | {"__call__"}
    assert public == {*METHODS} | ELSEWHERE


def test_every_example_is_found() -> None:
    assert all(inspect.cleandoc(example(method)).strip() for method in METHODS)


def test_the_reference_passes_every_example(examples: Toy) -> None:
    assert examples.grade(REFERENCE).passed == set(IDS)


@pytest.mark.parametrize(
    ("id_", "definition", "said"),
    [
        ("call", "def scale(x, factor):\n    return factor * x + 1e-3", "off"),
        ("one_of", "def root(x):\n    return 3.0", "`root` is off"),
        ("printed", "def greet(name):\n    print('Hello', name)", "1 line, expected 2 lines"),
        ("printed", "def greet(name):\n    print('Bye', name)\n    print('pi is about', np.pi)", "first in line 1"),
        ("printed", "def greet(name):\n    print('Hello', name)\n    print('pi is about', 3.2)", "first in line 2"),
        ("printed", "def greet(name):\n    len(name)", "nothing was printed, expected 2 lines"),
        ("raises", "def root(x):\n    return x", "expected an exception of type ValueError, but nothing was raised"),
        ("raises", "def root(x):\n    raise KeyError(1)", "of type ValueError, but `root` raised KeyError"),
        ("not_modified", "def scale(x, factor):\n    x *= factor\n    return x", "`scale` changed its argument 1"),
        ("gradient", "def square_gradient(x):\n    return 3 * x", "6 of 6 entries are off"),
        ("quality", "def accuracy(x):\n    return 0.2", "(the share of points that are right) is 0.2"),
        ("quality", "def accuracy(x):\n    return 'much'", "is a string, expected a number of at least 0.9"),
        ("that", "def split(x):\n    return x, x, x", "returned 3 values, expected 2"),
        ("plot", "def plot_losses(x):\n    pass", "`losses`: there is no figure"),
        ("property", "def square(x):\n    return x**3", "x and -x have the same square; for instance with x: an array"),
        ("property", "def square(x):\n    return x[7]", "raised IndexError"),
    ],
)  # fmt: skip
def test_what_is_wrong_fails_with_a_sentence(
    examples: Toy, id_: str, definition: str, said: str
) -> None:
    graded = change(examples, definition, id_)
    assert graded.statuses == {id_: "fail"}
    assert said in message(graded, id_)


@pytest.mark.parametrize(
    ("id_", "definition"),
    [
        ("one_of", "def root(x):\n    return -2.0"),
        (
            "printed",
            "def greet(name):\n    print('Hello ', name, '')\n    print('pi is about 3.14159')\n    print()",
        ),
        ("raises", "class Negative(ValueError):\n    pass\n\n\ndef root(x):\n    raise Negative"),
        ("call", "def scale(x, factor):\n    return np.where(x > 0, factor * x, np.nan)"),
        ("property", "def square(x):\n    return abs(x) * abs(x)"),
    ],
)
def test_what_is_right_in_another_way_passes(examples: Toy, id_: str, definition: str) -> None:
    assert change(examples, definition, id_).passed == {id_}


@pytest.mark.parametrize(
    "id_", ["raises", "printed", "gradient", "not_modified", "plot", "property"]
)
def test_a_stub_is_not_implemented_yet(examples: Toy, id_: str) -> None:
    stubs = "\n\n".join(f"def {name}(*args):\n    raise NotImplementedError" for name in FUNCTIONS)
    graded = change(examples, stubs, id_)
    assert graded[id_].cases[0].unimplemented


def test_a_missing_file_does_not_count_as_the_exception_that_is_asked_for() -> None:
    def call() -> None:
        raise StudentException("`pack/toy.py` is not in the submission")

    with pytest.raises(StudentException):
        raised("ValueError of call", ValueError, call)


def test_a_gradient_of_two_inputs_is_held_input_by_input(tmp_path: Path) -> None:
    code = """
    upstream = rng.standard_normal(6)
    y = rng.standard_normal(6)
    expect.gradient("d", lambda a, b: student.scale(a, 1.0) * b, [x + 9, y], [upstream * y, None], upstream=upstream)
    """
    assert toy(tmp_path, {"two": inspect.cleandoc(code)}).grade(REFERENCE).passed == {"two"}


PROMISED = """
promised = None


def square(x):
    return x**2 if promised is None else promised * x


def square_gradient(x):
    global promised
    promised = 0 * x + 7.0
    return promised
"""
LINEAR = """
def square(x):
    return 7.0 * x


def square_gradient(x):
    return 0 * x + 7.0
"""


@pytest.mark.parametrize("lie", [PROMISED, LINEAR], ids=["remembered", "without memory"])
def test_slopes_made_to_fit_a_wrong_gradient_earn_nothing(examples: Toy, lie: str) -> None:
    assert "6 of 6 entries are off" in message(change(examples, lie, "gradient"), "gradient")


def test_a_submission_is_not_asked_for_the_slopes_that_its_gradient_is_held_against(
    examples: Toy,
) -> None:
    broken = "def square(x):\n    raise OSError('asked')"
    assert change(examples, broken, "gradient").passed == {"gradient"}


def test_a_reference_whose_gradient_is_not_that_of_its_function_is_refused(tmp_path: Path) -> None:
    code = "expect.gradient('dx', lambda x: student.square(x), [x], [3 * x])"
    with pytest.raises(AssignmentError, match=r"the reference fails `wrong`.*entries are off"):
        toy(tmp_path, {"wrong": code})


def test_a_reference_that_does_not_raise_is_refused(tmp_path: Path) -> None:
    with pytest.raises(AssignmentError, match=r"the reference fails `raises`.*nothing was raised"):
        toy(tmp_path, {"raises": "expect.raises(ValueError, student.root, 1.0)"})


def test_the_calls_of_numerical_differentiation_are_not_recorded(examples: Toy) -> None:
    stored = Expectations.read(examples.assignment.expectations_path("public"))
    assert [call.function for call in stored.cases["gradient", "all"].calls] == ["square_gradient"]
    first_example = stored.cases["property", "all"].calls
    assert [call.function for call in first_example] == ["square", "square"]
    assert [call.function for call in stored.cases["plot", "all"].calls] == ["plot_losses"]


def test_a_mask_must_hold_booleans() -> None:
    expect = Expect(CaseRecord(), Mode.RECORD)
    with pytest.raises(AssignmentError, match="`x` holds int64, expected booleans"):
        expect("x", np.ones(3), where=np.ones(3, dtype=np.int64))


def test_quality_needs_a_bound() -> None:
    with pytest.raises(AssignmentError, match="held against no bound"):
        Expect(CaseRecord(), Mode.RECORD).quality("x", 1.0)


def test_a_function_may_be_asked_to_raise_more_than_once(tmp_path: Path) -> None:
    code = "expect.raises(ValueError, student.root, -1.0)\nexpect.raises(ValueError, student.root, -2.0)"
    graded = toy(tmp_path, {"twice": code}).grade(REFERENCE)
    names = [value.name for value in graded["twice"].cases[0].values]
    assert names == ["ValueError of root", "ValueError of root (2)"]


def test_what_stands_in_containers_is_brought_over(tmp_path: Path) -> None:
    def returning(nested: str) -> str:
        return f"{REFERENCE}\n\ndef split(x):\n    return {nested}\n"

    right = "[(x[0], 1j), {'rest': [x[1:], [2, None]]}]"
    assignment = toy(tmp_path, {"nested": "expect('nested', student.split(x))"}, returning(right))
    assert assignment.grade(returning(right)).passed == {"nested"}
    wrong = assignment.grade(returning(right.replace("[2,", "[3,")))
    assert message(wrong, "nested") == "`nested[1][rest][1][0]` is off"
