"""Comparing: right values pass, wrong ones are told apart in words, and no expected number gets
out.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from fractions import Fraction
from typing import Any

import msgspec
import numpy as np
import pandas as pd
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from grader.checking.judge.compare import compare, in_kind
from grader.model import Comparison, Scatter, Tolerance
from grader.sandbox.wire import Ref

NORMAL = Tolerance()
dtypes = st.one_of(
    hnp.boolean_dtypes(), hnp.integer_dtypes(), hnp.unsigned_integer_dtypes(), hnp.floating_dtypes(),
    hnp.complex_number_dtypes(), hnp.unicode_string_dtypes(max_len=3), hnp.byte_string_dtypes(max_len=3),
    st.just(np.dtype("g")),
)  # fmt: skip
shapes = hnp.array_shapes(min_dims=0, min_side=0, max_dims=3, max_side=3)
arrays = hnp.arrays(dtypes, shapes)
leaves = st.one_of(
    arrays, arrays.map(lambda array: array.flat[:1].copy()), st.none(), st.booleans(), st.integers(), st.floats(),
    st.text(max_size=5), st.builds(Ref, st.integers(), st.text()), st.just(np.float32),
    hnp.arrays(dtypes, ()).map(lambda array: array[()]),
)  # fmt: skip
anything = st.recursive(
    leaves,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.lists(inner, max_size=3).map(tuple)
        | st.dictionaries(st.sampled_from("abc"), inner)
    ),
    max_leaves=5,
)
recordable = st.recursive(
    hnp.arrays(st.sampled_from([np.int64, np.bool_]), shapes)
    | hnp.arrays(
        st.sampled_from([np.float64, np.complex128]), shapes, elements=st.floats(allow_nan=False)
    )
    | st.floats(allow_nan=False)
    | st.integers(-(1 << 62), 1 << 62)
    | st.text(max_size=5)
    | st.none(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("abc"), inner),
    max_leaves=4,
)


def one(expected: Any, got: Any, tolerance: Tolerance = NORMAL) -> Comparison:
    """Compare what gives a single result."""
    (comparison,) = compare("x", expected, got, tolerance)
    return comparison


# --- for every value ---


@given(recordable, anything)
@example(np.ones(2), np.array([1, np.finfo("g").max], "g"))
@example(np.full(3, np.finfo("d").max), np.full(3, -np.finfo("d").max))
@example(np.array([np.inf, 1.0]), np.array([np.inf, np.nan]))
@example(7, 1 << 200)
@example(np.full(20, np.inf), np.zeros(20))
def test_comparing_never_raises(expected: Any, got: Any) -> None:
    for comparison in compare("x", expected, got, NORMAL, gradient=True):
        assert comparison.ok == (not comparison.message)
        assert (
            msgspec.json.decode(msgspec.json.encode(comparison), type=Comparison).name
            == comparison.name
        )


@given(recordable)
def test_value_equals_itself(value: Any) -> None:
    assert all(comparison.ok for comparison in compare("x", value, value, NORMAL))


def digits(text: str) -> set[str]:
    """Return the mantissas of the fractional numbers in a text that have four significant digits or
    more.
    """
    found = re.findall(r"\d+\.\d+", text)
    return {
        mantissa for number in found if len(mantissa := number.replace(".", "").strip("0")) >= 4
    }


expectations = hnp.arrays(
    np.float64, st.tuples(st.integers(1, 4)), elements=st.floats(-1e6, 1e6).filter(bool)
)


@given(expectations, st.sampled_from([0.0, 1.0, -1.0, 1e-9, 1e300, np.inf, np.nan]), st.booleans())
def test_no_field_holds_an_expected_number(
    expected: np.ndarray, answer: float, single: bool
) -> None:
    """A difference from an answer that is known would be the expected number itself, so it is told
    to two digits.
    """
    want, got = (
        (expected[0], np.float64(answer)) if single else (expected, np.full(expected.shape, answer))
    )
    for comparison in compare("x", want, got, NORMAL):
        assert digits(repr(comparison)) == set()


# --- right answers of many kinds ---


@pytest.mark.parametrize(
    "got",
    [
        np.array([[1.0, 2.0], [3.0, 4.0]]),
        np.array([[1.0, 2.0], [3.0, 4.0]], dtype=np.float32),
        np.array([[1.0, 2.0], [3.0, 4.0]], dtype=">f8"),
        np.array([[1.0, 2.0], [3.0, 4.0]], order="F"),
        np.array([[1.0, 2.0], [3.0, 4.0]], dtype="g"),
        np.array([[1.0, 2.0], [3.0, 4.0]]) * (1 + 5e-5),
    ],
    ids=["same", "float32", "big-endian", "fortran", "long double", "within tolerance"],
)
def test_right_numbers_pass(got: np.ndarray) -> None:
    assert one(np.array([[1.0, 2.0], [3.0, 4.0]]), got).ok


@pytest.mark.parametrize("got", [2.5, np.float32(2.5), np.array(2.5)])
def test_right_scalar_passes(got: Any) -> None:
    assert one(np.float64(2.5), got).ok


def test_sum_that_nearly_cancels_is_judged_by_the_largest_entry() -> None:
    assert one(np.array([1.0, 1e-9]), np.array([1.0, 8e-6])).ok
    assert not one(np.array([1.0, 1e-9]), np.array([1.0, 2e-5])).ok


@pytest.mark.parametrize("dtype", [np.int8, np.uint64, np.int32])
def test_integers_of_any_width_pass(dtype: type) -> None:
    assert one(np.array([3, 1]), np.array([3, 1], dtype=dtype)).ok


# --- wrong answers, in words ---


@pytest.mark.parametrize(
    ("got", "message"),
    [
        (np.ones((3, 1)), "`x` has shape (3, 1), expected (3,)"),
        (np.ones((1, 3)), "`x` has shape (1, 3), expected (3,)"),
        (np.float64(1), "`x` has shape (), expected (3,)"),
        (np.full(3, 9, dtype=int), "`x` holds integers, expected floats"),
        (np.ones(3, dtype=bool), "`x` holds booleans, expected floats"),
        (np.ones(3, dtype=complex), "`x` holds complex numbers, expected floats"),
        (np.array(["a", "b", "c"]), "`x` holds text, expected floats"),
        (None, "`x` is None, expected an array of shape (3,), float64"),
        ([1.0, 1.0, [1.0]], "`x` is a list of 3 entries, expected an array of shape (3,), float64"),
        (
            ["1.0", "1.0", "1.0"],
            "`x` is a list of 3 entries, expected an array of shape (3,), float64",
        ),
        ([1.0, 1.0], "`x` has shape (2,), expected (3,)"),
        ("ones", "`x` is a string, expected an array of shape (3,), float64"),
        (
            Ref(1, "cs231n.Cache"),
            "`x` is an object of type cs231n.Cache, expected an array of shape (3,), float64",
        ),
        (np.array([1, np.nan, np.nan]), "`x` has 2 NaN of 3 entries, first at [1]"),
        (np.array([1, np.inf, np.nan]), "`x` has 1 NaN and 1 infinite of 3 entries, first at [1]"),
        (
            np.array([1, 1, 2.0]),
            "`x` has the right shape (3,), but 1 of 3 entries are off: "
            "largest relative error 0.5, absolute 1, first at [2]",
        ),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_wrong_answer_is_told_apart(got: Any, message: str) -> None:
    comparison = one(np.ones(3), got)
    assert not comparison.ok
    assert comparison.message == message


@pytest.mark.parametrize(
    ("expected", "got", "message"),
    [
        (2.5, np.ones(1), "`x` has shape (1,), expected ()"),
        (2.5, np.nan, "`x` has the right shape, but is NaN"),
        (2.0, 1.0, "`x` is off: largest relative error 0.5, absolute 1"),
        (2.5, 2, "`x` holds integers, expected floats"),
        (1, True, "`x` holds booleans, expected integers"),
        (
            np.array([1, 2]),
            np.array([1, 3]),
            "`x` has the right shape (2,), but 1 of 2 entries are off, first at [1]",
        ),
        ("red", "blue", "`x` is a string that differs from what is expected (a string)"),
        (None, 0, "`x` is an integer that differs from what is expected (None)"),
        ([1, 2], [1], "`x` has 1 entry, expected 2"),
        ([1, 2], 3, "`x` is an integer, expected a list of 2 entries"),
        ({"a": 1}, [1], "`x` is a list of 1 entry, expected a dict"),
    ],
)
def test_wrong_value_is_told_apart(expected: Any, got: Any, message: str) -> None:
    assert one(expected, got).message == message


def test_dict_is_compared_key_by_key() -> None:
    found = compare(
        "grads",
        {"W": np.ones(2), "b": 1.0, "c": 2.0},
        {"W": np.ones(2), "b": 2.0, "more": 0},
        NORMAL,
    )
    assert [(comparison.name, comparison.ok) for comparison in found] == [
        *(("grads", False), ("grads[W]", True), ("grads[b]", False)),
    ]
    assert found[0].message == "`grads` lacks `c`"


def test_where_lists_the_first_few_wrong_places() -> None:
    comparison = one(np.zeros((2, 4)) + 1, np.zeros((2, 4)))
    assert comparison.where == ((0, 0), (0, 1), (0, 2), (0, 3), (1, 0))
    assert (comparison.wrong, comparison.total) == (8, 8)


def test_tolerance_of_zero_still_allows_rounding() -> None:
    assert one(np.array([0.1 + 0.2]), np.array([0.3]), Tolerance(0, 0, 0)).ok


# --- the picture of a gradient ---


def drawn(expected: np.ndarray, got: np.ndarray) -> Scatter | None:
    (comparison,) = compare("dx", expected, got, NORMAL, gradient=True)
    assert not comparison.ok
    return comparison.scatter


def test_wrong_gradient_is_counted_on_a_grid_of_both() -> None:
    expected = np.linspace(0.0, 1.0, 24)
    scatter = drawn(expected, expected / 2)
    assert scatter is not None
    assert sum(map(sum, scatter.counts)) == 24
    assert all(sum(row[: len(row) // 2]) == sum(row) for row in scatter.counts[:-1])


@pytest.mark.parametrize(
    ("expected", "got"),
    [
        (np.ones(5), np.zeros(5)),  # too few for a picture
        (np.arange(30.0), np.full(30, np.nan)),
        (np.full(30, np.inf), np.zeros(30)),
        (np.arange(30.0), np.full(30, np.finfo(np.longdouble).max)),
        (np.full(30, 1e308), np.full(30, -1e308)),
        (np.ones(30, dtype=np.complex128), np.zeros(30, dtype=np.complex128)),
        (np.ones(30, dtype=np.bool_), np.zeros(30, dtype=np.bool_)),
    ],
)
def test_what_makes_no_picture_has_none(expected: np.ndarray, got: np.ndarray) -> None:
    assert drawn(expected, got) is None


def test_a_right_gradient_has_no_picture() -> None:
    (comparison,) = compare("dx", np.arange(30.0), np.arange(30.0), NORMAL, gradient=True)
    assert comparison.scatter is None


def test_small_numbers_are_no_rounding_where_no_absolute_error_is_allowed() -> None:
    boltzmann = 1.380649e-23 * np.arange(1, 6)
    assert one(boltzmann, boltzmann * (1 + 1e-9), Tolerance(1e-6, 0, 0)).ok
    assert not one(boltzmann, np.zeros(5), Tolerance(1e-6, 0, 0)).ok


# --- integers in place of floats ---


@pytest.mark.parametrize(
    ("expected", "got", "right"),
    [
        (np.arange(3.0), np.arange(3), True),
        (2.0, 2, True),
        (2.0, np.int8(2), True),
        ({"a": [2.0, np.arange(2.0)]}, {"a": (2, np.arange(2))}, True),
        (np.full(2, 1e300), np.full(2, 10), False),
        (np.ones(2), np.ones(2, dtype=bool), False),
        (np.arange(3.0), np.arange(3).reshape(3, 1), False),
    ],
)
def test_integers_are_right_if_they_are_the_floats_that_are_expected(
    expected: Any, got: Any, right: bool
) -> None:
    assert all(comparison.ok for comparison in compare("x", expected, got, Tolerance())) is right
    assert not all(
        comparison.ok for comparison in compare("x", expected, got, Tolerance(), floats=True)
    )


# --- kinds of containers ---


def test_the_message_names_the_part_whose_kind_is_another() -> None:
    want, have = {"a": [{1, 2}, 3]}, {"a": [frozenset({1, 2}), 3]}
    assert all(one.ok for one in compare("x", want, have, Tolerance()))
    (found,) = compare("x", want, have, Tolerance(), exact=True)
    told = "`x[a][0]` is a frozenset of 2 entries, expected a set of 2 entries"
    assert found.message == f"{told}: its kind matters here"


def test_a_key_in_excess_is_wrong_unless_arrays_are_given_by_their_names() -> None:
    (wrong,) = (one for one in compare("x", {"a": 1}, {"a": 1, "b": 0}, Tolerance()) if not one.ok)
    assert wrong.message == "`x` has 1 key that should not be there"
    grads, more = {"W": np.ones(2)}, {"W": np.ones(2), "h0": 3}
    assert all(one.ok for one in compare("x", grads, more, Tolerance()))
    assert not all(one.ok for one in compare("x", grads, more, Tolerance(), exact=True))


def test_what_is_told_apart_is_told_in_words() -> None:
    noon = datetime(2025, 1, 2, 12)
    (zone,) = compare("x", noon.replace(tzinfo=UTC), noon, Tolerance())
    assert zone.message == "`x` is a date with a time, expected a date with a time in a time zone"
    (signs,) = compare("x", np.array([np.inf, 1.0]), np.array([-np.inf, 1.0]), Tolerance())
    assert "relative error" not in signs.message
    (short,) = compare("x", [1, 2], ["a"], Tolerance())
    assert short.message == "`x` has 1 entry, expected 2"


def test_a_value_keeps_the_kinds_of_what_is_expected() -> None:
    assert in_kind(([1, 2], (3,)), [(1, 2), np.array([3])]) == ([1, 2], (3,))


@pytest.mark.parametrize(
    ("expected", "got"),
    [
        (np.ones(3), [1, 1.0, np.float32(1)]),
        (np.ones((2, 2)), [(1.0, 1.0), np.ones(2)]),
        ((1.0, 2.0), np.array([1.0, 2.0])),
        ([1, 2], np.array([1, 2], np.int8)),
        ({"a": [1.0, 2.0], "b": np.zeros(2)}, {"a": np.array([1.0, 2.0]), "b": (0, 0)}),
        ([np.ones(2), [3]], [[1.0, 1.0], np.array([3])]),
        (np.zeros(0, int), []),
    ],
)
def test_same_values_in_another_container_are_right_unless_the_kind_matters(
    expected: Any, got: Any
) -> None:
    assert all(found.ok for found in compare("x", expected, got, Tolerance()))
    exact = compare("x", expected, got, Tolerance(), exact=True)
    assert "its kind matters here" in exact[0].message


@pytest.mark.parametrize(
    ("expected", "got"),
    [
        ([1, 2], np.array([1.0, 2.0])),
        (np.array([1, 2]), [1.0, 2.0]),
        (np.ones(2), [True, True]),
        (np.ones(2), [True, 1.0]),
        (np.ones((1, 2)), [1.0, 1.0]),
        ((1.0, 2.0), np.array([1.0, 2.0, 3.0])),
    ],
)
def test_other_values_in_another_container_are_wrong(expected: Any, got: Any) -> None:
    assert not all(found.ok for found in compare("x", expected, got, Tolerance()))


FAR_EAST, FAR_WEST = timezone(timedelta(hours=23)), timezone(timedelta(hours=-23))


@pytest.mark.parametrize(
    ("expected", "got"),
    [
        (0.5, Fraction(10**600, 7)),
        (0.5, Decimal("-1e999")),
        (datetime(2024, 1, 1, tzinfo=UTC), datetime.max.replace(tzinfo=FAR_WEST)),
        (datetime(2024, 1, 1, tzinfo=UTC), datetime.min.replace(tzinfo=FAR_EAST)),
        ({1.5}, {datetime.max.replace(tzinfo=FAR_WEST)}),
        ({"a": 1.0}, {datetime.min.replace(tzinfo=FAR_EAST): 1.0}),
        (pd.DataFrame({"a": [0.5]}), pd.DataFrame({"a": pd.Series([10**400], dtype=object)})),
    ],
)
def test_a_value_that_no_other_kind_reaches_is_wrong(expected: Any, got: Any) -> None:
    found = compare("y", expected, got, NORMAL)
    assert [one.ok for one in found if not one.ok]


def test_the_same_moment_in_another_zone_is_right() -> None:
    noon = datetime(2024, 1, 1, 12, tzinfo=UTC)
    assert all(one.ok for one in compare("y", noon, noon.astimezone(FAR_EAST), NORMAL))
    assert all(one.ok for one in compare("y", {noon}, {noon.astimezone(FAR_WEST)}, NORMAL))
