"""``grader merge SHARD...``: puts together what ``grader batch --shard i/n`` graded on several machines."""

from __future__ import annotations

import argparse
from pathlib import Path

from grader.text import counted


def add(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> argparse.ArgumentParser:
    """Add the command's options."""
    command: argparse.ArgumentParser = commands.add_parser(
        "merge", help="put the results of shards together", description=__doc__
    )
    command.add_argument("shards", type=Path, nargs="+", metavar="SHARD", help="what `grader batch --shard` wrote")
    command.add_argument("--out", type=Path, metavar="DIR", default=Path("class"), help="default: ./%(default)s")
    command.add_argument("--overrides", type=Path, metavar="TOML", help="default: overrides.toml in DIR")
    command.add_argument("--quiet", action="store_true", help="print nothing but errors")
    return command


def run(options: argparse.Namespace) -> int:
    """Merge, then write gradebook and pages; the exit code is that of a batch over the whole class."""
    from grader.classroom import gradebook, overrides, summary
    from grader.classroom.merge import merge
    from grader.classroom.rows import Outcome
    from grader.classroom.store import Store

    merge(options.shards, options.out)
    store, changes = Store(options.out), options.overrides or options.out / overrides.NAME
    written = summary.write(store, changes)
    outcomes = []
    for line in gradebook.lines(store, store.read_class(), overrides.read(changes)):
        failed = line.outcome is Outcome.REFUSED or any(check.status != "pass" for check in line.checks)
        outcomes.append((line.outcome, failed))
    unfinished = sum(outcome in (Outcome.FAULT, Outcome.WAITING) for outcome, _ in outcomes)
    if not options.quiet:
        print(counted(len(outcomes), "student") + (f", {unfinished} of them not graded" if unfinished else ""))
        for name, path in written.items():
            print(f"{name}: {path}")
    if unfinished:
        return 3
    return 1 if any(failed for _, failed in outcomes) else 0
