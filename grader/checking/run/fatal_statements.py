"""The statements of a submission's modules that end the process in which they are run.

Every box of the submission leaves them out. `fatal_search` finds them.
"""

from __future__ import annotations

from typing import Any, NamedTuple

MOST_LEFT_OUT = 3  # statements of one submission
_MOST_STATEMENTS = 1 << 20
_MOST_CHARACTERS = 300


class Place(NamedTuple):
    """A statement at the top level of a module."""

    file: str
    number: int  # among the statements of the file, from 0


class FatalStatements:
    """The statements that all boxes of one submission leave out, in the order in which they were
    found, and how each ended the process.
    """

    def __init__(self) -> None:
        self.found: list[Place] = []
        self._how: dict[Place, str] = {}

    def add(self, place: Place, how: str) -> bool:
        """Note a statement; return whether it is a new one and not one too many."""
        if place in self.found or len(self.found) >= MOST_LEFT_OUT:
            return False
        self._how[place] = how
        self.found.append(place)
        return True

    def sentence(self, told: Any) -> str:
        """Return what came of importing a module, for an exception of which a box says that this
        statement is its cause; empty if none was found there.
        """
        if not isinstance(told, dict):
            return ""
        place, line = place_told(told), told.get("line")
        if place is None or place not in self._how or not isinstance(line, int):
            return ""
        module = place.file.removesuffix(".py").removesuffix("/__init__").replace("/", ".")
        where = f"{place.file}, line {min(max(line, 0), _MOST_STATEMENTS)}"
        return f"importing `{module}` ended its process: {self._how[place]} ({where})"


def place_told(body: dict[str, Any]) -> Place | None:
    """Return the statement that a box says it is about to run; None if it runs none."""
    file, number = body.get("file"), body.get("number")
    if not isinstance(file, str) or not 0 < len(file) <= _MOST_CHARACTERS:
        return None
    if not isinstance(number, int) or not 0 <= number < _MOST_STATEMENTS:
        return None
    return Place(file, int(number))
