"""Comparisons of a test in the box that the trusted side decides.

Theory of operation. What a test compares with never enters the box: `cut` takes a comparison apart
into what the box computes (its values) and the rest, which holds the author's literals. The box
sends the values, as plain data; `Comparison.decide` evaluates the rest here, by this process's own
NumPy. So a patched function, a frame or the garbage collector of the student's process tell
nothing. Values that aren't plain data, such as an object of the student's own class, are compared
in the box: only then are the literals sent there, after the values were computed.

The values are hostile data. The code is the author's, of the few kinds of expressions named here,
none of which makes more of its values than the bound `MOST_PAIRS` allows.
"""

from __future__ import annotations

import ast
import importlib
import math
import warnings
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

import numpy as np

from grader.checking.cells.nose import tools
from grader.sandbox.untrusted import Budget, Untrusted
from grader.sandbox.wire import Ref, WireError

MOST_BYTES = 4 << 20  # of the values of one comparison
MOST_PAIRS = 10_000_000  # entries that two values may be compared in, each with each
MOST_NODES = 5_000  # of the syntax tree of a loop that is written out
VALUES = "_values"  # the name of the values in a comparison's code
LIBRARIES = frozenset(("numpy", "math", "nose"))
OLD = "grader.checking.cells."  # where an old module stands that can't be installed
USUAL = {"np": "numpy", "numpy": "numpy", "math": "math"}
# Functions that are called here with values of the box, by the last part of their names.
COMPARING = frozenset(
    (
        *("allclose", "isclose", "array_equal", "array_equiv", "all", "any"),
        *("abs", "absolute", "fabs", "max", "amax", "sum", "norm", "round"),
        *("assert_allclose", "assert_almost_equal", "assert_approx_equal", "assert_equal"),
        *("assert_array_almost_equal", "assert_array_equal", "assert_array_less"),
        *("assert_in", "assert_not_in", "assert_not_equal", "assert_greater", "assert_less"),
        *("assert_greater_equal", "assert_less_equal", "eq_", "ok_", "assert_list_equal"),
    )
)
TEST_CASE = frozenset(
    (
        *("assertEqual", "assertEquals", "assertNotEqual", "assertAlmostEqual"),
        *("assertNotAlmostEqual", "assertGreater", "assertGreaterEqual", "assertLess"),
        *("assertLessEqual", "assertIn", "assertNotIn", "assertListEqual", "assertTupleEqual"),
        *("assertDictEqual", "assertSetEqual", "assertSequenceEqual"),
    )
)
ASSERTING = TEST_CASE | frozenset(name for name in COMPARING if name.startswith("assert_"))
ASSERTING |= {"eq_", "ok_"}
BUILT_IN = frozenset(("abs", "round"))
# Built-in functions that make a literal of literals.
MAKING = frozenset(
    ("float", "int", "complex", "set", "frozenset", "list", "tuple", "dict", "range")
)
NUMBERS = frozenset(
    f"{one}.{name}" for one in ("numpy", "math") for name in ("pi", "e", "inf", "nan")
)
ARITHMETIC = (ast.Add, ast.Sub, ast.Div)
_NAMES = (ast.Name, ast.Attribute)


class ValueComparison(NamedTuple):
    """One comparison: its code over the values, and what its outcome means."""

    code: str
    modules: Mapping[str, str]  # name in the code -> what it is imported from
    must_hold: bool = False  # the test fails if it comes out false once
    required: bool = False  # and it is made whenever the test passes
    once: bool = False  # it stands in no loop and no function

    def decide(self, data: Any, blobs: tuple[bytes, ...]) -> Any:
        """Return what comes of the values that a box sent, or `NotImplemented` if they are too many
        to be compared here; raise whatever the comparison raises.
        """
        decoder = Untrusted(blobs, _no_handle, budget=Budget(MOST_BYTES))
        values = decoder.decode(data)
        if type(values) is not list:
            raise WireError("values that are none")
        if not _can_be_paired(values):
            return NotImplemented
        names = {name: _found(path) for name, path in self.modules.items()}
        with np.errstate(all="ignore"), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return eval(self.code, {VALUES: values, **names})  # noqa: S307 - the author's code


def _no_handle(ref: Ref) -> Any:
    raise WireError("an object of the box's in place of plain data")


def _found(path: str) -> Any:
    """Return a module, a function of a module, or an object that has unittest's assertions."""
    if path == "unittest":
        return tools.Plain()
    if path.partition(".")[0] == "nose":
        path = f"{OLD}{path}"
    try:
        return importlib.import_module(path)
    except ImportError:
        module, _, name = path.rpartition(".")
        return getattr(importlib.import_module(module), name)


def _can_be_paired(values: list[Any]) -> bool:
    """Return whether comparing each entry of one value with each of another is within bounds."""
    shapes = {value.shape for value in values if isinstance(value, np.ndarray) and value.ndim}
    others = [_entries(value) for value in values if not isinstance(value, np.ndarray)]
    sizes = sorted([*others, *map(math.prod, shapes), 1, 1])
    return sizes[-1] * sizes[-2] <= MOST_PAIRS


def _entries(value: Any) -> int:
    """Return how many values a value of plain data holds; what it is nested in is bounded."""
    if isinstance(value, Mapping):
        return sum(map(_entries, value.values()), 1)
    if isinstance(value, list | tuple):
        return sum(map(_entries, value), 1)
    return value.size if isinstance(value, np.ndarray) else 1


# --- taking apart ---------------------------------------------------------------------------------


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
        rest = taking.visit(_copy(node))
        if not taking.values:
            return None
        return Cut(rest, taking.values, taking.modules, self._receiver(node))

    def _compares(self, node: ast.expr) -> bool:
        if isinstance(node, ast.Call):
            name = self.comparing(node)
            return name not in (
                None,
                "abs",
                "absolute",
                "fabs",
                "max",
                "amax",
                "sum",
                "norm",
                "round",
            )
        return isinstance(node, ast.Compare) and self.parts(node) is not None

    def comparing(self, node: ast.Call) -> str | None:
        """Return the last name of a function that is called here, None for any other."""
        if not isinstance(node.func, _NAMES) or any(word.arg is None for word in node.keywords):
            return None
        if any(isinstance(one, ast.Starred) for one in node.args):
            return None
        path = self.path(node.func)
        last = path.rpartition(".")[2]
        if last in COMPARING and path.partition(".")[0] in LIBRARIES:
            return last
        if path in BUILT_IN and path not in self.theirs:
            return path
        if last in ("all", "any") and isinstance(node.func, ast.Attribute) and not node.args:
            return last if self._has_literal(node.func.value) else None
        return last if self._receiver(node) else None

    def _receiver(self, node: ast.expr) -> str:
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
            return None if any(isinstance(one, ast.Starred) for one in node.elts) else node.elts
        if isinstance(node, ast.Dict):
            keys = [key for key in node.keys if key is not None]
            return [*keys, *node.values] if len(keys) == len(node.values) else None
        if isinstance(node, ast.Call) and self.comparing(node) is not None:
            owner = method_of(node)
            method = [] if owner is None else [owner]
            return [*method, *node.args, *(word.value for word in node.keywords)]
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
        if isinstance(node, ast.Call):
            args = [*node.args, *(word.value for word in node.keywords)]
            return self._makes(node.func) and all(map(self.is_literal, args))
        parts = self.parts(node)
        return parts is not None and all(map(self.is_literal, parts))

    def _makes(self, node: ast.expr) -> bool:
        """Return whether a function makes a literal of literals."""
        if not isinstance(node, _NAMES):
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
    if isinstance(node.func, ast.Attribute) and not isinstance(node.func.value, _NAMES):
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
        elif self._cutter._receiver(node):
            self.modules[self._cutter._receiver(node)] = "unittest"
        else:
            self._name_modules(node.func)
        node.args = [self.visit(one) for one in node.args]
        for word in node.keywords:
            word.value = self.visit(word.value)
        return node

    def _name_modules(self, node: ast.AST) -> None:
        for inner in ast.walk(node):
            if isinstance(inner, ast.Name) and inner.id in self._cutter.imports:
                self.modules[inner.id] = self._cutter.imports[inner.id]


def _value(index: int) -> ast.expr:
    return ast.Subscript(ast.Name(VALUES, ast.Load()), ast.Constant(index), ast.Load())


def _copy(node: ast.expr) -> ast.expr:
    return ast.parse(ast.unparse(node), mode="eval").body


# --- what must hold -------------------------------------------------------------------------------


def must_hold(tree: ast.Module) -> Iterator[tuple[ast.expr, bool]]:
    """Yield the expressions of a test that must be true, or must not raise, each time they are
    evaluated; and whether a test that passes has evaluated them.
    """
    called = {_called_alone(statement) for statement in tree.body}
    catches = any(map(_catches, ast.walk(tree)))
    for statement in tree.body:
        if isinstance(statement, ast.FunctionDef):
            for inner in [] if catches else statement.body:
                yield from _held(inner, required=statement.name in called)
                if any(isinstance(node, ast.Return) for node in ast.walk(inner)):
                    called.discard(statement.name)
        else:
            yield from _held(statement, required=True)


def _catches(node: ast.AST) -> bool:
    """Return whether an exception may end in a node without ending the test."""
    if isinstance(node, ast.Call) and isinstance(node.func, _NAMES):
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
        for part in _conjuncts(node.test):
            yield part, required
    elif isinstance(node, ast.Expr) and isinstance(node.value, ast.Call):
        if ast.unparse(node.value.func).rpartition(".")[2] in ASSERTING:
            yield node.value, required
    elif isinstance(node, ast.For | ast.If):
        for inner in [*node.body, *node.orelse]:
            yield from _held(inner, required=False)


def _conjuncts(node: ast.expr) -> list[ast.expr]:
    if isinstance(node, ast.BoolOp) and isinstance(node.op, ast.And):
        return [part for value in node.values for part in _conjuncts(value)]
    return [node]


# --- literals that are kept under names -----------------------------------------------------------


def with_names(node: Any, values: Mapping[str, ast.expr]) -> Any:
    """Return a syntax tree in which names are replaced by what they stand for."""
    return _Naming(values).visit(node) if values else node


class _Naming(ast.NodeTransformer):
    def __init__(self, values: Mapping[str, ast.expr]) -> None:
        self._values = values

    def visit_Name(self, node: ast.Name) -> ast.expr:
        found = self._values.get(node.id) if isinstance(node.ctx, ast.Load) else None
        return node if found is None else _copy(found)


def bound(node: ast.stmt) -> str:
    """Return the name that a statement gives a value, if that is all it does."""
    if isinstance(node, ast.Assign) and len(node.targets) == 1:
        return node.targets[0].id if isinstance(node.targets[0], ast.Name) else ""
    return ""


def literals_under_names(tree: ast.Module, cutter: Cutter) -> dict[str, ast.expr]:
    """Return the variables that are given a literal once, at the top of a test, and are read in it.

    One that is not read there may be meant for the functions that the test calls.
    """
    named = [node for node in ast.walk(tree) if isinstance(node, ast.Name)]
    read = {node.id for node in named if _is_read(node)} - cutter.theirs
    stored = [n.id for n in ast.walk(tree) if isinstance(n, ast.Name) and not _is_read(n)]
    stored += [n.arg for n in ast.walk(tree) if isinstance(n, ast.arg)]
    found: dict[str, ast.expr] = {}
    for node in tree.body:
        name = bound(node)
        if name in read and stored.count(name) == 1 and cutter.is_literal(node.value):  # type: ignore[attr-defined]
            found[name] = node.value  # type: ignore[attr-defined]
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
    names = [n.id for n in ast.walk(node.target) if isinstance(n, ast.Name)]
    inside = list(ast.walk(ast.Module(node.body, [])))
    if (
        items is None
        or len(items) * len(inside) > MOST_NODES
        or any(
            isinstance(n, ast.Break | ast.Continue | ast.Lambda | ast.FunctionDef) for n in inside
        )
    ):
        return None
    reads = [n for n in ast.walk(tree) if isinstance(n, ast.Name) and n.id in names]
    loop = {id(n) for n in [*inside, *ast.walk(node.target)]}
    stored = [n for n in inside if isinstance(n, ast.Name) and not _is_read(n) and n.id in names]
    if stored or any(id(n) not in loop for n in reads):
        return None
    made: list[ast.stmt] = []
    for item in items:
        values = _matched(node.target, item)
        if values is None:
            return None
        copies = ast.parse(ast.unparse(ast.Module(node.body, []))).body
        made += [with_names(one, values) for one in copies]
    return made


def _items(node: ast.expr, cases: Mapping[str, ast.expr]) -> list[ast.expr] | None:
    """Return what a loop goes through, if it is a list of literals."""
    if isinstance(node, ast.Name) and node.id in cases:
        node = cases[node.id]
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "zip":
        columns = [_items(one, cases) for one in node.args]
        if not columns or any(column is None for column in columns) or node.keywords:
            return None
        rows = zip(*(column or [] for column in columns), strict=False)
        return [ast.Tuple(list(row), ast.Load()) for row in rows]
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and not node.args:
        owner = node.func.value
        owner = cases.get(owner.id, owner) if isinstance(owner, ast.Name) else owner
        if node.func.attr == "items" and isinstance(owner, ast.Dict) and _is_plain(owner):
            pairs = zip(owner.keys, owner.values, strict=True)
            return [ast.Tuple([key, value], ast.Load()) for key, value in pairs if key]
    if isinstance(node, ast.List | ast.Tuple) and _is_plain(node):
        return list(node.elts)
    return None


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


def _is_read(node: ast.Name) -> bool:
    return isinstance(node.ctx, ast.Load)
