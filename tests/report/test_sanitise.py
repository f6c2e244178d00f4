"""Markup from students: what may stay, and that nothing else does."""

from __future__ import annotations

import re

import pytest

from grader.report.markup import sanitise
from grader.report.markup.conversion_clock import ConversionClock

from . import samples

DANGEROUS = re.compile(
    r"<\s*/?\s*(?:script|style|iframe|object|embed|svg|form|input|button|meta|base|link|video|audio|body|template|noscript)"
    r"|<[^>]*\s(?:on\w+|style|class|id|srcset|xlink:href|formaction)\s*="
    r"|<[^>]*(?:href|src)\s*=\s*[\"']?\s*(?!https?://|data:image/(?:png|jpeg);base64,)",
    re.IGNORECASE,
)


def test_the_pattern_of_these_tests_knows_an_attack() -> None:
    raw = [attack for attack in samples.XSS if DANGEROUS.search(attack)]
    assert len(raw) > 50


@pytest.mark.parametrize("attack", [*samples.XSS, *samples.MARKDOWN_XSS])
def test_nothing_that_acts_survives(attack: str) -> None:
    for markup in (
        sanitise.html(attack, ConversionClock()), sanitise.markdown(attack, ConversionClock()), sanitise.math(attack, ConversionClock()),
        sanitise.markdown(f"text $x {attack}$ text", ConversionClock()),
        sanitise.markdown(f"- {attack}\n\n> {attack}\n", ConversionClock()),
    ):  # fmt: skip
        assert markup is not None
        assert not DANGEROUS.search(str(markup))


def test_a_table_stays_and_its_styles_go() -> None:
    found = sanitise.html(samples.TABLE, ConversionClock())
    assert found is not None
    assert "<th>a</th>" in found
    assert "<td>1</td>" in found
    assert "style" not in found
    assert "color: red" not in found


def test_formulas_become_mathml_without_a_script() -> None:
    found = sanitise.markdown(
        "Let $x_t^2$ be\n\n$$\\frac{a}{b}$$\n\n\\begin{align}\na &= b \\\\\nc &= d\n\\end{align}\n",
        ConversionClock(),
    )
    assert found.count("<math") == 3
    assert "<msubsup><mi>x</mi><mi>t</mi><mn>2</mn></msubsup>" in found
    assert "<mfrac>" in found
    assert "<mtable" in found


def test_a_formula_that_can_t_be_read_stands_as_it_was_written() -> None:
    assert "<code>\\frac</code>" in sanitise.math("\\frac", ConversionClock())
    assert "<math" not in sanitise.math("x" * (sanitise.MATH_LIMIT + 1), ConversionClock())


def test_links_lead_to_the_web_only_and_tell_nothing_of_where_they_were() -> None:
    found = sanitise.markdown(
        "[a](https://example.org/x) [b](file:///etc/passwd) [c](#score) [d](//evil.example)",
        ConversionClock(),
    )
    assert re.findall(r'href="([^"]*)"', found) == ["https://example.org/x"]
    assert 'rel="noopener noreferrer nofollow"' in found


def test_a_picture_stays_where_it_is_data_and_each_has_a_text() -> None:
    uri = f"data:image/png;base64,{samples.png(4, 4)}"
    found = sanitise.markdown(
        f"![x]({uri}) ![y](https://attacker.example/p.png) <img src='{uri}'>", ConversionClock()
    )
    assert found.count("<img") == found.count(f'alt="{sanitise.PICTURE_TEXT}"') == 2
    assert "attacker" not in found.replace("[picture: y]", "")


def test_dollars_of_money_are_no_formula() -> None:
    assert "<math" not in sanitise.markdown("It costs $5 and then $6.", ConversionClock())


@pytest.mark.parametrize(
    "text",
    [
        "<div>" * 20_000,
        "<b a=1>" * 9_000 + "<p>" * 9_000,
        "<table><tr><td>" * 9_000,
        "x" * (sanitise.HTML_LIMIT + 1),
    ],
)
def test_html_that_is_too_much_is_not_parsed(text: str) -> None:
    assert sanitise.html(text, ConversionClock()) is None


def test_open_formatting_elements_do_not_multiply() -> None:
    attack = "".join(f"<b a={n}>" for n in range(2_000)) + "<p>x</p>" * 1_000
    found = sanitise.html(attack, ConversionClock())
    assert found is not None
    assert len(found) < 3 * len(attack)


@pytest.mark.parametrize(
    "piece",
    ["[", "*a **b ", ">", "`a``b", "[a](", "<a ", "$", "_a", "![[", "|a", "\\", "**_", "&", "- "],
)
def test_markdown_that_is_made_to_hurt_comes_back(piece: str) -> None:
    line = (piece * sanitise.LINE_LIMIT)[: sanitise.LINE_LIMIT - 1]
    assert sanitise.markdown(f"{line}\n\n" * 8, ConversionClock()) is not None
    assert sanitise.markdown(piece * sanitise.MARKDOWN_LIMIT, ConversionClock()).startswith("<pre")


def test_a_table_s_header_has_a_name_or_is_none() -> None:
    found = sanitise.markdown("| $x$ | name | |\n|---|---|---|\n| 1 | 2 | 3 |\n", ConversionClock())
    assert re.findall(r"<th>(.*?)</th>", found) == ["name"]
    assert found.count("<td>") == 5
