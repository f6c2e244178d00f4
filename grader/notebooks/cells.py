"""One cell of a notebook, as JSON has it: its key, text, owner and attachments. Nothing in it is
believed.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from grader.text import clean

MAX_SOURCE = 200_000  # characters of one cell
RAISES = "raises-exception"  # Jupyter's tag for a cell that is meant to raise
FIRST_LINE = 60  # characters of a cell's first line in messages

Cell = Mapping[str, Any]

_CHECKS = re.compile(  # a line of a cell that checks, see `grader.notebook`
    r"from grader\.notebook import check|%(?:re)?load_ext grader\.notebook|%check(?: [^;!]*)?"
    r"|check\((?:[\"'][^\"'\\]*[\"'](?:, *(?=[\"']))?)*\);?"
)
_NO_ID = re.compile(r"[^A-Za-z0-9_-]+")


def text_of(cell: Cell) -> str:
    """Return a cell's source, which may be one text or a list of lines."""
    return joined(cell.get("source"))[:MAX_SOURCE]


def joined(value: object) -> str:
    """Return what JSON has as one text or a list of lines; of anything else nothing."""
    if isinstance(value, list):
        return "".join(line for line in value if isinstance(line, str))
    return value if isinstance(value, str) else ""


def metadata_of(cell: Cell) -> Mapping[str, Any]:
    """Return a cell's metadata, or nothing if it is not a mapping."""
    told = cell.get("metadata")
    return told if isinstance(told, Mapping) else {}


def ours(cell: Cell) -> Mapping[str, Any]:
    """Return what this framework wrote into a cell's metadata."""
    told = metadata_of(cell).get("grader")
    return told if isinstance(told, Mapping) else {}


def cell_key(cell: Cell) -> str:
    """Return a cell's identity: the id that a handout wrote, or the cell's own; Colab keeps ids in
    the metadata.
    """
    return str(
        ours(cell).get("id")
        or _grade_id(cell)
        or cell.get("id")
        or metadata_of(cell).get("id")
        or ""
    )


def is_nbgraders_test(cell: Cell) -> bool:
    """Return whether a cell is one of nbgrader's tests: checks stand for these, so they are not run
    once more.
    """
    told = metadata_of(cell).get("nbgrader")
    return isinstance(told, Mapping) and told.get("grade") is True and not told.get("solution")


def is_check(source: str) -> bool:
    """Return whether a cell does nothing but check the student's work: it has no part in what is
    graded.
    """
    lines = map(str.strip, source.splitlines())
    code = [line for line in lines if line and not line.startswith("#")]
    return bool(code) and all(map(_CHECKS.fullmatch, code))


def _grade_id(cell: Cell) -> str:
    """Return nbgrader's name of a cell, in the form that an imported assignment has."""
    told = metadata_of(cell).get("nbgrader")
    name = told.get("grade_id") if isinstance(told, Mapping) else None
    return _NO_ID.sub("-", name).strip("-")[:56] if isinstance(name, str) else ""


def is_students(cell: Cell) -> bool:
    """Return whether an author's cell is one that students fill in."""
    return bool(ours(cell).get("role") == "student")


def may_raise(cell: Cell) -> bool:
    """Return whether a cell has Jupyter's tag for cells that are meant to raise."""
    tags = metadata_of(cell).get("tags")
    return isinstance(tags, list) and RAISES in tags


def folded(source: str) -> str:
    """Return a source without spaces at the ends of its lines and without empty lines around it."""
    return "\n".join(map(str.rstrip, source.strip().split("\n")))


def first_line(source: str) -> str:
    """Return the first line of a cell with anything in it, fit to be shown."""
    line = next(filter(str.strip, source.split("\n")), "").strip().replace("`", "'")
    return clean(line, FIRST_LINE)


def in_words(number: int, source: str) -> str:
    """Return how a message names a code cell: as Jupyter numbers it after a run from the top, and
    its first line.
    """
    line = first_line(source)
    shown = f"`{line}`" if line else "empty"
    return f"cell [{number}] ({shown})" if number else f"the assignment's cell {shown}"
