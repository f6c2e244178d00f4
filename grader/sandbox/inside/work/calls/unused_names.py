"""From which parameters and variables of a function its text computes nothing.

The text is a student's and may be anything: every error here is caught, and what is found is told
as text like all else.
"""

from __future__ import annotations

import ast
import contextlib
import inspect
import operator
import textwrap
from typing import Any

MOST_CHARACTERS = 50_000  # of a function that is looked at
MOST_NAMES = 3
DEEPEST = 10  # variables that stand for one another
_ID = operator.attrgetter("id")


def unused(function: Any) -> list[str]:
    """Return names that a function is given or sets and computes nothing from, the parameters
    first.

    To put a value into a cache is to compute nothing from it. A name that a tuple is taken apart
    into does not count, nor does one that begins with `_`.
    """
    with contextlib.suppress(BaseException):
        source = textwrap.dedent(inspect.getsource(inspect.unwrap(function)))
        node = ast.parse(source[:MOST_CHARACTERS]).body[0]
        if isinstance(node, ast.FunctionDef):
            return _unused(node)[:MOST_NAMES]
    return []


def _unused(function: ast.FunctionDef) -> list[str]:
    given = function.args
    arguments = (*given.posonlyargs, *given.args, *given.kwonlyargs)
    names = list(map(operator.attrgetter("arg"), arguments))
    read: set[str] = set()
    kept: set[ast.AST] = set()
    holding: list[tuple[str, list[ast.Name]]] = []  # variables that stand for others
    for node in ast.walk(function):
        if isinstance(node, ast.Return):
            kept.update(_elements(node.value))
        elif isinstance(node, ast.Assign):
            for target in node.targets:
                names += _set_by(target, node.value)
                if isinstance(target, ast.Name):
                    held = _elements(node.value)
                    kept.update(held)
                    holding.append((target.id, held))
        elif isinstance(node, ast.AugAssign) and isinstance(node.target, ast.Name):
            read.add(node.target.id)
        elif isinstance(node, ast.Global | ast.Nonlocal):
            read.update(node.names)
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load) and node not in kept:
            read.add(node.id)  # a literal is met before its elements
    for _ in holding[:DEEPEST]:  # one may stand for another
        for name, held in holding:
            if name in read:
                read.update(map(_ID, held))
    used = read | _returned(function) | {"self"}
    return [name for name in dict.fromkeys(names) if name not in used and name[0] != "_"]


def _elements(value: ast.expr | None) -> list[ast.Name]:
    """Return the names that are elements of a literal, at any depth."""
    if isinstance(value, ast.Name):
        return [value]
    found: list[ast.Name] = []
    if isinstance(value, ast.Tuple | ast.List):
        for element in value.elts:
            found += _elements(element)
    elif isinstance(value, ast.Dict):
        for element in value.values:
            found += _elements(element)
    return found


def _returned(function: ast.FunctionDef) -> set[str]:
    """Return the variables that a function returns; its parameters are not among them."""
    given = {one.arg for one in ast.walk(function.args) if isinstance(one, ast.arg)}
    names: set[str] = set()
    for node in ast.walk(function):
        if isinstance(node, ast.Return):
            names.update(map(_ID, _elements(node.value)))
    return names - given


def _set_by(target: ast.expr, value: ast.expr) -> list[str]:
    """Return the names that an assignment sets to a value each."""
    if isinstance(target, ast.Name):
        return [target.id]
    if not isinstance(target, ast.Tuple) or not isinstance(value, ast.Tuple):
        return []
    return [one.id for one in target.elts if isinstance(one, ast.Name)]
