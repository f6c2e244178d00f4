"""What a notebook's cells take from each other: names of the assignment's modules and functions,
and of Python's own.

A cell that sets `np` to None, deletes it, or keeps a number under the name of `range` stops
functions of other cells, which are not at fault. So the assignment's names are given back behind
each cell of the student's, and Python's own at the end: until then a cell may go on with what
another one kept under such a name.
"""

from __future__ import annotations

import builtins
import re
import sys
from collections.abc import Mapping, MutableMapping
from types import FunctionType, ModuleType
from typing import Any

_EVERYTHING = re.compile(r"\bimport\s+\*|^\s*%pylab\b", re.MULTILINE)
_WORD = re.compile(r"\w+")
_NEEDED = (FunctionType, ModuleType, type, int, float, str)


class Bindings:
    """The names in a notebook's namespace that other cells count on."""

    def __init__(self, namespace: MutableMapping[str, Any]) -> None:
        self._namespace = namespace
        # modules and functions, as the assignment's cells left them
        self._lent: dict[str, Any] = {}
        # what a function may need, as the last cell left it that had it
        self._seen: dict[str, Any] = {}
        functions = [name for name, value in vars(builtins).items() if callable(value)]
        self._builtins = frozenset(functions)

    def lend(self, before: Mapping[str, Any], code: str) -> None:
        """Remember what a cell of the assignment has bound.

        Of what a cell brings with a `*`, only what it names: students may call a number `gamma`.
        """
        named = {*_WORD.findall(code)} if _EVERYTHING.search(code) else None
        for name, value in self._namespace.items():
            bound = isinstance(value, ModuleType | FunctionType) and not name.startswith("_")
            counts = bound and (named is None or name in named)
            if counts and before.get(name) is not value:
                self._lent[name] = value

    def give_back(self) -> list[str]:
        """Bind again what a student's cell has deleted, or bound to what can't serve in its
        place.
        """
        mended = []
        for name, value in self._lent.items():
            now = self._namespace.get(name)
            serves = _is_library(now, value) if isinstance(value, ModuleType) else callable(now)
            if not serves:
                self._namespace[name] = value
                mended.append(name)
        return mended

    def look(self) -> None:
        """Remember what a function may need of what is there; an array may be too large to keep."""
        for name, value in self._namespace.items():
            hides = name in self._builtins and not callable(value)
            if isinstance(value, _NEEDED) and not name.startswith("_") and not hides:
                self._seen[name] = value

    def undelete(self) -> None:
        """Bind again what cells have deleted: functions of other cells may need it."""
        for name, value in self._seen.items():
            self._namespace.setdefault(name, value)

    def unshadow(self) -> list[str]:
        """Take away what hides Python's own functions and can't be called in their place."""
        mended = []
        for name in self._builtins & self._namespace.keys():
            if not callable(self._namespace[name]):
                del self._namespace[name]
                mended.append(name)
        return sorted(mended)


def _is_library(value: Any, original: ModuleType) -> bool:
    """Return whether a module may stand for another: none of Python's own for an installed one."""
    if not isinstance(value, ModuleType):
        return False
    own = sys.stdlib_module_names
    return value.__name__.split(".")[0] not in own or original.__name__.split(".")[0] in own
