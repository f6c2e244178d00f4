"""``grader submit [FOLDER]``: makes the zip to hand in, in a student's handout."""

from __future__ import annotations

import argparse
from pathlib import Path

from grader.cli.options import add_assignment, assignment_of
from grader.errors import UsageError


def add(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> argparse.ArgumentParser:
    """Add the command's options."""
    command: argparse.ArgumentParser = commands.add_parser("submit", description=__doc__)
    command.add_argument(
        "folder", type=Path, nargs="?", default=Path(), metavar="FOLDER", help="where your work is"
    )
    command.add_argument(
        "--out", type=Path, metavar="FILE", help="the zip (default: NAME-submission.zip in FOLDER)"
    )
    add_assignment(command)
    return command


def run(options: argparse.Namespace) -> int:
    """Write the zip and say what is in it."""
    from grader.files import write_atomically
    from grader.practice.submit import pack_submission

    if options.out is not None and options.out.suffix.lower() != ".zip":
        raise UsageError(f"--out {options.out}: what is made is a zip, so let its name end in .zip")
    assignment = assignment_of(options)
    packed = pack_submission(assignment, options.folder)
    path = write_atomically(
        options.out or options.folder / f"{assignment.spec.name}-submission.zip", packed.archive
    )
    if not options.quiet:
        print(f"{path} is ready to be handed in. It holds:")
        for name, size in packed.files.items():
            print(f"  {name:40} {size / 1024:7.1f} KiB")
        for remark in packed.remarks:
            print(f"note: {remark}")
    return 0
