"""Answers of which something is free, estimates by random numbers, and tolerances as NumPy has
them.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from grader.assignment.expectations import CaseRecord
from grader.checking.api.expect import Expect
from grader.checking.api.held_values import Mode
from grader.errors import AssignmentError

VECTORS = np.linalg.qr(np.random.default_rng(0).standard_normal((4, 4)))[0]
LABELS = np.array([0, 0, 1, 2, 2, 1])
SIGNS = np.array([1.0, -1.0, 1.0, -1.0])


def judged(expected: Any, got: Any, **options: Any) -> bool:
    """Return whether `expect` takes a value, with the same options as it was recorded."""
    record = CaseRecord()
    Expect(record, Mode.RECORD)("x", expected, **options)
    return Expect(record, Mode.COMPARE)("x", got, **options)


@pytest.mark.parametrize(
    ("expected", "got", "up_to", "right"),
    [
        (VECTORS, VECTORS * SIGNS, "sign", True),
        (VECTORS, VECTORS * SIGNS[:, None], "sign", False),
        (VECTORS, VECTORS * 2, "sign", False),
        (VECTORS[0], -VECTORS[0], "sign", True),
        (VECTORS[0], (-VECTORS[0]).tolist(), "sign", True),
        (VECTORS[0], np.abs(VECTORS[0]), "sign", False),
        (LABELS, 5 - LABELS, "permutation", True),
        (LABELS, np.array([0, 0, 1, 1, 1, 1]), "permutation", False),
        (LABELS, np.array([0, 1, 1, 2, 2, 1]), "permutation", False),
        (VECTORS, VECTORS[[2, 0, 3, 1]], "permutation", True),
        (VECTORS, VECTORS[:, [2, 0, 3, 1]], "permutation", False),
        (VECTORS, VECTORS[[0, 0, 3, 1]], "permutation", False),
        (1.5, -1.5, abs, True),
        (1.5, 2.5, abs, False),
        (1.5, "text", abs, False),
    ],
)
def test_what_is_free_is_not_held_against_an_answer(
    expected: Any, got: Any, up_to: str | Callable[[Any], Any], right: bool
) -> None:
    assert judged(expected, got, up_to=up_to) is right


def test_a_word_that_names_no_freedom_is_told() -> None:
    with pytest.raises(AssignmentError, match='has to be "sign", "permutation" or a function'):
        judged(1.0, 1.0, up_to="rotation")


@pytest.mark.parametrize(
    ("expected", "got", "right"),
    [
        ([3, 1, 2], [1, 2, 3], True),
        ([3, 1, 1], [1, 3, 3], False),
        (["b", "a"], ("a", "b"), True),
        (["b", "a"], ["a", "c"], False),
        ([0.3, 0.1], np.array([0.1, 0.1 + 0.2]), True),
        ([(1, "a"), (2, "b")], [(2, "b"), (1, "a")], True),
        ([{"n": 1.0}, {"n": 2.0}], [{"n": 2.0 + 1e-9}, {"n": 1.0}], True),
        ([{"n": 1.0}, {"n": 2.0}], [{"n": 2.0}, {"n": 3.0}], False),
        (["a", "b"], {"b", "a"}, True),
        ([1, 2], [1, 2, 2], False),
        ([[1, 2], [3]], [[3], [1, 2]], True),
    ],
)
def test_an_order_may_be_free(expected: Any, got: Any, right: bool) -> None:
    record = CaseRecord()
    Expect(record, Mode.RECORD).unordered("x", expected)
    assert Expect(record, Mode.COMPARE).unordered("x", got) is right


@pytest.mark.parametrize(
    ("value", "right"),
    [
        (1.04, True),
        (0.96, True),
        (1.06, False),
        (0.94, False),
        (np.nan, False),
        ("1", False),
        (np.ones(2), False),
    ],
)
def test_an_estimate_may_be_off_either_way_by_standard_errors(value: Any, right: bool) -> None:
    expect = Expect(CaseRecord(), Mode.COMPARE)
    assert expect.quality("mean", value, near=1.0, standard_error=0.01) is right
    assert all(
        "1.0" not in one.message.replace("1.06", "")
        for one in expect.comparisons
        if isinstance(value, float)
    )


def test_estimates_may_be_several() -> None:
    expect = Expect(CaseRecord(), Mode.COMPARE)
    assert expect.quality("a", [1.0, 2.0], near=np.array([1.1, 2.0]), standard_error=0.05)
    assert not expect.quality("b", [1.0, 2.5], near=np.array([1.1, 2.0]), standard_error=0.05)
    assert "1 of 2 entries are up to 10 standard errors off" in expect.comparisons[-1].message
    with pytest.raises(AssignmentError, match="give `near` together with `standard_error`"):
        expect.quality("c", 1.0, near=1.0)


@pytest.mark.parametrize(
    ("expected", "got", "options", "right"),
    [
        ([100.0, 0.0], [100.0, 0.4], {"rtol": 0, "atol": 0.5}, True),
        ([100.0, 0.0], [100.0, 0.6], {"rtol": 0, "atol": 0.5}, False),
        ([100.0, 1.0], [100.0, 1.0005], {"rtol": 1e-6}, False),
        ([100.0, 1.0], [100.0, 1.0005], {}, True),
        ([100.0, 1.0], [100.0, 1.5], {"scaled": 0.01}, True),
        ([1e-12], [2e-12], {"rtol": 1e-3}, False),
        ([1.0], [1.0 + 2e-16], {"rtol": 0, "atol": 0}, True),
        ([1.0, np.nan], [1.0, np.nan], {}, True),
        ([1.0, np.nan], [np.nan, 1.0], {}, False),
    ],
)
def test_tolerances_are_numpys(
    expected: list[float], got: list[float], options: dict[str, float], right: bool
) -> None:
    assert judged(np.array(expected), np.array(got), **options) is right
