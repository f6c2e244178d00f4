"""Modules that tests of former years import and that can't be installed any more: nose.

A copy of our own stands beside the notebook, so its cells and the checks in the box find it there;
checks in the grader's process import it from the grader.
"""

from __future__ import annotations

import ast
import re
from pathlib import Path

from grader.checking.cells.nose import tools
from grader.importing.drafts import Cell, trees

OURS = "grader.checking.cells"
OLD = frozenset(("nose",))
_FROM = re.compile(r"^(\s*)from nose\b", re.MULTILINE)
_IMPORT_AS = re.compile(r"^(\s*)import (nose[\w.]*) as ", re.MULTILINE)
_IMPORT = re.compile(r"^(\s*)import nose\b[\w.]*[ \t]*$", re.MULTILINE)


def beside_notebook(cells: list[Cell]) -> dict[str, bytes]:
    """Return the files of the old modules that cells import, as they lie beside the notebook."""
    if not any(_imports_nose(tree) for _, tree in trees(cells)):
        return {}
    folder = Path(tools.__file__).parent
    return {f"nose/{name}": (folder / name).read_bytes() for name in ("__init__.py", "tools.py")}


def _imports_nose(tree: ast.Module) -> bool:
    for node in ast.walk(tree):
        names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
        names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
        if any(name.partition(".")[0] in OLD for name in names):
            return True
    return False


def for_checks(code: str) -> str:
    """Return the code of checks, which run in the grader's process, with imports of our own."""
    code = _FROM.sub(rf"\1from {OURS}.nose", code)
    code = _IMPORT_AS.sub(rf"\1import {OURS}.\2 as ", code)
    return _IMPORT.sub(rf"\1from {OURS} import nose", code)
