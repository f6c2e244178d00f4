"""What both sides of a second run keep of calls, so that a cache is known again."""

from __future__ import annotations

from collections import OrderedDict
from typing import Any

import numpy as np

KEPT_BYTES = 256 << 20  # of arguments and results that are kept so that caches can be recognised
KEPT_CALLS = 20_000
KEPT_OBJECTS = 1_000
DEPTH = 6  # of the containers in a cache that are looked into
ENTRIES = 10_000  # of a cache that are looked at
ITSELF = -1  # in the place of a result's index: the object that a constructor made


class Shelf:
    """What is kept by number, the oldest first to go when it gets too much; objects, which are few,
    stay longest.
    """

    def __init__(self) -> None:
        self._entries: OrderedDict[int, tuple[Any, int]] = OrderedDict()
        self._objects: OrderedDict[int, Any] = OrderedDict()  # made by constructors
        self._bytes = 0

    def put(self, number: int, value: Any, size: int) -> list[Any]:
        """Keep a value and return those that were dropped to make room."""
        self._entries[number] = (value, size)
        self._bytes += size
        gone = []
        while len(self._entries) > 1 and (
            self._bytes > KEPT_BYTES or len(self._entries) > KEPT_CALLS
        ):
            _, (old, old_size) = self._entries.popitem(last=False)
            self._bytes -= old_size
            gone.append(old)
        return gone

    def put_object(self, number: int, value: Any) -> list[Any]:
        """Keep what belongs to an object and return what was dropped to make room."""
        self._objects[number] = value
        return [self._objects.popitem(last=False)[1]] if len(self._objects) > KEPT_OBJECTS else []

    def get(self, number: int) -> Any:
        """Return what is kept under a number; `KeyError` when it is not there any more."""
        return self._objects[number] if number in self._objects else self._entries[number][0]

    def clear(self) -> None:
        """Forget everything."""
        self._entries.clear()
        self._objects.clear()
        self._bytes = 0


def is_opaque(value: Any) -> bool:
    """Return whether a value is not an array, number or text: a cache, an object."""
    return not isinstance(
        value, np.ndarray | np.generic | int | float | complex | str | bytes | type(None)
    )


def parts_of(result: Any) -> tuple[str, list[Any]]:
    """Return the results of a call, and the name of the container that they came in, if any."""
    if isinstance(result, tuple):
        return "tuple", list(result)
    return ("list", list(result)) if isinstance(result, list) else ("", [result])


def size_of(value: Any, depth: int = 0) -> int:
    """Return the bytes of a value's arrays, those in containers included, up to some depth."""
    if isinstance(value, np.ndarray):
        return int(value.nbytes)
    if isinstance(value, tuple | list | dict) and depth < DEPTH:
        items = value.values() if isinstance(value, dict) else value
        return sum(size_of(item, depth + 1) for item in list(items)[:ENTRIES])
    return 0
