"""``grader new FOLDER``: begins an assignment that already records, grades and hands out."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from grader.authoring.from_nbgrader import Converted


def add(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> argparse.ArgumentParser:
    """Add the command's options."""
    command: argparse.ArgumentParser = commands.add_parser("new", help="begin an assignment", description=__doc__)
    command.add_argument("folder", type=Path, metavar="FOLDER", help="the folder to be made")
    command.add_argument(
        "--from-notebook", type=Path, metavar="FILE", help="make it of a notebook with nbgrader's markup"
    )
    command.add_argument("--quiet", action="store_true", help="print nothing but errors")
    return command


def run(options: argparse.Namespace) -> int:
    """Write the files and say what to do with them."""
    from grader.authoring.scaffold import create, named, scaffold

    name = options.folder.resolve().name
    notes: tuple[str, ...] = ()
    if options.from_notebook is None:
        files, reference = scaffold(name), "solutions"
    else:
        converted = _converted(options.from_notebook, *named(name))
        files, notes, reference = converted.files, converted.notes, "."
    create(options.folder, files)
    if not options.quiet:
        print(f"{options.folder} is an assignment:")
        for path in sorted(files):
            print(f"  {path}")
        for note in notes:
            print(f"not carried over: {note}")
        print(f"Try it as it is, then edit it:\n  cd {options.folder}\n  grader record\n  grader check {reference}")
        print("  grader handout")
    return 0


def _converted(path: Path, name: str, title: str) -> Converted:
    from grader.authoring.from_nbgrader import convert
    from grader.errors import UsageError

    try:
        data = path.read_bytes()
    except OSError as error:
        raise UsageError(f"{path} can't be read: {error.strerror}") from error
    return convert(data, path.stem, name, title)
