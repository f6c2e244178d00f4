"""Small questions about the syntax trees of authors' tests. Pure."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

DOTTED = (ast.Name, ast.Attribute)
SET = (ast.Store, ast.Del)  # a variable that is given a value, or deleted


def variables(
    tree: ast.AST, context: type[ast.AST] | tuple[type[ast.AST], ...] = ast.expr_context
) -> Iterator[ast.Name]:
    """Yield the places where code names a variable; `context`: to read it or to set it alone."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Name) and isinstance(node.ctx, context):
            yield node


def names_in(
    tree: ast.AST, context: type[ast.AST] | tuple[type[ast.AST], ...] = ast.expr_context
) -> set[str]:
    """Return the names of the variables in code; `context`: of those that are read or set alone."""
    return {node.id for node in variables(tree, context)}


def contains(tree: ast.AST, kinds: tuple[type[ast.AST], ...]) -> bool:
    """Return whether a node of some kinds stands in a tree."""
    return any(isinstance(node, kinds) for node in ast.walk(tree))


def named_calls(tree: ast.AST) -> Iterator[tuple[ast.Call, str]]:
    """Yield the calls of functions that have a name, with that name as code writes it."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, DOTTED):
            yield node, ast.unparse(node.func)


def imported(node: ast.AST) -> Iterator[str]:
    """Yield what an import names, by its dotted path: modules, and what is taken from them."""
    if isinstance(node, ast.Import):
        for alias in node.names:
            yield alias.name
    elif isinstance(node, ast.ImportFrom) and node.module:
        yield node.module
        for alias in node.names:
            yield f"{node.module}.{alias.name}"


def imported_as(alias: ast.alias) -> str:
    """Return the name that an import binds."""
    return alias.asname or alias.name.partition(".")[0]


def one_by_one(node: ast.stmt) -> list[ast.stmt]:
    """Return an import as one statement for each name: a test then needs no name but its own."""
    if not isinstance(node, ast.Import | ast.ImportFrom):
        return [node]
    return [type(node)(**{**dict(ast.iter_fields(node)), "names": [one]}) for one in node.names]


def given(call: ast.Call) -> list[ast.expr]:
    """Return the arguments of a call, those by name last."""
    return [*call.args, *(word.value for word in call.keywords)]


def unpacks(nodes: Iterable[ast.AST]) -> bool:
    """Return whether `*` or `**` stands among arguments or entries."""
    for node in nodes:
        if isinstance(node, ast.Starred) or (isinstance(node, ast.keyword) and node.arg is None):
            return True
    return False


def conjuncts(node: ast.expr) -> Iterator[ast.expr]:
    """Yield the expressions that must all be true for an expression to be true."""
    if isinstance(node, ast.BoolOp) and isinstance(node.op, ast.And):
        for value in node.values:
            yield from conjuncts(value)
    else:
        yield node


def bound(node: ast.stmt) -> str:
    """Return the name that a statement gives a value, if that is all it does."""
    if isinstance(node, ast.Assign) and len(node.targets) == 1:
        return node.targets[0].id if isinstance(node.targets[0], ast.Name) else ""
    return ""


def copied(node: ast.expr) -> ast.expr:
    """Return an expression once more, with nodes of its own."""
    return ast.parse(ast.unparse(node), mode="eval").body


def with_names(node: Any, values: Mapping[str, ast.expr]) -> Any:
    """Return a syntax tree in which names are replaced by what they stand for."""
    return _Naming(values).visit(node) if values else node


class _Naming(ast.NodeTransformer):
    def __init__(self, values: Mapping[str, ast.expr]) -> None:
        self._values = values

    def visit_Name(self, node: ast.Name) -> ast.expr:
        found = self._values.get(node.id) if isinstance(node.ctx, ast.Load) else None
        return node if found is None else copied(found)
