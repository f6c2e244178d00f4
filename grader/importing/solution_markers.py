"""Puts markers into a solution that has none, so that `grader handout` can make a stub of it.

The body of each function is the student's to write. What the author's starter file already holds as
it is in the solution stays. A module without functions is a program, of which everything but
imports is the student's.
"""

from __future__ import annotations

import ast

from grader.markers import BEGIN, END
from grader.notebooks.definitions import tree_of

_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)


def marked_module(text: str, starter: str | None = None) -> str:
    """Return a module with markers around what students write; one that has markers stays as it is.

    starter: the text that students begin with, if the author has one. Raises `SyntaxError` for what
    is not Python.
    """
    if BEGIN in text:
        return text
    tree = tree_of(text)
    given = _given(starter)
    functions = [node for node in _outermost(tree.body) if ast.unparse(node) not in given]
    lines = text.split("\n")
    if not functions:
        if any(isinstance(node, _FUNCTIONS) for node in ast.walk(tree)):
            return text
        return _program(tree, lines)
    for node in reversed(functions):
        _mark_body(node, lines)
    return "\n".join(lines)


def _given(starter: str | None) -> set[str]:
    """Return the functions of a starter file, as code without comments."""
    try:
        tree = tree_of(starter or "")
    except SyntaxError:
        return set()
    return {ast.unparse(node) for node in _outermost(tree.body)}


def _outermost(body: list[ast.stmt]) -> list[ast.FunctionDef | ast.AsyncFunctionDef]:
    """Return functions and methods in the order of their lines, those within functions left out."""
    found: list[ast.FunctionDef | ast.AsyncFunctionDef] = []
    for node in body:
        if isinstance(node, _FUNCTIONS):
            found.append(node)
        elif isinstance(node, ast.ClassDef | ast.If | ast.Try):
            found += _outermost(node.body)
    return found


def _mark_body(node: ast.FunctionDef | ast.AsyncFunctionDef, lines: list[str]) -> None:
    """Put markers around a function's body, its docstring left outside."""
    body = node.body[1:] if ast.get_docstring(node) is not None else node.body
    if not body or all(isinstance(one, ast.Pass) or _is_dots(one) for one in body):
        return
    first, last = body[0], body[-1]
    begin, end = first.lineno - 1, last.end_lineno or last.lineno
    if isinstance(first, (*_FUNCTIONS, ast.ClassDef)) and first.decorator_list:
        begin = first.decorator_list[0].lineno - 1
    column = len(lines[begin].encode()[: first.col_offset].decode())
    head = lines[begin][:column]
    if not head.strip():
        while _is_comment(lines[begin - 1]):
            begin -= 1
        while (
            end < len(lines) and _is_comment(lines[end]) and _indent(lines[end]) > node.col_offset
        ):
            end += 1
        lines[begin:end] = [f"{head}{BEGIN}", *lines[begin:end], f"{head}{END}"]
        return
    indent = " " * (node.col_offset + 4)  # the body stands behind the colon
    rest = [lines[begin][column:], *lines[begin + 1 : end]]
    whole = [head.rstrip(), f"{indent}{BEGIN}", f"{indent}{rest[0]}", *rest[1:], f"{indent}{END}"]
    lines[begin:end] = whole


def _is_comment(line: str) -> bool:
    return line.lstrip().startswith("#")


def _indent(line: str) -> int:
    return len(line) - len(line.lstrip())


def _is_dots(node: ast.stmt) -> bool:
    return (
        isinstance(node, ast.Expr)
        and isinstance(node.value, ast.Constant)
        and node.value.value is ...
    )


def _program(tree: ast.Module, lines: list[str]) -> str:
    """Return a program with markers around all behind its docstring and imports."""
    rest = [node for node in tree.body if not isinstance(node, ast.Import | ast.ImportFrom)]
    if rest and ast.get_docstring(tree) is not None:
        rest = rest[1:]
    if not rest or all(isinstance(node, ast.ClassDef) for node in rest):
        return "\n".join(lines)
    begin, end = rest[0].lineno - 1, rest[-1].end_lineno or len(lines)
    lines[begin:end] = [BEGIN, *lines[begin:end], END]
    return "\n".join(lines)
