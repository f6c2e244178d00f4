"""Which checks a saved file concerns: those that ask for a function that changed, or for one that
uses it.

Pure. Files are read as syntax trees and nothing is run. Names are compared as they are written, so
a check may be run that has nothing to do with the change; the other way round is not possible
within the files that students write.
"""

from __future__ import annotations

import ast
import warnings
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

REST = ""  # the name of what stands between functions


@dataclass(frozen=True)
class Unit:
    """A function, a method as `Class.method`, or what a file has besides."""

    text: str  # its syntax tree as text: comments and spaces make no difference
    uses: frozenset[str]  # every name and attribute in it


@dataclass
class _Found:
    text: list[str] = field(default_factory=list)
    uses: set[str] = field(default_factory=set)


def units(source: str) -> dict[str, Unit] | None:
    """Return the units of a file by their names; None if it can't be read as Python."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            tree = ast.parse(source)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None
    found: dict[str, _Found] = {}
    for name, node in _parts(tree.body, ""):
        unit = found.setdefault(name, _Found())
        unit.text.append(ast.dump(node))
        unit.uses |= set(_names(node))
    return {name: Unit("\n".join(one.text), frozenset(one.uses)) for name, one in found.items()}


def _parts(body: list[ast.stmt], prefix: str) -> Iterator[tuple[str, ast.AST]]:
    """Yield the statements of a file or class, each with the name of its unit."""
    for node in body:
        if isinstance(node, ast.ClassDef) and not prefix:
            for base in (*node.bases, *node.keywords, *node.decorator_list):
                yield node.name, base
            yield from _parts(node.body, f"{node.name}.")
        elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            yield prefix + node.name, node
        else:
            yield prefix.removesuffix(".") or _bound(node), node


def _bound(node: ast.stmt) -> str:
    """Return the name that a statement binds, if it is one name alone."""
    targets = node.targets if isinstance(node, ast.Assign) else [getattr(node, "target", None)]
    target = targets[0] if len(targets) == 1 else None
    return target.id if isinstance(target, ast.Name) else REST


def _names(node: ast.AST) -> Iterator[str]:
    for inner in ast.walk(node):
        if isinstance(inner, ast.Name):
            yield inner.id
        elif isinstance(inner, ast.Attribute):
            yield inner.attr


def changed(before: str, after: str) -> frozenset[str] | None:
    """Return the names of what differs between two states of a file; None if that may be all of
    it.
    """
    old, new = units(before), units(after)
    if old is None or new is None:
        return None
    nothing = Unit("", frozenset())
    names = set()
    for name in old.keys() | new.keys():
        if old.get(name, nothing).text != new.get(name, nothing).text:
            names.add(name)
    return None if REST in names else frozenset(names)


def affected(names: frozenset[str], files: Mapping[str, str]) -> frozenset[str]:
    """Return these names and those of every unit, in any of the files, that uses one of them,
    however indirectly.
    """
    known: dict[str, Unit] = {}
    for source in files.values():
        known |= units(source) or {}
    reached, waiting = set(names), [*names]
    while waiting:
        name = waiting.pop()
        last = name.rpartition(".")[2]
        for other, unit in known.items():
            member = other.startswith(f"{name}.")  # of a class that changed
            if other not in reached and (member or last in unit.uses):
                reached.add(other)
                waiting.append(other)
    return frozenset(reached)


def concerned(names: frozenset[str], asks: Mapping[str, frozenset[str]]) -> tuple[str, ...]:
    """Return the checks that ask for one of these names, in the order of `asks`.

    asks: check -> the functions that it asks for, methods as `Class.method`
    """
    return tuple(id_ for id_, functions in asks.items() if functions & names)
