"""Reads notebooks: a submitted one as a stranger's data, the assignment's as the author's file."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from grader.errors import AssignmentError
from grader.notebooks.cells import text_of
from grader.notebooks.recovery import FORMAT, UnreadableNotebook, recovered

if TYPE_CHECKING:
    from grader.notebooks.jupyter_format import NotebookNode

__all__ = ["UnreadableNotebook", "parse", "provided"]


def parse(data: bytes) -> NotebookNode:
    """Return a notebook of the current format, without outputs and without its own metadata, which
    nothing here reads; raise `UnreadableNotebook` with a sentence for anything else.
    """
    from grader.notebooks.jupyter_format import nbformat

    cells = []
    for cell in recovered(data).cells:
        made = {**cell, "source": text_of(cell)}
        cells.append({**made, "outputs": []} if "outputs" in cell else made)
    tree = {"nbformat": FORMAT, "nbformat_minor": 5, "metadata": {}, "cells": cells}
    try:
        node: NotebookNode = nbformat.from_dict(tree)
    except RecursionError:
        raise UnreadableNotebook("the notebook's metadata is nested too deep to be read") from None
    return node


def provided(path: Path) -> NotebookNode:
    """Return a notebook of the assignment's; raise `AssignmentError` if it can't be read."""
    from grader.notebooks.jupyter_format import nbformat

    try:
        node: NotebookNode = nbformat.convert(
            nbformat.reader.reads(path.read_text(encoding="utf-8")), 4
        )
    except Exception as error:  # converters may raise anything
        raise AssignmentError(f"{path} can't be read as a notebook: {error!r}") from error
    return node
