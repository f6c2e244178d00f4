"""Lazy solutions: references in which functions answer without work. No check may reward them.

Each kind of `lazy_answers` is tried on all of the student's functions at once, and on each function
alone while the others stay as in the reference.
"""

from __future__ import annotations

import ast
import json
from collections.abc import Iterator, Mapping
from pathlib import Path

import msgspec

from grader.assignment.schema import FileSpec, NotebookSpec
from grader.assignment.spec import Assignment
from grader.authoring.audit import lazy_answers
from grader.markers import BEGIN

ALL = ""  # in place of a function's name: all of them
MADE_BY = ("__init__", "__new__")  # without which nothing else of a class works
_SPACE = "_lazy_answers"  # the name under which the answers are run beside a student's file


class Lazy(msgspec.Struct, frozen=True):
    """A lazy solution."""

    kind: str  # of `lazy_answers.KINDS`
    function: str  # the one that is lazy, `Class.method` for a method, or `ALL`
    file: str  # in which it stands; "" for all
    files: dict[str, bytes]  # those that differ from the reference's

    @property
    def id(self) -> str:
        """Its name in messages."""
        return f"{self.function or 'everything'}: {lazy_answers.KINDS[self.kind]}"


def solutions(assignment: Assignment, reference: Mapping[str, bytes]) -> tuple[Lazy, ...]:
    """Return the lazy solutions of an assignment: of all its functions, then of each."""
    return tuple(_solutions(assignment, reference))


def _solutions(assignment: Assignment, reference: Mapping[str, bytes]) -> Iterator[Lazy]:
    found = dict(functions(assignment, reference))
    for kind in lazy_answers.KINDS if found else ():
        files = {}
        for path, names in found.items():
            files[path] = made(path, reference[path], names, kind)
        yield Lazy(kind, ALL, "", files)
    for path, names in found.items():
        for name in names:
            for kind in lazy_answers.KINDS:
                changed = {path: made(path, reference[path], (name,), kind)}
                yield Lazy(kind, name, path, changed)


def functions(
    assignment: Assignment, reference: Mapping[str, bytes]
) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Yield files and notebooks, each with the functions and methods that students write in it."""
    written: list[FileSpec | NotebookSpec] = [*assignment.spec.files, *assignment.spec.notebooks]
    for one in written:
        names: dict[str, None] = {}
        for text in _cells(one.path, reference.get(one.path, b"")):
            for name in _written(text):
                if name.split(".")[0] in one.provides:
                    names[name] = None
        if names:
            yield one.path, tuple(names)


def made(path: str, data: bytes, names: tuple[str, ...], kind: str) -> bytes:
    """Return a file of the reference in which some functions are lazy."""
    if not path.endswith(".ipynb"):
        return f"{data.decode('utf-8-sig')}\n\n{_override(names, kind)}".encode()
    notebook = json.loads(data)
    for cell in notebook["cells"]:
        if cell["cell_type"] == "code":
            source = "".join(cell["source"])
            own = tuple(filter(names.__contains__, _written(source)))
            if own:
                cell["source"] = f"{source}\n\n{_override(own, kind)}"
    return json.dumps(notebook).encode()


def _override(names: tuple[str, ...], kind: str) -> str:
    """Return the lines below functions that make them lazy."""
    source = Path(lazy_answers.__file__).read_text(encoding="utf-8")
    lines = [f"{_SPACE} = {{'__name__': '{_SPACE}'}}", f"exec({source!r}, {_SPACE})"]
    for name in names:
        lines.append(f"{name} = {_SPACE}['lazily']({name}, {kind!r})")
    return "\n".join(lines) + "\n"


def _cells(path: str, data: bytes) -> Iterator[str]:
    if not data or not path.endswith(".ipynb"):
        yield data.decode("utf-8-sig")
        return
    for cell in json.loads(data)["cells"]:
        if cell["cell_type"] == "code":
            yield "".join(cell["source"])


def _written(text: str) -> Iterator[str]:
    """Yield the functions of a module or cell, and the methods in which a solution is marked."""
    try:
        body = ast.parse(text).body
    except SyntaxError:  # a cell with IPython's own lines
        return
    lines = text.splitlines()
    for node in body:
        if isinstance(node, ast.FunctionDef):
            yield node.name
        elif isinstance(node, ast.ClassDef):
            marked = BEGIN in "\n".join(lines[node.lineno - 1 : node.end_lineno])
            for method in node.body:
                if isinstance(method, ast.FunctionDef) and not method.decorator_list:
                    own = BEGIN in "\n".join(lines[method.lineno - 1 : method.end_lineno])
                    named = not method.name.startswith("__")
                    operator = own and method.name not in MADE_BY
                    if operator or (named and (own or not marked)):
                        yield f"{node.name}.{method.name}"
