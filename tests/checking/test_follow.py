"""Follow-through: what explains wrong values, and what could be had without doing anything."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from grader.checking.diagnosis import Mistake
from grader.checking.expect import Got
from grader.checking.follow import Attempt, Own, Recipe, costing_once, says_something
from grader.checking.student import Call
from grader.checking.verdict import CheckOutcome
from grader.model import CaseResult, Status

X = np.arange(6.0).reshape(2, 3)
SAME_CODE = (Recipe("later", ("earlier",), False, None),)


def attempt(**got: Any) -> Attempt:
    return Attempt([Call("step", (X,), {})], {}, {name: Got(value, ()) for name, value in got.items()})


def failed(id_: str, hint: str, *follows: str) -> CheckOutcome:
    cases = [CaseResult("right", Status.PASS), CaseResult("wrong", Status.FAIL, "off", follows=follows)]
    return CheckOutcome(id_, id_, cases, Mistake(hint, hint))


def agrees(**expected: Any) -> bool:
    own = Own(attempt(**expected))
    own.values(expected)
    return own.agrees(set(expected))


def test_values_that_are_the_recipes_are_explained() -> None:
    own = Own(attempt(a=X + 1, b=X * 2))
    own.value("a", X + 1)
    assert own.agrees({"a"})
    assert not own.agrees({"a", "b"})  # the other is wrong, too, and no recipe gives it
    own.value("b", X)
    assert not own.agrees({"a", "b"})


def test_one_empty_value_among_several_does_not_spoil_a_case() -> None:
    assert agrees(dx=X + 1, dW=X * 2, db=np.zeros(3))


def test_values_most_of_which_are_empty_explain_nothing() -> None:
    assert not agrees(dx=X + 1, dW=np.zeros((3, 3)), db=np.zeros(3))
    assert not agrees(dx=X + 1, db=np.zeros(3))


@pytest.mark.parametrize(
    ("value", "something"),
    [
        (X * 2, True),
        (np.zeros((2, 3)), False),
        (np.full((2, 3), 0.5), False),
        (np.full((2, 3), np.nan), False),
        (np.repeat(X[:, None], 4, axis=1), False),
        (np.array([[7, 7, 7]]), True),  # words: one may well come again and again
        (np.array([[0, 0]]), False),
        (np.array([[0.5]]), True),
        (1.5, True),
        (0.0, False),
    ],
)
def test_one_number_throughout_and_what_was_given_say_nothing(value: Any, something: bool) -> None:
    assert says_something(value, [X]) is something


def test_first_choice_that_is_what_was_got_is_taken() -> None:
    own = Own(attempt(a=X + 1))
    own.one_of([{"a": X}, {"a": X + 1}])
    assert own.agrees({"a"})
    with pytest.raises(ValueError, match="none of the choices"):
        own.one_of([{"a": X}])


def test_same_known_mistake_in_the_same_code_costs_once() -> None:
    right, wrong = costing_once(failed("later", "mask"), SAME_CODE, [failed("earlier", "mask")])
    assert right.follows == ()
    assert wrong.follows == ("earlier",)


def test_another_mistake_or_other_code_costs_again() -> None:
    later = failed("later", "mask")
    assert costing_once(later, SAME_CODE, [failed("earlier", "shift")]) == later.cases
    assert costing_once(later, SAME_CODE, [failed("another", "mask")]) == later.cases
    assert costing_once(failed("later", ""), SAME_CODE, [failed("earlier", "")])[1].follows == ()


def test_what_follows_goes_back_to_its_root() -> None:
    assert failed("earlier", "mask", "root").roots == ("root",)
    assert failed("earlier", "mask").roots == ("earlier",)
