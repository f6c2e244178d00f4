"""What a box tells of places: nothing of where its own folder lies. On every system, unlike what
makes the folder.
"""

from __future__ import annotations

import os


def without(root: str | os.PathLike[str], text: str) -> str:
    """Return text without the box's own folder, which is another one in every run: files in it have
    their own names.
    """
    return text.replace(f"{root}{os.sep}", "").replace(os.fspath(root), ".")
