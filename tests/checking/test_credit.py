"""Credit: the values of a case share its points, and what could be had for nothing earns nothing."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from grader.assignment.expectations import CaseRecord
from grader.checking.judge.compare import compare
from grader.checking.judge.credit import Credit, credit, says_something, share
from grader.model import Comparison, Tolerance

X = np.arange(6.0).reshape(2, 3)


def run(expected: dict[str, Any], got: dict[str, Any], *conditions: bool) -> Credit:
    """Credit a run of a case that got these values, the others being missing, and holds these
    conditions or not.
    """
    record = CaseRecord(values={name: (value, Tolerance()) for name, value in expected.items()})
    found = [
        one
        for name, value in got.items()
        for one in compare(name, expected[name], value, Tolerance())
    ]
    found += [Comparison(f"condition {number}", ok) for number, ok in enumerate(conditions)]
    return credit(record, found, [X])


def test_values_share_the_points_of_a_case() -> None:
    expected = {name: X + number for number, name in enumerate(("dx", "dh", "dWx", "dWh", "db"), 7)}
    assert share([run(expected, {**expected, "db": X})]) == 0.8


def test_the_entries_of_a_dict_count_like_values() -> None:
    expected = {"loss": 2.5, "grads": {"W": X + 1, "b": X + 2, "c": X + 3}}
    assert share([run(expected, {"loss": 2.5, "grads": {"W": X + 1, "b": X}})]) == 0.5


def test_what_a_case_did_not_get_to_is_wrong() -> None:
    assert share([run({"a": X + 9, "b": X + 8}, {"a": X + 9})]) == 0.5
    assert share([run({"a": X + 9}, {})]) == 0


def test_runs_add_up_value_by_value() -> None:
    expected = {"a": X + 9, "b": X + 8, "c": X + 7}
    first, second = run(expected, {"a": X + 9}, False), run(expected, {"b": X + 8}, True)
    assert share([first, second]) == pytest.approx(2 / 3)


def test_a_condition_that_holds_earns_nothing_and_one_that_does_not_is_a_wrong_value() -> None:
    assert share([run({"a": X + 9}, {"a": X}, True, True)]) == 0
    assert share([run({"a": X + 9}, {"a": X + 9}, False, True)]) == 0.5
    assert share([run({}, {}, True, False)]) == 0


def test_what_could_be_had_for_nothing_is_left_out() -> None:
    expected = {"dx": X + 9, "dW": X * 2.5, "zero": np.zeros(3), "given": X.copy()}
    assert share([run(expected, {"zero": np.zeros(3), "given": X})]) == 0
    assert share([run(expected, {"dx": X + 9})]) == 0.5


@pytest.mark.parametrize(
    ("value", "something"),
    [
        (X * 2, True),
        (np.zeros((2, 3)), False),
        (np.full((2, 3), 0.5), False),
        (np.repeat(X[:, None], 4, axis=1), False),
        (np.array([[7, 7, 7]]), True),  # words: one may well come again and again
        (np.array([[0, 0]]), False),
        (np.array([[0.5]]), True),
        (1.5, True),
        (0.0, False),
        ("a word", True),
        (None, False),
    ],
)
def test_one_number_throughout_and_what_was_given_say_nothing(value: Any, something: bool) -> None:
    assert says_something(value, [X]) is something
