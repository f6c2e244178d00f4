"""``grader similar``: pairs of submissions of a graded class that share too much code."""

from __future__ import annotations

import argparse
import contextlib
from pathlib import Path

from rich.text import Text

from grader.classroom.run.result_store import Store
from grader.classroom.similar import similarity
from grader.cli.console import console
from grader.cli.options import add_assignment, assignment_of
from grader.text import counted

LISTED = 20


def add(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> argparse.ArgumentParser:
    """Add the command's options."""
    command: argparse.ArgumentParser = commands.add_parser("similar", description=__doc__)
    add_assignment(command)
    command.add_argument(
        "--from",
        dest="source",
        type=Path,
        metavar="DIR",
        default=Path("class"),
        help="what `grader batch` wrote (default: ./%(default)s)",
    )
    command.add_argument(
        "--handout", type=Path, metavar="DIR", help="what students were given (default: worked out)"
    )
    command.add_argument(
        "--threshold",
        type=_share,
        default=0.5,
        metavar="SHARE",
        help="of the smaller part's own code, from 0 to 1 (default: %(default)s)",
    )
    command.add_argument(
        "--out", type=Path, metavar="DIR", help="default: similar/ in the class's folder"
    )
    return command


def run(options: argparse.Namespace) -> int:
    """Write the pages and list the first pairs."""
    shown = console(options.quiet)
    given = similarity.handout_of(assignment_of(options), options.handout)
    out = options.out or options.source / "similar"
    written = similarity.write(Store(options.source), out, given, options.threshold)
    path, pairs = written.path, written.pairs
    if not written.compared:
        shown.print(
            "nothing was compared: no result holds code of a student's own in "
            + (", ".join(given) or "any file, as the assignment names none"),
            soft_wrap=True,
        )
    for cluster in written.clusters:
        members = ", ".join(entry.student for entry in cluster.members)
        shown.print(Text(f"cluster of {len(cluster.members)}: {members}"), soft_wrap=True)
    for pair in pairs[:LISTED]:
        shown.print(
            Text(
                f"{100 * pair.share:4.0f} %  {pair.first.student}  {pair.second.student} "
                f" {pair.file}"
            )
        )
    shown.print(f"{counted(len(pairs), 'pair')}: {path}", soft_wrap=True)
    return 0


def _share(text: str) -> float:
    with contextlib.suppress(ValueError):
        if 0 <= float(text) <= 1:
            return float(text)
    raise argparse.ArgumentTypeError(
        f"{text!r} is not a share: give a number from 0 to 1, such as 0.5"
    )
