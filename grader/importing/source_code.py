"""What Python code binds, reads and imports, found by reading it. Nothing is run."""

from __future__ import annotations

import ast
import builtins
import symtable
from collections.abc import Iterable, Iterator
from typing import TypeGuard

from grader.checking.cells.syntax_trees import imported_as
from grader.notebooks.definitions import tree_of

BUILTINS = frozenset(dir(builtins))
IMPORTS = (ast.Import, ast.ImportFrom)
FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)
Function = ast.FunctionDef | ast.AsyncFunctionDef


def parses(code: str) -> bool:
    """Return whether code is Python."""
    try:
        tree_of(code)
    except SyntaxError:
        return False
    return True


def plain_python(source: str) -> str:
    """Return a code cell with its magic commands as empty lines."""
    lines = source.split("\n")
    for number, line in enumerate(lines):
        if line.lstrip().startswith(("%", "!")):
            lines[number] = ""
    return "\n".join(lines)


def unguarded(code: str) -> str:
    """Return a test with what stands below `if __name__ == "__main__":` in its place: in a notebook
    it is always run.
    """
    try:
        tree = tree_of(code)
    except SyntaxError:
        return code
    lines = code.split("\n")
    for node in reversed(tree.body):
        if isinstance(node, ast.If) and not node.orelse and _asks_for_main(node.test):
            lines[node.lineno - 1 : node.end_lineno] = map(ast.unparse, node.body)
    return "\n".join(lines)


def _asks_for_main(test: ast.expr) -> bool:
    return ast.unparse(test) in ("__name__ == '__main__'", "'__main__' == __name__")


def bound(body: Iterable[ast.stmt]) -> set[str]:
    """Return the names that statements bind, those within loops and conditions included."""
    names: set[str] = set()
    for node in body:
        if isinstance(node, (*FUNCTIONS, ast.ClassDef)):
            names.add(node.name)
        elif isinstance(node, IMPORTS):
            names.update(map(imported_as, node.names))
        else:
            names.update(_stored(node))
    return names


def _stored(node: ast.stmt) -> Iterator[str]:
    for one in ast.walk(node):
        if isinstance(one, ast.Name) and isinstance(one.ctx, ast.Store):
            yield one.id


def altered(tree: ast.Module) -> set[str]:
    """Return the names of what code changes in part, by an index or an attribute."""
    names: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Subscript | ast.Attribute) and not isinstance(node.ctx, ast.Load):
            whole: ast.expr = node
            while isinstance(whole, ast.Subscript | ast.Attribute):
                whole = whole.value
            names.update([whole.id] if isinstance(whole, ast.Name) else [])
    return names


def needed(code: str, theirs: frozenset[str] = frozenset()) -> set[str]:
    """Return the names that code reads and does not define itself; builtins only if they are among
    ``theirs``.
    """
    top = symtable.symtable(code, "cell", "exec")
    names = set(_read(top)) - (BUILTINS - theirs)
    for symbol in top.get_symbols():
        if symbol.is_assigned() or symbol.is_imported():
            names.discard(symbol.get_name())
    return names


def _read(table: symtable.SymbolTable) -> Iterator[str]:
    """Yield the names that a scope and those within it read from the top level."""
    for symbol in table.get_symbols():
        if symbol.is_referenced() and (table.get_type() == "module" or symbol.is_global()):
            yield symbol.get_name()
    for inner in table.get_children():
        yield from _read(inner)


def functions(tree: ast.Module, source: str) -> dict[str, str]:
    """Return the text of each function that code defines at its top level."""
    lines = source.split("\n")
    found = {}
    for node in tree.body:
        if isinstance(node, ast.FunctionDef):
            first = node.decorator_list[0] if node.decorator_list else node
            found[node.name] = "\n".join(lines[first.lineno - 1 : node.end_lineno])
    return found


def is_named_test(node: ast.AST) -> TypeGuard[Function]:
    """Return whether a statement is a function that pytest and unittest take for a test."""
    return isinstance(node, FUNCTIONS) and node.name.startswith("test")


def is_test_case(node: ast.ClassDef) -> bool:
    """Return whether a class is one of unittest's."""
    return any("TestCase" in ast.unparse(base) for base in node.bases)


def text_of(node: ast.AST) -> str | None:
    """Return the text that a node is, or None."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return node.value
    return None


# --- imports --------------------------------------------------------------------------------------


def top_module(name: str) -> str:
    """Return the first part of a module's dotted name."""
    return name.partition(".")[0]


def module_names(node: ast.AST) -> list[str]:
    """Return the modules that a statement imports: none if it is not an import, "" if relative."""
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    return [node.module or ""] if isinstance(node, ast.ImportFrom) else []


def all_module_names(tree: ast.AST) -> Iterator[str]:
    """Yield the modules that code imports anywhere in it."""
    for node in ast.walk(tree):
        yield from filter(None, module_names(node))
