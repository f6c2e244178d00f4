"""``grader audit``: tries the checks with wrong, lazy, and right but unusual solutions."""

from __future__ import annotations

import argparse
from pathlib import Path

from rich import progress
from rich.console import Console

from grader.authoring.audit import audit_report, run_audit
from grader.authoring.audit.trial_runs import TrialRun, Verdict
from grader.cli.console import console
from grader.cli.options import add_assignment, add_folder, add_isolation, assignment_of
from grader.files import try_folder, write_atomically
from grader.text import counted

PARTS = ("misconceptions", "mutants", "right", "lazy", "notebooks")
EVERY = 50  # trials between two lines, if the output is not a terminal


def add(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> argparse.ArgumentParser:
    """Add the command's options."""
    command: argparse.ArgumentParser = commands.add_parser("audit", description=__doc__)
    add_assignment(command)
    add_folder(command, "--out", "audit")
    command.add_argument(
        "--right",
        type=Path,
        metavar="DIR",
        help=(
            "right but unusual solutions, a folder each (default: right in the assignment, or"
            " tests/right beside it, if one is there)"
        ),
    )
    command.add_argument(
        "--part", action="append", choices=PARTS, help="only this part; may be repeated"
    )
    command.add_argument(
        "--full", action="store_true", help="also run the notebooks of the right solutions"
    )
    command.add_argument(
        "--workers", type=int, metavar="N", help="how many processes (default: one for each core)"
    )
    add_isolation(
        command,
        "the box that the trials run in; 'auto' takes plain processes if this machine has none",
    )
    return command


def run(options: argparse.Namespace) -> int:
    """Run the audit with a bar of progress, print what it found, write the two reports."""
    shown = console(options.quiet)
    assignment = assignment_of(options)
    try_folder(options.out)
    bar = Progress(shown)
    with bar:
        found = run_audit.audit(
            assignment,
            run_audit.AuditOptions(
                isolation=options.isolation,
                workers=options.workers,
                right=options.right,
                parts=tuple(part for part in PARTS if part in (options.part or PARTS)),
                full=options.full,
                on_start=bar.start,
                on_done=bar.done,
            ),
        )
    write_atomically(options.out / "audit.json", audit_report.json(found))
    page = write_atomically(options.out / "audit.html", audit_report.html(found))
    shown.print(audit_report.text(found), markup=False, soft_wrap=True)
    shown.print(f"audit: {page}", soft_wrap=True)
    return 0 if found.good else 1


class Progress:
    """Shows progress: a bar on a terminal, otherwise a line after some trials."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._count = self._total = 0
        columns = (
            progress.TextColumn("{task.description}"),
            progress.BarColumn(),
            progress.MofNCompleteColumn(),
            progress.TimeRemainingColumn(),
        )
        self._bar = progress.Progress(
            *columns, console=console, transient=True, disable=not console.is_terminal
        )
        self._task = self._bar.add_task("trials", total=None)

    def __enter__(self) -> Progress:
        self._bar.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._bar.stop()

    def start(self, total: int) -> None:
        """Set the number of trials."""
        self._total = total
        self._bar.update(self._task, total=total)
        if not self._console.is_terminal:
            self._console.print(counted(total, "trial"))

    def done(self, trial: TrialRun, verdict: Verdict) -> None:
        """Count one more trial."""
        self._count += 1
        self._bar.advance(self._task)
        if not self._console.is_terminal and (
            self._count % EVERY == 0 or self._count == self._total
        ):
            self._console.print(f"{self._count} of {self._total} trials")
