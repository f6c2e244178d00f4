"""Conversions under a clock: what is done here, what in a process of its own, and what stays plain."""

from __future__ import annotations

import math
import time

import pytest

from grader.report import notebook_cells
from grader.report.markup import sanitise, snippets
from grader.report.markup.conversion_clock import (
    APART_SECONDS,
    HERE_SECONDS,
    ConversionClock,
    TooSlow,
    in_a_process,
    patient,
)
from grader.report.markup.conversion_clock import worst_seconds as worst

BLANK = "x = [\n" + " \n" * 9_990  # Pygments takes quadratic time on such lines
TABLE = "x = " + "|a|b\n|-|-\n" * 1_990  # and mistune more than that on such tables


class Slow:
    """A process that never gets ready, and what it was asked for."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, int]] = []

    def __call__(self, kind: str, text: str, seconds: float) -> str:
        self.asked.append((kind, len(text)))
        raise TooSlow


def never(text: str) -> str:
    raise AssertionError("this was to be converted in a process of its own")


def test_honest_text_is_converted_here() -> None:
    slow = Slow()
    clock = ConversionClock(process=slow)
    code = "def forward(x, w):\n    return x @ w  # (N, H)\n" * 60
    for _ in range(20):
        assert clock.convert("code", code, snippets.pygmentized).startswith("<span")
        assert "<strong>" in sanitise.markdown("**bold** words\n" * 30, clock)
    assert slow.asked == []
    assert 0 < clock.here < HERE_SECONDS


@pytest.mark.parametrize(("kind", "size"), [("code", 15_000), ("markdown", 4_100), ("math", 3_200)])
def test_what_may_take_longer_than_is_left_is_not_begun_here(kind: str, size: int) -> None:
    slow = Slow()
    with pytest.raises(TooSlow):
        ConversionClock(process=slow).convert(kind, "x" * size, never)
    assert slow.asked == [(kind, size)]


def test_nothing_is_begun_when_the_seconds_of_processes_are_over() -> None:
    slow = Slow()
    with pytest.raises(TooSlow):
        ConversionClock(here=0.0, apart=0.0, process=slow).convert("code", "x", never)
    assert slow.asked == []


def test_each_conversion_takes_what_it_took_off_the_clock(monkeypatch: pytest.MonkeyPatch) -> None:
    worked, passed = iter([0.0, 0.5]), iter([10.0, 14.0])
    clocks = "grader.report.markup.conversion_clock.time"
    monkeypatch.setattr(f"{clocks}.thread_time", lambda: next(worked))
    monkeypatch.setattr(f"{clocks}.perf_counter", lambda: next(passed))
    monkeypatch.setattr("grader.report.markup.conversion_clock.slowdown", lambda: 2.0)
    clock = ConversionClock(process=lambda kind, text, seconds: f"apart, {seconds} s")
    assert clock.convert("code", "x", str.upper) == "X"
    assert clock.here == HERE_SECONDS - 0.5
    assert clock.convert("code", "x" * 20_000, never) == f"apart, {2 * APART_SECONDS} s"
    assert clock.apart == APART_SECONDS - 2.0


def test_the_next_page_shows_what_a_process_has_converted_for_the_one_before() -> None:
    asked: list[str] = []

    def process(kind: str, text: str, seconds: float) -> str:
        asked.append(text)
        return f"apart: {text}"

    first = ConversionClock(here=0.0, process=process)
    assert first.convert("code", "x", never) == "apart: x"
    second = ConversionClock(here=0.0, apart=0.0, process=process, known=first.known)
    assert second.convert("code", "x", never) == "apart: x"
    with pytest.raises(TooSlow):
        second.convert("markdown", "x", never)
    assert asked == ["x"]


def test_waiting_for_a_busy_machine_takes_nothing_off_the_clock() -> None:
    clock = ConversionClock()

    def waited(text: str) -> str:
        time.sleep(0.2)
        return text

    clock.convert("code", "x", waited)
    assert clock.here > HERE_SECONDS - 0.1


def test_code_that_takes_too_long_is_shown_plain_line_by_line() -> None:
    assert snippets.highlight("a < b\nc" + BLANK, ConversionClock(0.0, process=Slow()))[:1] == [
        "a &lt; b"
    ]


def test_markup_that_takes_too_long_is_shown_plain_and_harmless() -> None:
    clock = ConversionClock(0.0, process=Slow())
    assert sanitise.markdown("<b>x</b>", clock).endswith("&lt;b&gt;x&lt;/b&gt;</pre>")
    assert sanitise.math("<b>", clock) == "<code>&lt;b&gt;</code>"
    assert sanitise.html("<b>x</b>", clock) is None


def test_the_same_markup_comes_from_either_process() -> None:
    text = "Let $x^2$ be **bold**, <script>alert(1)</script>"
    there = ConversionClock(0.0)
    assert sanitise.markdown(text, there) == sanitise.markdown(text, ConversionClock())
    assert snippets.highlight("x = 'a'\n\ny = 2", there) == snippets.highlight(
        "x = 'a'\n\ny = 2", ConversionClock()
    )
    assert there.apart > 0


def test_a_process_is_ended_when_its_seconds_are_over() -> None:
    with pytest.raises(TooSlow):
        in_a_process("markdown", TABLE, 0.02)


def test_a_notebook_of_hostile_cells_has_few_worst_cases_converted_here() -> None:
    """The sum of what its cells may take at worst, of those that are converted here, is bounded."""
    begun: list[float] = []

    class Counting(ConversionClock):
        def convert(self, kind: str, text: str, converted: object) -> str:
            seconds = worst(kind, text)
            if seconds <= self.here:
                begun.append(seconds)
                self.here -= seconds  # as if it had taken as long
                return ""
            raise TooSlow

    cells = []
    for number in range(40):
        cells.append({"cell_type": "code", "source": f"# {number}\n{BLANK}", "outputs": []})
        cells.append({"cell_type": "markdown", "source": f"{number} {TABLE[:3900]}"})
    notebook_cells.build("n", 1, {"cells": cells}, notebook_cells.PageBudget(clock=Counting()))
    assert 40 * (worst("code", BLANK) + worst("markdown", TABLE[:3900])) > HERE_SECONDS
    assert 0 < sum(begun) <= HERE_SECONDS


def test_an_author_s_cells_are_converted_here_and_kept() -> None:
    text = "# of the author\n" + "x = 1\n" * 3_000
    cells = {"cells": [{"cell_type": "code", "source": text, "outputs": []}]}
    (own,) = notebook_cells.build("n", 1, cells, notebook_cells.PageBudget(clock=patient())).cells
    assert patient().here == math.inf
    hurried = notebook_cells.PageBudget(clock=ConversionClock(0.0, 0.0))
    assert notebook_cells.build("n", 1, cells, hurried).cells[0].body == own.body
