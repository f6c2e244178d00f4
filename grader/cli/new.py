"""``grader new FOLDER``: begins an assignment that already records, grades and hands out."""

from __future__ import annotations

import argparse
import os
import shlex
import subprocess
from pathlib import Path

NEXT = """\
Try it as it is, then edit it:
  cd {folder}
  grader record                 # note what your solution answers; do so after every change
  grader check {reference:<17}# grade your solution: it should get all points
  grader handout                # make what students get, proved to hold no answer
  grader audit                  # try wrong solutions: do your checks notice?
"""


def add(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> argparse.ArgumentParser:
    """Add the command's options."""
    command: argparse.ArgumentParser = commands.add_parser("new", help="begin an assignment", description=__doc__)
    command.add_argument("folder", type=Path, metavar="FOLDER", help="the folder to be made")
    command.add_argument(
        "--from-notebook", type=Path, metavar="FILE", help="make it of a notebook with nbgrader's or Otter's markup"
    )
    command.add_argument("--quiet", action="store_true", help="print nothing but errors")
    return command


def run(options: argparse.Namespace) -> int:
    """Write the files and say what to do with them."""
    from grader.authoring.scaffold import create, must_be_new, named, scaffold

    name = options.folder.resolve().name
    notes: tuple[str, ...] = ()
    must_be_new(options.folder)
    if options.from_notebook is None:
        files, reference = scaffold(name), "solutions"
    else:
        from grader.authoring.from_notebook import convert

        if not options.quiet:
            print(f"trying what {options.from_notebook.name} becomes", flush=True)
        converted = convert(options.from_notebook, *named(name))
        files, notes, reference = converted.files, converted.notes, "."
    create(options.folder, files)
    if not options.quiet:
        print(f"{options.folder} is an assignment:")
        for path in sorted(files):
            print(f"  {path}")
        if notes:
            print("What could not be carried over as it was:")
            print("\n".join(f"- {note}" for note in notes))
        print(NEXT.format(folder=_quoted(str(options.folder)), reference=reference), end="")
    return 0


def _quoted(path: str) -> str:
    """Return a path as it can be pasted into a shell."""
    return shlex.quote(path) if os.name == "posix" else subprocess.list2cmdline([path])
