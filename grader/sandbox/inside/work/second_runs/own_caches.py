"""Runs a forward function that raises to its end, to learn which cache it would have made.

A backward function takes the cache of the student's own forward function apart, in whatever form
that has. If the forward function raises, its form is still in its text: so it is run with every
statement that raises passed over. A variable that is returned as an output has its right value
where the statement raised that was to set it. What comes out is the student's own and is judged
like all else; it may be nothing, if the cache holds what could not be computed.
"""

from __future__ import annotations

import ast
import inspect
import textwrap
from collections.abc import Callable, Sequence
from types import CodeType, FunctionType
from typing import Any

MOST_CHARACTERS = 50_000  # of a function that is changed
RIGHT = "right_{}_"  # the parameters that hold the right outputs
ATTEMPT = "attempt_"
CACHE = "cache"  # what a variable that holds one is called
WHOLE = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Global, ast.Nonlocal)
LEAVING = (ast.Break, ast.Continue, ast.Pass)


class NotComputed:
    """Stands for a result that could not be computed."""


def run_to_the_end(
    function: Callable[..., Any],
    right: Sequence[Any],
    args: tuple[Any, ...],
    kwargs: dict[str, Any],
) -> Any:
    """Call a function, passing over what raises in it; a result may be `NotComputed`.

    right: for each result its right value, or `NotComputed` for one that has none
    """
    if not isinstance(function, FunctionType) or function.__closure__:
        return NotComputed
    source = textwrap.dedent(inspect.getsource(function))
    definition = ast.parse(source[:MOST_CHARACTERS]).body[0]
    if not isinstance(definition, ast.FunctionDef):
        return NotComputed
    _pass_over(definition, right)
    changed = FunctionType(_code(definition), function.__globals__, function.__name__)
    changed.__defaults__ = function.__defaults__
    values = {RIGHT.format(index): value for index, value in enumerate(right)}
    changed.__kwdefaults__ = {**(function.__kwdefaults__ or {}), **values, ATTEMPT: _attempt}
    return changed(*args, **kwargs)


def _attempt(value: Callable[[], Any]) -> Any:
    try:
        return value()
    except Exception:
        return NotComputed


def _pass_over(definition: ast.FunctionDef, right: Sequence[Any]) -> None:
    """Change a function so that no statement in it raises."""
    names: dict[str, int] = {}
    for node in ast.walk(definition):
        if isinstance(node, ast.Return) and isinstance(node.value, ast.Tuple):
            for index, item in enumerate(node.value.elts[: len(right)]):
                if isinstance(item, ast.Name) and right[index] is not NotComputed:
                    names[item.id] = index
    stored = {node.id for node in ast.walk(definition) if isinstance(node, ast.Name)}
    if CACHE in stored:
        _with_cache(definition, right)
    definition.decorator_list = []
    definition.returns = None
    definition.body = _block(definition.body, names)
    for name in [*map(RIGHT.format, range(len(right))), ATTEMPT]:
        definition.args.kwonlyargs.append(ast.arg(name))
        definition.args.kw_defaults.append(None)


def _with_cache(definition: ast.FunctionDef, right: Sequence[Any]) -> None:
    """Let a function that returns another number of values return its cache among them."""
    for node in ast.walk(definition):
        if not isinstance(node, ast.Return):
            continue
        if isinstance(node.value, ast.Tuple) and len(node.value.elts) == len(right):
            continue
        items: list[ast.expr] = []
        for index, value in enumerate(right):
            name = CACHE if value is NotComputed else RIGHT.format(index)
            items.append(ast.Name(name, ast.Load()))
        node.value = ast.Tuple(items, ast.Load())


def _block(statements: list[ast.stmt], names: dict[str, int]) -> list[ast.stmt]:
    changed: list[ast.stmt] = []
    for statement in statements:
        if isinstance(statement, ast.Return):
            changed.append(_returned(statement))
        elif isinstance(statement, (*WHOLE, *LEAVING)):
            changed.append(statement)
        else:
            for part in ("body", "orelse", "finalbody"):
                inner = getattr(statement, part, None)
                if inner:
                    setattr(statement, part, _block(inner, names))
            handler = ast.ExceptHandler(
                ast.Name("Exception", ast.Load()), None, _instead(statement, names)
            )
            changed.append(ast.Try([statement], [handler], [], []))
    return changed


def _instead(statement: ast.stmt, names: dict[str, int]) -> list[ast.stmt]:
    """Return what sets the outputs that a statement was to set, if it raises."""
    made: list[ast.stmt] = [ast.Pass()]
    if isinstance(statement, ast.Assign | ast.AugAssign | ast.AnnAssign):
        for node in ast.walk(statement):
            if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store) and node.id in names:
                value = ast.Name(RIGHT.format(names[node.id]), ast.Load())
                made.append(ast.Assign([ast.Name(node.id, ast.Store())], value))
    return made


def _returned(statement: ast.Return) -> ast.Return:
    """Return a `return` of what can be computed of its values."""
    if not isinstance(statement.value, ast.Tuple):
        return statement
    items: list[ast.expr] = []
    for item in statement.value.elts:
        none = ast.arguments(posonlyargs=[], args=[], kwonlyargs=[], kw_defaults=[], defaults=[])
        items.append(ast.Call(ast.Name(ATTEMPT, ast.Load()), [ast.Lambda(none, item)], []))
    return ast.Return(ast.Tuple(items, ast.Load()))


def _code(definition: ast.FunctionDef) -> CodeType:
    """Return the code of a function."""
    module = ast.fix_missing_locations(ast.Module([definition], []))
    whole = compile(module, "<a forward function>", "exec", dont_inherit=True)
    return next(one for one in whole.co_consts if isinstance(one, CodeType))
