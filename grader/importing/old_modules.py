"""Modules that tests import: which can be had here, and those that can't be installed any more.

Of those (nose), a copy of our own stands beside the notebook, so its cells and the checks in the
box find it there; checks in the grader's process import it from the grader.
"""

from __future__ import annotations

import importlib.util
import re
from pathlib import Path

from grader.checking.cells.nose import tools
from grader.importing.drafts import Cell, trees
from grader.importing.source_code import all_module_names, top_module

OURS = "grader.checking.cells"
OLD = frozenset(("nose",))
NOSE = ("__init__.py", "tools.py")
_FROM = re.compile(r"^(\s*)from nose\b", re.MULTILINE)
_IMPORT_AS = re.compile(r"^(\s*)import (nose[\w.]*) as ", re.MULTILINE)
_IMPORT = re.compile(r"^(\s*)import nose\b[\w.]*[ \t]*$", re.MULTILINE)


def installed(module: str) -> bool:
    """Return whether a module can be imported here, or is one that we bring."""
    if module in OLD:
        return True
    try:
        return importlib.util.find_spec(module) is not None
    except (ImportError, ValueError):
        return False


def own_name(module: str) -> str:
    """Return the name by which a module can be imported here: of an old one, that of our copy."""
    return f"{OURS}.{module}" if module.partition(".")[0] in OLD else module


def beside_notebook(cells: list[Cell]) -> dict[str, bytes]:
    """Return the files of the old modules that cells import, as they lie beside the notebook."""
    for _, tree in trees(cells):
        if OLD.intersection(map(top_module, all_module_names(tree))):
            folder = Path(tools.__file__).parent
            return {f"nose/{name}": (folder / name).read_bytes() for name in NOSE}
    return {}


def for_checks(code: str) -> str:
    """Return the code of checks, which run in the grader's process, with imports of our own."""
    code = _FROM.sub(rf"\1from {OURS}.nose", code)
    code = _IMPORT_AS.sub(rf"\1import {OURS}.\2 as ", code)
    return _IMPORT.sub(rf"\1from {OURS} import nose", code)
