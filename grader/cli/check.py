"""``grader check SUBMISSION``: grades one submission and writes its reports."""

from __future__ import annotations

import argparse
import contextlib
import os
from pathlib import Path
from typing import TYPE_CHECKING

from grader.cli.console import console
from grader.cli.options import add_assignment, add_grading, assignment_of
from grader.errors import UsageError

if TYPE_CHECKING:
    from grader.assignment.spec import Assignment
    from grader.grading.startup import Opening
    from grader.model import CheckResult, Report


def add(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> argparse.ArgumentParser:
    """Add the command's options."""
    command: argparse.ArgumentParser = commands.add_parser("check", description=__doc__)
    command.add_argument(
        "submission", type=Path, metavar="SUBMISSION", help="a folder, an archive, or a single file"
    )
    add_assignment(command)
    add_grading(command, out="report")
    command.add_argument("--open", action="store_true", help="open the report in the browser")
    command.add_argument(
        "--watch",
        action="store_true",
        help="check your own work again at every save, as `grader watch` does",
    )
    return command


def run(options: argparse.Namespace) -> int:
    """Grade, print a line per check and the table, write the reports."""
    from grader.files import try_folder
    from grader.grading.startup import Opening
    from grader.practice.own import is_own

    assignment = assignment_of(options)
    if options.watch:
        return _watch(options, assignment)
    # What the instructor names may be a link; one within a submission is refused.
    options.submission = Path(os.path.realpath(options.submission))
    try_folder(options.out)
    own = is_own(assignment, options.submission)
    # before anything is imported that takes long
    with Opening(assignment, options.isolation, only=options.only, own=own) as opening:
        return _run(options, assignment, opening)


def _run(options: argparse.Namespace, assignment: Assignment, opening: Opening) -> int:
    from rich.text import Text

    from grader.grading.grade import Options, grade
    from grader.grading.outputs import Preparing, clear, write
    from grader.machine import cores
    from grader.report import terminal

    out = console(options.quiet)
    clear(options.out, options.submission)
    wanted = [
        check for check in assignment.spec.checks if not options.only or check.id in options.only
    ]
    running = {check.notebook for check in wanted if check.notebook}

    def tell(check: CheckResult) -> None:
        out.print(terminal.check_line(check, width=out.width))
        running.discard(check.notebook)

    def wait() -> None:
        if len(running) < cores():
            preparing.start()

    settings = Options(
        isolation=options.isolation, only=frozenset(options.only), on_check=tell, on_wait=wait
    )
    # What only the report needs is loaded while notebooks run, as soon as they leave a core to it.
    with Preparing(assignment, frozenset(running)) as preparing:
        graded = grade(assignment, options.submission, settings, opening)
        opening.begin_to_end()
        page = write(graded, options.out)["report.html"]
    out.print()
    out.print(terminal.summary(graded.report))
    if opening.unwalled:
        out.print(
            f"Not sandboxed: {opening.unwalled}. This is your own work, so it was run all the same."
        )
    out.print(
        Text.assemble("report: ", (str(page), f"link {page.resolve().as_uri()}")), soft_wrap=True
    )
    if options.open:
        _open(page)
    return exit_code(graded.report)


def _watch(options: argparse.Namespace, assignment: Assignment) -> int:
    """Check at every save instead of once; raise `UsageError` for work that may be somebody
    else's.
    """
    from grader.cli import watch
    from grader.practice.own import is_own

    if options.isolation not in ("auto", "none") or not is_own(assignment, options.submission):
        raise UsageError(
            "--watch runs the code without a sandbox, so it takes only your own work: leave it out"
        )
    return watch.watch(assignment, options.submission.resolve(), options)


def _open(page: Path) -> None:
    """Open a report in the user's browser, if there is one."""
    import webbrowser

    with contextlib.suppress(webbrowser.Error):
        webbrowser.open(page.resolve().as_uri())


def exit_code(report: Report) -> int:
    """Return 0 if everything passed, 1 if something failed, 3 if a check of ours did."""
    from grader.model import Status

    statuses = {check.status for check in report.checks}
    if Status.ERROR in statuses:
        return 3
    return 0 if statuses <= {Status.PASS} else 1
