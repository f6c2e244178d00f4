"""Untrusted text: bounded, and without characters that act."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from grader.text import clean, without_numbers


@given(st.text(alphabet=st.characters(codec=None)), st.integers(0, 50))
def test_clean_text_is_short_and_has_no_acting_character(text: str, limit: int) -> None:
    shown = clean(text, limit)
    assert len(shown) <= limit + len(" …")
    assert not [
        c for c in shown if unicodedata.category(c) in ("Cc", "Cf", "Cs") and c not in "\n\t"
    ]


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain, naïve text: 你好\n\tindented", "plain, naïve text: 你好\n\tindented"),
        ("\x1b[31mred\x1b[0m", "red"),
        ("\x1b]0;a title\x07rest", "rest"),
        ("\x1b]8;;http://evil\x1b\\link\x1b]8;;\x1b\\", "link"),
        ("\x1bcreset", "\N{REPLACEMENT CHARACTER}creset"),
        ("ab\rcd", "ab\N{REPLACEMENT CHARACTER}cd"),
        ("gpj.\u202eexe", "gpj.\N{REPLACEMENT CHARACTER}exe"),
        ("\ud800half", "\N{REPLACEMENT CHARACTER}half"),
        ("nul\0", "nul\N{REPLACEMENT CHARACTER}"),
    ],
)
def test_clean_keeps_what_is_read_and_drops_what_acts(text: str, shown: str) -> None:
    assert clean(text) == shown


def test_clean_says_where_it_cut() -> None:
    assert clean("abcdef", 3) == "abc …"
    assert clean("abc", 3) == "abc"


def test_clean_says_that_it_cut_a_text_full_of_escapes() -> None:
    assert clean("\x1b[31m" * 100 + "abc", 20).endswith(" …")


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("off by 0.1234", "off by #"),
        ("got -1.5e-07, 3., .25 and 2e9", "got #, #, # and #"),
        ("array([0.5, 1.25])", "array([#, #])"),
        ("x0.4967 and v0.123456", "x# and v#"),
        ("-0x1.adabbec84d4f0p-4 at 0x7f43c2d5be10", "-# at #"),
        ("d13f612a803b1e5f27bff", "#"),
        ("shape (3, 4) at line 17 of rnn.py", "shape (3, 4) at line 17 of rnn.py"),
        ("[496714153, -138264301] of 12345", "[#, -#] of 12345"),
        ("bytes 3fdfca30dfa7f34b", "bytes #"),
        (
            "ModuleNotFoundError: conv2d_backward_naive",
            "ModuleNotFoundError: conv2d_backward_naive",
        ),
    ],
)
def test_fractional_numbers_are_taken_out_of_a_message(text: str, shown: str) -> None:
    assert without_numbers(text) == shown
