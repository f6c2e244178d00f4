"""What code brings with `from module import *`, name by name.

A test then imports what it needs by itself: what the notebook has under such a name may be a
student's. A test that has such an import of its own could not stand in a function.
"""

from __future__ import annotations

import ast
import importlib
import re
from collections.abc import Iterable, Iterator, Mapping, Set

from grader.importing.old_modules import installed, own_name
from grader.importing.source_code import BUILTINS, bound, parses
from grader.notebooks.definitions import tree_of

# What IPython's magic command brings into a notebook, the last one first in rank.
PYLAB = """
from matplotlib.pyplot import *
from numpy import *
from numpy.fft import *
from numpy.random import *
from numpy.linalg import *
"""
_PYLAB = re.compile(r"^[ \t]*%pylab\b(?!.*--no-import-all)", re.MULTILINE)


def with_stars(tree: ast.Module, files: Mapping[str, bytes]) -> dict[str, str]:
    """Return the import statements of names that code brings with a star.

    files: those beside the notebook, by path
    """
    found = {}
    for node in _stars_of(tree):
        for name in _names_of(node.module or "", files):
            found[name] = f"from {node.module} import {name}"
    return found


def with_pylab(source: str) -> dict[str, str]:
    """Return the import statements of names that a cell's `%pylab` brings."""
    if not _PYLAB.search(source):
        return {}
    return with_stars(tree_of(PYLAB), {}) | {
        "np": "import numpy as np",
        "plt": "import matplotlib.pyplot as plt",
    }


def without_stars(code: str, wanted: Set[str], files: Mapping[str, bytes]) -> str:
    """Return a test whose own imports with a star bring the wanted names alone, each by name.

    An import whose names can't be had stays as it is.
    """
    if "*" not in code or not parses(code):
        return code
    lines = code.encode().split(b"\n")
    for node in reversed([*_stars_of(tree_of(code))]):
        names = _names_of(node.module or "", files)
        if not names or node.end_lineno is None:
            continue
        brought = ", ".join(sorted(names & wanted))
        instead = f"from {node.module} import {brought}" if brought else "pass"
        first, last = lines[node.lineno - 1], lines[node.end_lineno - 1]
        whole = first[: node.col_offset] + instead.encode() + last[node.end_col_offset :]
        lines[node.lineno - 1 : node.end_lineno] = [whole]
    return b"\n".join(lines).decode()


def _stars_of(tree: ast.Module) -> Iterator[ast.ImportFrom]:
    for node in tree.body:
        if isinstance(node, ast.ImportFrom) and node.names[0].name == "*" and not node.level:
            yield node


def _names_of(module: str, files: Mapping[str, bytes]) -> set[str]:
    """Return the names that a module gives with a star; none if it can't be had."""
    beside = files.get(f"{module.replace('.', '/')}.py")
    if beside is not None:
        try:
            return _public(bound(tree_of(beside).body))
        except (SyntaxError, ValueError):
            return set()
    if not installed(module.partition(".")[0]):
        return set()
    try:
        there = importlib.import_module(own_name(module))
    except Exception:  # a package may raise anything
        return set()
    return _public(getattr(there, "__all__", None) or dir(there))


def _public(names: Iterable[str]) -> set[str]:
    shown = {name for name in names if not name.startswith("_")}
    return shown - BUILTINS
