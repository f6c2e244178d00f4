"""The modules of an assignment's checks in this process, and the environment that they run in."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from types import ModuleType


@contextlib.contextmanager
def apart(folder: Path, kept: Mapping[str, ModuleType]) -> Iterator[None]:
    """Let nothing of the environment's settings into pytest, and no module of the checks stay when
    it is done.

    Another assignment in the same process may have check files of the same names, and so may
    whoever runs us.

    kept: modules of the checks that were imported before
    """
    others: dict[str, ModuleType] = {}
    for path in folder.rglob("*.py"):
        if path.stem in sys.modules:
            others[path.stem] = sys.modules.pop(path.stem)
    before = set(sys.modules)
    variables: dict[str, str] = {}
    for name in {"PYTEST_ADDOPTS", "PYTEST_PLUGINS"} & os.environ.keys():
        variables[name] = os.environ.pop(name)
    sys.modules.update(kept)
    try:
        yield
    finally:
        os.environ.update(variables)
        for name in modules_in(folder, sys.modules.keys() - before):
            del sys.modules[name]
        sys.modules.update(others)


def modules_in(folder: Path, names: Iterable[str]) -> dict[str, ModuleType]:
    """Return the loaded modules of these names that lie in a folder."""
    inside = os.path.normcase(folder) + os.sep
    found: dict[str, ModuleType] = {}
    for name in names:  # of a thousand modules, for every submission
        module = sys.modules[name]
        file = getattr(module, "__file__", None)
        if isinstance(file, str) and os.path.normcase(file).startswith(inside):
            found[name] = module
    return found
