"""Takes the comparisons of a test apart: into what the box computes, and the rest, which holds the
author's literals. Pure.

An expression is taken apart as far as the trusted side can evaluate it: operators, literals, and
the functions named here, none of which makes more of its values than their number allows.
"""

from __future__ import annotations

import ast
import itertools
from collections.abc import Mapping
from typing import Any, NamedTuple

from grader.checking.cells.syntax_trees import DOTTED, copied, given, unpacks, with_names

VALUES = "_values"  # the name of the values in a comparison's code
LIBRARIES = frozenset(("numpy", "math", "nose"))
USUAL = {"np": "numpy", "numpy": "numpy", "math": "math"}
# Functions that are called here with values of the box, by the last part of their names.
ASSERTIONS = frozenset(
    (
        *("assert_allclose", "assert_almost_equal", "assert_approx_equal", "assert_equal"),
        *("assert_array_almost_equal", "assert_array_equal", "assert_array_less"),
        *("assert_in", "assert_not_in", "assert_not_equal", "assert_greater", "assert_less"),
        *("assert_greater_equal", "assert_less_equal", "eq_", "ok_", "assert_list_equal"),
    )
)
COMPUTING = frozenset(("abs", "absolute", "fabs", "max", "amax", "sum", "norm", "round"))
COMPARING = ASSERTIONS | COMPUTING | {"allclose", "isclose", "array_equal", "array_equiv"}
COMPARING |= {"all", "any"}
TEST_CASE = frozenset(
    (
        *("assertEqual", "assertEquals", "assertNotEqual", "assertAlmostEqual"),
        *("assertNotAlmostEqual", "assertGreater", "assertGreaterEqual", "assertLess"),
        *("assertLessEqual", "assertIn", "assertNotIn", "assertListEqual", "assertTupleEqual"),
        *("assertDictEqual", "assertSetEqual", "assertSequenceEqual"),
    )
)
BUILT_IN = frozenset(("abs", "round"))
# Built-in functions that make a literal of literals.
MAKING = frozenset(
    ("float", "int", "complex", "set", "frozenset", "list", "tuple", "dict", "range")
)
NUMBERS = frozenset(map(".".join, itertools.product(("numpy", "math"), ("pi", "e", "inf", "nan"))))
ARITHMETIC = (ast.Add, ast.Sub, ast.Div)


class Cut(NamedTuple):
    """A comparison that was taken apart."""

    rest: ast.expr
    values: list[ast.expr]
    modules: dict[str, str]
    receiver: str  # the name of the object whose assertion it is, if it is one of unittest's


def imports_of(tree: ast.AST) -> dict[str, str]:
    """Return the names by which code knows modules and functions, with their places."""
    found = dict(USUAL)
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                root = alias.name.partition(".")[0]
                found[alias.asname or root] = alias.name if alias.asname else root
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            for alias in node.names:
                found[alias.asname or alias.name] = f"{node.module}.{alias.name}"
    return found


class Cutter:
    """Takes the comparisons of one test apart."""

    def __init__(self, imports: Mapping[str, str], theirs: frozenset[str] = frozenset()) -> None:
        """theirs: names that the author's own notebook defines."""
        self.imports = imports
        self.theirs = theirs
        self.known: dict[str, ast.expr] = {}  # variables of the test that hold a literal

    def cut(self, node: ast.expr) -> Cut | None:
        """Return a comparison in its parts, None if it must stay as it is."""
        if not self._compares(node) or not self._has_literal(node):
            return None
        taking = _Taking(self)
        rest = taking.visit(copied(node))
        if not taking.values:
            return None
        return Cut(rest, taking.values, taking.modules, self.receiver(node))

    def _compares(self, node: ast.expr) -> bool:
        if isinstance(node, ast.Call):
            name = self.comparing(node)
            return name is not None and name not in COMPUTING
        return isinstance(node, ast.Compare) and self.parts(node) is not None

    def comparing(self, node: ast.Call) -> str | None:
        """Return the last name of a function that is called here, None for any other."""
        if not isinstance(node.func, DOTTED) or unpacks((*node.args, *node.keywords)):
            return None
        path = self.path(node.func)
        last = path.rpartition(".")[2]
        if last in COMPARING and path.partition(".")[0] in LIBRARIES:
            return last
        if path in BUILT_IN and path not in self.theirs:
            return path
        if last in ("all", "any") and isinstance(node.func, ast.Attribute) and not node.args:
            return last if self._has_literal(node.func.value) else None
        return last if self.receiver(node) else None

    def receiver(self, node: ast.expr) -> str:
        """Return the name of the object whose unittest assertion is called, or ""."""
        if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute):
            return ""
        owner = node.func.value
        named = node.func.attr in TEST_CASE and isinstance(owner, ast.Name)
        return owner.id if named and isinstance(owner, ast.Name) else ""

    def path(self, node: ast.expr) -> str:
        """Return the dotted path of a name, by what is imported under its first part."""
        root, _, rest = ast.unparse(node).partition(".")
        found = self.imports.get(root, root)
        return f"{found}.{rest}" if rest else found

    def parts(self, node: ast.AST) -> list[ast.expr] | None:
        """Return what an expression is made of, if it can be evaluated here; None otherwise."""
        if isinstance(node, ast.Compare):
            by_identity = any(isinstance(op, ast.Is | ast.IsNot) for op in node.ops)
            return None if by_identity else [node.left, *node.comparators]
        if isinstance(node, ast.UnaryOp):
            return [node.operand]
        if isinstance(node, ast.BinOp) and isinstance(node.op, ARITHMETIC):
            return [node.left, node.right]
        if isinstance(node, ast.List | ast.Tuple | ast.Set):
            return None if unpacks(node.elts) else node.elts
        if isinstance(node, ast.Dict):
            keys = list(filter(None, node.keys))
            return [*keys, *node.values] if len(keys) == len(node.values) else None
        if isinstance(node, ast.Call) and self.comparing(node) is not None:
            owner = method_of(node)
            return given(node) if owner is None else [owner, *given(node)]
        return None

    def is_literal(self, node: ast.expr) -> bool:
        """Return whether an expression is made of literals alone."""
        if isinstance(node, ast.Constant):
            return node.value is not ...
        if isinstance(node, ast.Name):
            return node.id in self.known
        if isinstance(node, ast.BinOp):
            return self.is_literal(node.left) and self.is_literal(node.right)
        if isinstance(node, ast.Attribute):
            return self.path(node) in NUMBERS
        if isinstance(node, ast.Subscript):
            return self.is_literal(node.value) and self.is_literal(node.slice)
        if isinstance(node, ast.Call):
            return self._makes(node.func) and all(map(self.is_literal, given(node)))
        parts = self.parts(node)
        return parts is not None and all(map(self.is_literal, parts))

    def _makes(self, node: ast.expr) -> bool:
        """Return whether a function makes a literal of literals."""
        if not isinstance(node, DOTTED):
            return False
        root, _, rest = self.path(node).partition(".")
        if root in ("numpy", "math"):
            return bool(rest) and not rest.startswith("random")
        return root in MAKING and not rest and root not in self.theirs

    def _has_literal(self, node: ast.expr) -> bool:
        parts = self.parts(node)
        return self.is_literal(node) or any(map(self._has_literal, parts or ()))

    def stays(self, node: ast.expr) -> bool:
        """Return whether an expression is evaluated here, part by part."""
        return self.parts(node) is not None and self._has_literal(node)


def method_of(node: ast.Call) -> ast.expr | None:
    """Return the expression whose method a call is, as in `(x == [1, 2]).all()`."""
    if isinstance(node.func, ast.Attribute) and not isinstance(node.func.value, DOTTED):
        return node.func.value
    return None


class _Taking(ast.NodeTransformer):
    """Puts numbers in the place of what the box computes."""

    def __init__(self, cutter: Cutter) -> None:
        self._cutter = cutter
        self.values: list[ast.expr] = []
        self.modules: dict[str, str] = {}

    def visit(self, node: ast.AST) -> Any:
        if not isinstance(node, ast.expr):
            return node
        if self._cutter.is_literal(node):
            node = with_names(node, self._cutter.known)
            self._name_modules(node)
            return node
        if not self._cutter.stays(node):
            self.values.append(node)
            return _value(len(self.values) - 1)
        if isinstance(node, ast.Call):
            return self._called(node)
        return self.generic_visit(node)

    def _called(self, node: ast.Call) -> ast.expr:
        owner = method_of(node)
        if owner is not None and isinstance(node.func, ast.Attribute):
            node.func.value = self.visit(owner)
        elif self._cutter.receiver(node):
            self.modules[self._cutter.receiver(node)] = "unittest"
        else:
            self._name_modules(node.func)
        node.args = list(map(self.visit, node.args))
        for word in node.keywords:
            word.value = self.visit(word.value)
        return node

    def _name_modules(self, node: ast.AST) -> None:
        for inner in ast.walk(node):
            if isinstance(inner, ast.Name) and inner.id in self._cutter.imports:
                self.modules[inner.id] = self._cutter.imports[inner.id]


def _value(index: int) -> ast.expr:
    return ast.Subscript(ast.Name(VALUES, ast.Load()), ast.Constant(index), ast.Load())
