"""Counts on the trusted side the points of a test that ends with their number.

    score = 0
    if f(2) == 4:
        score += 1
    score

The variable stands where student code can change it. So the box says which of the additions it
passes, and the trusted side adds up. An addition counts only if the comparisons that it stands
under held, as far as the trusted side made them, and once unless it stands in a loop. Pure.
"""

from __future__ import annotations

import ast
from collections.abc import Callable
from typing import Any, NamedTuple

from grader.checking.cells.syntax_trees import conjuncts, variables

MOST_TURNS = 10_000  # of an addition in a loop


class Addition(NamedTuple):
    """One line that adds to the points."""

    points: float
    needs: frozenset[int]  # comparisons that must hold
    most: int  # how often it counts


class PointsRule(NamedTuple):
    """How the points of a test add up."""

    start: float
    additions: tuple[Addition, ...]

    def total(self, passed: dict[int, int], held: set[int]) -> float:
        """Return the points for additions that were passed so often, and comparisons that held."""
        points = self.start
        for index, addition in enumerate(self.additions):
            if addition.needs <= held:
                points += addition.points * min(passed.get(index, 0), addition.most)
        return points


def counted(tree: ast.Module, call: Callable[..., ast.expr], guard: str) -> PointsRule | None:
    """Let a rewritten test say which additions it passes, and return how they add up; None if its
    points are no such sum.

    call: makes a call of the guard, whose name is `guard`
    """
    name = _last_name(tree)
    starts = []
    for node in tree.body:
        number = _number_given(node, name)
        if number is not None:
            starts.append(number)
    stores = sum(node.id == name for node in variables(tree, ast.Store))
    counter = _Counter(name, call, guard)
    counter.visit(tree)
    if not name or len(starts) != 1 or stores != 1 + len(counter.additions):
        return None
    return PointsRule(starts[0], tuple(counter.additions))


def _last_name(tree: ast.Module) -> str:
    """Return the name that a test ends with; its value may stand in a call of the guard."""
    for node in reversed(tree.body):
        call = node.value if isinstance(node, ast.Expr) else None
        function = call.func if isinstance(call, ast.Call) else None
        if isinstance(call, ast.Call) and getattr(function, "attr", "") == "ended":
            return call.args[0].id if isinstance(call.args[0], ast.Name) else ""
    return ""


def _number_given(node: ast.stmt, name: str) -> float | None:
    """Return the number that a statement gives a name, None if it does not."""
    if not isinstance(node, ast.Assign) or not isinstance(node.targets[0], ast.Name):
        return None
    return _number(node.value) if node.targets[0].id == name and len(node.targets) == 1 else None


def _number(node: ast.expr) -> float | None:
    try:
        value = ast.literal_eval(node)
    except (ValueError, TypeError):
        return None
    return float(value) if type(value) in (int, float) else None


class _Counter(ast.NodeTransformer):
    """Puts a call of the guard behind each addition."""

    def __init__(self, name: str, call: Callable[..., ast.expr], guard: str) -> None:
        self._name = name
        self._call = call
        self._guard = guard
        self._needs: list[int] = []
        self._loops = 0
        self.additions: list[Addition] = []

    def visit_If(self, node: ast.If) -> Any:
        before = len(self._needs)
        for part in conjuncts(node.test):
            comparison = self._comparison(part)
            if comparison is not None:
                self._needs.append(comparison)
        node.body = self._all(node.body)
        del self._needs[before:]
        node.orelse = self._all(node.orelse)
        return node

    def _all(self, body: list[ast.stmt]) -> list[ast.stmt]:
        made: list[ast.stmt] = []
        for node in body:
            found = self.visit(node)
            made += found if isinstance(found, list) else [found]
        return made

    def _comparison(self, node: ast.expr) -> int | None:
        """Return the number of a comparison that the trusted side makes."""
        if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute):
            return None
        owner, first = node.func.value, node.args[0] if node.args else None
        ours = isinstance(owner, ast.Name) and owner.id == self._guard
        if not ours or node.func.attr != "decided" or not isinstance(first, ast.Constant):
            return None
        return first.value if isinstance(first.value, int) else None

    def _in_loop(self, node: ast.For | ast.While) -> Any:
        self._loops += 1
        self.generic_visit(node)
        self._loops -= 1
        return node

    visit_For = visit_While = _in_loop

    def visit_FunctionDef(self, node: ast.FunctionDef) -> Any:
        return node

    def visit_AugAssign(self, node: ast.AugAssign) -> Any:
        named = isinstance(node.target, ast.Name) and node.target.id == self._name
        points = _number(node.value) if isinstance(node.op, ast.Add) and named else None
        return node if points is None else self._added(node, points)

    def visit_Assign(self, node: ast.Assign) -> Any:
        value, target = node.value, node.targets[0]
        named = isinstance(target, ast.Name) and target.id == self._name
        if not named or not isinstance(value, ast.BinOp) or not isinstance(value.op, ast.Add):
            return node
        to_itself = isinstance(value.left, ast.Name) and value.left.id == self._name
        points = _number(value.right) if to_itself else None
        return node if points is None else self._added(node, points)

    def _added(self, node: ast.stmt, points: float) -> list[ast.stmt]:
        most = MOST_TURNS if self._loops else 1
        self.additions.append(Addition(points, frozenset(self._needs), most))
        number = ast.Constant(len(self.additions) - 1)
        return [node, ast.Expr(self._call("added", number))]
