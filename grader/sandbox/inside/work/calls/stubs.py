"""Whether a function is still the stub that was handed out: it returns constants, whatever it is
given.

A stub may raise `NotImplementedError`, which needs no looking; or return None, `None, None` or an
array filled with one number behind a `pass`, as exercises have it. The answer is data, and a
stub fails its checks either way.
"""

from __future__ import annotations

import ast
import contextlib
import dis
import inspect
import textwrap
from typing import Any

MOST_LINES = 200  # of a function that is looked at
# no stub has these
WORK = (ast.Raise, ast.Yield, ast.YieldFrom, ast.For, ast.While, ast.With, ast.comprehension)
LOOP = dis.opmap["FOR_ITER"]  # of `for` and comprehensions; to read a function's text takes longer
FILLED = {"zeros", "ones", "full", "empty", "zeros_like", "ones_like", "full_like", "empty_like"}


def is_stub(function: Any, values: list[Any]) -> bool:
    """Return whether what a function returned comes from constants alone; its text is read only if
    it looks so.
    """
    if not all(map(looks_empty, values)):
        return False
    # the student's objects, and source text that may be anything
    with contextlib.suppress(BaseException):
        if LOOP in inspect.unwrap(function).__code__.co_code[::2]:
            return False
        lines, _ = inspect.getsourcelines(inspect.unwrap(function))
        if len(lines) <= MOST_LINES:
            node = ast.parse(textwrap.dedent("".join(lines))).body[0]
            if not isinstance(node, ast.FunctionDef):
                return False
            given = (
                node.args.args or node.args.posonlyargs or node.args.vararg or node.args.kwonlyargs
            )
            if not given and any(value is not None for value in values):
                return False  # without arguments, a constant may be the answer
            return _returns_constants(node)
    return False


def looks_empty(value: Any) -> bool:
    """Return whether a value is None, zero, an empty container, or an array of one number
    throughout.
    """
    if value is None or (type(value) in (int, float) and value == 0):
        return True
    if type(value) in (list, tuple, dict, str):
        return len(value) == 0
    if type(value).__name__ == "ndarray":
        with contextlib.suppress(Exception):
            if value.size == 0:
                return True
            first = value.flat[0]
            if first != value.flat[-1]:  # nearly always: the rest need not be looked at
                return False
            return bool((value - first == 0).all())  # and so finite
    return False


def _returns_constants(function: ast.FunctionDef) -> bool:
    """Return whether every `return` gives constants, or names to which nothing but constants was
    ever assigned.
    """
    changed: set[str] = set()
    set_to: dict[str, list[ast.expr]] = {}
    for node in ast.walk(function):
        changed.update(_changes(node))
        if isinstance(node, ast.Assign):
            for target in node.targets:
                _assign(target, node.value, set_to)
        elif isinstance(node, WORK) or (
            isinstance(node, ast.Expr) and isinstance(node.value, ast.Call)
        ):
            return False  # what is called for its effect, such as `print`, is work too

    def constant(value: ast.expr | None) -> bool:
        if isinstance(value, ast.Name):
            given = set_to.get(value.id, [])
            return bool(given) and value.id not in changed and all(map(_is_constant, given))
        if isinstance(value, ast.Tuple):
            return all(map(constant, value.elts))
        return value is None or (
            _is_constant(value) and not isinstance(value, ast.Call | ast.BinOp)
        )

    returned = [node.value for node in ast.walk(function) if isinstance(node, ast.Return)]
    if returned:
        return all(map(constant, returned))
    # a stub, or a function whose `return` was forgotten
    return all(all(map(_is_part, values)) for values in set_to.values())


def _assign(target: ast.expr, value: ast.expr, set_to: dict[str, list[ast.expr]]) -> None:
    if isinstance(target, ast.Name):
        set_to.setdefault(target.id, []).append(value)
    elif isinstance(target, ast.Tuple | ast.List):
        parts = value.elts if isinstance(value, ast.Tuple | ast.List) else []
        for index, inner in enumerate(target.elts):
            _assign(inner, parts[index] if len(parts) == len(target.elts) else value, set_to)


def _changes(node: ast.AST) -> list[str]:
    """Return the names whose value a node may change or hand to somebody who may."""
    held: list[ast.AST] = []
    if isinstance(node, ast.AugAssign | ast.AnnAssign | ast.NamedExpr | ast.For):
        held.append(node.target)
    elif isinstance(node, ast.Assign):
        for target in node.targets:
            for place in ast.walk(target):
                if isinstance(place, ast.Subscript | ast.Attribute):
                    held.append(place.value)
    elif isinstance(node, ast.Call):
        held += [*node.args, *(keyword.value for keyword in node.keywords)]
        if isinstance(node.func, ast.Attribute):
            held.append(node.func.value)
    names = []
    for one in held:
        for inner in ast.walk(one):
            if isinstance(inner, ast.Name):
                names.append(inner.id)
    return names


def _is_constant(node: ast.expr) -> bool:
    """Return whether an expression is made of constants, attributes, and arrays filled with one
    number.
    """
    if isinstance(node, ast.Constant):
        return True
    if isinstance(node, ast.Dict):
        return all(map(_is_constant, node.values))
    if isinstance(node, ast.List | ast.Tuple):
        return all(map(_is_constant, node.elts))
    if isinstance(node, ast.BinOp) and not isinstance(node.op, ast.MatMult):
        return _is_part(node.left) and _is_part(node.right)
    return _is_filled(node)


def _is_part(node: ast.expr) -> bool:
    """Return whether an operand says nothing of the inputs: a constant, or an attribute such as
    `self.start`.
    """
    return _is_constant(node) or (
        isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name)
    )


def _is_filled(node: ast.expr) -> bool:
    return (
        isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr in FILLED
    )
