"""Rewrites an author's test so that it says what it compares, which statements it has passed and
what number it ends with. Pure.
"""

from __future__ import annotations

import ast
import math
import secrets
from collections.abc import Mapping
from typing import Any, NamedTuple

from grader.checking.cells.box_questions import ASKED
from grader.checking.cells.comparison_cuts import VALUES, Cutter
from grader.checking.cells.literal_loops import literals_under_names
from grader.checking.cells.points_by_number import PointsRule, counted
from grader.checking.cells.required_comparisons import must_hold
from grader.checking.cells.syntax_trees import DOTTED, bound, copied, names_in, with_names
from grader.checking.cells.trusted_comparisons import ValueComparison

# Functions of `ASKED` that compare nothing.
NOT_COMPARING = frozenset(
    (
        *("len", "type", "str", "set", "sorted", "hasattr", "callable", "issubclass", "fail"),
        *("assertRaises", "raises", "assert_raises", "assertRaisesRegex", "assert_raises_regex"),
    )
)
REPEATING = (
    *(ast.For, ast.AsyncFor, ast.While, ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda),
    *(ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp),
)


class WatchedCode(NamedTuple):
    """One piece of code: what is sent, and how it is known that all of it was passed."""

    code: str
    literals: tuple[str, ...]
    marks: tuple[int, ...]
    comparisons: tuple[Compared, ...] = ()
    told: tuple[str, ...] = ()  # what stands in messages, which is not sent
    tally: PointsRule | None = None  # how its points add up, if it ends with their number


class Compared(NamedTuple):
    """A comparison that the trusted side makes, and the box for values that aren't plain."""

    decided: ValueComparison
    code: str
    literals: tuple[str, ...]


def watched(tree: ast.Module, guard: str, cutter: Cutter | None = None) -> WatchedCode:
    """Return code that tells its guard what it passes and compares.

    cutter: takes the comparisons apart that the trusted side makes
    """
    if cutter is None:
        return _rewritten(tree, guard, None)
    text = ast.unparse(tree)
    cutter.known = literals_under_names(tree, cutter)
    while True:
        piece = _rewritten(ast.parse(text), guard, cutter)
        left = names_in(ast.parse(piece.code), ast.Load) & cutter.known.keys()
        if not left:
            return piece
        # what the box needs of them, for instance as an argument, stays a variable there
        for name in left:
            del cutter.known[name]


def _rewritten(tree: ast.Module, guard: str, cutter: Cutter | None) -> WatchedCode:
    held = dict[int, tuple[bool, bool]]()
    if cutter is not None:
        held = {id(node): (True, required) for node, required in must_hold(tree)}
    rewriter = _Rewriter(guard, cutter, held)
    body: list[ast.stmt] = []
    marks: list[int] = []
    for index, node in enumerate(tree.body):
        if cutter is None or bound(node) not in cutter.known:
            made = rewriter.visit(node)
            if index == len(tree.body) - 1 and isinstance(made, ast.Expr):
                made = ast.Expr(rewriter.call("ended", made.value))
            body.append(made)
        if not (isinstance(node, ast.ImportFrom) and node.module == "__future__"):
            marks.append(secrets.randbelow(1 << 31))
            body.append(ast.Expr(rewriter.call("mark", ast.Constant(marks[-1]))))
    whole = ast.Module(body=body, type_ignores=[])
    count = None if cutter is None else counted(whole, rewriter.call, guard)
    ast.fix_missing_locations(whole)
    return WatchedCode(
        ast.unparse(whole),
        tuple(rewriter.literals),
        tuple(marks),
        tuple(rewriter.comparisons),
        tuple(rewriter.told),
        count,
    )


class _Rewriter(ast.NodeTransformer):
    """Puts calls of the guard around what is compared; literals that are compared with go to its
    table.
    """

    def __init__(
        self,
        guard: str,
        cutter: Cutter | None = None,
        held: Mapping[int, tuple[bool, bool]] | None = None,
    ) -> None:
        self.guard = guard
        self.literals: list[str] = []
        self.comparisons: list[Compared] = []
        self.told: list[str] = []
        self._cutter = cutter
        self._held = held or {}
        self._compared = 0
        self._repeats = 0  # loops and functions that the node at hand stands in

    def visit(self, node: ast.AST) -> Any:
        """Visit a node and know whether it may be run more than once."""
        repeats = isinstance(node, REPEATING)
        self._repeats += repeats
        made = super().visit(node)
        self._repeats -= repeats
        return made

    def call(self, name: str, *args: ast.expr) -> ast.expr:
        """Return a call of the guard."""
        function = ast.Attribute(ast.Name(self.guard, ast.Load()), name, ast.Load())
        return ast.Call(function, list(args), [])

    def _looked_at(self, node: ast.expr) -> ast.expr:
        return node if isinstance(node, ast.Starred) else self.call("looked_at", node)

    def _sent_out(self, node: ast.expr) -> ast.expr | None:
        """Return the call that lets the trusted side compare, None for what it can't compare."""
        cut = None if self._cutter is None else self._cutter.cut(node)
        if cut is None:
            return None
        inner = _Rewriter(self.guard)
        held = self._held.get(id(node), (False, False))
        decided = ValueComparison(ast.unparse(cut.rest), cut.modules, *held, once=not self._repeats)
        code = ast.unparse(ast.fix_missing_locations(inner.visit(copied(cut.rest))))
        self.comparisons.append(Compared(decided, code, tuple(inner.literals)))
        number = ast.Constant(len(self.comparisons) - 1)
        made = self.call("decided", number, *map(self.visit, cut.values))
        if cut.receiver and isinstance(made, ast.Call):
            made.keywords = [ast.keyword(cut.receiver, ast.Name(cut.receiver, ast.Load()))]
        return made

    def visit_Assert(self, node: ast.Assert) -> ast.AST:
        node.test = self.visit(node.test)
        if node.msg is not None and self._cutter is not None:
            node.msg = self._message(node.msg)
        return node

    def _message(self, node: ast.expr) -> ast.expr:
        """Return a message whose literals stay on the trusted side."""
        if isinstance(node, ast.JoinedStr):
            node.values = list(map(self._message, node.values))
            return node
        value = node.value if isinstance(node, ast.FormattedValue) else node
        assert self._cutter is not None
        if not isinstance(value, ast.expr) or not self._cutter.is_literal(value):
            return node
        if isinstance(node, ast.FormattedValue) and (node.format_spec or node.conversion > 0):
            return node
        try:
            told = ast.literal_eval(with_names(copied(value), self._cutter.known))
        except ValueError:
            return node
        self.told.append(str(told))
        return ast.Constant(f"{self.guard}:{len(self.told) - 1};")

    def visit_Compare(self, node: ast.Compare) -> ast.AST:
        if (sent := self._sent_out(node)) is not None:
            return sent
        self._compared += 1
        self.generic_visit(node)
        self._compared -= 1
        if len(node.ops) == 1 and isinstance(node.ops[0], ast.Eq | ast.NotEq):
            name = "equal" if isinstance(node.ops[0], ast.Eq) else "unequal"
            return self.call(name, node.left, node.comparators[0])
        if not all(isinstance(op, ast.Is | ast.IsNot) for op in node.ops):
            node.left = self._looked_at(node.left)
            node.comparators = list(map(self._looked_at, node.comparators))
        return node

    def visit_Call(self, node: ast.Call) -> ast.AST:
        if (sent := self._sent_out(node)) is not None:
            return sent
        named = ast.unparse(node.func).rpartition(".")[2] if isinstance(node.func, DOTTED) else ""
        asks = named in ASKED and named not in NOT_COMPARING
        self._compared += asks
        self.generic_visit(node)
        self._compared -= asks
        if named == "isinstance" and node.args:
            node.args[0] = self.call("own_class", node.args[0])
        if asks:
            node.args = list(map(self._looked_at, node.args))
        return node

    def visit_BinOp(self, node: ast.BinOp) -> ast.AST:
        self.generic_visit(node)
        if self._compared:  # a difference that is compared with a bound
            node.left, node.right = self._looked_at(node.left), self._looked_at(node.right)
        return node

    def visit_Attribute(self, node: ast.Attribute) -> ast.AST:
        self.generic_visit(node)
        if isinstance(node.ctx, ast.Load):
            node.value = self.call("of", node.value, ast.Constant(node.attr))
        return node

    def visit_Constant(self, node: ast.Constant) -> ast.AST:
        if not self._compared or isinstance(node.value, bool | type(None) | type(...)):
            return node
        if isinstance(node.value, float) and not math.isfinite(node.value):
            return node
        self.literals.append(repr(node.value))
        return self.call("literal", ast.Constant(len(self.literals) - 1))

    def visit_Subscript(self, node: ast.Subscript) -> ast.AST:
        of_values = isinstance(node.value, ast.Name) and node.value.id == VALUES
        return node if of_values else self.generic_visit(node)

    def _as_it_is(self, node: ast.AST) -> ast.AST:
        return node

    visit_JoinedStr = visit_MatchValue = _as_it_is

    def _in_its_body(self, node: ast.FunctionDef | ast.ClassDef) -> ast.AST:
        node.body = list(map(self.visit, node.body))  # and not its decorators and annotations
        return node

    visit_FunctionDef = visit_ClassDef = _in_its_body
