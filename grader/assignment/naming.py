"""Derives an assignment's name and title from its folder's name."""

from __future__ import annotations

import re

from grader.errors import UsageError


def named(folder: str) -> tuple[str, str]:
    """Return the name and title of an assignment in a folder of this name."""
    words = " ".join(re.findall(r"[A-Za-z0-9]+", folder))
    if not words:
        raise UsageError(
            f"the folder's name {folder!r} can't name an assignment: use letters and digits"
        )
    return words.lower().replace(" ", "-")[:64].rstrip("-"), words[:1].upper() + words[1:]
