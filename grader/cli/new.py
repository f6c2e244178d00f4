"""``grader new FOLDER``: begins an assignment that already records, grades and hands out."""

from __future__ import annotations

import argparse
import os
import shlex
import subprocess
from pathlib import Path

from grader.assignment.naming import named
from grader.authoring.first_trial import tried
from grader.authoring.new import create, must_be_new, scaffold
from grader.importing.convert import convert
from grader.importing.courses import from_nbgrader_course, from_otter_course
from grader.importing.gradescope.autograders import from_gradescope

NEXT = """\
Try it as it is, then edit it:
  cd {folder}
  grader record                 # record your solution's answers; repeat it after every change
  grader check {reference:<17}# grade your solution: it should get all points
  grader handout                # make what students get, and prove that it holds no answer
  grader audit                  # try wrong solutions: do your checks fail them?
"""


def add(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> argparse.ArgumentParser:
    """Add the command's options."""
    command: argparse.ArgumentParser = commands.add_parser("new", description=__doc__)
    command.add_argument("folder", type=Path, metavar="FOLDER", help="the folder to be made")
    command.add_argument(
        "--from-notebook",
        type=Path,
        metavar="FILE",
        help="make it from a notebook with nbgrader's or Otter's markup",
    )
    command.add_argument(
        "--from-nbgrader",
        type=Path,
        metavar="DIR",
        help="make a folder of assignments from a course in nbgrader's format",
    )
    command.add_argument(
        "--from-otter",
        type=Path,
        metavar="DIR",
        help="make a folder of assignments from Otter's source notebooks",
    )
    command.add_argument(
        "--from-gradescope",
        type=Path,
        metavar="DIR",
        help="make a folder of assignments from Gradescope autograders",
    )
    command.add_argument("--quiet", action="store_true", help="print nothing but errors")
    return command


def run(options: argparse.Namespace) -> int:
    """Write the files and say what to do with them."""
    if options.from_nbgrader or options.from_otter or options.from_gradescope:
        return _course(options)
    name = options.folder.resolve().name
    notes: tuple[str, ...] = ()
    must_be_new(options.folder)
    if options.from_notebook is None:
        files, reference = scaffold(name), "solutions"
    else:
        if not options.quiet:
            print(f"trying what {options.from_notebook.name} becomes", flush=True)
        converted = convert(options.from_notebook, *named(name), tried)
        files, notes, reference = converted.files, converted.notes, "."
    create(options.folder, files)
    if not options.quiet:
        print(f"{options.folder} is an assignment:")
        for path in sorted(files):
            print(f"  {path}")
        if notes:
            print("What could not be carried over as it was:")
            print(*map("- {}".format, notes), sep="\n")
        print(NEXT.format(folder=_quoted(str(options.folder)), reference=reference), end="")
    return 0


def _course(options: argparse.Namespace) -> int:
    """Write an assignment for each of a course; 1 if one of them could not be made."""

    def tell(line: str) -> None:
        if not options.quiet:
            print(line, flush=True)

    must_be_new(options.folder)
    if options.from_nbgrader is not None:
        course = from_nbgrader_course(options.from_nbgrader, tell, tried)
    elif options.from_otter is not None:
        course = from_otter_course(options.from_otter, tell, tried)
    else:
        course = from_gradescope(options.from_gradescope, tell, tried)
    files: dict[str, bytes] = {}
    for name, converted in course.made.items():
        for path, data in converted.files.items():
            files[f"{name}/{path}"] = data
    if files:
        create(options.folder, files)  # the whole course or nothing
    for name, converted in course.made.items():
        tell(f"{options.folder / name} is an assignment")
        for note in converted.notes:
            tell(f"- {note}")
    for name, why in course.refused.items():
        print(f"{name} was not made: {why}", flush=True)
    reference = "solution" if options.from_gradescope else "."
    places = f"(in {_quoted(str(options.folder))})"
    tell(f"In each of them: grader record, grader check {reference}, grader handout {places}")
    return 1 if course.refused else 0


def _quoted(path: str) -> str:
    """Return a path as it can be pasted into a shell."""
    return shlex.quote(path) if os.name == "posix" else subprocess.list2cmdline([path])
