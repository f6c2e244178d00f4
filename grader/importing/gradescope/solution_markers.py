"""Puts markers into a solution that has none, so that `grader handout` can make a stub of it.

The body of each function is the student's to write. What the author's starter file already holds as
it is in the solution stays. A module without functions is a program, of which everything but
imports is the student's.
"""

from __future__ import annotations

import ast

from grader.importing.source_code import FUNCTIONS, IMPORTS, Function
from grader.markers import BEGIN, END
from grader.notebooks.definitions import tree_of


def marked_module(text: str, starter: str | None = None) -> str:
    """Return a module with markers around what students write; one that has markers stays as it is.

    starter: the text that students begin with, if the author has one. Raises `SyntaxError` for what
    is not Python.
    """
    if BEGIN in text:
        return text
    tree = tree_of(text)
    given = _given(starter)
    lines = text.split("\n")
    marked = False
    for node in reversed(_outermost(tree.body)):
        if ast.unparse(node) not in given:
            _mark_body(node, lines)
            marked = True
    if marked or any(isinstance(node, FUNCTIONS) for node in ast.walk(tree)):
        return "\n".join(lines)
    return _program(tree, lines)


def _given(starter: str | None) -> set[str]:
    """Return the functions of a starter file, as code without comments."""
    try:
        tree = tree_of(starter or "")
    except SyntaxError:
        return set()
    return set(map(ast.unparse, _outermost(tree.body)))


def _outermost(body: list[ast.stmt]) -> list[Function]:
    """Return functions and methods in the order of their lines, those within functions left out."""
    found: list[Function] = []
    for node in body:
        if isinstance(node, FUNCTIONS):
            found.append(node)
        elif isinstance(node, ast.ClassDef | ast.If | ast.Try):
            found += _outermost(node.body)
    return found


def _mark_body(node: Function, lines: list[str]) -> None:
    """Put markers around a function's body, its docstring left outside."""
    body = node.body[1:] if ast.get_docstring(node) is not None else node.body
    if all(map(_does_nothing, body)):
        return
    first, last = body[0], body[-1]
    begin, end = first.lineno - 1, last.end_lineno or last.lineno
    if isinstance(first, (*FUNCTIONS, ast.ClassDef)) and first.decorator_list:
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


def _does_nothing(node: ast.stmt) -> bool:
    """Return whether a statement is `pass` or dots."""
    if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
        return node.value.value is ...
    return isinstance(node, ast.Pass)


def _program(tree: ast.Module, lines: list[str]) -> str:
    """Return a program with markers around all behind its docstring and imports."""
    rest = [node for node in tree.body if not isinstance(node, IMPORTS)]
    if rest and ast.get_docstring(tree) is not None:
        rest = rest[1:]
    if not rest or all(isinstance(node, ast.ClassDef) for node in rest):
        return "\n".join(lines)
    begin, end = rest[0].lineno - 1, rest[-1].end_lineno or len(lines)
    lines[begin:end] = [BEGIN, *lines[begin:end], END]
    return "\n".join(lines)
