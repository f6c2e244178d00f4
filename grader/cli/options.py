"""Options that several commands share, and the search for the assignment."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from grader.assignment.spec import Assignment


def add_assignment(command: argparse.ArgumentParser) -> None:
    """Add ``--assignment`` and ``--quiet``."""
    command.add_argument(
        "--assignment",
        type=Path,
        metavar="DIR",
        help=(
            "the assignment's folder (default: ./assignment, or the folder itself if it holds an"
            " assignment.toml)"
        ),
    )
    command.add_argument("--quiet", action="store_true", help="print nothing but errors")


def add_folder(
    command: argparse.ArgumentParser,
    option: str,
    default: str,
    text: str = "where to write (default: ./%(default)s)",
) -> None:
    """Add an option that names a folder."""
    command.add_argument(option, type=Path, metavar="DIR", default=Path(default), help=text)


def add_isolation(command: argparse.ArgumentParser, text: str) -> None:
    """Add ``--isolation``."""
    tiers = ("auto", "bubblewrap", "landlock", "none")
    text += " (default: %(default)s)"
    command.add_argument("--isolation", choices=tiers, default="auto", help=text)


def add_grading(command: argparse.ArgumentParser, *, out: str) -> None:
    """Add ``--out``, ``--isolation`` and ``--only``."""
    add_folder(command, "--out", out)
    add_isolation(
        command, "the box that the student's code runs in; 'none' is for code that you trust"
    )
    command.add_argument(
        "--only", action="append", default=[], metavar="ID", help="only this check; may be repeated"
    )


def assignment_of(options: argparse.Namespace) -> Assignment:
    """Load the assignment that the options name, or the one in the working directory."""
    from grader.assignment.spec import SPEC_NAME, load

    here = Path.cwd()
    folder = options.assignment or (here if (here / SPEC_NAME).is_file() else here / "assignment")
    return load(folder.parent if folder.name == SPEC_NAME and folder.is_file() else folder)
