"""Names: an assignment's and its title from its folder's name, and words for questions."""

from __future__ import annotations

import re

from grader.errors import UsageError

# Environments of tox that every handout has, so that no question can be named so.
RESERVED = ("all", "pytest", "submit", "jupyter", "notebooks", "watch")
_WORD = re.compile(r"[a-z0-9][a-z0-9_-]*")


def named(folder: str) -> tuple[str, str]:
    """Return the name and title of an assignment in a folder of this name."""
    words = " ".join(re.findall(r"[A-Za-z0-9]+", folder))
    if not words:
        raise UsageError(
            f"the folder's name {folder!r} can't name an assignment: use letters and digits"
        )
    return words.lower().replace(" ", "-")[:64].rstrip("-"), words[:1].upper() + words[1:]


def names_a_question(word: str) -> bool:
    """Return whether a word can name a question on command lines and as an environment of tox."""
    return word not in RESERVED and _WORD.fullmatch(word) is not None
