"""Notebooks that jupytext keeps as text: Python with `# %%` between cells, Markdown with
`{code-cell}` (MyST).
"""

from __future__ import annotations

import re

MOST_BYTES = 1 << 20  # of a text
_PERCENT = re.compile(r"^# %%", re.MULTILINE)
_MYST = re.compile(r"^```\{code-cell\}|^\+\+\+", re.MULTILINE)


def is_text_notebook(data: bytes) -> bool:
    """Return whether a file is a notebook that was written as text."""
    text = data.decode("utf-8", "replace")
    return bool(_PERCENT.search(text) or (_MYST.search(text) and "kernelspec" in text[:2000]))


def notebook_of(data: bytes, name: str) -> bytes | None:
    """Return the notebook that a text stands for, as JSON; None if it is none, or jupytext is not
    installed.
    """
    try:
        import jupytext
    except ImportError:
        return None
    if not is_text_notebook(data):
        return None
    try:
        form = "md:myst" if name.endswith(".md") else "py:percent"
        made: str = jupytext.writes(jupytext.reads(data.decode("utf-8-sig"), fmt=form), fmt="ipynb")
    except Exception:  # its readers may raise anything
        return None
    return made.encode()
