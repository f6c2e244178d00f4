"""``grader merge SHARD...``: puts together what ``grader batch --shard i/n`` graded on several
machines.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from grader.classroom.marks import class_summary, overrides
from grader.classroom.run.merge import merge
from grader.classroom.run.result_store import Store
from grader.classroom.run.results import SubmissionOutcome
from grader.text import counted


def add(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> argparse.ArgumentParser:
    """Add the command's options."""
    command: argparse.ArgumentParser = commands.add_parser("merge", description=__doc__)
    command.add_argument(
        "shards", type=Path, nargs="+", metavar="SHARD", help="what `grader batch --shard` wrote"
    )
    command.add_argument(
        "--out", type=Path, metavar="DIR", default=Path("class"), help="default: ./%(default)s"
    )
    command.add_argument(
        "--overrides", type=Path, metavar="TOML", help="default: overrides.toml in DIR"
    )
    command.add_argument("--quiet", action="store_true", help="print nothing but errors")
    return command


def run(options: argparse.Namespace) -> int:
    """Merge, and write gradebook and pages; return the exit code of a batch of the whole class."""
    merged = merge(options.shards, options.out)
    written = class_summary.write(
        Store(options.out), options.overrides or options.out / overrides.NAME
    )
    unfinished, failed = 0, False
    for line in written.lines:
        unfinished += line.outcome in (SubmissionOutcome.FAULT, SubmissionOutcome.WAITING)
        failed = failed or line.outcome is SubmissionOutcome.REFUSED
        failed = failed or any(check.status != "pass" for check in line.checks)
    if not options.quiet:
        rest = f", {unfinished} of them not graded" if unfinished else ""
        print(counted(len(written.lines), "student") + rest)
        for remark in written.remarks:
            print(remark)
        for name, path in written.files.items():
            print(f"{name}: {path}")
    if merged.of > 1:
        print(f"grader: this is {merged.part} alone: merge again with all of them", file=sys.stderr)
    if unfinished or merged.of > 1:
        return 3
    return 1 if failed else 0
