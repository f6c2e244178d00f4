"""What became of the arguments of calls: each call gets copies, and what it has changed stays in
the box.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from grader.sandbox.wire_tables import library

MOST_LOOKED_AT = 10_000  # values of an argument that are searched for one of them
UNTOUCHED = "is an argument that no call has changed: what a call answers is not judged by it"


def can_change(value: Any) -> bool:
    """Return whether a value is of a kind that a call could change: a list, a dict, a set, an array
    or a table.
    """
    return type(value) in (list, dict, set, bytearray, np.ndarray) or library(value) == "pandas"


def path_to(value: Any, argument: Any) -> list[Any] | None:
    """Return the keys that lead from an argument to a value in it, by identity; None when it is not
    there.
    """
    waiting: list[tuple[Any, list[Any]]] = [(argument, [])]
    for looked, (one, path) in enumerate(waiting):
        if one is value:
            return path
        if looked > MOST_LOOKED_AT:
            break
        items = one.items() if type(one) is dict else ()
        for key, item in enumerate(one) if type(one) in (list, tuple) else items:
            if _holds(item):
                waiting.append((item, [*path, key]))
    return None


def _holds(item: Any) -> bool:
    return can_change(item) or type(item) is tuple
