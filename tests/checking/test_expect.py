"""`expect`: what is recorded is what is compared with, and what could never be compared is refused
at once.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from grader.assignment.expectations import CaseRecord
from grader.checking.api.expect import Expect
from grader.checking.api.held_values import Mode
from grader.errors import AssignmentError
from grader.model import Tolerance
from grader.sandbox.wire import Ref


def recorded(value: Any, **tolerance: float) -> Expect:
    """Return the comparing twin of an `expect` that recorded one value."""
    record = CaseRecord()
    assert Expect(record, Mode.RECORD)("x", value, **tolerance)
    return Expect(record, Mode.COMPARE)


@pytest.mark.parametrize(
    "value",
    [
        np.arange(3),
        1.5,
        True,
        "text",
        np.str_("text"),
        None,
        [1, "a"],
        {"W": np.ones(2), "deep": {"b": (1, 2.0)}},
    ],
)
def test_recorded_value_passes_for_itself(value: Any) -> None:
    expect = recorded(value)
    assert expect("x", value)
    assert all(comparison.ok for comparison in expect.comparisons)


def test_wrong_value_is_returned_and_kept_for_the_report() -> None:
    expect = recorded(np.ones(2))
    assert not expect("x", np.zeros(2))
    assert [comparison.ok for comparison in expect.comparisons] == [False]


def test_tolerance_is_the_recorded_one() -> None:
    assert recorded(100.0, rtol=0.5)("x", 60.0, rtol=0.0)
    assert not recorded(100.0, rtol=1e-9, atol=0.0)("x", 100.001, rtol=1.0)
    assert recorded(1.0).record.values["x"][1] == Tolerance()


@pytest.mark.parametrize(
    ("value", "why"),
    [
        (Ref(1, "cs231n.Model"), "an object of type cs231n.Model and can't be recorded"),
        ([1, [Ref(1, "Cache")]], "an object of type Cache"),
        (np.array([None]), "can't be recorded"),
        (np.float32, "can't be recorded"),
        ({Ref(1, "Cache"): 1.0}, "an object of type Cache"),
    ],
)
def test_what_could_never_be_compared_is_refused(value: Any, why: str) -> None:
    with pytest.raises(AssignmentError, match=why):
        Expect(CaseRecord(), Mode.RECORD)("x", value)


def test_name_that_was_not_recorded_is_the_authors_fault() -> None:
    with pytest.raises(AssignmentError, match="run `grader record`"):
        recorded(1.0)("y", 1.0)


def test_name_used_twice_is_the_authors_fault() -> None:
    expect = recorded(1.0)
    expect("x", 1.0)
    with pytest.raises(AssignmentError, match="twice in one case"):
        expect.that("x", True, "")


@pytest.mark.parametrize(
    ("value", "ok"),
    [
        (0.85, True),
        (1, True),
        (np.float32(0.9), True),
        (np.array(0.9), True),
        (0.5, False),
        (1.2, False),
    ],
)
def test_quality_holds_a_number_against_bounds(value: Any, ok: bool) -> None:
    assert (
        Expect(CaseRecord(), Mode.COMPARE).quality("share", value, at_least=0.85, at_most=1.0) is ok
    )


@pytest.mark.parametrize(
    "value", [float("nan"), "high", None, True, np.ones(1), [0.9], 1j, Ref(1, "Number")]
)
def test_what_is_no_number_has_no_quality(value: Any) -> None:
    expect = Expect(CaseRecord(), Mode.COMPARE)
    assert not expect.quality("share", value, at_least=0.0)
    assert "`share`" in expect.comparisons[0].message


def test_quality_says_what_the_number_is() -> None:
    expect = Expect(CaseRecord(), Mode.COMPARE)
    expect.quality("loss", 3.14159, at_most=1.0, what="the mean of the last losses")
    (comparison,) = expect.comparisons
    assert (
        comparison.message
        == "`loss` (the mean of the last losses) is 3.14, expected a number of at most 1"
    )


def test_that_keeps_its_sentence_where_the_condition_does_not_hold() -> None:
    expect = Expect(CaseRecord(), Mode.COMPARE)
    assert expect.that("a", True, "never read")
    assert not expect.that("b", False, "the first column holds <START>")
    assert [comparison.message for comparison in expect.comparisons] == [
        "",
        "the first column holds <START>",
    ]


def test_an_answer_far_too_large_is_judged_and_let_go() -> None:
    record = CaseRecord(values={"y": (np.ones(3), Tolerance()), "z": (np.ones(3), Tolerance())})
    expect = Expect(record, Mode.COMPARE)
    assert not expect("y", np.zeros(1 << 20))
    assert not expect("z", np.zeros(3))
    assert list(expect.got) == ["z"]
