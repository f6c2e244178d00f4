"""What the reference's functions call, held against what the checks say that they build on."""

from __future__ import annotations

import ast
import itertools
from collections.abc import Iterator

from grader.assignment.expectations import Expectations
from grader.assignment.spec import Assignment
from grader.checking.run.substitution import Built, judged
from grader.notebooks.definitions import parsed
from grader.notebooks.format import UnreadableNotebook, parse


def missing_requires(assignment: Assignment, expectations: Expectations) -> Iterator[str]:
    """Yield a sentence for each check whose function calls one that another check judges, if the
    spec does not say that it builds on that check.

    If several checks judge a function, one that says so is enough: a branch of it may be theirs.
    """
    functions = judged(expectations)
    built = Built(assignment, functions)
    used = _names_used(assignment)
    judges: dict[str, list[str]] = {}  # by function, the checks that judge it
    for check in assignment.spec.checks:
        for function in functions.get(check.id, ()):
            judges.setdefault(function, []).append(check.id)
    for function, checks in judges.items():
        known = {*checks, *itertools.chain.from_iterable(map(built.below, checks))}
        for called in sorted(used.get(function, frozenset()) & judges.keys()):
            if known.isdisjoint(judges[called]):
                other = judges[called][0]
                yield (
                    f"`{checks[0]}`: the reference's `{function}` calls `{called}`, which"
                    f" `{other}` judges: add {other!r} to its `requires`, so that a mistake in"
                    f" `{called}` costs once"
                )


def _names_used(assignment: Assignment) -> dict[str, frozenset[str]]:
    """Return the names that each function of the reference reads; a method as ``Class.method``."""
    used: dict[str, frozenset[str]] = {}
    for path, data in (assignment.reference_work() or {}).items():
        for source in _sources(path, data):
            tree = parsed(source)
            for node in tree.body if tree is not None else ():
                if isinstance(node, ast.ClassDef):
                    for part in node.body:
                        if isinstance(part, ast.FunctionDef):
                            used[f"{node.name}.{part.name}"] = _read_in(part)
                elif isinstance(node, ast.FunctionDef):
                    used[node.name] = _read_in(node)
    return used


def _sources(path: str, data: bytes) -> Iterator[str]:
    """Yield the text of a file, or of each code cell of a notebook."""
    if not path.endswith(".ipynb"):
        yield data.decode("utf-8", "replace")
        return
    try:
        cells = parse(data).cells
    except UnreadableNotebook:
        return
    for cell in cells:
        if cell.cell_type == "code":
            yield cell.source


def _read_in(function: ast.FunctionDef) -> frozenset[str]:
    """Return the names that a function reads, alone or as a module's attribute."""
    names = set()
    for node in ast.walk(function):
        if isinstance(node, ast.Name):
            names.add(node.id)
        elif isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
            names.add(node.attr)
    return frozenset(names)
