"""Strips solutions from notebooks, together with outputs, counts and unknown metadata.

nbconvert's preprocessors remove what a run left behind. They are imported here and nowhere else,
since they take half a second to load, and behind `grader.notebooks.jupyter_format`, since without
it nbformat takes seconds more.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from grader.notebooks.jupyter_format import nbformat

# isort: split
from nbconvert.preprocessors import ClearMetadataPreprocessor, ClearOutputPreprocessor

from grader.authoring.strip import (
    Block,
    cell_lines,
    decode,
    read_notebook,
    strip_markdown,
    strip_python,
)

KEPT_OF_CELLS = {"grader", "tags", "slideshow", "editable", "deletable", "jupyter"}  # metadata
KEPT_OF_OURS = ("id", "role", "points")  # of what this framework writes there
KEPT_OF_NOTEBOOKS = {"kernelspec", "language_info"}


class _KeepKnownMetadata(ClearMetadataPreprocessor):
    """Removes unknown metadata from cells of every kind; nbconvert's own, from code cells only."""

    def preprocess_cell(self, cell: Any, resources: Any, cell_index: int) -> Any:
        """Keep what students may read. A cell's id is repeated here: an older Jupyter drops it."""
        known: Any = self.nested_filter  # untyped
        kept = dict(known(cell.metadata.items(), self.preserve_cell_metadata_mask))
        ours = kept.get("grader") or {}
        kept["grader"] = {name: ours[name] for name in KEPT_OF_OURS if name in ours}
        kept["grader"]["id"] = cell.id
        cell.metadata = nbformat.from_dict(kept)
        return cell, resources


def strip_notebook(data: bytes, name: str) -> tuple[str, list[Block]]:
    """Return a notebook's JSON without solutions and traces of a run, and the solutions."""
    raw = read_notebook(decode(data, name), name)
    blocks: list[Block] = []
    for index, cell in enumerate(raw["cells"], start=1):
        text = "\n".join(cell_lines(cell))
        place = f"{name}, cell {index}"
        code = cell["cell_type"] == "code"
        stripped = strip_python(text, place, cell=True) if code else strip_markdown(text, place)
        cell["source"] = stripped.text.splitlines(keepends=True)
        cell["metadata"] = cell.get("metadata") or {}
        blocks += stripped.blocks
        if stripped.blocks and "attachments" in cell:
            blocks.append(Block("", "", (), _without_attachments(cell, stripped.text)))
    notebook: Any = nbformat.from_dict(raw)
    clear_outputs: Any = ClearOutputPreprocessor()
    clear_metadata: Any = _KeepKnownMetadata(  # type: ignore[no-untyped-call]  # of nbconvert
        preserve_cell_metadata_mask=KEPT_OF_CELLS, preserve_nb_metadata_mask=KEPT_OF_NOTEBOOKS
    )
    notebook, _ = clear_outputs.preprocess(notebook, {})
    notebook, _ = clear_metadata.preprocess(notebook, {})
    return json.dumps(notebook, ensure_ascii=False, indent=1, sort_keys=True) + "\n", blocks


def _without_attachments(cell: dict[str, Any], text: str) -> tuple[str, ...]:
    """Remove the attachments that a cell's remaining text does not show; return their content."""
    kept: dict[str, Any] = {}
    removed: list[str] = []
    for name, bundle in (cell.pop("attachments") or {}).items():
        if f"attachment:{name}" in text:
            kept[name] = bundle
        elif isinstance(bundle, Mapping):
            for value in bundle.values():
                removed.append("".join(value) if isinstance(value, list) else str(value))
    if kept:
        cell["attachments"] = kept
    return tuple(removed)
