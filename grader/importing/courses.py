"""Whole courses of nbgrader's or Otter's: each assignment becomes a folder, in one command.

nbgrader keeps `source/ASSIGNMENT/*.ipynb`; several notebooks of one assignment stay together. Otter
has one notebook for each assignment, wherever it lies.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from pathlib import Path

import msgspec

from grader.assignment.naming import named
from grader.assignment.trial import TryOut
from grader.errors import AssignmentError, UsageError
from grader.importing.convert import Converted, convert_all
from grader.importing.drafts import read_cells
from grader.importing.markup import nbgrader_markup, otter_markup
from grader.notebooks.text_format import is_text_notebook

MOST_NOTEBOOKS = 2_000
SUFFIXES = (".ipynb", ".py", ".md")
CONFIG = "nbgrader_config.py"
_SOURCE = re.compile(
    r"""^\s*c\.(?:CourseDirectory|NbGrader)\.source_directory\s*=\s*["']([^"']+)["']""",
    re.MULTILINE,
)
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_MADE = frozenset(
    ("release", "submitted", "autograded", "feedback", "dist", "autograder", "student", "exchange")
)


class Course(msgspec.Struct, frozen=True):
    """What became of a course: its assignments by their folders' names, and those that could not be
    read.
    """

    made: Mapping[str, Converted]
    refused: Mapping[str, str]


def from_nbgrader_course(folder: Path, tell: Callable[[str], None], try_out: TryOut) -> Course:
    """Return the assignments of a course of nbgrader's; raise `UsageError` if there is none."""
    source = _source_folder(folder)
    found: dict[str, list[Path]] = {}
    for path in _notebooks(source, nbgrader_markup.is_nbgraders):
        place = path.parent.relative_to(source).as_posix()
        found.setdefault(folder.name if place == "." else place.replace("/", "-"), []).append(path)
    if not found:
        raise UsageError(
            f"{source} holds no notebook with nbgrader's markup: name the course, or its folder"
            " `source`"
        )
    return _made(found, tell, try_out)


def from_otter_course(folder: Path, tell: Callable[[str], None], try_out: TryOut) -> Course:
    """Return the assignments of a folder with Otter's source notebooks; raise `UsageError` if there
    is none.
    """
    found: dict[str, list[Path]] = {}
    for path in _notebooks(folder, otter_markup.is_otters):
        name = path.stem
        if name in found:
            name = path.relative_to(folder).with_suffix("").as_posix().replace("/", "-")
        found[name] = [path]
    if not found:
        raise UsageError(
            f"{folder} holds no notebook with Otter's markup (`# BEGIN QUESTION` in a raw cell)"
        )
    return _made(found, tell, try_out)


def _source_folder(folder: Path) -> Path:
    """Return where a course's sources lie, as its configuration says or as is usual."""
    if not folder.is_dir():
        raise UsageError(f"{folder} is not a folder: name the course that `nbgrader` works in")
    config = folder / CONFIG
    told = (
        _SOURCE.search(config.read_text(encoding="utf-8", errors="replace"))
        if config.is_file()
        else None
    )
    source = folder / (told[1] if told else "source")
    return source if source.is_dir() else folder


def _notebooks(folder: Path, known: Callable[[list[dict[str, object]]], bool]) -> list[Path]:
    """Return the notebooks below a folder with a markup, what tools have made of them left
    aside.
    """
    found = []
    paths = sorted(path for path in folder.rglob("*") if path.suffix in SUFFIXES)
    for path in paths[:MOST_NOTEBOOKS]:
        parts = path.relative_to(folder).parts[:-1]
        if _MADE.intersection(parts) or "/." in "/".join(("", *parts)):
            continue
        try:
            data = path.read_bytes()
            if path.suffix != ".ipynb" and not is_text_notebook(data):
                continue
            _, cells = read_cells(data, path.name)
        except (UsageError, OSError):
            continue
        if known(cells):
            found.append(path)
    return found


def _made(found: Mapping[str, list[Path]], tell: Callable[[str], None], try_out: TryOut) -> Course:
    made: dict[str, Converted] = {}
    refused: dict[str, str] = {}
    for folder, paths in found.items():
        tell(f"trying what {folder} becomes")
        try:
            name, title = named(folder)
            # By an assignment's name, nbgrader's folders of submissions are found.
            made[folder] = convert_all(
                paths, folder if _NAME.fullmatch(folder) else name, title, try_out
            )
        except (UsageError, AssignmentError) as error:
            refused[folder] = str(error)
    return Course(made, refused)
