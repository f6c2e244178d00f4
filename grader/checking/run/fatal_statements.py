"""The statements of a submission's modules that end the process they are run in.

Theory of operation. If a box ends while it imports a module, the next one runs the module statement
by statement and says before each which one that is; the last that it names is left out of the boxes
after it. What a box says is its own word, and it can gain nothing by it: what is left out of its
own modules defines nothing, and there are few tries, which have one limit of time.
"""

from __future__ import annotations

from typing import Any, NamedTuple

MOST_LEFT_OUT = 3  # statements of one submission
TIMES_IMPORT_SECONDS = 3  # for all tries of one import
_MOST_STATEMENTS = 1 << 20
_MOST_CHARACTERS = 300


class Place(NamedTuple):
    """A statement at the top level of a module."""

    file: str
    number: int  # among the statements of the file, from 0


class FatalStatements:
    """The statements that all boxes of one submission leave out, and whether they look for any."""

    def __init__(self) -> None:
        self.sought = False
        self.found: list[Place] = []

    def ended(self, at: Place | None, left_out: int) -> bool:
        """Note where a box ended in an import; return whether another one may come further.

        left_out: how many of those found it has left out
        """
        if not self.sought:
            self.sought = True
            return True
        if at is None or at in self.found[:left_out]:
            return False
        if at not in self.found:
            if len(self.found) == MOST_LEFT_OUT:
                return False
            self.found.append(at)
        return True


def place_told(body: dict[str, Any]) -> Place | None:
    """Return the statement that a box says it is about to run; None if it runs none."""
    file, number = body.get("file"), body.get("number")
    if not isinstance(file, str) or not 0 < len(file) <= _MOST_CHARACTERS:
        return None
    if not isinstance(number, int) or not 0 <= number < _MOST_STATEMENTS:
        return None
    return Place(file, number)
