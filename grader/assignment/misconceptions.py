"""Reads ``misconceptions/*.toml``: known wrong solutions, each as changes of the reference.

They have two uses. The audit tests that the checks fail them. The diagnosis gives a misconception's
hint to a failing submission with the same numbers.
"""

from __future__ import annotations

import ast
import difflib
import json
import re
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path

import msgspec

from grader.errors import AssignmentError

FOLDER = "misconceptions"


class SourceChange(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """``[[changes]]``: a piece of one function's text, and the text that replaces it.

    The pieces are written without the function's own indentation. The first line of a piece may
    begin anywhere in its line, and the others are indented as that line is.
    """

    file: str
    function: str  # `Class.method` for a method
    old: str  # text that stands in the function once; further lines indented as from the first
    new: str


class Misconception(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One file; its name without ``.toml`` is the id."""

    id: str = ""
    name: str  # a few words, for instructors
    hint: str  # a few sentences, for students
    group: str = ""  # misconceptions that give the same numbers share a group, and so a hint
    share: float = 0.0  # the part of a check's points that it still earns
    fails: tuple[str, ...]  # ids of the checks that it must fail, without those of notebooks
    changes: tuple[SourceChange, ...]


def load_all(folder: Path) -> tuple[Misconception, ...]:
    """Read a folder's misconceptions in the order of their ids; a missing folder has none.

    An `AssignmentError` names the file and the key.
    """
    found = tuple(map(load, sorted(folder.glob("*.toml"))))
    groups: dict[str, Misconception] = {}
    for misconception in found:
        first = misconception
        if misconception.group:
            first = groups.setdefault(misconception.group, misconception)
        if first.hint != misconception.hint:
            raise AssignmentError(
                f"{folder / misconception.id}.toml: `hint` differs from the one in {first.id}.toml,"
                f" which is of the same `group` {misconception.group!r}: a group has one hint"
            )
    return found


def load(path: Path) -> Misconception:
    """Read one misconception."""
    try:
        raw = tomllib.loads(path.read_text(encoding="utf-8"))
        misconception = msgspec.convert({**raw, "id": path.stem}, Misconception)
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise AssignmentError(f"{path}: {error}") from error
    except msgspec.ValidationError as error:
        raise AssignmentError(f"{path}: {_explain(str(error))}") from None
    for problem in _problems(misconception):
        raise AssignmentError(f"{path}: {problem}")
    return msgspec.structs.replace(misconception, hint=" ".join(misconception.hint.split()))


def apply(misconception: Misconception, files: Mapping[str, bytes]) -> dict[str, bytes]:
    """Return a copy of the reference's files with a misconception's changes, made in their order.

    Raises `AssignmentError` if the file, the function or the text of a change is not there.
    """
    changed = dict(files)
    for change in misconception.changes:
        where = f"misconception `{misconception.id}`: {change.file}"
        if change.file not in changed:
            raise AssignmentError(
                f"{where} is not among the reference's files: {', '.join(changed)}"
            )
        made = _apply_to_notebook if change.file.endswith(".ipynb") else _apply
        changed[change.file] = made(change, changed[change.file].decode("utf-8"), where).encode()
    return changed


def _apply_to_notebook(change: SourceChange, text: str, where: str) -> str:
    """Make a change in the code cell that defines the function."""
    notebook = json.loads(text)
    defined = re.compile(
        rf"^\s*(?:async +)?(?:def|class) +{re.escape(change.function.split('.')[0])}\b",
        re.MULTILINE,
    )
    for cell in notebook["cells"]:
        source = "".join(cell["source"])
        if cell["cell_type"] == "code" and defined.search(source):
            cell["source"] = _apply(change, source, where).splitlines(keepends=True)
            return json.dumps(notebook, ensure_ascii=False, indent=1)
    raise AssignmentError(f"{where} has no cell that defines `{change.function}`")


def _apply(change: SourceChange, text: str, where: str) -> str:
    lines = text.splitlines(keepends=True)
    first, last = _span(change.function, text, where)
    body = "".join(lines[first:last])
    old, new = change.old.strip("\n").split("\n"), change.new.strip("\n").split("\n")
    # each place where the old piece is found, with both pieces indented for that place
    places: list[tuple[int, str, str]] = []
    at = 0
    for line in body.splitlines(keepends=True):
        indent = line[: len(line) - len(line.lstrip())]
        piece = _indented(old, indent)
        start = body.find(piece, at)
        while at <= start < at + len(line):
            places.append((start, piece, _indented(new, indent)))
            start = body.find(piece, start + 1)
        at += len(line)
    if len(places) != 1:
        found = "does not have" if not places else f"has {len(places)} times, not once,"
        raise AssignmentError(
            f"{where}: `{change.function}` {found} this text:\n{change.old.strip(chr(10))}"
        )
    start, piece, replacement = places[0]
    body = body[:start] + replacement + body[start + len(piece) :]
    result = "".join(lines[:first]) + body + "".join(lines[last:])
    _parsed(result, f"{where}, with `{change.function}` changed,")
    return result


def _indented(lines: list[str], indent: str) -> str:
    return "\n".join([lines[0], *(indent + line if line.strip() else line for line in lines[1:])])


def _span(function: str, text: str, where: str) -> tuple[int, int]:
    """Return the lines of a function, from its `def` to its end."""
    spans: dict[str, tuple[int, int]] = {}
    for node in _parsed(text, where).body:
        prefix, body = "", [node]
        if isinstance(node, ast.ClassDef):
            prefix, body = f"{node.name}.", node.body
        for child in body:
            if isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef):
                spans[prefix + child.name] = (child.lineno - 1, child.end_lineno or child.lineno)
    if function not in spans:
        hint = f" (there are {', '.join(spans) or 'none'})"
        for close in difflib.get_close_matches(function, spans, n=1):
            hint = f": did you mean `{close}`?"
        raise AssignmentError(f"{where} has no function `{function}`{hint}")
    return spans[function]


def _parsed(text: str, where: str) -> ast.Module:
    try:
        return ast.parse(text)
    except SyntaxError as error:
        raise AssignmentError(f"{where} is not Python: {error.msg}, line {error.lineno}") from None


def _problems(misconception: Misconception) -> Iterator[str]:
    for key in ("name", "hint"):
        if not getattr(misconception, key).strip():
            yield f"`{key}` is empty"
    if not 0 <= misconception.share < 1:
        yield f"`share` is {misconception.share:g}; it must be at least 0 and less than 1"
    for key in ("fails", "changes"):
        if not getattr(misconception, key):
            yield (
                f"`{key}` is empty: a misconception needs at least one change and one failing check"
            )
    for index, change in enumerate(misconception.changes):
        if not change.old.strip():
            yield f"`changes[{index}].old` is empty"
        if change.old.strip("\n") == change.new.strip("\n"):
            yield f"`changes[{index}]` changes nothing: `old` and `new` are the same"


def _explain(message: str) -> str:
    """Turn the validator's message into a sentence with the key."""
    text = message.replace("Object contains unknown field", "unknown key")
    return text.replace("Object missing required field", "it lacks").replace("`$.", "`")
