"""Strips solutions: replaces the lines between the markers by a stub.

    ### BEGIN SOLUTION Task 1.1: forward
    ...
    ### END SOLUTION

The text behind ``BEGIN SOLUTION`` names the task. The stub raises `NotImplementedError` with the
task and the name of its function. If lines between the markers begin with ``### PROMPT``, the rest
of these lines is the stub, and nothing is raised. A line that only resembles a marker stops the
build: it might hand out an answer.
"""

from __future__ import annotations

import ast
import io
import json
import re
import tokenize
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import msgspec

from grader.errors import AssignmentError
from grader.markers import BEGIN, END, PLACEHOLDER, RESEMBLES, is_prompt, prompt_of
from grader.notebooks.cells import is_students
from grader.notebooks.definitions import MAGIC

RULE = 78  # columns of the lines around a place to write


class Block(msgspec.Struct, frozen=True):
    """One solution: its task, its indentation, the lines between its markers, and its prompt."""

    task: str
    indent: str
    lines: tuple[str, ...]
    pictures: tuple[str, ...] = ()  # base64: what was pasted into the author's answer
    prompt: tuple[str, ...] = ()  # what students find in the solution's place, if the author says


class Stripped(msgspec.Struct, frozen=True):
    """A text without its solutions, and what they were."""

    text: str
    blocks: tuple[Block, ...]


def decode(data: bytes, name: str) -> str:
    """Return a text file's content with Unix line ends and without a byte order mark; ``name`` is
    for the message.
    """
    try:
        return data.decode("utf-8-sig").replace("\r\n", "\n").replace("\r", "\n")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise AssignmentError(
            f"{name}, line {line}: this is not UTF-8 text; save the file as UTF-8"
        ) from None


def strip_python(text: str, name: str, *, cell: bool = False) -> Stripped:
    """Strip a module or a code cell; raise `AssignmentError` with file and line.

    name: the file, for messages
    cell: whether it is a code cell, which may hold IPython's own lines; a marker at the beginning
    of such a line is taken for a comment
    """
    if not RESEMBLES.search(text):
        return Stripped(text, ())
    # In a cell of another language, comments can't be distinguished from strings.
    if not text.lstrip().startswith("%%"):
        _refuse_markers_in_strings(text, name, cell=cell)
    functions = _functions(text)
    return _strip(text, name, lambda block, line: _code_stub(block, _innermost(functions, line)))


def strip_markdown(text: str, name: str) -> Stripped:
    """Replace the answer in a Markdown cell by a place for the student's words."""
    return _strip(text, name, lambda block, line: [PLACEHOLDER])


def _strip(text: str, name: str, stub: Callable[[Block, int], list[str]]) -> Stripped:
    kept: list[str] = []
    blocks: list[Block] = []
    opened: tuple[int, str, str] | None = None  # line, indent, task
    body: list[str] = []
    for number, line in enumerate(text.split("\n"), start=1):
        marker = _marker(line, f"{name}, line {number}")
        if marker is None:
            (kept if opened is None else body).append(line)
        elif marker[0] == BEGIN:
            if opened is not None:
                raise AssignmentError(
                    f"{name}, line {number}: {BEGIN} inside the block that began at line"
                    f" {opened[0]}"
                )
            opened, body = (number, line[: len(line) - len(line.lstrip())], marker[1]), []
        elif opened is None:
            raise AssignmentError(f"{name}, line {number}: {END} without a {BEGIN} before it")
        else:
            lines = tuple(line for line in body if not is_prompt(line))
            prompt = tuple(map(prompt_of, filter(is_prompt, body)))
            blocks.append(Block(opened[2], opened[1], lines, prompt=prompt))
            kept.extend(stub(blocks[-1], opened[0]))
            opened = None
    if opened is not None:
        raise AssignmentError(f"{name}, line {opened[0]}: {BEGIN} without an {END} behind it")
    return Stripped("\n".join(kept), tuple(blocks))


def _marker(line: str, place: str) -> tuple[str, str] | None:
    """Return a marker's kind and task, or None; refuse a line that only resembles a marker."""
    bare = line.strip()
    if bare == END:
        return END, ""
    if bare == BEGIN or bare.startswith(f"{BEGIN} "):
        return BEGIN, bare.removeprefix(BEGIN).strip()
    if not RESEMBLES.search(line):
        return None
    if BEGIN in line or END in line:
        raise AssignmentError(
            f"{place}: a marker must stand on a line of its own, and this one does not: {bare!r}"
        )
    raise AssignmentError(
        f"{place}: unknown marker {bare!r} (known: {BEGIN!r} with a task, and {END!r})"
    )


def _refuse_markers_in_strings(text: str, name: str, *, cell: bool) -> None:
    """Raise if a marker is in a string, since it would cut the file in the wrong place."""
    comments = set()
    try:
        for token in tokenize.generate_tokens(io.StringIO(MAGIC.sub(r"\1pass", text)).readline):
            if token.type == tokenize.COMMENT:
                comments.add(token.start[0])
    except (tokenize.TokenError, SyntaxError) as error:
        if cell:  # magics within lines, for one
            return
        raise AssignmentError(
            f"{name}: not Python, so markers can't be distinguished from strings: {error}"
        ) from None
    for number, line in enumerate(text.split("\n"), start=1):
        if (BEGIN in line or END in line) and number not in comments:
            raise AssignmentError(
                f"{name}, line {number}: a marker in a string; a marker must be a comment"
            )


# --- notebooks ------------------------------------------------------------------------------------


def unowned_solutions(data: bytes, name: str) -> Iterator[str]:
    """Yield a sentence for each cell that holds a solution but is not marked as the students'."""
    for index, cell in enumerate(read_notebook(decode(data, name), name)["cells"], start=1):
        solved = any(line.strip().startswith(BEGIN) for line in cell_lines(cell))
        if solved and not is_students(cell):
            yield (
                f"{name}, cell {index} (`{cell['id']}`) holds a solution but is not the students',"
                ' so that what they write there would be put back: add `"grader": {"role":'
                ' "student"}` to the cell\'s metadata (in JupyterLab: Property Inspector,'
                " Advanced Tools, Cell Metadata)"
            )


def cell_lines(cell: Mapping[str, Any]) -> list[str]:
    """Return the lines of a cell's source, which may be one text or a list of lines."""
    source = cell.get("source", "")
    return (source if isinstance(source, str) else "".join(source)).split("\n")


def read_notebook(text: str, name: str) -> dict[str, Any]:
    """Return an author's notebook; raise `AssignmentError` if it is not one, or lacks ids."""
    try:
        notebook: dict[str, Any] = json.loads(text)
        identified = (int(notebook["nbformat"]), int(notebook["nbformat_minor"])) >= (4, 5)
        for cell in notebook["cells"] if identified else ():
            identified = identified and bool(cell["cell_type"] and cell.get("id"))
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise AssignmentError(f"{name} is not a notebook: {error!r}") from None
    if not identified or not notebook["cells"]:
        raise AssignmentError(
            f"{name} has cells without ids, which tell a submission's cells apart: open it in a"
            " current JupyterLab and save it"
        )
    return notebook


# --- stubs ----------------------------------------------------------------------------------------


def _code_stub(block: Block, function: str) -> list[str]:
    if block.prompt:
        return list(block.prompt)
    task = _with_function(block.task, function)
    rule = "#" + "-" * max(20, RULE - len(block.indent))
    return [
        block.indent + rule,
        f"{block.indent}# {task}: your code goes here, in place of the next line.",
        block.indent + rule,
        f"{block.indent}raise NotImplementedError({task!r})",
    ]


def _with_function(task: str, function: str) -> str:
    """Return the task with the function's name in it."""
    if not function or re.search(rf"\b{function.rpartition('.')[2]}\b", task):
        return task or "This part"
    return f"{task}: {function}" if task else function


def _functions(text: str) -> list[tuple[int, int, str]]:
    """Return first line, last line and name of every function; methods as ``Class.method``.

    Broken code has none.
    """
    found: list[tuple[int, int, str]] = []

    def visit(node: ast.AST, prefix: str) -> None:
        for child in ast.iter_child_nodes(node):
            name = prefix
            if isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
                name = f"{prefix}{child.name}."
                if not isinstance(child, ast.ClassDef):
                    found.append((child.lineno, child.end_lineno or child.lineno, name[:-1]))
            visit(child, name)

    try:
        visit(ast.parse(MAGIC.sub(r"\1pass", text)), "")
    # a cell in another language, or a file that the stub's compilation will complain of
    except SyntaxError:
        return []
    return found


def _innermost(functions: list[tuple[int, int, str]], line: int) -> str:
    """Return the name of the innermost function around a line, or nothing."""
    found = (0, "")
    for first, last, name in functions:
        if first <= line <= last:
            found = max(found, (first, name))
    return found[1]
