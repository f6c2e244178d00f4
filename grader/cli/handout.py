"""``grader handout``: makes ``student_template/`` and the zip that students get. With ``--check``
it says whether they are up to date.
"""

from __future__ import annotations

import argparse

from grader.authoring.handout import bare_run, contents, handout_folder, leak_check
from grader.cli.options import add_assignment, add_folder, assignment_of
from grader.files import write_atomically
from grader.text import counted


def add(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> argparse.ArgumentParser:
    """Add the command's options."""
    command: argparse.ArgumentParser = commands.add_parser("handout", description=__doc__)
    add_assignment(command)
    command.add_argument(
        "--question",
        action="append",
        default=[],
        metavar="ID",
        help="only this question; may be repeated",
    )
    add_folder(command, "--template", "student_template", "default: ./%(default)s")
    add_folder(command, "--out", "dist", "for the zip (default: ./%(default)s)")
    command.add_argument(
        "--check", action="store_true", help="write nothing: fail if the template is out of date"
    )
    command.add_argument(
        "--try-bare",
        action="store_true",
        help="run the handout's own checks in a fresh environment too; needs a package index",
    )
    return command


def run(options: argparse.Namespace) -> int:
    """Build the handout and compare it, or prove that it holds no answer and write it."""

    def say(line: str) -> None:
        if not options.quiet:
            print(line, flush=True)

    assignment = assignment_of(options)
    made = contents.build(assignment, tuple(options.question))
    if options.check:
        problems = list(handout_folder.differences(made, options.template))
        for problem in problems:
            print(f"out of date: {options.template}/{problem}")
        say("run `grader handout`" if problems else f"{options.template} is up to date")
        return 1 if problems else 0
    files, solutions = counted(len(made.files), "file"), counted(len(made.blocks), "solution")
    say(f"{files}, {solutions} stripped; proving that no answer is left")
    leak_check.prove(made, assignment)
    suffix = "".join(map("-{}".format, options.question))
    packed = made.archive()
    if options.try_bare:
        say("running its checks in a fresh environment")
        bare_run.prove(packed, made.name, assignment.spec.requires)
    archive = write_atomically(options.out / f"{made.name}{suffix}-handout.zip", packed)
    if options.question:
        say(f"{options.template} is left as it is: a partial handout is only a zip")
    else:
        handout_folder.write_template(made, options.template)
        say(f"template: {options.template}")
    say(f"handout:  {archive} ({archive.stat().st_size / 1048576:.1f} MB)")
    return 0
