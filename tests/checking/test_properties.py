"""Properties: inputs are drawn by the seed, what fails is made small, and nothing but the
property's fault is one.
"""

from __future__ import annotations

import inspect
import subprocess
import sys
import textwrap
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import assume
from hypothesis import strategies as st
from toy import REFERENCE, Toy, build

from grader.assignment.expectations import CaseRecord
from grader.authoring.record import record
from grader.checking import inputs
from grader.checking.api.expect import Expect
from grader.checking.api.held_values import Mode, Scene
from grader.checking.inputs import floats, integers, masks, size, token_ids
from grader.checking.judge.properties import SHRINKS, Draws, Failure, falsify, held
from grader.errors import (
    AssignmentError,
    LimitExceeded,
    NotImplementedYet,
    StudentException,
    WrongReturn,
)

USUAL = Draws("7", 60, strict=False)
X = {"x": floats("N", "D")}


def search(holds: Callable[..., object], draws: Draws = USUAL, **strategies: Any) -> Failure | None:
    return falsify(holds, strategies or X, draws)


def drawn(draws: Draws = USUAL, **strategies: Any) -> list[dict[str, Any]]:
    """Return all that is drawn for a property that holds."""
    seen: list[dict[str, Any]] = []
    assert search(lambda **one: seen.append(one), draws, **strategies) is None
    return seen


# --- inputs ---------------------------------------------------------------------------------------


def test_axes_of_one_name_have_one_size() -> None:
    seen = drawn(
        x=floats("N", "D"),
        w=floats("D", 3),
        b=floats("N", size("H", 2, 4)),
        h=floats(size("H", 2, 4)),
    )
    assert all(
        one["x"].shape[1] == one["w"].shape[0] and one["x"].shape[0] == one["b"].shape[0]
        for one in seen
    )
    assert all(one["b"].shape[1:] == one["h"].shape and 2 <= one["h"].size <= 4 for one in seen)
    assert {1, inputs.LARGEST} <= {length for one in seen for length in one["x"].shape}


def test_entries_are_of_their_kind_and_within_their_bounds() -> None:
    seen = drawn(
        x=floats("N", low=-1.0, high=2.0), f=floats(), n=integers("N", low=3, high=4), i=integers(), m=masks("N"),
        t=token_ids("N", vocabulary="V"), e=floats("V"), v=token_ids("N", vocabulary=2),
    )  # fmt: skip
    for one in seen:
        assert (one["x"].dtype, one["n"].dtype, one["m"].dtype) == (np.float64, np.int64, np.bool_)
        assert ((one["x"] >= -1) & (one["x"] <= 2)).all()
        assert isinstance(one["f"], float)
        assert isinstance(one["i"], int)
        assert set(one["n"]) <= {3, 4}
        assert (one["t"] < one["e"].size).all()
        assert set(one["v"]) <= {0, 1}


@pytest.mark.parametrize("name", ["size", "floats", "integers", "token_ids", "masks"])
def test_the_examples_of_docstrings_draw(name: str) -> None:
    code = textwrap.dedent(inspect.getdoc(getattr(inputs, name)).partition("Example:\n")[2])
    names: dict[str, Any] = dict(vars(inputs))
    known = set(names)
    exec(code, names)
    made = {name: names[name] for name in set(names) - known}
    assert len(drawn(Draws("1", 5, strict=True), **made)) == 5


def test_what_is_drawn_depends_on_the_seed_alone(tmp_path: Path) -> None:
    """Not on the modules that are loaded, whose constants hypothesis would mix in. Nothing is left
    in the folder.
    """
    code = """
        import sys
        from grader.checking.inputs import floats
        from grader.checking.judge.properties import Draws, falsify
        if "local" in sys.argv:
            import constants
        falsify(lambda x, n: print(x.tolist(), n), {"x": floats("N", "D"), "n": floats()}, Draws("5", 200, strict=True))
    """
    (tmp_path / "constants.py").write_text(f"NUMBERS = {[n / 7 for n in range(-60, 60)]}\n")
    (tmp_path / "draw.py").write_text(textwrap.dedent(code))
    told = [
        subprocess.run(
            [sys.executable, tmp_path / "draw.py", *arguments],
            cwd=tmp_path, check=True, capture_output=True, text=True,
            env={"PYTHONPATH": str(Path(inputs.__file__).parents[2]), "PYTHONDONTWRITEBYTECODE": "1"},
        ).stdout
        for arguments in ([], ["local"])
    ]  # fmt: skip
    assert told[0].count("\n") == 200
    assert told[0] == told[1]
    assert {path.name for path in tmp_path.iterdir()} == {"constants.py", "draw.py"}
    others = drawn(Draws("6", 20, strict=True))
    assert (
        repr(others)
        == repr(drawn(Draws("6", 20, strict=True)))
        != repr(drawn(Draws("8", 20, strict=True)))
    )


# --- the search -----------------------------------------------------------------------------------


def test_the_smallest_input_that_fails_is_found() -> None:
    def holds(x: Any) -> None:
        assert x.shape[0] < 3 or x.max() < 2, "too high"

    failure = search(holds)
    assert failure is not None
    assert failure.inputs["x"].tolist() == [[2.0], [0.0], [0.0]] or failure.inputs["x"].sum() == 2.0
    assert (failure.inputs["x"].shape, failure.why) == ((3, 1), "too high")


@pytest.mark.parametrize(
    ("holds", "why"),
    [
        (lambda x: False, ""),
        (lambda x: np.False_, ""),
        (
            lambda x: np.testing.assert_allclose(x, x + 1),
            "Not equal to tolerance rtol=1e-07, atol=0",
        ),
        (
            lambda x: None.shape,
            "what it is held by ends in AttributeError: 'NoneType' object has no attribute 'shape'",
        ),
    ],
)
def test_what_fails_is_told(holds: Callable[..., object], why: str) -> None:
    failure = search(holds)
    assert failure is not None
    assert failure.why == why
    assert failure.inputs["x"].tolist() == [[0.0]]


@pytest.mark.parametrize(
    "error", [StudentException("`f` raised KeyError", kinds=("KeyError",)), WrongReturn("odd")]
)
def test_what_the_students_code_does_wrong_fails(error: Exception) -> None:
    def holds(x: Any) -> None:
        raise error

    failure = search(holds)
    assert failure is not None
    assert failure.why == str(error)


@pytest.mark.parametrize(
    "error",
    [
        NotImplementedYet("f"),
        LimitExceeded("too long"),
        StudentException("`work.py` is not in the submission"),
    ],
)
def test_what_ends_a_case_ends_the_search_at_once(error: Exception) -> None:
    tries = []

    def holds(x: Any) -> None:
        tries.append(x)
        raise error

    with pytest.raises(type(error)) as caught:
        search(holds)
    assert caught.value is error
    assert len(tries) == 1


def test_a_limit_that_is_hit_while_a_failure_is_made_smaller_costs_no_more_than_that() -> None:
    failed = []

    def holds(x: Any) -> bool:
        if len(failed) == 2:
            raise LimitExceeded("too long")
        failed.extend([x] if x.max() > 1 else [])
        return bool(x.max() <= 1)

    assert search(holds) is not None
    assert len(failed) == 2


def test_only_failures_of_one_kind_are_made_smaller() -> None:
    def holds(x: Any) -> bool:
        if x.size < 4:
            raise IndexError("the check itself needs four entries")
        return bool(x.max() < 1)

    failure = search(holds, x=floats(size("N", 4, 5)) | floats(size("M", 1, 5)))
    assert failure is not None
    assert failure.kind in ("untrue", "IndexError")
    assert (failure.inputs["x"].size >= 4) == (failure.kind == "untrue")


def test_making_smaller_ends_after_some_tries() -> None:
    tries = []

    def holds(x: Any) -> bool:
        tries.append(x)
        return bool(np.sin(x.sum() * 1e4) < 0.9)

    assert search(holds, Draws("1", 200, strict=False), x=floats(40)) is not None
    assert len(tries) <= 200 + SHRINKS


def test_a_property_that_fails_now_and_then_fails() -> None:
    tries = []

    def holds(x: Any) -> bool:
        tries.append(x)
        return len(tries) != 2

    assert search(holds) is not None


def test_an_exception_of_the_property_is_the_authors_while_recording() -> None:
    with pytest.raises(ZeroDivisionError):
        search(lambda x: 1 / 0, Draws("7", 5, strict=True))


def test_inputs_that_a_property_is_not_about_are_left_out() -> None:
    def holds(x: Any) -> bool:
        assume(x.size > 1)
        return bool(x.size > 1)

    assert search(holds) is None


@pytest.mark.parametrize(
    ("strategy", "said"),
    [(st.nothing(), "can't be drawn"), (floats("N", low=2.0, high=1.0), "can't be drawn")],
)
def test_inputs_that_can_not_be_drawn_are_the_authors_mistake(strategy: Any, said: str) -> None:
    with pytest.raises(AssignmentError, match=said):
        search(lambda x: None, x=strategy)


def test_a_property_that_returns_something_else_is_the_authors_mistake() -> None:
    with pytest.raises(AssignmentError, match="returned an array of shape"):
        search(lambda x: x > 100)


def test_inputs_are_told_as_the_property_got_them() -> None:
    def holds(x: Any) -> bool:
        x += 5
        return bool((x != 5).all())

    failure = search(holds)
    assert failure is not None
    assert failure.inputs["x"].tolist() == [[0.0]]


# --- the message ----------------------------------------------------------------------------------


def test_inputs_are_shown_or_told_by_their_shapes() -> None:
    failure = Failure(
        {"x": np.array([[1.5], [0.25]]), "n": 3, "t": "a" * 300, "big": np.ones(25)},
        "",
        "off by 0.25",
    )
    assert held("p", failure, shown=True).message == (
        "`p` does not hold: off by 0.25; for instance with x: [[1.5 ], [0.25]]; n: 3; t: a string; "
        "big: an array of shape (25,), float64"
    )
    assert held("p", failure, shown=False).message == (
        "`p` does not hold: off by #; for instance with x: an array of shape (2, 1), float64; n: an integer; "
        "t: a string; big: an array of shape (25,), float64"
    )
    assert held("p", None, shown=True).ok


def test_a_property_of_no_case_can_be_held() -> None:
    expect = Expect(CaseRecord(), Mode.COMPARE, scene=Scene("7"))
    assert expect.property("positive", lambda x: bool((x**2 >= 0).all()), x=floats("N"))
    assert not expect.property(
        "increasing", lambda x: bool((np.diff(x) >= 0).all()), examples=80, x=floats("N")
    )
    assert "for instance with x: [" in expect.comparisons[1].message


# --- in an assignment -----------------------------------------------------------------------------

CHECKS = '''"""A property."""

import numpy as np

from grader.checking.inputs import floats


def test_center(student, expect):
    """The columns' means are zero."""

    def holds(x):
        print("drawn")
        y, _ = student.center(x)
        assert np.allclose(y.mean(axis=0), 0), "each column's mean should be zero"

    expect.property("zero", holds, x=floats("N", "D"))
    expect.printed()
'''
SPEC = """
schema = 1
name = "properties"
title = "Properties"
reference = "reference"
questions = [{ id = "q1", title = "Functions" }]
files = [{ path = "pack/toy.py", provides = ["center"] }]
provided = { pack = "pack" }
checks = [{ id = "center", question = "q1", points = 1 }]
"""
WRONG = "def center(x):\n    print('here')\n    return x - x.mean(), x.shape"


def toy(folder: Path, *, spec: str = SPEC, checks: str = CHECKS, hidden: bool = False) -> Toy:
    """Return a recorded assignment, by default with the public seed alone, as students have it."""
    reference = f"{REFERENCE}\n\ndef center(x):\n    print('here')\n    return x - x.mean(axis=0), x.shape\n"
    assignment = build(folder / "assignment", spec=spec, checks=checks, reference=reference)
    record(assignment, reseed=False, again=False, progress=lambda line: None)
    if not hidden:
        assignment.expectations_path("hidden").unlink()
    return Toy(assignment, folder / "submissions")


@pytest.mark.parametrize(
    ("spec", "hidden", "told"),
    [
        (SPEC, False, "x: [["),
        (SPEC, True, "x: an array of shape (1, 2), float64"),
        (
            SPEC.replace("= 1 }", '= 1, visibility = "hidden" }'),
            False,
            "x: an array of shape (1, 2), float64",
        ),
    ],
)
def test_the_example_is_shown_where_nothing_is_hidden(
    tmp_path: Path, spec: str, hidden: bool, told: str
) -> None:
    graded = toy(tmp_path, spec=spec, hidden=hidden).change(WRONG)
    assert graded["center"].status == "fail"
    message = graded["center"].cases[0].message
    assert (
        f"`zero` does not hold: each column's mean should be zero; for instance with {told}"
        in message
    )


def test_only_the_first_examples_prints_count(tmp_path: Path) -> None:
    """How many more there are depends on what fails."""
    own = toy(tmp_path)
    graded = own.change(f"{WRONG.replace('x.mean()', 'x.mean() - 1')}")
    assert [value.name for value in graded["center"].cases[0].values if not value.ok] == ["zero"]
    assert (
        own.grade(f"{REFERENCE}\n\n{WRONG.replace('here', 'there')}\n")["center"]
        .cases[0]
        .message.count("in line 1")
        == 1
    )


def test_a_reference_without_the_property_is_refused(tmp_path: Path) -> None:
    with pytest.raises(AssignmentError, match=r"the reference fails `center`.*does not hold"):
        toy(tmp_path, checks=CHECKS.replace("axis=0), 0)", "axis=1), 0)"))
