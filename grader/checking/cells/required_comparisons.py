"""Which comparisons of a test must hold whenever it passes. Pure."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from grader.checking.cells.comparison_cuts import ASSERTIONS, TEST_CASE
from grader.checking.cells.syntax_trees import DOTTED, conjuncts, contains

ASSERTING = TEST_CASE | ASSERTIONS


def must_hold(tree: ast.Module) -> Iterator[tuple[ast.expr, bool]]:
    """Yield the expressions of a test that must be true, or must not raise, each time they are
    evaluated; and whether a test that passes has evaluated them.
    """
    called = set(map(_called_alone, tree.body))
    catches = any(map(_catches, ast.walk(tree)))
    for statement in tree.body:
        if isinstance(statement, ast.FunctionDef):
            for inner in [] if catches else statement.body:
                yield from _held(inner, required=statement.name in called)
                if contains(inner, (ast.Return,)):
                    called.discard(statement.name)
        else:
            yield from _held(statement, required=True)


def _catches(node: ast.AST) -> bool:
    """Return whether an exception may end in a node without ending the test."""
    if isinstance(node, ast.Call) and isinstance(node.func, DOTTED):
        return "raises" in ast.unparse(node.func).lower()
    return isinstance(node, ast.Try | ast.With)


def _called_alone(node: ast.stmt) -> str:
    """Return the name of the function that a statement calls whatever comes before, or ""."""
    call = node.test if isinstance(node, ast.Assert) else getattr(node, "value", None)
    if isinstance(call, ast.Call) and isinstance(call.func, ast.Name):
        return call.func.id
    return ""


def _held(node: ast.stmt, *, required: bool) -> Iterator[tuple[ast.expr, bool]]:
    if isinstance(node, ast.Assert):
        for part in conjuncts(node.test):
            yield part, required
    elif isinstance(node, ast.Expr) and isinstance(node.value, ast.Call):
        if ast.unparse(node.value.func).rpartition(".")[2] in ASSERTING:
            yield node.value, required
    elif isinstance(node, ast.For | ast.If):
        for inner in [*node.body, *node.orelse]:
            yield from _held(inner, required=False)
