"""The command line: one file per command. Only this room prints and decides exit codes.

Exit codes: 0 everything passed · 1 graded, something failed · 2 can't be graded · 3 the grader
itself failed.
"""

from __future__ import annotations

import argparse
import importlib
import io
import sys
import traceback
from collections.abc import Sequence
from pathlib import Path

from grader import __version__
from grader.cli.console import patience
from grader.errors import CannotGrade, GraderError, UsageError

PASSED, FAILED, CANNOT_GRADE, GRADER_FAILED, INTERRUPTED = 0, 1, 2, 3, 130
LEFT_OUT = (
    "is for authors and instructors. This installation came with a handout and does not have it: "
    "install the whole grader"
)
COMMANDS = {
    "check": "grade one submission: a folder, .zip or .tar.gz",
    "watch": "check your own work at every save (for students)",
    "batch": "grade a class: a folder, or an LMS's bulk download",
    "desk": "open the page on which people grade answers, code and plots",
    "handout": "make the student template and its zip",
    "record": "record expectations from the reference",
    "audit": "try the checks with wrong and with right solutions",
    "export": (
        "write marks, students' pages or an autograder for an LMS, Gradescope, nbgrader,"
        " Classroom 50"
    ),
    "new": "begin an assignment",
    "doctor": "what this machine can do: isolation tiers, limits, versions",
    "submit": "make the zip to hand in (for students)",
    "merge": "put the results of shards together",
    "similar": "list pairs of submissions that share too much",
}
# a package -> the extras that install it
EXTRAS = {
    "libcst": "author",
    "nbconvert": "author",
    "tomli_w": "author",
    "yaml": "author,class",
}


def parser(*names: str) -> argparse.ArgumentParser:
    """Return a parser that knows the options of some commands, by default of all of them.

    Only the files of these commands are imported.
    """
    top, commands = _top()
    for name in names or COMMANDS:
        module = importlib.import_module(f"grader.cli.{name}")
        added = module.add(commands)
        added.set_defaults(run=module.run)
        # The description is a docstring, shown as plain text.
        added.description = (added.description or "").replace("``", "`")
        # The meaning of an abbreviation would change with every option that is added.
        added.allow_abbrev = False
    return top


def overview() -> argparse.ArgumentParser:
    """Return a parser that knows the names of the commands and imports none of their files."""
    top, commands = _top()
    for name, summary in COMMANDS.items():
        commands.add_parser(name, help=summary)
    return top


def _top() -> tuple[argparse.ArgumentParser, argparse._SubParsersAction[argparse.ArgumentParser]]:
    """Return a parser without commands, and the place where commands are added."""
    top = argparse.ArgumentParser(
        prog="grader",
        allow_abbrev=False,
        description=(
            "Write a numerical-Python assignment once; hand it out, grade a class, give reports"
            " that teach."
        ),
    )
    top.add_argument("--version", action="version", version=f"grader {__version__}")
    return top, top.add_subparsers(title="commands", metavar="COMMAND", required=True)


def run(arguments: Sequence[str]) -> int:
    """Run one command and return its exit code; the one place where errors become messages."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            # A terminal that lacks a character must not stop the grading.
            stream.reconfigure(errors="replace")
    with patience():
        return _run(arguments)


def _parsed(arguments: Sequence[str]) -> argparse.Namespace | int:
    """Return the options, or the exit code if argparse has printed help or an error."""
    try:
        if arguments and arguments[0] in COMMANDS:
            return parser(arguments[0]).parse_args(arguments)
        top = overview()
        top.parse_args(arguments)
        top.error("give a command first")
    except SystemExit as error:  # its code for bad usage is CANNOT_GRADE, too
        return int(error.code or 0)


def _run(arguments: Sequence[str]) -> int:
    try:
        options = _parsed(arguments)
        if isinstance(options, int):
            return options
        _be_somewhere()
        code: int = options.run(options)
        return code
    except CannotGrade as error:
        print(f"grader: {error}", file=sys.stderr)
        return CANNOT_GRADE
    except GraderError as error:
        print(f"grader: the grader failed, no mark is given: {error}", file=sys.stderr)
        return GRADER_FAILED
    except KeyboardInterrupt:
        print("grader: interrupted", file=sys.stderr)
        return INTERRUPTED
    except Exception as error:
        if lacks := _missing(error):
            print(f"grader: `grader {arguments[0]}` {lacks}", file=sys.stderr)
            return CANNOT_GRADE
        traceback.print_exc()
        print(
            "grader: the grader failed, no mark is given (the lines above say where)",
            file=sys.stderr,
        )
        return GRADER_FAILED


def _missing(error: Exception) -> str:
    """Return which package is missing and what to do, or nothing for another error."""
    if not isinstance(error, ModuleNotFoundError):
        return ""
    if (error.name or "").startswith("grader."):
        return LEFT_OUT
    extra = extra_of(error)
    needs = f"needs a package that is not installed here ({error})"
    return f'{needs}: pip install "grader[{extra}]"' if extra else ""


def extra_of(error: Exception) -> str:
    """Return the extra that installs a missing package, or nothing for another error."""
    name = error.name if isinstance(error, ModuleNotFoundError) else None
    return EXTRAS.get((name or "").partition(".")[0], "")


def _be_somewhere() -> None:
    """Raise `UsageError` if the working directory has been deleted."""
    try:
        Path.cwd()
    except FileNotFoundError as error:
        raise UsageError(
            "the folder that you are in has been deleted: go to another one (cd)"
        ) from error
