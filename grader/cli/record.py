"""``grader record``: records the reference's answers. With ``--check`` it says whether they are up
to date.
"""

from __future__ import annotations

import argparse

from grader.authoring import record
from grader.cli.options import add_assignment, assignment_of


def add(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> argparse.ArgumentParser:
    """Add the command's options."""
    command: argparse.ArgumentParser = commands.add_parser("record", description=__doc__)
    add_assignment(command)
    command.add_argument(
        "--check", action="store_true", help="write nothing: fail if the expectations are stale"
    )
    command.add_argument(
        "--reseed", action="store_true", help="draw a new hidden seed, as each course should"
    )
    return command


def run(options: argparse.Namespace) -> int:
    """Record or check, with a line per step."""
    assignment = assignment_of(options)

    def progress(line: str) -> None:
        if not options.quiet:
            print(line, flush=True)

    if options.check:
        problems = list(record.check(assignment, progress))
        for problem in problems:
            print(f"stale: {problem}")
        if problems:
            print("run `grader record`")
            return 1
        progress("the expectations are up to date")
        return 0
    for name, expectations in record.record(
        assignment, reseed=options.reseed, progress=progress
    ).items():
        progress(record.summary(expectations, assignment.expectations_path(name)))
    return 0
