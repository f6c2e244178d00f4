"""An assignment's name and title, made of its folder's name."""

from __future__ import annotations

import re

from grader.errors import UsageError


def named(folder: str) -> tuple[str, str]:
    """Return an assignment's name and title, made of its folder's name."""
    words = " ".join(re.findall(r"[A-Za-z0-9]+", folder))
    if not words:
        raise UsageError(
            f"the folder's name {folder!r} gives the assignment no name: use letters and digits"
        )
    return words.lower().replace(" ", "-")[:64].rstrip("-"), words[:1].upper() + words[1:]
