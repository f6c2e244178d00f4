"""``grader new FOLDER``: begins an assignment that already records, grades and hands out."""

from __future__ import annotations

import argparse
from pathlib import Path


def add(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> argparse.ArgumentParser:
    """Add the command's options."""
    command: argparse.ArgumentParser = commands.add_parser("new", help="begin an assignment", description=__doc__)
    command.add_argument("folder", type=Path, metavar="FOLDER", help="the folder to be made")
    command.add_argument("--quiet", action="store_true", help="print nothing but errors")
    return command


def run(options: argparse.Namespace) -> int:
    """Write the files and say what to do with them."""
    from grader.authoring.scaffold import create, scaffold

    files = scaffold(options.folder.resolve().name)
    create(options.folder, files)
    if not options.quiet:
        print(f"{options.folder} is an assignment:")
        for path in sorted(files):
            print(f"  {path}")
        print(f"Try it as it is, then edit it:\n  cd {options.folder}\n  grader record\n  grader check solutions")
        print("  grader handout")
    return 0
