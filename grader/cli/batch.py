"""``grader batch SUBMISSIONS``: grades a class, and goes on where an earlier run of the same
command stopped.
"""

from __future__ import annotations

import argparse
import contextlib
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from grader.cli.options import add_assignment, add_isolation, assignment_of
from grader.text import counted

if TYPE_CHECKING:
    from rich.console import Console

    from grader.classroom.run.run_types import Event, Totals

TERMINATED = 143  # as a shell tells of a process that SIGTERM ended


def add(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> argparse.ArgumentParser:
    """Add the command's options."""
    command: argparse.ArgumentParser = commands.add_parser("batch", description=__doc__)
    command.add_argument(
        "submissions",
        type=Path,
        metavar="SUBMISSIONS",
        help=(
            "a folder of folders or archives, or the bulk download of Canvas, Moodle, Blackboard,"
            " Brightspace, Sakai, Gradescope, Google Classroom, GitHub or nbgrader, as a zip or"
            " unpacked"
        ),
    )
    add_assignment(command)
    command.add_argument(
        "--out",
        type=Path,
        metavar="DIR",
        default=Path("class"),
        help=(
            "a new or empty folder, or where the same assignment was graded before (default:"
            " ./%(default)s)"
        ),
    )
    command.add_argument(
        "--roster", type=Path, metavar="CSV", help="the class: id, name, email, and other ids"
    )
    command.add_argument(
        "--groups",
        type=Path,
        metavar="CSV",
        help=(
            "who is of which group: columns `id` and `group`; what one of a group hands in is"
            " graded once, for all"
        ),
    )
    command.add_argument(
        "--overrides", type=Path, metavar="TOML", help="default: overrides.toml in DIR"
    )
    _add_running(command)
    return command


def _add_running(command: argparse.ArgumentParser) -> None:
    """Add the options that say how the grading is run, and which part of it."""
    command.add_argument(
        "--workers", type=_positive, metavar="N", help="default: as many as cores and memory allow"
    )
    add_isolation(
        command, "the box that the students' code runs in; 'none' is for code that you trust"
    )
    command.add_argument(
        "--regrade",
        action="append",
        default=[],
        metavar="ID",
        help=(
            "run only this check afresh and keep the verdicts on the others, until a run without"
            " --regrade grades all of them anew where the assignment has changed; may be repeated"
        ),
    )
    command.add_argument(
        "--shard", type=_shard, metavar="i/n", default=(1, 1), help="grade the i-th of n parts"
    )
    command.add_argument(
        "--todo", action="store_true", help="list what waits for a person, and grade nothing"
    )
    command.add_argument(
        "--dask",
        metavar="URL",
        help="grade on the Dask cluster with this scheduler: tcp://HOST:8786",
    )


def run(options: argparse.Namespace) -> int:
    """Grade, and write the gradebook, the class page and the list of what waits for a person."""
    from rich.text import Text

    from grader.classroom.marks import class_summary
    from grader.classroom.run import batch
    from grader.classroom.run.result_store import Store
    from grader.classroom.run.run_types import BatchOptions
    from grader.cli.console import console as console_of

    console = console_of(quiet=options.quiet)
    assignment = assignment_of(options)
    overrides_path = options.overrides or options.out / "overrides.toml"
    if options.todo:
        return _todo(console, Store(options.out), overrides_path)
    assignment.require_hidden()
    settings = BatchOptions(
        submissions=options.submissions,
        out=options.out,
        roster=options.roster,
        groups=options.groups,
        overrides=options.overrides,
        isolation=options.isolation,
        regrade=tuple(options.regrade),
        shard=options.shard,
        remote=bool(options.dask),
    )
    with _ended_by_sigterm(), _progress(console) as tell:
        open_workers = _opener(options, assignment.spec.limits.memory_mb, tell)
        run_ = batch.Batch(assignment, settings, tell)
        try:
            totals = run_.run(open_workers)
        except KeyboardInterrupt as why:
            console.print(
                f"interrupted: {run_.settled} of {run_.totals.students} submissions are settled."
            )
            console.print("Nothing is lost: run the same command again and it goes on from there.")
            return TERMINATED if isinstance(why, _Terminated) else 130
    written = class_summary.write(Store(options.out), overrides_path)
    _tell_totals(console, totals)
    for line in written.remarks:
        console.print(Text(line), soft_wrap=True)
    for name, path in written.files.items():
        console.print(f"{name}: {path}", soft_wrap=True)
    if totals.faults:
        return 3
    if totals.asked:
        return 1
    return 0 if totals.all_passed else 1


def _todo(console: Console, store: Any, overrides_path: Path) -> int:
    """Write the page of what waits for a person, and list it."""
    from rich.text import Text

    from grader.classroom.marks import class_summary

    written, waiting = class_summary.write_todo(store, overrides_path)
    for line in waiting:
        console.print(Text(line))
    console.print(f"waiting: {len(waiting)}; side by side: {written}", soft_wrap=True)
    return 0


class _Terminated(KeyboardInterrupt):
    """SIGTERM: the machine, a batch system or its time limit wants this run to end, as Ctrl-C
    does.
    """


@contextlib.contextmanager
def _ended_by_sigterm() -> Iterator[None]:
    """Let SIGTERM interrupt what is done here, so that it is cleaned up and reported."""

    def end(*_: object) -> None:
        raise _Terminated

    before = signal.signal(signal.SIGTERM, end)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _opener(
    options: argparse.Namespace, memory_mb: int, tell: Callable[[Event], None]
) -> Callable[[Path], Any]:
    def open_workers(work: Path) -> Any:
        from grader.classroom.run import executors
        from grader.classroom.run.run_types import Event

        if options.dask:
            return executors.DaskExecutor(options.dask)
        room = executors.room(memory_mb, options.workers)
        tell(Event(text=room.why))
        return executors.Lanes(room.workers, work, room.boxes)

    return open_workers


@contextlib.contextmanager
def _progress(console: Console) -> Iterator[Callable[[Event], None]]:
    """Give what shows the progress: a bar on a terminal, a line per submission elsewhere."""
    from grader.classroom.run.progress import Pace, describe

    pace = Pace(time.monotonic())
    if not console.is_terminal:

        def tell(event: Event) -> None:
            pace.count(event)
            if console.quiet:
                return
            if event.reused:  # there may be thousands
                console.file.write(f"{describe(event).plain}\n")
            else:
                console.print(describe(event), soft_wrap=True)
            if line := pace.due(event, time.monotonic()):
                console.print(line, soft_wrap=True)

        yield tell
        return
    from rich import progress

    columns = (
        progress.TextColumn("{task.description}"),
        progress.BarColumn(),
        progress.MofNCompleteColumn(),
        progress.TextColumn("{task.fields[rate]}"),
        progress.TimeElapsedColumn(),
    )
    with progress.Progress(*columns, console=console) as bar:
        task = bar.add_task("grading", total=None, rate="")

        def advance(event: Event) -> None:
            pace.count(event)
            if not event.text:
                rate = pace.said(event, time.monotonic())
                bar.update(task, total=event.total, completed=event.done, rate=rate)
            if event.text or (event.row is not None and not event.row.passed and not event.reused):
                bar.console.print(describe(event), soft_wrap=True)

        yield advance


def _tell_totals(console: Console, totals: Totals) -> None:
    parts = {
        "graded": totals.graded,
        "as they were before": totals.reused,
        "rendered again": totals.rendered,
        "can't be taken in": totals.refused,
        "handed in nothing": totals.missing,
        "the grader failed": totals.faults,
        "not on the roster": totals.strangers,
        "without a mark until it is said whose they are": totals.asked,
    }
    told = ", ".join(f"{n} {what}" for what, n in parts.items() if n)
    console.print(f"{counted(totals.students, 'student')}: {told}")


def _positive(text: str) -> int:
    if not (text.isdecimal() and int(text) > 0):
        raise argparse.ArgumentTypeError(f"{text!r} is not a positive integer")
    return int(text)


def _shard(text: str) -> tuple[int, int]:
    first, _, last = text.partition("/")
    if not (first.isdecimal() and last.isdecimal() and 1 <= int(first) <= int(last)):
        raise argparse.ArgumentTypeError(f"{text!r} is not a shard: give i/n, such as 1/4")
    return int(first), int(last)
