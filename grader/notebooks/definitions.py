"""What a cell's code defines, found by reading it: nothing is run. Sources are a stranger's and of
bounded length.
"""

from __future__ import annotations

import ast
import re
import warnings
from collections.abc import Iterable, Iterator

TRIES = 5  # to parse a cell
LONGEST = 50_000  # characters that are parsed; in a longer cell, lines are looked at one by one

# IPython's lines, which are not Python
MAGIC = re.compile(r"^([ \t]*)(?:[%!].*|[\w.]+\?{1,2})$", re.MULTILINE)
_HEAD = re.compile(r"^(?:async[ \t]+)?(?:def|class)[ \t]+([^\W\d]\w*)", re.MULTILINE)
_ASSIGNED = re.compile(r"^([^\W\d]\w*)[ \t]*(?::[^=\n]{1,200})?=(?!=)", re.MULTILINE)
_SCOPES = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Lambda)
_UNFINISHED = "NotImplementedError"


def parsed(source: str) -> ast.Module | None:
    """Return a cell's syntax tree, IPython's own lines taken out; None if it can't be read as
    Python.
    """
    if len(source) > LONGEST or source.lstrip().startswith("%%"):
        return None
    try:
        return tree_of(MAGIC.sub(r"\1pass", source))
    except (SyntaxError, ValueError, RecursionError, MemoryError, SystemError):
        return None


def tree_of(code: str | bytes) -> ast.Module:
    """Return the syntax tree of Python code; raise as `ast.parse` does.

    In Python 3.11, threads that parse at the same time share a counter of depth, and one of them
    gets a `SystemError`: it parses once more.
    """
    for _ in range(TRIES - 1):
        try:
            return _parsed_once(code)
        except SystemError:
            continue
    return _parsed_once(code)


def _parsed_once(code: str | bytes) -> ast.Module:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # an invalid escape, for one, is its writer's matter
        return ast.parse(code)


def definitions(source: str) -> frozenset[str]:
    """Return the names that a cell binds at its top level; of code that can't be parsed, as far as
    its lines show.
    """
    return _defined(source, parsed(source))


def definitions_and_stubs(source: str) -> tuple[frozenset[str], frozenset[str]]:
    """Return what `definitions` and `stubs` do, of a source that is parsed once."""
    tree = parsed(source)
    return _defined(source, tree), _stubs(tree)


def _defined(source: str, tree: ast.Module | None) -> frozenset[str]:
    if tree is None:
        return frozenset([*_HEAD.findall(source), *_ASSIGNED.findall(source)])
    return frozenset(_bound(tree.body))


def stubs(source: str) -> frozenset[str]:
    """Return the names that a cell defines and that are still to be written.

    A function whose body does nothing but raise ``NotImplementedError``, ``pass`` or return None;
    all names of a cell that raises ``NotImplementedError`` itself; a name that is set to None or
    ``...``.
    """
    return _stubs(parsed(source))


def _stubs(tree: ast.Module | None) -> frozenset[str]:
    if tree is None:
        return frozenset()
    if any(map(_raises_unfinished, tree.body)):
        return frozenset(_bound(tree.body))
    found = set()
    for node in tree.body:
        if isinstance(node, ast.ClassDef):
            found.update([node.name] if _class_unwritten(node) else [])
        elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            found.update([node.name] if _unwritten(node.body) else [])
        elif isinstance(node, ast.Assign) and _is_nothing(node.value):
            found.update(_targets(node.targets))
    return frozenset(found)


def stops_unfinished(source: str) -> bool:
    """Return whether a cell itself raises ``NotImplementedError``."""
    tree = parsed(source)
    return tree is not None and any(map(_raises_unfinished, tree.body))


def only_defines(source: str) -> bool:
    """Return whether a cell does nothing but import modules, define functions and classes, and set
    constants.
    """
    tree = parsed(source)
    return tree is not None and all(map(_is_definition, tree.body))


def _is_definition(node: ast.stmt) -> bool:
    if isinstance(node, ast.Assign):
        return isinstance(node.value, ast.Constant)
    return isinstance(node, (ast.Import, ast.ImportFrom, *_SCOPES)) or _is_constant(node)


def additions(source: str, provided: str) -> str:
    """Return the imports, functions and classes of a changed cell that the provided one lacks."""
    tree, original = parsed(source), parsed(provided)
    if tree is None or original is None:
        return ""
    there = set(map(ast.dump, original.body))
    kept = (ast.Import, ast.ImportFrom, ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
    added = []
    for node in tree.body:
        if isinstance(node, kept) and ast.dump(node) not in there:
            added.append(ast.unparse(node))
    return "\n".join(added)


def is_untouched(source: str) -> bool:
    """Return whether all that a cell defines is still to be written."""
    names = definitions(source)
    return bool(names) and names == stubs(source)


def _bound(body: Iterable[ast.stmt]) -> Iterator[str]:
    """Yield the names that statements bind in their own scope; imports are not definitions."""
    waiting: list[ast.AST] = [*body]
    while waiting:
        node = waiting.pop()
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            yield node.name
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            yield node.id
        if not isinstance(node, (*_SCOPES, ast.comprehension)):
            waiting.extend(ast.iter_child_nodes(node))


def _targets(targets: Iterable[ast.expr]) -> Iterator[str]:
    for target in targets:
        for node in ast.walk(target):
            if isinstance(node, ast.Name):
                yield node.id


def _unwritten(body: list[ast.stmt]) -> bool:
    """Return whether a function's body is that of a stub."""
    if any(map(_raises_unfinished, body)):
        # else it is written, and refuses some arguments
        return not any(map(_returns, body))
    # names that hold nothing: the exercise's own style sets them to None and returns them
    empty: set[str] = set()
    for node in body:
        if isinstance(node, ast.Assign) and _is_nothing(node.value):
            empty.update(_targets(node.targets))
        elif isinstance(node, ast.Return):
            if node.value is not None and not _is_nothing(node.value, empty):
                return False
        elif not isinstance(node, ast.Pass) and not _is_constant(node):
            return False
    return True


def _returns(statement: ast.stmt) -> bool:
    """Return whether a value is returned somewhere within a statement."""
    for node in ast.walk(statement):
        if isinstance(node, ast.Return) and node.value is not None and not _is_nothing(node.value):
            return True
    return False


def _class_unwritten(node: ast.ClassDef) -> bool:
    """Return whether a class has nothing but stubs in it."""
    for part in node.body:
        if isinstance(part, ast.FunctionDef | ast.AsyncFunctionDef):
            if not _unwritten(part.body):
                return False
        elif not isinstance(part, ast.Pass) and not _is_constant(part):
            return False
    return True


def _is_constant(node: ast.stmt) -> bool:
    """Return whether a statement is a docstring or ``...``."""
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)


def _is_nothing(value: ast.expr, names: Iterable[str] = ()) -> bool:
    """Return whether an expression is None or ``...``, one of these names, or a tuple of such."""
    if isinstance(value, ast.Tuple):
        return all(_is_nothing(item, names) for item in value.elts)
    if isinstance(value, ast.Name):
        return value.id in names
    return isinstance(value, ast.Constant) and (value.value is None or value.value is ...)


def _raises_unfinished(node: ast.stmt) -> bool:
    """Return whether a statement raises ``NotImplementedError``."""
    raised = node.exc if isinstance(node, ast.Raise) else None
    name = raised.func if isinstance(raised, ast.Call) else raised
    return isinstance(name, ast.Name) and name.id == _UNFINISHED
