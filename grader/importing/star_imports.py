"""What a notebook brings with `from module import *`, name by name.

A test then imports what it needs by itself: what the notebook has under such a name may be a
student's.
"""

from __future__ import annotations

import ast
import importlib
from collections.abc import Iterable, Mapping

from grader.importing.old_modules import installed, own_name
from grader.importing.source_code import BUILTINS, bound
from grader.notebooks.definitions import tree_of


def with_stars(tree: ast.Module, files: Mapping[str, bytes]) -> dict[str, str]:
    """Return the import statements of names that code brings with a star.

    files: those beside the notebook, by path
    """
    found = {}
    for node in tree.body:
        if isinstance(node, ast.ImportFrom) and node.names[0].name == "*" and not node.level:
            module = node.module or ""
            for name in _names_of(module, files):
                found[name] = f"from {module} import {name}"
    return found


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
