"""What a student's code has put into the place of a library's own functions and classes.

A test in the box compares by the functions of libraries, such as NumPy's `allclose`. Student code
runs in the same process and may have replaced them. Nothing is run for these questions; whoever
writes code against this very module can still hide a function from it.
"""

from __future__ import annotations

import builtins
import functools
import sys
from collections.abc import Iterator
from types import BuiltinFunctionType, FunctionType, ModuleType
from typing import Any

MOST_FOUND = 5
CELLS = "<ipython-input"  # how the file names of cells begin


def in_libraries(roots: frozenset[str], theirs: frozenset[str]) -> Iterator[str]:
    """Yield the names, a few at most, that student code has put into modules below ``roots``.

    theirs: the names of the student's own modules
    """
    left = MOST_FOUND
    for name, module in [*sys.modules.items()]:
        if name.partition(".")[0] not in roots or type(module) is not ModuleType:
            continue
        for path, found in _parts(module):
            if left and foreign(found, theirs):
                left -= 1
                yield f"{name}.{path}"


def _parts(module: ModuleType) -> Iterator[tuple[str, Any]]:
    """Yield what a module holds and what its classes hold, with its path in the module."""
    for name, found in [*vars(module).items()]:
        yield name, found
        if isinstance(found, type) and found.__module__ == module.__name__:
            for inner, part in [*vars(found).items()]:
                yield f"{name}.{inner}", part


def foreign(found: Any, theirs: frozenset[str]) -> bool:
    """Return whether a function, a class or a callable object is a student's, by what it says of
    itself.
    """
    if isinstance(found, staticmethod | classmethod):
        found = found.__func__
    if isinstance(found, functools.partial):
        return foreign(found.func, theirs)
    if isinstance(found, FunctionType):
        return _not_of_its_file(found, theirs)
    inner = getattr(found, "_implementation", None)  # of NumPy's dispatched functions
    if isinstance(inner, FunctionType) and _not_of_its_file(inner, theirs):
        return True
    kind = found if isinstance(found, type) else type(found)
    return kind.__module__ in theirs and (isinstance(found, type) or callable(found))


def _not_of_its_file(function: FunctionType, theirs: frozenset[str]) -> bool:
    """Return whether a function is from a student's module, or only says that it is a library's."""
    space, file = function.__globals__, function.__code__.co_filename
    name = space.get("__name__")
    if name in theirs or file.startswith(CELLS):
        return True
    if file.startswith("<frozen ") or str(name).startswith("scipy."):
        return False  # SciPy makes some of its functions from text
    module = sys.modules.get(name) if isinstance(name, str) else None
    if module is not None and vars(module) is not space:
        return True
    return not file.startswith("<") and file != space.get("__file__")


def instead(found: Any, name: str) -> bool:
    """Return whether a built-in function or class stands under another name than its own."""
    if not isinstance(found, BuiltinFunctionType | type):
        partly = found.func if isinstance(found, functools.partial) else None
        return isinstance(partly, BuiltinFunctionType)
    own = found.__module__ == "builtins" and found.__name__ != name
    return own and vars(builtins).get(found.__name__) is found  # not `types.GeneratorType`
