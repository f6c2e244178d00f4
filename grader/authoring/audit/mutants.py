"""Mutants of the reference: each has one small mistake inside a solution, and some check should
fail for it.

They are made from the concrete syntax tree, so that all but the mutated piece stays as its author
wrote it and a diff shows that piece alone. The same reference gives the same mutants in the same
order.
"""

from __future__ import annotations

import ast
import difflib
import hashlib
import json
from collections import Counter
from collections.abc import Iterator, Mapping

import libcst as cst
import msgspec
from libcst.metadata import MetadataWrapper, ParentNodeProvider, PositionProvider

from grader.authoring.audit.mutations import Mutation, mutations
from grader.errors import AssignmentError
from grader.markers import BEGIN, END


class Mutant(msgspec.Struct, frozen=True):
    """A reference with one mistake."""

    # the function and a digest of the diff: it outlives changes elsewhere; a number, where others
    # have both
    id: str
    file: str
    function: str  # `Class.method` for a method, "" outside of functions
    description: str
    diff: str  # the lines that differ, without their indentation and without line numbers
    text: str = ""  # of the whole file


def mutants(files: Mapping[str, bytes]) -> tuple[Mutant, ...]:
    """Return all mutants of the marked solutions in a reference's files, modules and notebooks."""
    return tuple(
        _told_apart([mutant for file, data in files.items() for mutant in _of_file(file, data)])
    )


def _told_apart(found: list[Mutant]) -> Iterator[Mutant]:
    """Yield mutants with an id each: what says the same in several places differs by its number
    alone.
    """
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
        for cell in notebook["cells"]:
            source = "".join(cell["source"])
            if cell["cell_type"] == "code" and BEGIN in source:
                # the last line of a cell has no end
                for mutant in _of_text(file, source.rstrip("\n") + "\n"):
                    cell["source"] = mutant.text
                    yield msgspec.structs.replace(mutant, text=json.dumps(notebook))
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
        if not any(first < place.start.line and place.end.line < last for first, last in spans):
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


def _solutions(text: str) -> Iterator[tuple[int, int]]:
    """Yield the lines of each pair of markers."""
    first = 0
    for number, line in enumerate(text.split("\n"), start=1):
        if line.strip().startswith(BEGIN):
            first = number
        elif line.strip() == END:
            yield first, number


class _Pieces:
    """A module's text by its statements, so that a mutation makes the text of one of them anew."""

    def __init__(self, module: cst.Module) -> None:
        self._module = module
        self._places = {statement: index for index, statement in enumerate(module.body)}
        self._codes = [module.code_for_node(statement) for statement in module.body]
        whole = "".join(self._codes)
        self._around = module.code.partition(whole)
        assert self._around[1] == whole

    def changed(self, mutation: Mutation, parents: Mapping[cst.CSTNode, cst.CSTNode]) -> str:
        """Return the module's text with a mutation made; as it was where the result would be no
        Python.
        """
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
    """Return a node with another child in one's place, or with none."""
    come = [new] if isinstance(new, cst.CSTNode) else []
    for field in parent.__dataclass_fields__:
        value = getattr(parent, field)
        if value is child:
            return parent.with_changes(**{field: new})
        if isinstance(value, list | tuple) and any(item is child for item in value):
            kept = [come if item is child else [item] for item in value]
            return parent.with_changes(**{field: [item for items in kept for item in items]})
    raise AssertionError(f"a {type(child).__name__} is no child of its {type(parent).__name__}")


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
    """Return the lines that differ; where a line was only moved, with those beside it."""
    for context in (0, 1):
        all_lines = difflib.unified_diff(old.splitlines(), new.splitlines(), n=context, lineterm="")
        lines = [
            f"{line[0]} {line[1:].strip()}"
            for line in all_lines
            if line[:3] not in ("---", "+++", "@@ ")
        ]
        gone, come = ([line[1:] for line in lines if line[0] == sign] for sign in "-+")
        if sorted(gone) != sorted(come):
            break
    return "\n".join(lines)
