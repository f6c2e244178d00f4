"""Loops of a test over literals, `for x, want in [(2, 4)]:`, written out turn by turn, and the
literals that a test keeps under names. Pure.
"""

from __future__ import annotations

import ast
from collections import Counter
from collections.abc import Iterable, Mapping

from grader.checking.cells.comparison_cuts import Cutter
from grader.checking.cells.syntax_trees import (
    DOTTED,
    SET,
    bound,
    contains,
    given,
    names_in,
    unpacks,
    variables,
    with_names,
)

MOST_NODES = 5_000  # of the syntax tree of a loop that is written out
ALL = frozenset(("all", "numpy.all"))
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


def unrolled(tree: ast.Module, cutter: Cutter) -> tuple[ast.Module, list[str]]:
    """Return a test whose loops over literals are written out, and each statement's first line as
    its author reads it.

    Such a loop is `for x, want in [(2, 4)]:`, or `assert all(f(x) == want for x, want in ...)`. Of
    `zip(f(x), [2, 4])`, what the box computes is computed once, before the turns.
    """
    body: list[ast.stmt] = []
    lines: list[str] = []
    cases = literals_under_names(tree, cutter)
    for node in tree.body:
        loop = _as_loop(node, cutter)
        turns = None if loop is None else _turns(loop, cases, tree)
        if turns is None:
            body.append(node if loop is None else _paired(loop, cases, tree) or node)
            lines.append(_first_line(node))
        else:
            body += turns
            lines += map(_first_line, turns)
    return ast.fix_missing_locations(ast.Module(body, [])), lines


def _first_line(node: ast.stmt) -> str:
    return ast.unparse(node).partition("\n")[0]


def _as_loop(node: ast.stmt, cutter: Cutter) -> ast.For | None:
    """Return a loop, or `assert all(... for ... in ...)` as one; None for what is no loop."""
    if isinstance(node, ast.For):
        return None if node.orelse else node
    call = node.test if isinstance(node, ast.Assert) else None
    if not isinstance(call, ast.Call) or not isinstance(call.func, DOTTED):
        return None
    path = cutter.path(call.func)
    if path not in ALL or path in cutter.theirs or len(given(call)) != 1:
        return None
    (made,) = given(call)
    if not isinstance(made, ast.GeneratorExp | ast.ListComp) or len(made.generators) != 1:
        return None
    (source,) = made.generators
    if source.ifs or source.is_async or not isinstance(node, ast.Assert):
        return None
    return ast.For(source.target, source.iter, [ast.Assert(made.elt, node.msg)], [])


def _turns(loop: ast.For, cases: Mapping[str, ast.expr], tree: ast.Module) -> list[ast.stmt] | None:
    """Return the statements of all turns of a loop, None for what is not to be written out."""
    items = _items(loop.iter, cases) or (_places(loop, cases) if _looks_up(loop, cases) else None)
    if items is None or not _can_be_written_out(loop, len(items), tree):
        return None
    made: list[ast.stmt] = []
    for item in items:
        values = _matched(loop.target, item)
        if values is None:
            return None
        made += _turn(loop, values)
    return made


def _paired(loop: ast.For, cases: Mapping[str, ast.expr], tree: ast.Module) -> ast.stmt | None:
    """Return a loop over `zip` of literals and of what the box computes with its turns written out,
    None for what is not to be.
    """
    name, columns = _call(loop.iter)
    if name != "zip" or not isinstance(loop.target, ast.Tuple):
        return None
    if len(loop.target.elts) != len(columns):
        return None
    literal = {at: _items(column, cases) for at, column in enumerate(columns)}
    lengths = [len(items) for items in literal.values() if items is not None]
    if not lengths or not _can_be_written_out(loop, min(lengths), tree):
        return None
    computed = [at for at, items in literal.items() if items is None]
    rows = f"_rows_{len(names_in(tree))}"
    body: list[ast.stmt] = []
    for turn in range(min(lengths)):
        values: dict[str, ast.expr] = {}
        given_: list[ast.stmt] = []
        for at, target in enumerate(loop.target.elts):
            items = literal[at]
            if items is None:
                place = ast.parse(f"{rows}[{turn}][{computed.index(at)}]", mode="eval").body
                given_.append(ast.Assign([target], place))
            else:
                matched = _matched(target, items[turn])
                if matched is None:
                    return None
                values |= matched
        there = ast.parse(f"{rows}[{turn}:]", mode="eval").body
        body.append(ast.If(there, [*given_, *_turn(loop, values)], []))
    # as far as the shortest one goes, as `zip` does
    length = ast.parse(f"range({min(lengths)})", mode="eval").body
    zip_ = ast.Call(ast.Name("zip", ast.Load()), [*(columns[at] for at in computed), length], [])
    once = ast.List([ast.List([ast.Starred(zip_, ast.Load())], ast.Load())], ast.Load())
    return ast.For(ast.Name(rows, ast.Store()), once, body, [])


def _turn(loop: ast.For, values: Mapping[str, ast.expr]) -> list[ast.stmt]:
    """Return the statements of one turn, with nodes of their own."""
    body = ast.fix_missing_locations(ast.Module(loop.body, []))
    turn: list[ast.stmt] = with_names(ast.parse(ast.unparse(body)), values).body
    return turn


def _can_be_written_out(loop: ast.For, turns: int, tree: ast.Module) -> bool:
    body = ast.Module(loop.body, [])
    if contains(body, NOT_WRITTEN_OUT) or not _is_closed(loop, tree):
        return False
    return turns * sum(1 for _ in ast.walk(body)) <= MOST_NODES


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
    name, args = _call(node)
    if name:
        return _items_of_call(name, args, cases)
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and not node.args:
        owner = node.func.value
        owner = cases.get(owner.id, owner) if isinstance(owner, ast.Name) else owner
        if node.func.attr == "items" and isinstance(owner, ast.Dict) and _is_plain(owner):
            return _tuples(zip(filter(None, owner.keys), owner.values, strict=True))
    if isinstance(node, ast.List | ast.Tuple) and _is_plain(node):
        return list(node.elts)
    return None


def _items_of_call(
    name: str, args: list[ast.expr], cases: Mapping[str, ast.expr]
) -> list[ast.expr] | None:
    """Return what a loop goes through that calls a function of Python's."""
    columns = []
    for one in args:
        columns.append(_items(one, cases))
    known = [column for column in columns if column is not None]
    if not known or len(known) < len(columns):
        return None
    if name == "zip":
        return _tuples(zip(*known, strict=False))
    if name == "enumerate" and len(args) == 1:
        return _tuples((ast.Constant(at), item) for at, item in enumerate(known[0]))
    return None


def _looks_up(loop: ast.For, cases: Mapping[str, ast.expr]) -> bool:
    """Return whether entries of a literal are looked up in a loop, as in `want[i]`."""
    counted = names_in(loop.target)
    for node in ast.walk(ast.Module(loop.body, [])):
        if not isinstance(node, ast.Subscript) or not isinstance(node.value, ast.Name):
            continue
        if node.value.id in cases and counted & names_in(node.slice):
            return True
    return False


def _places(loop: ast.For, cases: Mapping[str, ast.expr]) -> list[ast.expr] | None:
    """Return the numbers of `range(3)`, or of `range(len(want))` for a literal."""
    name, args = _call(loop.iter)
    if name != "range" or len(args) != 1:
        return None
    (end,) = args
    name, args = _call(end)
    if name == "len":
        items = _items(args[0], cases) if len(args) == 1 else None
        return None if items is None else [ast.Constant(at) for at in range(len(items))]
    if isinstance(end, ast.Constant) and type(end.value) is int and end.value <= MOST_NODES:
        return [ast.Constant(at) for at in range(end.value)]
    return None


def _call(node: ast.expr) -> tuple[str, list[ast.expr]]:
    """Return the name of a function that is called by it, and its arguments, which all stand in
    their places; "" for any other expression.
    """
    if not isinstance(node, ast.Call) or node.keywords or unpacks(node.args):
        return "", []
    return (node.func.id, node.args) if isinstance(node.func, ast.Name) else ("", [])


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
