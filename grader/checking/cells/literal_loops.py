"""Loops of a test over literals, `for x, want in [(2, 4)]:`, written out turn by turn, and the
literals that a test keeps under names. Pure.
"""

from __future__ import annotations

import ast
from collections import Counter
from collections.abc import Iterable, Mapping

from grader.checking.cells.comparison_cuts import Cutter
from grader.checking.cells.syntax_trees import (
    SET,
    bound,
    contains,
    names_in,
    variables,
    with_names,
)

MOST_NODES = 5_000  # of the syntax tree of a loop that is written out
NOT_WRITTEN_OUT = (ast.Break, ast.Continue, ast.Lambda, ast.FunctionDef)


def literals_under_names(tree: ast.Module, cutter: Cutter) -> dict[str, ast.expr]:
    """Return the variables that are given a literal once, at the top of a test, and are read in it.

    One that is not read there may be meant for the functions that the test calls.
    """
    read = names_in(tree, ast.Load) - cutter.theirs
    times_set: Counter[str] = Counter()
    for node in ast.walk(tree):
        if isinstance(node, ast.arg):
            times_set[node.arg] += 1
        elif isinstance(node, ast.Name) and isinstance(node.ctx, SET):
            times_set[node.id] += 1
    found: dict[str, ast.expr] = {}
    for statement in tree.body:
        name = bound(statement)
        if name not in read or times_set[name] != 1:
            continue
        if isinstance(statement, ast.Assign) and cutter.is_literal(statement.value):
            found[name] = statement.value
    return found


def unrolled(tree: ast.Module, cutter: Cutter) -> ast.Module:
    """Return a test whose loops over literals, `for x, want in [(2, 4)]:`, are written out."""
    body: list[ast.stmt] = []
    cases = literals_under_names(tree, cutter)
    for node in tree.body:
        turns = _turns(node, cases, tree)
        body += [node] if turns is None else turns
    return ast.fix_missing_locations(ast.Module(body, []))


def _turns(
    node: ast.stmt, cases: Mapping[str, ast.expr], tree: ast.Module
) -> list[ast.stmt] | None:
    """Return the statements of all turns of a loop, None for what is not to be written out."""
    if not isinstance(node, ast.For) or node.orelse:
        return None
    items = _items(node.iter, cases)
    body = ast.Module(node.body, [])
    if items is None or not _is_closed(node, tree) or contains(body, NOT_WRITTEN_OUT):
        return None
    if len(items) * sum(1 for _ in ast.walk(body)) > MOST_NODES:
        return None
    made: list[ast.stmt] = []
    for item in items:
        values = _matched(node.target, item)
        if values is None:
            return None
        made += with_names(ast.parse(ast.unparse(body)), values).body
    return made


def _is_closed(loop: ast.For, tree: ast.Module) -> bool:
    """Return whether the variables of a loop are named nowhere else, and set by its head alone."""
    names = names_in(loop.target)
    body = ast.Module(loop.body, [])
    if names & names_in(body, SET):
        return False
    return _count(tree, names) == _count(loop.target, names) + _count(body, names)


def _count(tree: ast.AST, names: set[str]) -> int:
    """Return how often code names one of some variables."""
    return sum(node.id in names for node in variables(tree))


def _items(node: ast.expr, cases: Mapping[str, ast.expr]) -> list[ast.expr] | None:
    """Return what a loop goes through, if it is a list of literals."""
    if isinstance(node, ast.Name) and node.id in cases:
        node = cases[node.id]
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "zip":
        columns = []
        for one in node.args:
            column = _items(one, cases)
            if column is None:
                return None
            columns.append(column)
        return _tuples(zip(*columns, strict=False)) if columns and not node.keywords else None
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and not node.args:
        owner = node.func.value
        owner = cases.get(owner.id, owner) if isinstance(owner, ast.Name) else owner
        if node.func.attr == "items" and isinstance(owner, ast.Dict) and _is_plain(owner):
            return _tuples(zip(filter(None, owner.keys), owner.values, strict=True))
    if isinstance(node, ast.List | ast.Tuple) and _is_plain(node):
        return list(node.elts)
    return None


def _tuples(rows: Iterable[tuple[ast.expr, ...]]) -> list[ast.expr]:
    return [ast.Tuple([*row], ast.Load()) for row in rows]


def _is_plain(node: ast.expr) -> bool:
    try:
        ast.literal_eval(node)
    except ValueError:
        return False
    return True


def _matched(target: ast.expr, item: ast.expr) -> dict[str, ast.expr] | None:
    """Return what the names of a loop stand for in one turn."""
    if isinstance(target, ast.Name):
        return {target.id: item}
    if not isinstance(target, ast.Tuple | ast.List) or not isinstance(item, ast.Tuple | ast.List):
        return None
    if len(target.elts) != len(item.elts):
        return None
    found: dict[str, ast.expr] = {}
    for one, part in zip(target.elts, item.elts, strict=True):
        inner = _matched(one, part)
        if inner is None:
            return None
        found |= inner
    return found
