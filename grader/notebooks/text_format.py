"""Notebooks as text: Python with `# %%` between cells, or in its light format, and Markdown with
`{code-cell}` (MyST), which jupytext writes; scripts that nbconvert (`# In[1]:`) or Colab wrote.

Nothing is run. What is not read by jupytext is read line by line, or as Python's own parser does.
"""

from __future__ import annotations

import ast
import importlib
import json
import re
from collections.abc import Iterator
from typing import Any

from grader.notebooks.definitions import definitions, parsed

MOST_BYTES = 1 << 20  # of a text
MOST_SCRIPT_CELLS = 1_000
_MARKS = re.compile(r"^# (?:In\[[ \d]{0,8}\]:|%%.*)[ \t]*$", re.MULTILINE)
_PARAGRAPH = re.compile(r"\n[ \t]*\n(?:[ \t]*\n)*+")
_HEAD_LINE = re.compile(r"#!.*|# coding: [-\w]+|# -\*-.*")
_COMMENT_MARK = re.compile(r"^#? ?", re.MULTILINE)
_PERCENT = re.compile(r"^# %%", re.MULTILINE)
_LIGHT = re.compile(r"^# +format_name: light$", re.MULTILINE)
_MYST = re.compile(r"^```\{code-cell\}|^\+\+\+", re.MULTILINE)


def is_text_notebook(data: bytes) -> bool:
    """Return whether a file is a notebook that was written as text."""
    text = data.decode("utf-8", "replace")
    if _PERCENT.search(text) or _is_light(text):
        return True
    return bool(_MYST.search(text) and "kernelspec" in text[:2000])


def _is_light(text: str) -> bool:
    """Return whether the head of a script says that it is jupytext's light format."""
    return _LIGHT.search(text[:2000]) is not None


def notebook_of(data: bytes, name: str) -> bytes | None:
    """Return the notebook that a text stands for, as JSON; None if it is none, or jupytext is not
    installed.
    """
    if not is_text_notebook(data):  # told without jupytext, which takes long to be loaded
        return None
    # before jupytext, which would load nbformat with all that it can do without
    importlib.import_module("grader.notebooks.jupyter_format")
    try:
        import jupytext
    except ImportError:
        return None
    try:
        text = data.decode("utf-8-sig")
        script = "py:light" if _is_light(text) else "py:percent"
        form = "md:myst" if name.endswith(".md") else script
        made: str = jupytext.writes(jupytext.reads(text, fmt=form), fmt="ipynb")
    except Exception:  # its readers may raise anything
        return None
    return made.encode()


def has_marks(text: str) -> bool:
    """Return whether a script has marks between its cells."""
    return _MARKS.search(text) is not None


def script_cells(text: str) -> list[dict[str, Any]]:
    """Return the cells of a notebook that was saved as a script, or nothing if a text is none.

    A script without marks between its cells is one if it is Python and defines something.
    """
    if len(text) > MOST_BYTES:
        return []
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    found = [*_MARKS.finditer(text)]
    if not found:
        tree = parsed(text) if definitions(text) else None
        return [*_statements(text, tree)][:MOST_SCRIPT_CELLS] if tree is not None else []
    cells = [*_commented(text[: found[0].start()])]
    for mark, after in zip(found, [*found[1:], None], strict=True):
        body = text[mark.end() : after.start() if after else len(text)].strip("\n")
        if "[markdown]" in mark[0]:
            cells.append(_text_cell(_uncommented(body)))
        elif mark[0].startswith("# In"):
            code, words = _parted(body)
            cells += [_code_cell(code), *_commented(words)]
        else:
            cells.append(_code_cell(body))
    return cells[:MOST_SCRIPT_CELLS]


def script_notebook(text: str) -> bytes | None:
    """Return the notebook of a script as JSON, or None if the text is none."""
    cells = script_cells(text)
    tree = {"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": cells}
    return json.dumps(tree).encode() if cells else None


def _parted(body: str) -> tuple[str, str]:
    """Return the code behind a mark, and the paragraphs at its end that are comments alone."""
    cut = len(body)
    for found in reversed([*_PARAGRAPH.finditer(body)]):
        if not _is_comment(body[found.end() : cut]):
            break
        cut = found.end()
    return body[:cut], body[cut:]


def _commented(text: str) -> Iterator[dict[str, Any]]:
    """Yield the text cells that a script has as comments."""
    for part in _PARAGRAPH.split(text.strip("\n")):
        lines = [line for line in part.split("\n") if not _HEAD_LINE.fullmatch(line)]
        if any(lines):
            yield _text_cell(_uncommented("\n".join(lines)))


def _uncommented(text: str) -> str:
    return _COMMENT_MARK.sub("", text)


def _statements(text: str, tree: ast.Module) -> Iterator[dict[str, Any]]:
    """Yield a cell for each paragraph of whole statements; texts on their own are text cells, as in
    what Colab writes.
    """
    lines = text.split("\n")
    begun = end = 0  # lines of the cell at hand: from, to
    for node in tree.body:
        head = getattr(node, "decorator_list", None) or [node]
        first = head[0].lineno - 1
        words = _words(node)
        apart = first > end and not all(map(str.strip, lines[end:first]))
        if begun < end and (apart or (words is not None and first >= end)):
            yield from _chunk(lines[begun:end])
            begun = end
        end = max(end, node.end_lineno or end)
        if words is not None and begun <= first:
            yield _text_cell(words)
            begun = end
    yield from _chunk(lines[begun:end])
    yield from _commented("\n".join(lines[end:]))


def _chunk(lines: list[str]) -> Iterator[dict[str, Any]]:
    """Yield the cells of whole statements; the paragraphs of comments before them are text."""
    chunk = "\n".join(lines).strip("\n")
    cut = 0
    for found in _PARAGRAPH.finditer(chunk):
        if not _is_comment(chunk[cut : found.start()]):
            break
        cut = found.end()
    yield from _commented(chunk[:cut])
    if chunk[cut:]:
        yield _code_cell(chunk[cut:])


def _is_comment(text: str) -> bool:
    return all(line.startswith("#") for line in text.split("\n") if line.strip())


def _words(node: ast.stmt) -> str | None:
    """Return the text of a statement that is nothing but text."""
    value = node.value if isinstance(node, ast.Expr) else None
    words = value.value if isinstance(value, ast.Constant) else None
    return words if isinstance(words, str) else None


def _code_cell(source: str) -> dict[str, Any]:
    cell = {"cell_type": "code", "metadata": {}, "source": source.strip("\n")}
    return {**cell, "outputs": [], "execution_count": None}


def _text_cell(source: str) -> dict[str, Any]:
    return {"cell_type": "markdown", "metadata": {}, "source": source.strip("\n")}
