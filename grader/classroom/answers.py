"""Questions that are answered in words: found in the author's notebooks, their answers in a student's."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from grader.assignment.spec import Assignment
from grader.classroom.marks import Inline

ANSWER_LIMIT = 20_000  # characters
QUESTION_LIMIT = 4_000
_MARKERS = ("### BEGIN SOLUTION", "### END SOLUTION")


def questions(assignment: Assignment) -> tuple[Inline, ...]:
    """Return the Markdown cells that the author leaves to students, with what is asked before them."""
    found = []
    for spec in assignment.spec.notebooks:
        path = assignment.folder / spec.source
        cells = _cells(path.read_bytes())
        for before, cell in zip([None, *cells], cells, strict=False):
            ours = _ours(cell)
            if cell.get("cell_type") != "markdown" or ours.get("role") != "student":
                continue
            stem = spec.path.rpartition("/")[2].removesuffix(".ipynb")
            found.append(
                Inline(
                    id=f"{stem}/{_key(cell)}",
                    notebook=spec.path,
                    cell=_key(cell),
                    question=_text(before)[:QUESTION_LIMIT] if before and before.get("cell_type") == "markdown" else "",
                    untouched=_untouched(_text(cell)),
                    points=float(ours.get("points", 0) or 0),
                )
            )
    return tuple(found)


def written(inline: Sequence[Inline], files: Mapping[str, bytes]) -> dict[str, str]:
    """Return the answers that a student wrote: id -> text. Untrusted, and whatever can't be read is no answer."""
    answers = {}
    for notebook in dict.fromkeys(question.notebook for question in inline):
        cells = {_key(cell): cell for cell in _cells(files.get(notebook, b""))}
        for question in inline:
            if question.notebook == notebook and question.cell in cells:
                text = _text(cells[question.cell]).strip()
                if _plain(text) not in ("", _plain(question.untouched)):
                    answers[question.id] = text[:ANSWER_LIMIT]
    return answers


def _untouched(text: str) -> str:
    """Return what students find in the cell: the author's answer between the markers is stripped for the handout."""
    start, end = (text.find(marker) for marker in _MARKERS)
    if start < 0:
        return text
    return text[:start] + "*Write your answer here.*" + (text[end:].partition("\n")[2] if end >= 0 else "")


def _plain(text: str) -> str:
    return " ".join(text.split())


def _cells(data: bytes) -> list[dict[str, Any]]:
    try:
        tree = json.loads(data.decode("utf-8-sig"))
    except (ValueError, RecursionError):
        return []
    cells = tree.get("cells") if isinstance(tree, dict) else None
    return [cell for cell in cells if isinstance(cell, dict)] if isinstance(cells, list) else []


def _ours(cell: dict[str, Any]) -> dict[str, Any]:
    told = cell.get("metadata")
    ours = told.get("grader") if isinstance(told, dict) else None
    return ours if isinstance(ours, dict) else {}


def _key(cell: dict[str, Any]) -> str:
    return str(_ours(cell).get("id") or cell.get("id", ""))


def _text(cell: dict[str, Any] | None) -> str:
    source = cell.get("source") if cell else ""
    if isinstance(source, list):
        return "".join(part for part in source if isinstance(part, str))
    return source if isinstance(source, str) else ""
