"""Parts of a sum: those with a wrong factor are named, and nothing is said of what is no such sum."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from grader.assignment.expectations import CaseRecord
from grader.checking.explain.evidence import Evidence
from grader.checking.explain.shared_symptoms import told
from grader.checking.judge.got import Got
from grader.model import Tolerance

SIZES = {
    "N=4": (4, 5, 6, 1),
    "N=3": (3, 7, 4, 1),
    "N=1": (1, 3, 5, 1),
    "H=1": (2, 3, 1, 1),
    "large": (3, 4, 5, 30),
}
CALLED = [
    f"the {which} argument of `f`" for which in ("first", "second", "third", "fourth", "fifth")
]
Sum = Callable[[Any, Any, Any, Any, Any], Any]


def right(x: Any, h: Any, Wx: Any, Wh: Any, b: Any) -> Any:
    return x @ Wx + h @ Wh + b


def logistic(x: np.ndarray) -> np.ndarray:
    return np.asarray(1 / (1 + np.exp(-x)))


def hint(
    own: Sum, function: Callable[[Any], Any] = np.tanh, instead: Callable[[Any], Any] | None = None
) -> str:
    """Return what is told of a function of a sum that is not the right one."""
    rng = np.random.default_rng(3)
    evidence = []
    for name, (N, D, H, scale) in SIZES.items():
        shapes = ((N, D), (N, H), (D, H), (H, H), (H,))
        arrays = [rng.standard_normal(shape) for shape in shapes]
        arrays[0] *= scale
        want, have = function(right(*arrays)), (instead or function)(own(*arrays))
        record = CaseRecord({"y": (want, Tolerance())})
        passed = want.shape == have.shape and bool(np.allclose(want, have))
        evidence.append(Evidence(name, {"y": Got(have, ())}, record, passed, arrays, "", CALLED))
    return told(evidence)


INPUT = "the matrix product of the first argument and the third argument of `f`"
STATE = "the matrix product of the second argument and the fourth argument of `f`"
BIAS = "the fifth argument of `f`"
WRONG: dict[str, tuple[Sum, str]] = {
    "input doubled": (lambda x, h, Wx, Wh, b: 2 * x @ Wx + h @ Wh + b, f"{INPUT} has too large a"),
    "state halved": (lambda x, h, Wx, Wh, b: x @ Wx + h @ Wh / 2 + b, f"{STATE} has too small a"),
    "bias twice": (lambda x, h, Wx, Wh, b: x @ Wx + h @ Wh + 2 * b, f"{BIAS} has too large a"),
    "bias subtracted": (lambda x, h, Wx, Wh, b: x @ Wx + h @ Wh - b, f"{BIAS} has the opposite"),
    "bias forgotten": (lambda x, h, Wx, Wh, b: x @ Wx + h @ Wh, f"{BIAS} is not in it"),
    "state subtracted": (
        lambda x, h, Wx, Wh, b: x @ Wx - 3 * h @ Wh + b,
        "sign and another factor",
    ),
    "state itself added": (
        lambda x, h, Wx, Wh, b: x @ Wx + h @ Wh + b + h,
        "the second argument of `f` is in it and should not be",
    ),
    "mean of two": (
        lambda x, h, Wx, Wh, b: (x @ Wx + h @ Wh) / 2 + b,
        f"{INPUT} has too small a factor and {STATE} has too small a factor",
    ),
}


@pytest.mark.parametrize("name", WRONG)
@pytest.mark.parametrize("function", [np.tanh, logistic])
def test_part_with_a_wrong_factor_is_named(name: str, function: Callable[[Any], Any]) -> None:
    own, sentence = WRONG[name]
    assert hint(own, function).startswith("`y` goes wrong in the sum that it is made of: ")
    assert sentence in hint(own, function)


@pytest.mark.parametrize("name", ["input doubled", "state halved", "mean of two"])
def test_sum_that_no_function_is_applied_to_is_taken_apart_too(name: str) -> None:
    own, sentence = WRONG[name]
    assert sentence in hint(own, lambda x: x)


NEITHER: dict[str, Sum] = {
    "a product": lambda x, h, Wx, Wh, b: (x @ Wx) * (h @ Wh) + b,
    "weights transposed": lambda x, h, Wx, Wh, b: x @ Wx + h @ Wh.T + b,
    "nearly right": lambda x, h, Wx, Wh, b: x @ Wx + h @ Wh + b + 1e-4 * np.sin(x @ Wx),
    "the other way round": lambda x, h, Wx, Wh, b: -(x @ Wx + h @ Wh + b),
    "right": right,
    "zero": lambda x, h, Wx, Wh, b: 0 * (h + b),
    "not a number": lambda x, h, Wx, Wh, b: np.nan * (h + b),
    "another shape": lambda x, h, Wx, Wh, b: (2 * x @ Wx + h @ Wh + b)[..., np.newaxis],
}


@pytest.mark.parametrize("name", NEITHER)
@pytest.mark.parametrize("function", [np.tanh, logistic, lambda x: x])
def test_nothing_is_said_of_what_is_no_such_sum(name: str, function: Callable[[Any], Any]) -> None:
    assert "in the sum" not in hint(NEITHER[name], function)
    assert "right sum" not in hint(NEITHER[name], function)


@pytest.mark.parametrize(("factor", "how"), [(2, "large"), (0.5, "small")])
def test_sum_that_is_a_multiple_is_told(factor: float, how: str) -> None:
    def multiple(*arrays: Any) -> Any:
        return factor * right(*arrays)

    assert (
        hint(multiple) == f"`y` is made of the right sum, but all of that has too {how} a factor."
    )
    assert "factor everywhere" in hint(multiple, lambda x: x)


@pytest.mark.parametrize(
    ("function", "other", "called"),
    [
        (np.tanh, lambda x: x, "nothing is"),
        (np.tanh, logistic, "the logistic function is"),
        (np.tanh, np.sin, "the sine is"),
        (np.tanh, lambda x: np.maximum(x, 0), "a ReLU is"),
        (logistic, np.tanh, "tanh is"),
    ],
    ids=["nothing", "logistic", "sine", "relu", "tanh"],
)
def test_function_in_the_place_of_another_is_named(function: Any, other: Any, called: str) -> None:
    said = hint(right, function, other)
    assert said.startswith(f"`y` comes from the right sum, but {called} applied to it. ")


def test_function_that_is_applied_twice_is_named() -> None:
    assert "tanh is applied to it twice." in hint(right, np.tanh, lambda x: np.tanh(np.tanh(x)))


def test_entries_that_no_sum_gives_are_not_passed_over() -> None:
    def cut(x: Any) -> Any:
        return np.where(x > 2, 5.0, np.tanh(x))

    doubled, _ = WRONG["input doubled"]
    assert "sum" not in hint(right, np.tanh, cut)
    assert "sum" not in hint(doubled, np.tanh, cut)


def test_wrong_part_under_another_function_is_not_named() -> None:
    doubled, _ = WRONG["input doubled"]
    assert "sum" not in hint(doubled, np.tanh, logistic)


def test_too_few_entries_say_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    few = {name: SIZES[name] for name in ("N=1", "H=1")}
    monkeypatch.setattr("test_sums.SIZES", few)
    doubled, _ = WRONG["input doubled"]
    assert "sum" not in hint(doubled)
