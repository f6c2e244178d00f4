"""Submitted notebooks: read as a stranger's data, and put together from the author's cells and the student's."""

from __future__ import annotations

import itertools
import json
import os
from pathlib import Path
from typing import Any

import nbformat
from nbformat import NotebookNode

from grader.errors import AssignmentError, SubmissionFailed
from grader.text import clean

# nbformat's usual validator is compiled at its first use, for 30 ms and 10 MB; single cells and outputs pass it by.
os.environ.setdefault("NBFORMAT_VALIDATOR", "jsonschema")

FORMAT = 4  # of notebooks: the newest there is
MAX_CELLS = 2000
MAX_OBJECTS, MAX_ITEMS = 500_000, 4_000_000  # of its JSON, each of which takes some hundred bytes here
MAX_SOURCE = 200_000  # characters of one cell
SOLUTION = "### BEGIN SOLUTION"  # stands in the author's cells where the notebook is the reference too


class UnreadableNotebook(SubmissionFailed):
    """A submitted notebook that is not one."""


def parse(data: bytes) -> NotebookNode:
    """Return a notebook of the current format; raise `UnreadableNotebook` with a sentence for anything else."""
    try:
        if data.count(b"{") > MAX_OBJECTS or data.count(b"[") + data.count(b",") > MAX_ITEMS:
            raise UnreadableNotebook(
                "the notebook is of too many parts to be read: clear its outputs and save it again"
            )
        raw = json.loads(data.decode("utf-8-sig"))
        if not isinstance(raw, dict) or not isinstance(raw.get("nbformat"), int):
            raise UnreadableNotebook("the file is JSON, but not a notebook")
        if raw["nbformat"] > FORMAT:
            raise UnreadableNotebook(
                f"the notebook is of a newer format ({raw['nbformat']}) than is read here: save it as format {FORMAT}"
            )
        if (count := _count(raw)) > MAX_CELLS:  # before the converters of old formats walk over them
            raise UnreadableNotebook(f"the notebook has {count} cells, more than the {MAX_CELLS} that are taken")
        node: NotebookNode = nbformat.convert(nbformat.from_dict(_without_outputs(raw)), 4)
        cells = [cell for cell in node.get("cells", []) if isinstance(cell, dict)]
    except (ValueError, RecursionError) as error:
        raise UnreadableNotebook(f"the file is not a notebook ({clean(type(error).__name__, 40)})") from None
    except UnreadableNotebook:
        raise
    except Exception as error:  # nbformat's converters assume well-formed input and may raise anything on other
        raise UnreadableNotebook(f"the notebook's format can't be read ({clean(type(error).__name__, 40)})") from None
    if len(cells) > MAX_CELLS:
        raise UnreadableNotebook(f"the notebook has {len(cells)} cells, more than the {MAX_CELLS} that are taken")
    node["cells"] = cells
    return node


def _count(raw: dict[str, Any]) -> int:
    """Return how many cells a notebook of any format has."""
    sheets = raw.get("worksheets")
    count = 0
    for sheet in [raw, *(sheets if isinstance(sheets, list) else [])]:
        cells = sheet.get("cells") if isinstance(sheet, dict) else None
        count += len(cells) if isinstance(cells, list) else 0
    return count


def _without_outputs(raw: dict[str, Any]) -> dict[str, Any]:
    """Return a notebook's JSON without what its cells put out and says of itself, which nobody here asks for."""
    sheets = raw.get("worksheets")
    for sheet in [raw, *(sheets if isinstance(sheets, list) else [])]:
        cells = sheet.get("cells") if isinstance(sheet, dict) else None
        for cell in cells if isinstance(cells, list) else []:
            if isinstance(cell, dict) and "outputs" in cell:
                cell["outputs"] = []
    return {**raw, "metadata": {}}


def provided(path: Path) -> NotebookNode:
    """Return a notebook of the assignment's; raise `AssignmentError` where it can't be read."""
    try:
        node: NotebookNode = nbformat.convert(nbformat.reader.reads(path.read_text(encoding="utf-8")), 4)
    except Exception as error:  # converters may raise anything
        raise AssignmentError(f"{path} can't be read as a notebook: {error!r}") from error
    return node


def cell_key(cell: NotebookNode) -> str:
    """Return a cell's identity: its id, or the copy of it in the metadata, which older formats keep."""
    told = cell.get("metadata", {})
    ours = told.get("grader", {}) if isinstance(told, dict) else {}
    key = ours.get("id") if isinstance(ours, dict) else None
    return str(key or cell.get("id", ""))


def is_students(cell: NotebookNode) -> bool:
    """Return whether an author's cell is one that students fill in."""
    return bool(cell.get("metadata", {}).get("grader", {}).get("role") == "student")


def restore(
    author: NotebookNode, submitted: NotebookNode | None, *, keep_extra: bool
) -> tuple[NotebookNode, list[str]]:
    """Return the notebook to run: the author's cells as he wrote them, the student's where the student may write.

    Cells that the student added are kept behind the cell that they followed, where ``keep_extra`` says so. The second
    value names, in sentences, what of the submission was not used.
    """
    result = nbformat.from_dict({**author, "cells": []})
    if submitted is None:
        result.cells = [_fresh(cell, _unwritten(cell), cell_key(cell)) for cell in author.cells]
        return result, []
    theirs = _by_key(submitted)
    known = {cell_key(cell) for cell in author.cells}
    extra: dict[str, list[NotebookNode]] = {}
    behind = ""
    for cell in submitted.cells:
        if cell_key(cell) in known and theirs[cell_key(cell)] is cell:
            behind = cell_key(cell)
        elif _source(cell).strip():
            extra.setdefault(behind, []).append(cell)
    changed, missing = 0, 0
    cells: list[NotebookNode] = []
    counter = itertools.count(1)

    def add_extra(key: str) -> None:
        added = [cell for cell in extra.get(key, []) if cell.get("cell_type") in ("code", "markdown")]
        if keep_extra:
            cells.extend(_fresh(cell, _source(cell), f"added-{next(counter)}") for cell in added)

    add_extra("")
    for cell in author.cells:
        key = cell_key(cell)
        other = theirs.get(key)
        missing += other is None
        same = other is not None and _source(other).strip() == cell.source.strip()
        students = other is not None and is_students(cell)
        changed += other is not None and not same and not students
        cells.append(_fresh(cell, _source(other) if students and other is not None else _unwritten(cell), key))
        add_extra(key)
    result.cells = cells
    notes = []
    if changed:
        notes.append(f"{_cells(changed)} provided by the assignment had been changed and {_was(changed)} put back")
    if missing:
        notes.append(f"{_cells(missing)} of the assignment {_was(missing)} missing and {_was(missing)} put back")
    dropped = sum(map(len, extra.values()))
    if dropped and not keep_extra:
        notes.append(f"{_cells(dropped)} that the student added {_was(dropped)} not run")
    return result, notes


def _unwritten(cell: NotebookNode) -> str:
    """Return the source of a cell that the submission lacks: the author's, unless it holds his own solution."""
    return "" if SOLUTION in cell.source else str(cell.source)


def _by_key(notebook: NotebookNode) -> dict[str, NotebookNode]:
    """Return a cell for each key: a copy of a cell carries its original's metadata, but not its id."""
    cells: dict[str, NotebookNode] = {}
    for cell in notebook.cells:
        key = cell_key(cell)
        if key not in cells or (cell.get("id") == key and cells[key].get("id") != key):
            cells[key] = cell
    return cells


def _source(cell: NotebookNode) -> str:
    source = cell.get("source", "")
    text = "".join(map(str, source)) if isinstance(source, list) else str(source)
    return text[:MAX_SOURCE]


def _fresh(cell: NotebookNode, source: str, key: str) -> NotebookNode:
    make = nbformat.v4.new_code_cell if cell.get("cell_type") == "code" else nbformat.v4.new_markdown_cell
    made: NotebookNode = make(source=source, id=key[:64] or "cell", metadata={"grader": {"id": key[:64]}})  # type: ignore[no-untyped-call]  # of nbformat
    return made


def _cells(count: int) -> str:
    return "1 cell" if count == 1 else f"{count} cells"


def _was(count: int) -> str:
    return "was" if count == 1 else "were"
