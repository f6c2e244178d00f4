"""Mutants: copies of the reference with one small mistake in a solution. A check should fail each.

They are made from the concrete syntax tree, so a diff shows the mutated piece alone. The same
reference gives the same mutants in the same order.
"""

from __future__ import annotations

import ast
import difflib
import hashlib
import json
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

import libcst as cst
import msgspec
from libcst.metadata import MetadataWrapper, ParentNodeProvider, PositionProvider

from grader.authoring.audit.mutations import Mutation, mutations
from grader.errors import AssignmentError
from grader.markers import BEGIN, END


class Mutant(msgspec.Struct, frozen=True):
    """A reference with one mistake."""

    # The function and a digest of the diff, so that changes elsewhere do not change it. A number
    # follows if other mutants have the same function and diff.
    id: str
    file: str
    function: str  # `Class.method` for a method, "" outside of functions
    description: str
    diff: str  # the lines that differ, without their indentation and without line numbers
    text: str = ""  # of the whole file
    cell: str = ""  # the id of its cell if the file is a notebook, or the cell's number

    @property
    def place(self) -> str:
        """Its function, or what it is part of outside of functions."""
        if self.function:
            return self.function
        return f"cell {self.cell} of {self.file}" if self.cell else f"top level of {self.file}"


def mutants(files: Mapping[str, bytes]) -> tuple[Mutant, ...]:
    """Return all mutants of the marked solutions in a reference's files, modules and notebooks."""
    found: list[Mutant] = []
    for file, data in files.items():
        found += _of_file(file, data)
    return tuple(_numbered(found))


def _numbered(found: list[Mutant]) -> Iterator[Mutant]:
    """Yield mutants with unique ids: equal changes in several places get a number each."""
    all_, so_far = Counter(mutant.id for mutant in found), Counter[str]()
    for mutant in found:
        so_far[mutant.id] += 1
        number, total = so_far[mutant.id], all_[mutant.id]
        if total == 1:
            yield mutant
            continue
        id_ = mutant.id if number == 1 else f"{mutant.id}-{number}"
        description = f"{mutant.description} (place {number} of {total} with these lines)"
        yield msgspec.structs.replace(mutant, id=id_, description=description)


def _of_file(file: str, data: bytes) -> Iterator[Mutant]:
    text = data.decode("utf-8")
    if file.endswith(".py"):
        yield from _of_text(file, text)
    elif file.endswith(".ipynb"):
        notebook = json.loads(text)
        for number, cell in enumerate(notebook["cells"], start=1):
            source = "".join(cell["source"])
            if cell["cell_type"] == "code" and BEGIN in source:
                # the last line of a cell has no end
                for mutant in _of_text(file, source.rstrip("\n") + "\n"):
                    cell["source"] = mutant.text
                    changed, id_ = json.dumps(notebook), cell.get("id") or str(number)
                    yield msgspec.structs.replace(mutant, text=changed, cell=id_)
                cell["source"] = source


def _of_text(file: str, text: str) -> Iterator[Mutant]:
    spans = list(_solutions(text))
    if not spans:
        return
    try:
        wrapper = MetadataWrapper(cst.parse_module(text))
    except cst.ParserSyntaxError as error:
        raise AssignmentError(f"{file} can't be read as Python: {error}") from error
    positions, parents = wrapper.resolve(PositionProvider), wrapper.resolve(ParentNodeProvider)
    pieces = _Pieces(wrapper.module)
    seen = {text}
    for node, place in positions.items():
        if not _is_within(place.start.line, place.end.line, spans):
            continue
        for mutation in mutations(node, parents):
            changed = pieces.changed(mutation, parents)
            if changed in seen:
                continue
            seen.add(changed)
            function, diff = _function(node, parents), _diff(text, changed)
            digest = hashlib.sha256(f"{function}\n{diff}".encode()).hexdigest()[:8]
            yield Mutant(
                f"{function or 'module'}-{digest}",
                file,
                function,
                mutation.description,
                diff,
                changed,
            )


def _is_within(start: int, end: int, spans: list[tuple[int, int]]) -> bool:
    return any(first < start and end < last for first, last in spans)


def _solutions(text: str) -> Iterator[tuple[int, int]]:
    """Yield the lines of each pair of markers."""
    first = 0
    for number, line in enumerate(text.split("\n"), start=1):
        if line.strip().startswith(BEGIN):
            first = number
        elif line.strip() == END:
            yield first, number


class _Pieces:
    """A module's text, statement by statement: a mutation changes the text of one statement."""

    def __init__(self, module: cst.Module) -> None:
        self._module = module
        self._places = {statement: index for index, statement in enumerate(module.body)}
        self._codes = [module.code_for_node(statement) for statement in module.body]
        whole = "".join(self._codes)
        self._around = module.code.partition(whole)
        assert self._around[1] == whole

    def changed(self, mutation: Mutation, parents: Mapping[cst.CSTNode, cst.CSTNode]) -> str:
        """Return the text after a mutation, or the original text if the result is not Python."""
        node, new = mutation.old, mutation.new
        while not isinstance(parent := parents[node], cst.Module):
            node, new = parent, _with_child(parent, node, new)
        index = self._places[node]  # type: ignore[index]  # a module's child is a statement
        code = self._module.code_for_node(new) if isinstance(new, cst.CSTNode) else ""
        if not _compiles(code):
            return self._module.code
        before, _, after = self._around
        return before + "".join([*self._codes[:index], code, *self._codes[index + 1 :]]) + after


def _with_child(
    parent: cst.CSTNode, child: cst.CSTNode, new: cst.CSTNode | cst.RemovalSentinel
) -> cst.CSTNode:
    """Return a node with a child replaced or removed."""
    for field in parent.__dataclass_fields__:
        value = getattr(parent, field)
        if value is child:
            return parent.with_changes(**{field: new})
        if isinstance(value, list | tuple) and any(item is child for item in value):
            items: list[Any] = []
            for item in value:
                if item is not child:
                    items.append(item)
                elif isinstance(new, cst.CSTNode):
                    items.append(new)
            return parent.with_changes(**{field: items})
    raise AssertionError(f"a {type(child).__name__} is not a child of its {type(parent).__name__}")


def _compiles(text: str) -> bool:
    try:
        ast.parse(text)
    except SyntaxError:
        return False
    return True


def _function(node: cst.CSTNode, parents: Mapping[cst.CSTNode, cst.CSTNode]) -> str:
    """Return the function that a node stands in, with its class."""
    names: list[str] = []
    while (parent := parents.get(node)) is not None:
        if isinstance(parent, cst.FunctionDef | cst.ClassDef):
            names.insert(0, parent.name.value)
        node = parent
    return ".".join(names)


def _diff(old: str, new: str) -> str:
    """Return the lines that differ; if a line was only moved, also the lines beside it."""
    for context in (0, 1):
        lines = []
        moved: Counter[str] = Counter()
        before, after = old.splitlines(), new.splitlines()
        for line in difflib.unified_diff(before, after, n=context, lineterm=""):
            if line[:3] not in ("---", "+++", "@@ "):
                text = line[1:].strip()
                lines.append(f"{line[0]} {text}")
                moved[text] += {"+": 1, "-": -1}.get(line[0], 0)
        if any(moved.values()):
            break
    return "\n".join(lines)
