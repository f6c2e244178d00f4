"""What a notebook shows of its check: the check's part of the report as HTML, and as text."""

from __future__ import annotations

import io
from collections.abc import Mapping
from itertools import chain

import msgspec
from rich.console import Console
from rich.text import Text

from grader.model import CheckResult, Report, Status
from grader.practice.messages import KernelAnswer
from grader.report import labels, page, templating, terminal
from grader.report.audience import Audience, view

PACKAGE = "grader.practice"
WIDTH = 100  # characters of a line of text


def prepare() -> None:
    """Compile the templates."""
    templating.prepare(PACKAGE)


def message(sentence: str) -> KernelAnswer:
    """Return one sentence in place of a report."""
    html = templating.fragment(PACKAGE, "message.html.j2", sentence=sentence)
    return KernelAnswer(html=html, text=sentence)


def answer(
    report: Report | None,
    sources: Mapping[str, str],
    elsewhere: Mapping[str, str],
    cases: Mapping[str, str],
    *,
    everything: bool,
) -> KernelAnswer:
    """Return what is shown of a report.

    elsewhere: checks that were not run, and the notebook that each of them judges
    cases: for a check, the one case that was asked for; empty for all
    """
    if report is None:
        said = map(_other_notebook, elsewhere, elsewhere.values())
        return message("\n".join(said))
    kept = tuple(_of_case(one, cases.get(one.id, "")) for one in report.checks)
    shown = view(msgspec.structs.replace(report, checks=kept), Audience.STUDENT)
    groups = page.build(shown, Audience.STUDENT, {}, sources).groups
    html = templating.fragment(
        PACKAGE,
        "check.html.j2",
        report=shown,
        checks=list(chain.from_iterable(group.checks for group in groups)),
        elsewhere=elsewhere,
        left=_left(shown) if everything else (),
        everything=everything,
    )
    return KernelAnswer(html=html, text=_text(shown, elsewhere, everything=everything))


def _of_case(check: CheckResult, case: str) -> CheckResult:
    """Return a check with one of its cases alone, if one was asked for and is there."""
    kept = tuple(one for one in check.cases if one.id == case)
    return msgspec.structs.replace(check, cases=kept) if kept else check


def _left(report: Report) -> tuple[str, ...]:
    return tuple(check.id for check in report.checks if check.status is not Status.PASS)


def _other_notebook(id: str, path: str) -> str:  # noqa: A002
    return f"`{id}` judges {path}: run this check in that notebook"


def _text(report: Report, elsewhere: Mapping[str, str], *, everything: bool) -> str:
    """Return the report's lines as plain text."""
    console = Console(
        file=io.StringIO(), width=WIDTH, force_terminal=False, no_color=True, highlight=False
    )
    with console.capture() as captured:
        for check in report.checks:
            console.print(terminal.check_line(check, width=WIDTH, audience=Audience.STUDENT))
            for line in terminal.problem(check, console, WIDTH):
                console.print(line)
        for id_, path in elsewhere.items():
            console.print(_other_notebook(id_, path), markup=False)
        if everything:
            console.print(Text(_so_far(report)))
    return captured.get().rstrip()


def _so_far(report: Report) -> str:
    score = f"Score: {labels.points(report.score)} / {labels.points(report.max_score)}"
    left = _left(report)
    return f"{score}. " + (f"Left to do: {', '.join(left)}" if left else "All passed.")
