"""Reads notebooks: a submitted one as a stranger's data, the assignment's as the author's file."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from grader.errors import AssignmentError, SubmissionFailed
from grader.notebooks.jupyter_format import NotebookNode, nbformat
from grader.sandbox.wire import load
from grader.text import clean

FORMAT = 4  # of notebooks: the newest there is
MAX_CELLS = 2000
# of its JSON, each of which takes some hundred bytes here
MAX_OBJECTS, MAX_ITEMS = 500_000, 4_000_000


class UnreadableNotebook(SubmissionFailed):
    """A submitted notebook that is not one."""


def parse(data: bytes) -> NotebookNode:
    """Return a notebook of the current format; raise `UnreadableNotebook` with a sentence for
    anything else.
    """
    try:
        if data.count(b"{") > MAX_OBJECTS or data.count(b"[") + data.count(b",") > MAX_ITEMS:
            raise UnreadableNotebook(
                "the notebook is of too many parts to be read: clear its outputs and save it again"
            )
        raw = load(data.decode("utf-8-sig"))
        if not isinstance(raw, dict) or not isinstance(raw.get("nbformat"), int):
            raise UnreadableNotebook("the file is JSON, but not a notebook")
        if raw["nbformat"] > FORMAT:
            raise UnreadableNotebook(
                f"the notebook is of a newer format ({raw['nbformat']}) than is read here: save it"
                f" as format {FORMAT}"
            )
        bare = _without_outputs(raw)  # raises for too many cells: converters take long over these
        node: NotebookNode = nbformat.convert(nbformat.from_dict(bare), 4)
        cells = [cell for cell in node.get("cells", []) if isinstance(cell, dict)]
    except (ValueError, RecursionError) as error:
        if is_web_page(data):
            raise UnreadableNotebook(WEB_PAGE) from None
        raise UnreadableNotebook(
            f"the file is not a notebook ({clean(type(error).__name__, 40)})"
        ) from None
    except UnreadableNotebook:
        raise
    # nbformat's converters assume well-formed input and may raise anything on other
    except Exception as error:
        raise UnreadableNotebook(
            f"the notebook's format can't be read ({clean(type(error).__name__, 40)})"
        ) from None
    node["cells"] = cells
    return node


WEB_PAGE = (
    "the file is a web page that was saved under a notebook's name, not the notebook: in Jupyter,"
    " download it by File > Download (in Colab, File > Download > Download .ipynb) and hand in that"
    " file"
)


def is_web_page(data: bytes) -> bool:
    """Return whether a file begins as an HTML page does."""
    start = data[:1000].lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    return start.startswith((b"<!doctype html", b"<html", b"<head", b"<!--"))


def _without_outputs(raw: dict[str, Any]) -> dict[str, Any]:
    """Return a notebook's JSON without outputs and without its own metadata, which nothing here
    reads.

    Raises `UnreadableNotebook` for more cells than are taken.
    """
    sheets = raw.get("worksheets")
    count = 0
    for sheet in [raw, *(sheets if isinstance(sheets, list) else [])]:
        cells = sheet.get("cells") if isinstance(sheet, dict) else None
        listed = cells if isinstance(cells, list) else []
        count += len(listed)
        for cell in listed:
            if isinstance(cell, dict) and "outputs" in cell:
                cell["outputs"] = []
    if count > MAX_CELLS:
        raise UnreadableNotebook(
            f"the notebook has {count} cells, more than the {MAX_CELLS} that are taken"
        )
    return {**raw, "metadata": {}}


def provided(path: Path) -> NotebookNode:
    """Return a notebook of the assignment's; raise `AssignmentError` if it can't be read."""
    try:
        node: NotebookNode = nbformat.convert(
            nbformat.reader.reads(path.read_text(encoding="utf-8")), 4
        )
    except Exception as error:  # converters may raise anything
        raise AssignmentError(f"{path} can't be read as a notebook: {error!r}") from error
    return node
