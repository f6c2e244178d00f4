"""A report in the terminal: a line per finished check, then a table and the score.

Without a terminal it is plain lines.
"""

from __future__ import annotations

from collections.abc import Iterator

from rich.console import Console, ConsoleOptions, RenderableType, RenderResult
from rich.table import Table
from rich.text import Text

from grader.model import CheckResult, Report, Status, Tier
from grader.report import labels
from grader.report.audience import Audience, view, view_check
from grader.text import clean

_COLOUR = {Status.PASS: "green", Status.FAIL: "red", Status.SKIP: "yellow", Status.ERROR: "magenta"}
# columns of a check's verdict, its id and its points in the live line
_VERDICT, _NAME, _POINTS = 13, 26, 16
_LEAST = 8  # columns of an id in a narrow terminal
_BAR = 30


def check_line(
    check: CheckResult, *, width: int = 80, audience: Audience = Audience.INSTRUCTOR
) -> Text:
    """Return the one line that is shown when a check is done, cut to a width with an ellipsis."""
    check = view_check(check, audience)
    line = Text()
    verdict = labels.verdict(check)
    line.append(f"{verdict.word:<{_VERDICT}} ", style=_COLOUR[Status(verdict.kind)])
    name = Text(_one_line(check.id))
    name.truncate(
        min(_NAME, max(width - _VERDICT - _POINTS, _LEAST)), overflow="ellipsis", pad=True
    )
    line.append_text(name).append(" ")
    line.append(
        f"{labels.points(check.points):>5} / {labels.points(check.max_points):<5} ", style="bold"
    )
    line.append(f"{labels.seconds(check.seconds):>10}", style="dim")
    if check.message:
        line.append(f"  {_one_line(check.message)}")
    line.truncate(width, overflow="ellipsis")
    return line


def problem(check: CheckResult, console: Console, width: int) -> Iterator[Text]:
    """Yield what a check says, its message and its hint, in lines of at most ``width``."""
    hint = f"Hint: {check.hint}" if check.hint else ""
    for text, style in ((check.message, ""), (hint, "italic")):
        if not text:
            continue
        for line in Text(clean(text, 1500).strip(), style=style).wrap(console, max(width - 2, 20)):
            line.rstrip()
            yield Text("  ") + line


def summary(report: Report, *, audience: Audience = Audience.INSTRUCTOR) -> RenderableType:
    """Return the table over all checks, what to fix first, the notes and the score."""
    return _Summary(view(report, audience), audience)


class _Summary:
    """The end of a run: a table if the console is a terminal, else plain lines."""

    def __init__(self, report: Report, audience: Audience) -> None:
        self.report = report
        self.seed = labels.public_seed(report, audience)

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """Yield the parts from the top down."""
        yield Text()
        yield from self._table(options) if console.is_terminal else self._lines()
        yield from self._problems(console, options)
        yield from self._score(options)

    def _table(self, options: ConsoleOptions) -> Iterator[RenderableType]:
        """Yield one table with a section per question."""
        table = Table(
            box=None, pad_edge=False, padding=(0, 2, 0, 0), width=min(options.max_width, 80)
        )
        table.add_column("", no_wrap=True, width=1)
        table.add_column("Check", overflow="ellipsis", no_wrap=True, ratio=1)
        table.add_column("Verdict", no_wrap=True)
        table.add_column("Points", justify="right", no_wrap=True)
        table.add_column("Time", justify="right", no_wrap=True, style="dim")
        for question in self.report.questions:
            total = f"{labels.points(question.points)} / {labels.points(question.max_points)}"
            table.add_row(
                "", Text(_one_line(question.title), style="bold"), "", Text(total, style="bold"), ""
            )
            for check in self.report.checks:
                if check.question == question.id:
                    verdict = labels.verdict(check)
                    mark = verdict.word[0] if options.ascii_only else verdict.symbol
                    colour = _COLOUR[Status(verdict.kind)]
                    table.add_row(
                        Text(mark, style=colour),
                        Text(_one_line(check.id) + (" (in the box)" if check.in_box else "")),
                        Text(verdict.word, style=colour),
                        f"{labels.points(check.points)} / {labels.points(check.max_points)}",
                        labels.seconds(check.seconds),
                    )
            table.add_section()
        yield table

    def _lines(self) -> Iterator[RenderableType]:
        """Yield a line per question and check, without boxes, colours or symbols."""
        for question in self.report.questions:
            total = f"{labels.points(question.points)} / {labels.points(question.max_points)}"
            yield Text(f"{_one_line(question.title)}: {total}", no_wrap=True, overflow="ellipsis")
            for check in self.report.checks:
                if check.question == question.id:
                    earned = f"{labels.points(check.points)} / {labels.points(check.max_points)}"
                    boxed = " (in the box)" if check.in_box else ""
                    line = (
                        f"  {labels.status(check):<13} {earned:>11}  {_one_line(check.id)}{boxed}"
                    )
                    yield Text(line, no_wrap=True, overflow="ellipsis")

    def _problems(self, console: Console, options: ConsoleOptions) -> Iterator[RenderableType]:
        """Yield what each check that did not pass has to say, and what to fix first."""
        for check in self.report.checks:
            if check.status is Status.PASS or not (check.message or check.hint):
                continue
            yield Text()
            yield Text(_one_line(check.id), style=f"bold {_COLOUR[check.status]}")
            yield from problem(check, console, options.max_width)
        first = labels.first_to_fix(self.report)
        failed = [check for check in self.report.checks if check.status is Status.FAIL]
        if first is not None and len(failed) > 1:
            yield Text()
            yield Text.assemble(("Fix first: ", "bold"), _one_line(first.id))

    def _score(self, options: ConsoleOptions) -> Iterator[RenderableType]:
        """Yield the notes, the isolation tier and the score as number and bar."""
        report = self.report
        yield Text()
        for note in report.notes:
            yield Text(f"Note: {clean(note, 500)}", style="dim")
        weak = report.isolation is Tier.NONE
        yield Text(f"Isolation: {labels.TIER[report.isolation]}", style="yellow" if weak else "dim")
        if self.seed:
            yield Text(f"Seed: {self.seed}", style="yellow")
        if boxed := labels.in_box(report):
            yield Text(f"In the box: {boxed}", style="yellow")
        if labels.unfinished(report):
            yield Text(
                "The grader itself failed in at least one check: this is not a mark. Grade again.",
                style="magenta",
            )
        share = report.score / report.max_score if report.max_score else 0.0
        filled = round(_BAR * min(max(share, 0.0), 1.0))
        full, empty = ("#", ".") if options.ascii_only else ("█", "░")
        score = Text.assemble(
            ("Score: ", "bold"),
            (f"{labels.points(report.score)} / {labels.points(report.max_score)}", "bold"),
        )
        score.append(
            f"   {full * filled}{empty * (_BAR - filled)}",
            style="green" if filled == _BAR else "yellow",
        )
        yield score


def _one_line(text: str) -> str:
    """Return hostile text as one line without anything that a terminal acts on."""
    return " ".join(clean(text, 300).split())
