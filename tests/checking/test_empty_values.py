"""What is empty passes no test that an author wrote with NumPy for numbers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from grader.checking.api.cell_tests import Fixed, Several
from grader.checking.judge.values.empty_values import EmptyArray, guarded, plain

TESTS: dict[str, Callable[[Any, Any], Any]] = {
    "allclose": np.allclose,
    "allclose of the expected": lambda got, want: np.allclose(want, got),
    "isclose": lambda got, want: np.isclose(got, want).all(),
    "assert_allclose": np.testing.assert_allclose,
    "assert_array_equal": np.testing.assert_array_equal,
    "assert_array_almost_equal": np.testing.assert_array_almost_equal,
    "assert_equal": np.testing.assert_equal,
    "==": lambda got, want: (np.asanyarray(got) == want).all(),
    "!=": lambda got, want: not np.any(np.asanyarray(got) != want),
    "sum of distances": lambda got, want: np.sum(np.abs(got - np.asarray(want))) < 1e-6,
    "norm": lambda got, want: np.linalg.norm(np.asarray(want) - got) < 1e-6,
}
NOTHING = {
    "array": guarded(np.array([])),
    "list": guarded([]),
    "several": Several([]),
    "tuple": Fixed(()),
}


def passes(test: Callable[[Any, Any], Any], got: Any, want: Any) -> bool:
    try:
        outcome = test(got, want)
    except AssertionError:
        return False
    return outcome is None or bool(outcome)


@pytest.mark.parametrize("got", NOTHING.values(), ids=NOTHING)
@pytest.mark.parametrize("test", TESTS.values(), ids=TESTS)
def test_nothing_equals_no_number(test: Callable[[Any, Any], Any], got: Any) -> None:
    assert not passes(test, got, 6)
    assert not passes(test, got, 6.0)
    assert passes(test, got, np.array([]))


@pytest.mark.parametrize("test", TESTS.values(), ids=TESTS)
def test_no_rows_of_two_equal_no_two_numbers(test: Callable[[Any, Any], Any]) -> None:
    assert not passes(test, guarded(np.empty((0, 2))), np.array([3.0, 21.0]))


@pytest.mark.parametrize("test", TESTS.values(), ids=TESTS)
def test_what_is_masked_everywhere_equals_no_number(test: Callable[[Any, Any], Any]) -> None:
    assert not passes(test, guarded(np.ma.masked_all(2)), np.array([3.0, 21.0]))


def test_what_is_meant_to_be_empty_is_what_it_was() -> None:
    empty = guarded(np.empty((0, 2)))
    assert np.array_equal(empty, np.empty((0, 2)))
    assert (empty >= 0).all()
    assert (2 * empty).shape == (0, 2)
    assert np.sum(empty) == 0
    assert type(plain(empty)) is np.ndarray
    assert isinstance(guarded([[1.0], (np.array([]),)])[1][0], EmptyArray)


def test_other_sequences_are_arrays_as_before() -> None:
    assert np.allclose(Several([1, 2]), [1, 2])
    assert np.array([1, 2]) @ np.array(Several([3, 4])) == 11
    assert (np.array([1, 2]) - Fixed((1, 1))).tolist() == [0, 1]
