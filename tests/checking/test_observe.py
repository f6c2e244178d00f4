"""General observations: each is said where it is true, and not where it only looks so; none holds a
number.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from grader.checking.explain.symptoms import Pair, observe
from grader.checking.judge.compare import compare
from grader.model import Tolerance

RNG = np.random.default_rng(5)
N, T, D = 3, 5, 8
X = RNG.standard_normal((N, T, D))
MATRIX = X[0]  # (T, D)
VECTOR = X[0, 0]
SQUARE = RNG.standard_normal((4, 4))
IDS = RNG.permutation(N * T).reshape(N, T)
AXES = ("N batch", "T time", "D input")
LENGTHS = {"N batch": N, "T time": T, "D input": D}


DEFAULT = Tolerance()


def said(
    expected: Any, got: Any, axes: tuple[str, ...] = (), tolerance: Tolerance = DEFAULT
) -> str:
    """Return all sentences about a value of the name `y`, without the name."""
    sentences = observe(Pair("y", expected, got, tolerance, axes, LENGTHS))
    assert all(sentence.startswith("`y` ") for sentence in sentences)
    return " ".join(sentence.removeprefix("`y` ") for sentence in sentences)


def changed(array: np.ndarray, place: Any, by: Any) -> np.ndarray:
    """Return a copy with one place otherwise."""
    copy = array.copy()
    copy[place] = by(copy[place]) if callable(by) else by
    return copy


def steps(*times: int) -> np.ndarray:
    """Return X, wrong at some time steps."""
    return changed(X, (slice(None), list(times)), lambda a: a + RNG.standard_normal(a.shape))


def noise(array: np.ndarray) -> np.ndarray:
    return RNG.standard_normal(array.shape)


TRANSPOSED = "is the transpose of what is expected."
ORDER = "has its axes in another order"
SHAPE = "has the right numbers in another shape."
NEGATED = "has the opposite sign"
FACTOR = "is off by one and the same factor everywhere"
LATE = "what belongs to one step stands at the next."
EARLY = "what belongs to one step stands at the step before."
BACKWARDS = "has the time steps in reverse order."
FIRST, LAST = "is right at the first time step only.", "is right at the last time step only."
BUT_FIRST, BUT_LAST = (
    "is right at every time step but the first.",
    "is right at every time step but the last.",
)
ROW, CONSTANT = "is off by the same row everywhere", "is off by one and the same number everywhere"
BLOCKS = "blocks of columns in another order"
BLOCK = "is wrong in one of its 4 blocks of columns alone"
WHOLE, FLOATS = "holds whole numbers", "but as floating-point numbers"
SINGLE, HALF = "is one of single precision", "is one of half precision"
FINITE = "is right wherever it is a number"
SUMMED, TO_SUM = "which should be kept.", "still has to be summed"
ZERO = "is zero"


# What is expected, what is got, its axes, and what must be said of it.
CUT, UNSIGNED = "cut off what is below zero", "every entry that should be negative is positive"
OWN_FACTOR, SOFTMAX = "a factor of its own", "sums to one"
SHUFFLED = "in another order."
EXP = np.exp(X)
TRUE: dict[str, tuple[Any, Any, tuple[str, ...], str]] = {
    "cut off below zero": (X, np.maximum(X, 0), AXES, CUT),
    "cut off above zero": (X, np.minimum(X, 0), AXES, "cut off what is above zero"),
    "without its sign": (X, np.abs(X), AXES, UNSIGNED),
    "made of length one": (
        X,
        X / np.linalg.norm(X, axis=-1, keepdims=True),
        AXES,
        "each row of it along the axis D input",
    ),
    "a softmax": (
        X,
        EXP / EXP.sum(axis=1, keepdims=True),
        AXES,
        "sums to one along the axis T time",
    ),
    "steps in another order": (
        X,
        X[:, [3, 0, 4, 1, 2]],
        AXES,
        "the right entries along the axis T time, but in another order",
    ),
    "entries sorted": (VECTOR, np.sort(VECTOR), (), SHUFFLED),
    "transposed": (MATRIX, MATRIX.T, (), TRANSPOSED),
    "transposed, square": (SQUARE, SQUARE.T, (), TRANSPOSED),
    "time before batch": (X, X.swapaxes(0, 1), AXES, ORDER),
    "flattened": (X, X.reshape(N * T, D), AXES, SHAPE),
    "reshaped for transposed": (X, X.swapaxes(0, 1).reshape(X.shape), AXES, "order of other axes"),
    "reshaped and flat": (X, X.swapaxes(0, 1).reshape(N * T, D), AXES, "order of other axes"),
    "its last column missing": (
        MATRIX,
        MATRIX[:, :-1],
        AXES[1:],
        "its last entry along the axis D input",
    ),
    "its first step missing": (
        X,
        X[:, 1:],
        AXES,
        "its first entry along the axis T time is missing",
    ),
    "a step too many": (
        X,
        np.concatenate([X[:, :1], X], axis=1),
        AXES,
        "one entry too many stands first",
    ),
    "as many steps as captions": (
        X,
        X[:, :N],
        AXES,
        "along the axis T time the length of the axis N batch",
    ),
    "the shape turned round": (
        IDS,
        np.zeros((T, N), int) + 1,
        AXES[:2],
        "its shape is that of the transpose",
    ),
    "squeezed": (X[:1], X[0], AXES, SHAPE),
    "a column": (VECTOR, VECTOR[:, None], (), SHAPE),
    "a row kept": (X.sum(axis=0), X.sum(axis=0, keepdims=True), AXES[1:], SHAPE),
    "not summed": (X.sum(axis=1), X, (AXES[0], AXES[2]), TO_SUM + " over its axis 1"),
    "the last step alone": (X, X[:, -1], AXES, "last entry along the axis T time alone"),
    "the first of a batch alone": (
        MATRIX,
        MATRIX[0],
        AXES[1:],
        "first entry along the axis T time alone",
    ),
    "integers": (X, (10 * X).astype(int), AXES, "holds integers, in which fractions are lost"),
    "integers, all zero": (
        X,
        np.zeros(X.shape, int),
        AXES,
        "holds integers, in which fractions are lost",
    ),
    "summed": (X, X.sum(axis=1), AXES, f"is summed over the axis T time, {SUMMED}"),
    "negated": (X, -X, AXES, NEGATED + " everywhere."),
    "a number negated": (2.5, np.float64(-2.5), (), NEGATED + "."),
    "times N": (MATRIX, MATRIX * N, AXES[1:], "divided by the length of the axis N batch."),
    "by N": (MATRIX, MATRIX / N, AXES[1:], "multiplied by the length of the axis N batch."),
    "by T": (X, X / T, AXES, "multiplied by the length of the axis T time."),
    "by N and T": (
        VECTOR,
        VECTOR / (N * T),
        AXES[2:],
        "by the lengths of the axes N batch and T time, one times",
    ),
    "by an axis without a name": (
        SQUARE[:, :3],
        SQUARE[:, :3] * 4,
        (),
        "divided by the length of axis 0.",
    ),
    "a number by N": (2.5, 2.5 / N, (), "multiplied by the length of the axis N batch."),
    "doubled": (X, 2 * X, AXES, f"{FACTOR} (too large)."),
    "halved": (X, X / 2, AXES, f"{FACTOR} (too small)."),
    "negated and halved": (X, X / -2, AXES, f"{FACTOR} (negative, and one and the same)."),
    "very large": (X, X * 1e200, AXES, f"{FACTOR} (too large)."),
    "one step late": (X, np.concatenate([0 * X[:, :1], X[:, :-1]], axis=1), AXES, LATE),
    "one step early": (X, np.concatenate([X[:, 1:], 0 * X[:, :1]], axis=1), AXES, EARLY),
    "ids one step late": (IDS, np.roll(IDS, 1, axis=1), AXES[:2], LATE),
    "backwards": (X, X[:, ::-1], AXES, BACKWARDS),
    "first step right": (X, steps(1, 2, 3, 4), AXES, FIRST),
    "last step right": (X, steps(0, 1, 2, 3), AXES, LAST),
    "first step wrong": (X, steps(0), AXES, BUT_FIRST),
    "last step wrong": (X, steps(4), AXES, BUT_LAST),
    "without a bias": (X, X - VECTOR, AXES, ROW),
    "without a constant": (X, X + 1.5, AXES, CONSTANT),
    "blocks in another order": (
        MATRIX,
        MATRIX[:, [0, 1, 2, 3, 6, 7, 4, 5]],
        (),
        f"its 4 {BLOCKS} (2 of them",
    ),
    "three blocks": (
        MATRIX[:, :6],
        MATRIX[:, [2, 3, 4, 5, 0, 1]],
        (),
        f"its 3 {BLOCKS} (3 of them",
    ),
    "halves": (MATRIX[:, :6], MATRIX[:, [3, 4, 5, 0, 1, 2]], (), f"its 2 {BLOCKS} (2 of them"),
    "a vector's blocks": (VECTOR, VECTOR[[2, 3, 0, 1, 4, 5, 6, 7]], (), f"its 4 {BLOCKS}"),
    "one block": (MATRIX, changed(MATRIX, np.s_[:, 4:6], np.tanh), (), f"{BLOCK}: block 3."),
    "broadcast over the batch": (
        X,
        np.broadcast_to(X[:1], X.shape),
        AXES,
        "the same all along the axis N batch",
    ),
    "broadcast over time": (
        X,
        np.broadcast_to(X[:, -1:], X.shape),
        AXES,
        "the same all along the axis T time",
    ),
    "zero": (X, 0 * X, AXES, f"{ZERO} everywhere."),
    "a zero number": (2.5, 0.0, (), f"{ZERO}."),
    "cut to integers": (10 * X, (10 * X).astype(int), AXES, WHOLE),
    "cut, and floats again": (10 * X, np.trunc(10 * X), AXES, WHOLE),
    "rounded": (10 * X, np.rint(10 * X), AXES, WHOLE),
    "floats for integers": (IDS, IDS.astype(float), (), FLOATS),
    "half precision": (X, X.astype(np.float16), AXES, HALF),
    "half precision inside": (X, X.astype(np.float16).astype(float), AXES, HALF),
    "NaN at places": (X, changed(X, np.s_[1, 2:, 3], np.nan), AXES, FINITE),
    "infinite at places": (X, changed(X, np.s_[0, 0], np.inf), AXES, FINITE),
}
# What must not be said: it looks alike and is not true.
FALSE: dict[str, tuple[Any, Any, tuple[str, ...], str]] = {
    "cut off, but in one place": (X, changed(np.maximum(X, 0), (0, 0, 0), 9.0), AXES, CUT),
    "cut off where nothing is below zero": (EXP, np.maximum(EXP, 1), AXES, CUT),
    "the opposite sign": (X, -X, AXES, UNSIGNED),
    "rows of one entry": (X[..., :1], X[..., :1] * EXP[..., :1], AXES, "along the axis D input"),
    "a factor for each entry": (X, X * EXP, AXES, OWN_FACTOR),
    "a factor below zero": (X, X * X[..., :1], AXES, OWN_FACTOR),
    "another softmax": (
        EXP / EXP.sum(axis=-1, keepdims=True),
        EXP**2 / (EXP**2).sum(axis=-1, keepdims=True),
        AXES,
        SOFTMAX,
    ),
    "each row sorted by itself": (X, np.sort(X, axis=-1), AXES, SHUFFLED),
    "all the same": (0 * VECTOR + 1, 0 * VECTOR + 2, (), SHUFFLED),
    "transposed but for one entry": (SQUARE, changed(SQUARE.T, (0, 1), 9.0), (), TRANSPOSED),
    "of another shape altogether": (X, noise(X.swapaxes(0, 1)), AXES, ORDER),
    "as many numbers, but others": (X, noise(X).reshape(-1, D), AXES, SHAPE),
    "summed over another axis": (X.sum(axis=0), X.sum(axis=1), AXES[1:], SUMMED),
    "some of it summed": (X, X[:, 1:].sum(axis=1), AXES, SUMMED),
    "negated but for one entry": (X, changed(-X, (0, 0, 0), np.negative), AXES, NEGATED),
    "another factor than a length": (X, X / 2.5, AXES, "the length of"),
    "a number by nothing in particular": (2.5, 1.1, (), "factor"),
    "a number by nearly N": (2.5, 2.5 / N * 1.00001, (), "the length of"),
    "a factor for each row": (X, X * np.array([2.0, 3.0, 4.0])[:, None, None], AXES, FACTOR),
    "late, and then other numbers": (X, noise(X), AXES, LATE),
    "late by two": (X, np.roll(X, 2, axis=1), AXES, LATE),
    "constant in time but at its begin": (
        0 * X + 1,
        changed(0 * X + 1, np.s_[:, 0], 0.0),
        AXES,
        "off by one step",
    ),
    "two steps right": (X, steps(2, 3, 4), AXES, "only"),
    "two steps wrong": (X, steps(0, 1), AXES, "every time step but"),
    "too few steps to tell": (X[:, :2], steps(1)[:, :2], AXES, FIRST),
    "no time among the axes": (X, steps(1, 2, 3, 4), ("N batch", "R row", "D input"), FIRST),
    "a row more, but in one place": (X, changed(X + VECTOR, (0, 0, 0), 9.0), AXES, ROW),
    "another row each": (X, X + noise(X), AXES, ROW),
    "columns shuffled across blocks": (MATRIX, MATRIX[:, [1, 0, 3, 2, 5, 4, 7, 6]], (), BLOCKS),
    "blocks, and one entry more": (
        MATRIX,
        changed(MATRIX[:, [2, 3, 0, 1, 4, 5, 6, 7]], (0, 0), 9.0),
        (),
        BLOCKS,
    ),
    "two blocks wrong": (MATRIX, changed(MATRIX, np.s_[:, 1:4], np.tanh), (), BLOCK),
    "rightly the same along an axis": (
        0 * X + VECTOR,
        0 * X + 2 * VECTOR**2,
        AXES,
        "the axis N batch",
    ),
    "the same in all but one row": (
        X,
        changed(0 * X + X[:1], (2, 0), 9.0),
        AXES,
        "the same all along",
    ),
    "nearly zero": (X, X * 1e-9, AXES, f"{ZERO} everywhere"),
    "NaN throughout is not zero": (X, np.full_like(X, np.nan), AXES, ZERO),
    "NaN, and wrong elsewhere": (X, changed(X + 1, (0, 0, 0), np.nan), AXES, FINITE),
    "whole numbers, but others": (10 * X, np.trunc(10 * X) + 1, AXES, WHOLE),
    "floats that are no integers": (IDS, IDS + 0.5, (), FLOATS),
    "single precision, and wrong": (X, (X + noise(X) / 100).astype(np.float32), AXES, SINGLE),
    "double precision, as far off as half": (X, X * (1 + noise(X) / 2000), AXES, HALF),
    "so small that all is alike": (X * 1e-12, X, AXES, FACTOR),
}


@pytest.mark.parametrize("name", TRUE)
def test_what_is_true_is_said(name: str) -> None:
    expected, got, axes, sentence = TRUE[name]
    assert sentence in said(expected, got, axes)


@pytest.mark.parametrize("name", FALSE)
def test_what_is_not_true_is_not_said(name: str) -> None:
    expected, got, axes, sentence = FALSE[name]
    assert sentence not in said(expected, got, axes)


@pytest.mark.parametrize("name", TRUE)
def test_no_number_of_either_is_said(name: str) -> None:
    expected, got, axes, _ = TRUE[name]
    assert re.findall(r"\d+\.\d+", said(expected, got, axes)) == []
    numbers = {
        int(number)
        for number in re.findall(r"\d+", re.sub(r"float\d+", "", said(expected, got, axes)))
    }
    assert max(numbers, default=0) <= 4  # of axes and blocks


def test_single_precision_is_named_where_it_is_not_enough() -> None:
    strict = Tolerance(rtol=1e-12, scaled=1e-12)
    assert SINGLE in said(X, X.astype(np.float32), AXES, strict)
    assert SINGLE not in said(X, X * (1 + 1e-7), AXES, strict)


@pytest.mark.parametrize(
    "right", [X, X.astype(np.float32), IDS, np.zeros((3, 4)), 0 * X + VECTOR, 2.5, 3]
)
def test_nothing_is_said_of_what_is_right(right: Any) -> None:
    assert said(right, right, AXES) == ""
    assert said(right, np.array(right), AXES) == ""


@pytest.mark.parametrize(
    ("expected", "got"),
    [
        ("text", "other"), (None, X), (X, None), (X, [1.0]), (True, False), (X, X > 0), (X, X.astype(complex)),
        (np.zeros((0, 3)), np.zeros((3, 0))), (np.array([np.inf, 1.0]), np.array([1.0, 1.0])), (X, np.array("a")),
    ],
)  # fmt: skip
def test_nothing_is_said_of_what_cannot_be_looked_at(expected: Any, got: Any) -> None:
    assert said(expected, got) == ""


HUGE = [1e155, 1e200, 1e308, np.finfo(np.float64).max, -1e308, 5e-324]


@pytest.mark.parametrize("size", HUGE)
@pytest.mark.parametrize(
    "make", [lambda size: X * 0 + size, lambda size: np.sign(X) * size, lambda size: size + X]
)
def test_numbers_near_the_end_of_the_range_overflow_nothing(
    size: float, make: Callable[[float], np.ndarray]
) -> None:
    got = make(size)  # a warning would be an error here
    assert ZERO not in said(X, got, AXES)
    said(got, X, AXES)
    said(X.sum(axis=0), got, AXES[1:])


@pytest.mark.skipif(
    np.finfo(np.longdouble).max == np.finfo(np.float64).max, reason="no wider floats here"
)
def test_number_beyond_a_double_is_infinite() -> None:
    beyond = np.full(X.shape, np.finfo(np.longdouble).max)
    assert said(X, beyond, AXES) == ""
    assert FINITE in said(X, changed(X.astype(np.longdouble), (0, 0, 0), beyond[0, 0, 0]), AXES)


SMALL = arrays.array_shapes(min_dims=0, max_dims=3, max_side=4)


@given(st.data())
def test_no_two_arrays_break_it_and_right_ones_are_left_in_peace(data: st.DataObject) -> None:
    kinds = st.sampled_from([np.float64, np.float32, np.float16, np.int64, np.uint8])
    expected, got = (data.draw(arrays.arrays(data.draw(kinds), data.draw(SMALL))) for _ in "ab")
    sentences = observe(Pair("y", expected, got, Tolerance(), AXES, LENGTHS))
    if np.isfinite(expected).all() and all(
        comparison.ok for comparison in compare("y", expected, got, Tolerance())
    ):
        assert sentences == ()


@pytest.mark.parametrize("other", [np.arctan, np.sinh, lambda x: np.tanh(np.tanh(x)), np.arcsinh])
def test_another_function_of_each_entry_is_recognised_by_their_order(other: Any) -> None:
    assert "in the right order of size" in said(np.tanh(X), other(X))


def test_an_order_that_a_few_entries_share_says_nothing() -> None:
    assert said(np.array([0.1, 0.5, 0.9]), np.array([0.2, 0.4, 1.7])) == ""
    assert "order of size" not in said(X, 2 * X)  # more is known of that
    assert "order of size" not in said(X, noise(X))
