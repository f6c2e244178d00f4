"""``grader watch [FOLDER]``: checks what a saved file concerns, at once, and prints what
changed.
"""

from __future__ import annotations

import argparse
import contextlib
import threading
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

from grader.cli.console import console
from grader.cli.options import add_assignment
from grader.errors import GraderError
from grader.model import Status

if TYPE_CHECKING:
    from collections.abc import Callable

    from rich.console import Console

    from grader.assignment.spec import Assignment
    from grader.model import CheckResult
    from grader.practice.follow import Follower
    from grader.practice.watch import Round, Watch


def add(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> argparse.ArgumentParser:
    """Add the command's options."""
    command: argparse.ArgumentParser = commands.add_parser("watch", description=__doc__)
    command.add_argument(
        "folder", type=Path, nargs="?", default=Path(), metavar="FOLDER", help="where your work is"
    )
    add_assignment(command)
    command.add_argument(
        "--only", action="append", default=[], metavar="ID", help="only this check; may be repeated"
    )
    command.add_argument(
        "--open", action="store_true", help="open a page in the browser that follows every save"
    )
    return command


def run(options: argparse.Namespace) -> int:
    """Watch until the user interrupts; that is no failure."""
    from grader.practice.own import own_work

    assignment, folder = own_work(options.folder, options.assignment)
    return watch(assignment, folder, options)


def watch(assignment: Assignment, folder: Path, options: argparse.Namespace) -> int:
    """Check everything once, then at every save."""
    from grader.practice.follow import Follower
    from grader.practice.session import Session
    from grader.practice.watch import Watch

    shown = console(options.quiet)
    with contextlib.ExitStack() as stack:
        session = stack.enter_context(Session(assignment, folder))
        follower = stack.enter_context(Follower()) if options.open else None
        watched = Watch(session, options.only)
        teller = Teller(shown, watched, follower)
        with contextlib.suppress(KeyboardInterrupt):
            teller.round(watched.first)
            shown.print("Save a file to check it. Ctrl-C ends this.", style="dim")
            for _ in watched.saves(threading.Event()):
                teller.round(watched.again)
    return 0


class Teller:
    """Prints what came of each save, and hands it to the page in the browser."""

    def __init__(self, shown: Console, watched: Watch, follower: Follower | None) -> None:
        self._shown = shown
        self._watched = watched
        self._follower = follower
        self._opened = False
        self._explained = False  # whether a failure of this round was explained

    def round(self, look: Callable[[Callable[[CheckResult], None]], Round]) -> None:
        """Have the files looked at, and print the lines that changed as they come."""
        self._explained = False
        try:
            done = look(self._line)
        except GraderError as error:
            self._shown.print(f"grader: {error}", markup=False, soft_wrap=True)
            return
        if done.results:
            self._same(done)
            self._score()
            self._page()

    def _line(self, check: CheckResult) -> None:
        from grader.report import terminal

        self._shown.print(terminal.check_line(check, width=self._shown.width))
        if self._explained or check.status in (Status.PASS, Status.SKIP):
            return  # later checks build on earlier ones: the first failure is the one to look at
        self._explained = True
        for line in terminal.problem(check, self._shown, self._shown.width):
            self._shown.print(line)

    def _same(self, done: Round) -> None:
        """Say how many of the checks that were run say what they said before."""
        from grader.report import labels

        new = {check.id for check in done.new}
        counts = Counter(labels.status(check) for check in done.results if check.id not in new)
        if counts:
            told = ", ".join(f"{count} {word}" for word, count in counts.items())
            self._shown.print(f"as before: {told}", style="dim")

    def _score(self) -> None:
        from grader.report import labels

        graded = self._watched.graded
        assert graded is not None
        score, most = graded.report.score, graded.report.max_score
        line = f"Score: {labels.points(score)} / {labels.points(most)}"
        if self._watched.waiting:
            line += f"; checked when saved: {', '.join(self._watched.waiting)}"
        self._shown.print(line, style="bold", markup=False)

    def _page(self) -> None:
        if self._follower is None or self._watched.graded is None:
            return
        self._follower.show(self._watched.graded)
        if not self._opened:
            self._opened = True
            self._shown.print(f"page: {self._follower.url}", soft_wrap=True)
            self._follower.open()
