"""Printed text: what counts as the same, and what does not."""

from __future__ import annotations

import pytest

from grader.checking.judge.judgements import printed_text


@pytest.mark.parametrize(
    ("expected", "got"),
    [
        ("x = 0.5", "x=0.5"),
        ("(0.123, 4)", "( 0.12304 ,4 )"),
        ("mean 0.012", "mean 0.0123456"),  # as far as the reference wrote it out
        ("mean 0.0123456", "mean 0.0123457"),
        ("1.5e-07", "1.52e-7"),
        ("gain +3.0", "gain 3"),
        ("a-1", "a - 1"),
        ("loss: nan", "loss:   nan"),
        ("  two lines\nof text\n\n", "two lines   \n of text"),
        ("50%", "50 %"),
    ],
)
def test_what_is_printed_alike_is_the_same(expected: str, got: str) -> None:
    assert printed_text("t", expected, got).ok


@pytest.mark.parametrize(
    ("expected", "got"),
    [
        ("5 classes", "6 classes"),
        ("10000", "10001"),  # whole numbers are counts
        ("mean 0.012", "mean 0.013"),
        ("0.9", "1.0"),
        ("1.5e-07", "1.6e-07"),
        ("1 2", "12"),
        ("Hello Ada", "HelloAda"),
        ("a - b", "a + b"),
        ("-0.5", "0.5"),
        ("one", "1"),
        ("a\nb", "a b"),
        ("text", ""),
    ],
)
def test_what_is_printed_otherwise_is_not(expected: str, got: str) -> None:
    assert not printed_text("t", expected, got).ok


def test_a_tolerance_of_ones_own_counts_for_fractions() -> None:
    assert printed_text("t", "3.14159", "3.2", rtol=0.05).ok
    assert not printed_text("t", "3.14159", "3.4", rtol=0.05).ok
    assert not printed_text("t", "3", "3.1", rtol=0.05).ok
