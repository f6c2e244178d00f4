"""The report in a terminal, and where there is none."""

from __future__ import annotations

import io

import msgspec
import pytest
from rich.console import Console

from grader.report import Audience, terminal

from . import samples


def _print(renderable: object, *, is_terminal: bool, width: int = 80) -> str:
    out = io.StringIO()
    console = Console(
        file=out,
        width=width,
        force_terminal=is_terminal,
        color_system="standard" if is_terminal else None,
    )
    console.print(renderable)
    return out.getvalue()


@pytest.mark.parametrize("width", [40, 80, 120])
@pytest.mark.parametrize(
    "make", [samples.passing, samples.template, samples.mixed, samples.faulty, samples.hostile]
)
def test_no_line_is_wider_than_the_console(make: object, width: int) -> None:
    report = make()  # type: ignore[operator]
    text = _print(terminal.summary(report), is_terminal=False, width=width)
    text += "".join(terminal.check_line(check, width=width).plain + "\n" for check in report.checks)
    assert max(map(len, text.splitlines())) <= width


def test_the_score_and_each_check_are_told() -> None:
    text = _print(terminal.summary(samples.mixed()), is_terminal=False)
    assert "Score: 48.5 / 100" in text
    assert "partly passed     4.8 / 8  rnn_step_backward" in text
    assert "Fix first: rnn_step_backward" in text
    assert "Not used: `cs231n/layers.py`" in text


def test_a_check_that_lost_no_points_by_an_earlier_mistake_is_right_itself() -> None:
    report = samples.mixed()
    last = msgspec.structs.replace(report.checks[-1], points=report.checks[-1].max_points)
    text = _print(
        terminal.summary(msgspec.structs.replace(report, checks=(last,))), is_terminal=False
    )
    assert "right itself      20 / 20  captioning_lstm_sample" in text


def test_colour_stands_only_in_a_terminal() -> None:
    assert "\x1b[" in _print(terminal.summary(samples.mixed()), is_terminal=True)
    assert "\x1b" not in _print(terminal.summary(samples.mixed()), is_terminal=False)


def test_escape_sequences_of_a_student_never_reach_the_terminal() -> None:
    attack = "\x1b]0;owned\x07\x1b[2J\x9b31m\x08\rscore: 100\u202e"
    check = msgspec.structs.replace(
        samples.mixed().checks[1], id=f"id{attack}", message=attack, hint=attack
    )
    report = msgspec.structs.replace(samples.mixed(), checks=(check,), notes=(attack,))
    text = _print(terminal.summary(report), is_terminal=False) + terminal.check_line(check).plain
    assert not [
        c for c in text if c != "\n" and (ord(c) < 32 or 127 <= ord(c) < 160 or c == "\u202e")
    ]


def test_markup_of_rich_in_a_message_is_text() -> None:
    check = msgspec.structs.replace(
        samples.mixed().checks[1], message="[bold red]x[/bold red] [link=file:///]y[/link]"
    )
    report = msgspec.structs.replace(samples.mixed(), checks=(check,))
    assert "[bold red]x[/bold red] [link=file:///]y[/link]" in _print(
        terminal.summary(report), is_terminal=True
    )


def test_a_hidden_check_says_nothing_to_students() -> None:
    report = samples.mixed()
    text = _print(terminal.summary(report, audience=Audience.STUDENT), is_terminal=False)
    text += "".join(
        terminal.check_line(check, audience=Audience.STUDENT).plain for check in report.checks
    )
    assert "secret" not in text.lower()


def test_an_unsandboxed_run_and_a_fault_of_the_grader_are_named() -> None:
    assert "practice, not sandboxed" in _print(
        terminal.summary(samples.template()), is_terminal=False
    )
    assert "this is not a mark" in _print(terminal.summary(samples.faulty()), is_terminal=False)


def test_an_instructor_is_told_that_the_seed_is_public() -> None:
    report = msgspec.structs.replace(samples.mixed(), seed="public")
    told = "Seed: public (its answers are in the handout)"
    assert told in _print(terminal.summary(report), is_terminal=False)
    for other in (
        msgspec.structs.replace(report, practice=True),
        msgspec.structs.replace(report, seed="hidden"),
    ):
        assert told not in _print(terminal.summary(other), is_terminal=False)
    assert told not in _print(
        terminal.summary(report, audience=Audience.STUDENT), is_terminal=False
    )


@pytest.mark.parametrize("width", [40, 60, 80])
def test_a_narrow_terminal_cuts_the_name_and_not_the_points(width: int) -> None:
    check = msgspec.structs.replace(
        samples.mixed().checks[1], id="a_check_of_quite_a_long_name", points=3
    )
    line = terminal.check_line(check, width=width).plain
    assert f" 3 / {check.max_points:g} " in f"{line} "
    assert line.startswith("partly passed a_check_")


def test_the_live_line_has_the_reports_own_words() -> None:
    last = samples.mixed().checks[-1]
    line = terminal.check_line(msgspec.structs.replace(last, points=last.max_points)).plain
    assert line.startswith("right itself ")
