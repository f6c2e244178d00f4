"""Reads a notebook's file as far as that is safe, however it was saved or damaged.

The file is a stranger's. Each step reads it once from its beginning to its end, its parts are
counted first, and nothing is made up: a cell counts if all of it can be read.
"""

from __future__ import annotations

import contextlib
import io
import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from grader.errors import SubmissionFailed
from grader.notebooks.encodings import decoded, elsewhere, side_by_place, sides
from grader.notebooks.text_format import MOST_BYTES, notebook_of, script_cells
from grader.sandbox.wire_json import decoder
from grader.text import clean

FORMAT = 4  # of notebooks: the newest there is
MAX_CELLS = 2000
# of its JSON, each of which takes some hundred bytes here
MAX_OBJECTS, MAX_ITEMS = 500_000, 4_000_000
MOST_REPAIRED = 8 << 20  # characters of a file whose small faults are looked for

WEB_PAGE = (
    "the file is a web page that was saved under a notebook's name, not the notebook: in Jupyter,"
    " download it by File > Download (in Colab, File > Download > Download .ipynb) and hand in that"
    " file"
)
HAND_IN = "open it in Jupyter, save it, and hand in the `.ipynb` file"
_SOURCES = ("source", "input", "code", "text")  # keys of a cell's text, the newest format's first
# as far as there is no comma that nothing follows; a text in quotes may be cut off
_UP_TO_A_LOOSE_COMMA = re.compile(
    r'(?:[^",]++|"[^"\\]*+(?:\\.[^"\\]*+)*+"?|,(?!\s*+[\]}]))*+', re.DOTALL
)
_CELLS = re.compile(r'"cells"\s*+:\s*+\[|^\s*+\[')
_CELL = re.compile(r'\{\s*+"(?:cell_type|attachments)"\s*+:')  # how Jupyter and Colab begin a cell
_BETWEEN = re.compile(r"[\s,]*+")
_STRICTLY, _LOOSELY = decoder(), decoder(strict=False)


class UnreadableNotebook(SubmissionFailed):
    """A submitted notebook that is not one."""


@dataclass(frozen=True)
class Recovered:
    """A notebook of the current format, and in sentences what was the matter with its file.

    as_saved: whether the file says the same as it stands
    look: the sentences that a person should see
    """

    tree: dict[str, Any]
    as_saved: bool = True
    notes: tuple[str, ...] = ()
    look: tuple[str, ...] = ()

    @property
    def cells(self) -> list[dict[str, Any]]:
        """The cells."""
        listed: list[dict[str, Any]] = self.tree["cells"]
        return listed


Prefer = Callable[[list[dict[str, Any]]], Any]


def recovered(
    data: bytes,
    prefer: Prefer = len,
    written: Callable[[list[dict[str, Any]]], int] = lambda cells: 0,
) -> Recovered:
    """Return a notebook; raise `UnreadableNotebook` with a sentence if there is nothing to read.

    prefer: how much the cells of one side of a conflict are worth; of equals, the first counts
    written: how many functions they define; if more are defined so, the other side counts in a
    single place of the conflict
    """
    text, how = decoded(data)
    _bound(text)
    notes = [f"it was saved {how}, and read as such"] if how else []
    if is_web_page(data):
        raise UnreadableNotebook(WEB_PAGE)
    try:
        found, said = _tree(text, prefer, written)
        made = _shaped(found)
    except (ValueError, RecursionError):
        raise _unreadable(text) from None
    look = [*said, *made.look]
    return Recovered(
        made.tree,
        as_saved=made.as_saved and not notes and not look,
        notes=(*notes, *made.notes),
        look=tuple(look),
    )


def _bound(text: str) -> None:
    """Refuse a file that is of more parts than are read."""
    if text.count("{") > MAX_OBJECTS or text.count("[") + text.count(",") > MAX_ITEMS:
        raise UnreadableNotebook(
            "the notebook is of too many parts to be read: clear its outputs and save it again"
        )


def _unreadable(text: str) -> UnreadableNotebook:
    """Return the error of a file that is not JSON and has no cells."""
    if not text.strip():
        return UnreadableNotebook(f"the file is empty: {HAND_IN}")
    start = clean(text.lstrip()[:20].split("\n")[0].replace("`", "'"), 20)
    return UnreadableNotebook(f"the file is not a notebook (it begins with `{start}`): {HAND_IN}")


def is_web_page(data: bytes) -> bool:
    """Return whether a file begins as an HTML page does."""
    start = data[:1000].lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    return start.startswith((b"<!doctype html", b"<html", b"<head", b"<!--"))


# --- from text to data ----------------------------------------------------------------------------


def _tree(
    text: str, prefer: Prefer, written: Callable[[list[dict[str, Any]]], int]
) -> tuple[Any, list[str]]:
    """Return a file's data, and what a person should know of how it was read; raise `ValueError`
    if it has none.
    """
    with contextlib.suppress(ValueError, RecursionError):
        return _STRICTLY.decode(text), []
    if script := _of_a_script(text):
        count = len(script)
        said = f"its file is a script, not a notebook: the {count} cells in it were taken"
        return {"nbformat": FORMAT, "cells": script}, [said]
    both = sides(text) if len(text) <= MOST_REPAIRED else None
    if both is None:
        return _whole_or_cut(text)
    first, second = map(_side, both)
    if first is None or second is None:
        return first or second or _whole_or_cut(both[0])
    if _code(first) == _code(second):
        return first[0], first[1]
    which = int(prefer(_cells(second)) > prefer(_cells(first)))

    def worth(mixed: str) -> int:
        side = _side(mixed)
        return -1 if side is None else written(_cells(side))

    mixed, turned = side_by_place(text, which, worth)
    kept = (_side(mixed) if turned else None) or (first, second)[which]
    taken = f"the {('first', 'second')[which]} of both versions was taken{elsewhere(turned)}"
    return kept[0], [f"it holds a conflict of Git's (`<<<<<<<`): {taken}", *kept[1]]


def _of_a_script(text: str) -> list[dict[str, Any]]:
    """Return the cells of a notebook that is written as text under a notebook's name."""
    if text.lstrip()[:1] in ("", "{", "[", "<") or len(text) > MOST_BYTES:
        return []
    name = "text.md" if text.startswith("---") else "text.py"
    made = notebook_of(text.encode("utf-8", "replace"), name)
    return json.loads(made)["cells"] if made is not None else script_cells(text)


def _side(text: str) -> tuple[Any, list[str]] | None:
    try:
        tree, said = _whole_or_cut(text)
    except (ValueError, RecursionError):
        return None
    return (tree, said) if _cells((tree, said)) else None


def _cells(side: tuple[Any, list[str]]) -> list[dict[str, Any]]:
    try:
        return _shaped(side[0]).cells
    except SubmissionFailed:
        return []


def _code(side: tuple[Any, list[str]]) -> list[tuple[Any, str]]:
    return [(cell["cell_type"], _joined(cell["source"])) for cell in _cells(side)]


def _whole_or_cut(text: str) -> tuple[Any, list[str]]:
    """Return the data of a text with small faults, or of its whole cells if it is damaged."""
    if len(text) <= MOST_REPAIRED:
        with contextlib.suppress(ValueError, RecursionError):
            return _LOOSELY.decode(_without_loose_commas(text)), []
    cells = [*_whole_cells(text)]
    if not cells:
        raise ValueError(text[:0])
    one = len(cells) == 1
    count, were = ("1 cell", "was") if one else (f"{len(cells)} cells", "were")
    return {"nbformat": FORMAT, "cells": cells}, [
        f"its file is damaged or cut off: {count} that can be read whole {were} taken"
    ]


def _without_loose_commas(text: str) -> str:
    kept, at = io.StringIO(), 0
    while at < len(text):
        end = _past(_UP_TO_A_LOOSE_COMMA, text, at)
        kept.write(text[at:end])
        at = end + 1
    return kept.getvalue()


def _whole_cells(text: str) -> Iterator[Any]:
    """Yield the cells of a damaged notebook: one after the other, and those behind the damage that
    begin as cells do.
    """
    head = _CELLS.search(text)
    at = head.end() if head else len(text)
    while True:
        at = _past(_BETWEEN, text, at)
        try:
            cell, at = _LOOSELY.raw_decode(text, at)
        except (ValueError, RecursionError):
            break
        yield cell
    starts = [found.start() for found in _CELL.finditer(text, min(at + 1, len(text)))]
    for start, end in pairwise([*starts, len(text)]):
        try:
            yield _LOOSELY.raw_decode(text[start:end])[0]
        except (ValueError, RecursionError):
            continue


def _past(pattern: re.Pattern[str], text: str, at: int) -> int:
    found = pattern.match(text, at)
    return found.end() if found else at


# --- from data to cells ---------------------------------------------------------------------------


def _shaped(tree: Any) -> Recovered:
    """Return a notebook of data; raise `UnreadableNotebook` if it is of something else."""
    if isinstance(tree, list) and any(map(_is_cell, tree)):
        tree = {"nbformat": FORMAT, "cells": tree}
    listed = _listed(tree)
    if listed is None:
        raise UnreadableNotebook(f"the file is JSON, but not a notebook: {HAND_IN}")
    if len(listed) > MAX_CELLS:
        raise UnreadableNotebook(
            f"the notebook has {len(listed)} cells, more than the {MAX_CELLS} that are taken"
        )
    cells = [_cell(cell) for cell in listed if isinstance(cell, dict)]
    metadata = tree.get("metadata")
    notes, look = _of_another_language(metadata if isinstance(metadata, dict) else {})
    written = tree.get("nbformat")
    if isinstance(written, int) and written > FORMAT:
        notes.append(f"it is of format {written}, newer than {FORMAT}, and read as {FORMAT}")
    if lost := len(listed) - len(cells):
        look.append(f"{lost} of its cells can't be read and were left out")
    if written == FORMAT and tree.get("cells") == cells:
        return Recovered(tree, True, tuple(notes), tuple(look))
    made: dict[str, Any] = {
        "metadata": metadata if isinstance(metadata, dict) else {},
        "cells": cells,
    }
    made |= {"nbformat": FORMAT, "nbformat_minor": 5}
    return Recovered(made, False, tuple(notes), tuple(look))


def _listed(tree: Any) -> list[Any] | None:
    """Return what a notebook's JSON lists as cells, in whatever format; None if it is not one."""
    if not isinstance(tree, dict):
        return None
    found: list[Any] = []
    sheets = tree.get("worksheets")
    for part in [tree, *(sheets if isinstance(sheets, list) else [])]:
        cells = part.get("cells") if isinstance(part, dict) else None
        found += cells if isinstance(cells, list) else []
    return found if found or isinstance(tree.get("nbformat"), int) else None


def _is_cell(value: Any) -> bool:
    return isinstance(value, dict) and isinstance(value.get("cell_type"), str)


def _cell(cell: dict[str, Any]) -> dict[str, Any]:
    """Return a cell as the current format has it: itself, if it is of it."""
    kind = cell.get("cell_type")
    known = kind in ("code", "markdown", "raw")
    if known and isinstance(cell.get("metadata"), dict) and _is_text(cell.get("source")):
        return cell
    source = next((cell[key] for key in _SOURCES if _is_text(cell.get(key))), "")
    if kind == "heading":
        level = cell.get("level")
        marks = "#" * (level if isinstance(level, int) and 1 <= level <= 6 else 1)
        kind, source = "markdown", f"{marks} {_joined(source)}"
    elif not known:
        kind = "code" if "outputs" in cell or "execution_count" in cell else "markdown"
    metadata = cell.get("metadata")
    made = {**cell, "cell_type": kind, "source": source}
    return {**made, "metadata": metadata if isinstance(metadata, dict) else {}}


def _is_text(value: Any) -> bool:
    if isinstance(value, list):
        return all(isinstance(line, str) for line in value)
    return isinstance(value, str)


def _joined(source: Any) -> str:
    return "".join(source) if isinstance(source, list) else str(source)


def _of_another_language(metadata: Mapping[str, Any]) -> tuple[list[str], list[str]]:
    """Return the notes on a kernel that is not of Python 3, and those that a person should see."""
    spec, info = metadata.get("kernelspec"), metadata.get("language_info")
    spec, info = spec if isinstance(spec, dict) else {}, info if isinstance(info, dict) else {}
    name = info.get("name") or spec.get("language")
    language = name if isinstance(name, str) else ""
    if language and "python" not in language.lower():
        shown = clean(language, 20).replace("`", "'")
        return [], [f"it was saved with a kernel for {shown}, and its cells were run as Python"]
    if spec.get("name") == "python2" or str(info.get("version", "")).startswith("2."):
        return ["it was saved with Python 2, and its cells were run with Python 3"], []
    return [], []
