"""``grader check SUBMISSION``: grades one submission and writes its reports."""

from __future__ import annotations

import argparse
import threading
from pathlib import Path
from typing import TYPE_CHECKING

from grader.cli.options import add_assignment, add_grading, assignment_of

if TYPE_CHECKING:
    from grader.model import CheckResult, Report


def add(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> argparse.ArgumentParser:
    """Add the command's options."""
    command: argparse.ArgumentParser = commands.add_parser(
        "check", help="grade one submission: a folder, .zip or .tar.gz", description=__doc__
    )
    command.add_argument("submission", type=Path, metavar="SUBMISSION", help="a folder, an archive, or a single file")
    add_assignment(command)
    add_grading(command, out="report")
    return command


def run(options: argparse.Namespace) -> int:
    """Grade, print a line per check and the table, write the reports."""
    from rich.console import Console

    from grader.grading.grade import Options, grade
    from grader.grading.outputs import load_libraries, write
    from grader.report import terminal

    console = Console(quiet=options.quiet, highlight=False)
    assignment = assignment_of(options)
    # While boxes are at work, this process has the time to load what only the report needs.
    loading = threading.Thread(target=load_libraries, daemon=True)

    def tell(check: CheckResult) -> None:
        console.print(terminal.check_line(check, width=console.width))
        if not loading.ident:
            loading.start()

    graded = grade(
        assignment,
        options.submission,
        Options(isolation=options.isolation, only=frozenset(options.only), on_check=tell),
    )
    paths = write(graded, options.out)
    console.print()
    console.print(terminal.summary(graded.report))
    console.print(f"report: {paths['report.html']}", soft_wrap=True)
    return exit_code(graded.report)


def exit_code(report: Report) -> int:
    """Return 0 where everything passed, 1 where something failed, 3 where a check of ours did."""
    from grader.model import Status

    statuses = {check.status for check in report.checks}
    if Status.ERROR in statuses:
        return 3
    return 0 if statuses <= {Status.PASS} else 1
