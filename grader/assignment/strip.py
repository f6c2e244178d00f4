"""Strips solutions: what stands between the markers goes, a stub stands in its place.

    ### BEGIN SOLUTION Task 1.1: forward
    ...
    ### END SOLUTION

The text behind ``BEGIN SOLUTION`` names the task; the stub raises `NotImplementedError` with it and
with the name of the function that it stands in. If lines between the markers begin with
``### PROMPT``, the rest of these lines is the stub, and nothing is raised. Whatever resembles a
marker and is none stops the build: it would hand out an answer.
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
from grader.markers import BEGIN, END, PLACEHOLDER, is_prompt, prompt_of
from grader.notebooks.definitions import MAGIC

KEPT_OF_CELLS = ("grader", "tags", "slideshow", "editable", "deletable", "jupyter")  # metadata
KEPT_OF_OURS = ("id", "role", "points")  # of what this framework writes there
KEPT_OF_NOTEBOOKS = ("kernelspec", "language_info")
RULE = 78  # columns of the lines around a place to write

# Markers of other tools and misspelt ones: `### BEGIN HIDDEN TESTS`, `# END SOLUTION`, `## begin
# solution`.
RESEMBLES = re.compile(
    r"###\s*(?:BEGIN|END)\b|\b(?:BEGIN|END)[ _-]*SOLUTION|#\s*(?i:(?:begin|end)[ _-]*solution\b)"
)


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
    """Strip a module or code cell; ``name`` is its file, for messages. Raises `AssignmentError`
    with file and line.

    cell: whether it is one, which may hold more than Python; a marker that is a line's first text
    is then a comment
    """
    if not RESEMBLES.search(text):
        return Stripped(text, ())
    # a cell in another language: comments can't be told from strings
    if not text.lstrip().startswith("%%"):
        _refuse_markers_in_strings(text, name, cell=cell)
    functions = _functions(text)
    return _strip(text, name, lambda block, line: _code_stub(block, _innermost(functions, line)))


def strip_markdown(text: str, name: str) -> Stripped:
    """Strip a Markdown cell: a place for the student's words stands where the answer was."""
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
    """Return a marker's kind and task, None for an ordinary line; refuse what only resembles a
    marker.
    """
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
    """Raise where a marker stands in a string: as a marker it would cut the file in the wrong
    place.
    """
    comments = set()
    try:
        for token in tokenize.generate_tokens(io.StringIO(MAGIC.sub(r"\1pass", text)).readline):
            if token.type == tokenize.COMMENT:
                comments.add(token.start[0])
    except (tokenize.TokenError, SyntaxError) as error:
        if cell:  # magics within lines, for one
            return
        raise AssignmentError(
            f"{name}: not Python, so that markers can't be told from strings: {error}"
        ) from None
    for number, line in enumerate(text.split("\n"), start=1):
        if (BEGIN in line or END in line) and number not in comments:
            raise AssignmentError(
                f"{name}, line {number}: a marker in a string; a marker must be a comment"
            )


# --- notebooks ------------------------------------------------------------------------------------


def strip_notebook(data: bytes, name: str) -> tuple[str, list[Block]]:
    """Return a notebook's JSON without solutions and without what a run left in it, and the
    solutions.
    """
    notebook = _read_notebook(decode(data, name), name)
    blocks: list[Block] = []
    for index, cell in enumerate(notebook["cells"], start=1):
        text = "\n".join(cell_lines(cell))
        place = f"{name}, cell {index}"
        code = cell["cell_type"] == "code"
        stripped = strip_python(text, place, cell=True) if code else strip_markdown(text, place)
        cell["source"] = stripped.text.splitlines(keepends=True)
        blocks += stripped.blocks
        if stripped.blocks and "attachments" in cell:
            blocks.append(Block("", "", (), _without_attachments(cell, stripped.text)))
        cell["metadata"] = _kept(cell)
        if cell["cell_type"] == "code":
            cell |= {"outputs": [], "execution_count": None}
    told = notebook.get("metadata", {})
    notebook["metadata"] = {name: told[name] for name in KEPT_OF_NOTEBOOKS if name in told}
    return json.dumps(notebook, ensure_ascii=False, indent=1, sort_keys=True) + "\n", blocks


def _kept(cell: Mapping[str, Any]) -> dict[str, Any]:
    """Return what students get of a cell's metadata: nothing of a run, and nothing that could tell
    an answer.
    """
    told = cell.get("metadata") or {}
    kept = {name: told[name] for name in KEPT_OF_CELLS if name in told}
    ours = kept.get("grader") or {}
    # An older Jupyter drops a cell's id, but keeps its metadata: a student's answer must not be
    # lost to that.
    kept["grader"] = {
        **{name: ours[name] for name in KEPT_OF_OURS if name in ours},
        "id": cell["id"],
    }
    return kept


def _without_attachments(cell: dict[str, Any], text: str) -> tuple[str, ...]:
    """Take the attachments out of a cell that what is left of its text does not show; return their
    content.
    """
    there: dict[str, Any] = cell.pop("attachments") or {}
    shown = {name: bundle for name, bundle in there.items() if f"attachment:{name}" in text}
    if shown:
        cell["attachments"] = shown
    gone = (bundle for name, bundle in there.items() if name not in shown)
    contents = (
        value for bundle in gone if isinstance(bundle, Mapping) for value in bundle.values()
    )
    return tuple("".join(value) if isinstance(value, list) else str(value) for value in contents)


def unowned_solutions(data: bytes, name: str) -> Iterator[str]:
    """Yield a sentence for each cell that holds a solution but is not the students': their work
    would be put back.
    """
    for index, cell in enumerate(_read_notebook(decode(data, name), name)["cells"], start=1):
        ours = cell.get("metadata", {}).get("grader", {})
        if ours.get("role") != "student" and any(
            line.strip().startswith(BEGIN) for line in cell_lines(cell)
        ):
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


def _read_notebook(text: str, name: str) -> dict[str, Any]:
    try:
        notebook = json.loads(text)
        version = (int(notebook["nbformat"]), int(notebook["nbformat_minor"]))
        kinds = [cell["cell_type"] for cell in notebook["cells"]] if version >= (4, 0) else []
    except (ValueError, KeyError, TypeError) as error:
        raise AssignmentError(f"{name} is not a notebook: {error!r}") from None
    if version < (4, 5) or not all(cell.get("id") for cell in notebook["cells"]) or not kinds:
        raise AssignmentError(
            f"{name} has cells without ids, by which a submission's cells are told apart: open it"
            " in a current JupyterLab and save it"
        )
    made: dict[str, Any] = notebook
    return made


# --- stubs ----------------------------------------------------------------------------------------


def _code_stub(block: Block, function: str) -> list[str]:
    if block.prompt:
        return list(block.prompt)
    task = _told(block.task, function)
    rule = "#" + "-" * max(20, RULE - len(block.indent))
    return [
        block.indent + rule,
        f"{block.indent}# {task}: your code goes here, in place of the next line.",
        block.indent + rule,
        f"{block.indent}raise NotImplementedError({task!r})",
    ]


def _told(task: str, function: str) -> str:
    """Return the task with the function's name in it."""
    if not function or re.search(rf"\b{function.rpartition('.')[2]}\b", task):
        return task or "This part"
    return f"{task}: {function}" if task else function


def _functions(text: str) -> list[tuple[int, int, str]]:
    """Return first line, last line and name of every function, methods as ``Class.method``; none of
    broken code.
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
    around = [(first, name) for first, last, name in functions if first <= line <= last]
    return max(around, default=(0, ""))[1]
