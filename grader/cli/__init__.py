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
    "is for authors and instructors. This installation came with a handout and leaves it out: "
    "install the whole grader"
)
COMMANDS = (
    *("check", "watch", "batch", "desk", "handout", "record", "audit", "export", "new", "doctor"),
    *("submit", "merge", "similar"),
)
# packages -> what brings them
EXTRAS = {
    "libcst": "author",
    "nbconvert": "author",
    "tomli_w": "author",
    "yaml": "author,class",
}


def parser(command: str = "") -> argparse.ArgumentParser:
    """Return the parser of the whole command line, or of one command alone, which takes less
    time.
    """
    top = argparse.ArgumentParser(
        prog="grader",
        allow_abbrev=False,
        description=(
            "Write a numerical-Python assignment once; hand it out, grade a class, give reports"
            " that teach."
        ),
    )
    top.add_argument("--version", action="version", version=f"grader {__version__}")
    commands = top.add_subparsers(title="commands", metavar="COMMAND", required=True)
    for name in [command] if command in COMMANDS else COMMANDS:
        module = importlib.import_module(f"grader.cli.{name}")
        added = module.add(commands)
        added.set_defaults(run=module.run)
        # a docstring, shown as plain text
        added.description = (added.description or "").replace("``", "`")
        # what an abbreviation means would change with every option that is added
        added.allow_abbrev = False
    return top


def run(arguments: Sequence[str]) -> int:
    """Run one command and return its exit code; the one place where errors become messages."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            # a terminal of few characters must not stop the grading
            stream.reconfigure(errors="replace")
    with patience():
        return _run(arguments)


def _run(arguments: Sequence[str]) -> int:
    try:
        options = parser(arguments[0] if arguments else "").parse_args(arguments)
    except SystemExit as error:  # argparse has said why; its own code for bad usage is 2 as well
        return int(error.code or 0)
    try:
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
    """Return what is not installed here and what to do, if that is the error; else nothing."""
    if not isinstance(error, ModuleNotFoundError):
        return ""
    if (error.name or "").startswith("grader."):
        return LEFT_OUT
    extra = extra_of(error)
    needs = f"needs a package that is not installed here ({error})"
    return f'{needs}: pip install "grader[{extra}]"' if extra else ""


def extra_of(error: Exception) -> str:
    """Return the extra that brings a package which is not installed; nothing if that is not the
    error.
    """
    name = error.name if isinstance(error, ModuleNotFoundError) else None
    return EXTRAS.get((name or "").partition(".")[0], "")


def _be_somewhere() -> None:
    """Raise `UsageError` where the working directory has been deleted: no relative path means
    anything there.
    """
    try:
        Path.cwd()
    except FileNotFoundError as error:
        raise UsageError(
            "the folder that you are in has been deleted: go to another one (cd)"
        ) from error
