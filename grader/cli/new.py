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
    command: argparse.ArgumentParser = commands.add_parser(
        "new", help="begin an assignment", description=__doc__
    )
    command.add_argument("folder", type=Path, metavar="FOLDER", help="the folder to be made")
    command.add_argument(
        "--from-notebook",
        type=Path,
        metavar="FILE",
        help="make it of a notebook with nbgrader's or Otter's markup",
    )
    command.add_argument(
        "--from-nbgrader",
        type=Path,
        metavar="DIR",
        help="make a folder of assignments of a course of nbgrader's",
    )
    command.add_argument(
        "--from-otter",
        type=Path,
        metavar="DIR",
        help="make a folder of assignments of Otter's source notebooks",
    )
    command.add_argument(
        "--from-gradescope",
        type=Path,
        metavar="DIR",
        help="make a folder of assignments of Gradescope autograders",
    )
    command.add_argument("--quiet", action="store_true", help="print nothing but errors")
    return command


def run(options: argparse.Namespace) -> int:
    """Write the files and say what to do with them."""
    from grader.assignment.naming import named
    from grader.authoring.new import create, must_be_new, scaffold

    if options.from_nbgrader or options.from_otter or options.from_gradescope:
        return _course(options)
    name = options.folder.resolve().name
    notes: tuple[str, ...] = ()
    must_be_new(options.folder)
    if options.from_notebook is None:
        files, reference = scaffold(name), "solutions"
    else:
        from grader.authoring.first_trial import tried
        from grader.importing.convert import convert

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
            print("\n".join(f"- {note}" for note in notes))
        print(NEXT.format(folder=_quoted(str(options.folder)), reference=reference), end="")
    return 0


def _course(options: argparse.Namespace) -> int:
    """Write an assignment for each of a course; 1 if one of them could not be made."""
    from grader.authoring.first_trial import tried
    from grader.authoring.new import create, must_be_new
    from grader.importing.courses import from_nbgrader_course, from_otter_course
    from grader.importing.gradescope import from_gradescope

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
        files |= {f"{name}/{path}": data for path, data in converted.files.items()}
    if files:
        create(options.folder, files)  # the whole course or nothing of it
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
