"""Strips solutions: what stands between the markers goes, a stub stands in its place.

    ### BEGIN SOLUTION Task 1.1: rnn_step_forward
    ...
    ### END SOLUTION

The text behind ``BEGIN SOLUTION`` names the task; the stub raises `NotImplementedError` with it.
"""

from __future__ import annotations

import io
import re
import tokenize
from collections.abc import Iterator

import msgspec

from grader.errors import AssignmentError

BEGIN, END = "### BEGIN SOLUTION", "### END SOLUTION"
MIN_TOKENS = 3  # a line of fewer tokens, such as `x = y` cut short or `else:`, gives nothing away

_MARKER = re.compile(r"\s*###\s*(BEGIN|END)\b(.*)", re.IGNORECASE)


class Block(msgspec.Struct, frozen=True):
    """One solution: its task, its indentation, and the lines between its markers."""

    task: str
    indent: str
    lines: tuple[str, ...]


class Stripped(msgspec.Struct, frozen=True):
    """A text without its solutions, and what they were."""

    text: str
    blocks: tuple[Block, ...]


def strip_python(text: str, name: str) -> Stripped:
    """Strip a module or code cell; ``name`` is its file, for messages. Raises `AssignmentError` with file and line."""
    _refuse_hidden_markers(text, name)
    return _strip(text, name, _code_stub)


def strip_markdown(text: str, name: str) -> Stripped:
    """Strip a Markdown cell: a place for the student's words stands where the answer was."""
    return _strip(text, name, lambda block: ["*Write your answer here.*"])


def _strip(text: str, name: str, stub: object) -> Stripped:
    kept: list[str] = []
    blocks: list[Block] = []
    opened: tuple[int, str, str] | None = None  # line, indent, task
    body: list[str] = []
    for number, line in enumerate(text.split("\n"), start=1):
        marker = _marker(line, f"{name}, line {number}")
        if marker is None:
            (kept if opened is None else body).append(line)
        elif marker[0] == "BEGIN":
            if opened is not None:
                raise AssignmentError(f"{name}, line {number}: {BEGIN} inside the block that began at line {opened[0]}")
            opened, body = (number, line[: len(line) - len(line.lstrip())], marker[1]), []
        else:
            if opened is None:
                raise AssignmentError(f"{name}, line {number}: {END} without a {BEGIN} before it")
            block = Block(opened[2], opened[1], tuple(body))
            blocks.append(block)
            kept.extend(stub(block))  # type: ignore[operator]  # a function from a block to lines
            opened = None
    if opened is not None:
        raise AssignmentError(f"{name}, line {opened[0]}: {BEGIN} without an {END} behind it")
    return Stripped("\n".join(kept), tuple(blocks))


def _marker(line: str, place: str) -> tuple[str, str] | None:
    """Return a marker's kind and task, None for an ordinary line; refuse what only looks like a marker."""
    found = _MARKER.match(line)
    if found is None:
        return None
    if line.strip() == END:
        return "END", ""
    if line.strip() == BEGIN or line.strip().startswith(BEGIN + " "):
        return "BEGIN", line.strip().removeprefix(BEGIN).strip()
    raise AssignmentError(f"{place}: unknown marker {line.strip()!r} (known: {BEGIN!r} with a task, and {END!r})")


def _refuse_hidden_markers(text: str, name: str) -> None:
    """Raise where a marker stands in a string or behind code: there it would cut a file in the wrong place."""
    try:
        comments = {
            token.start[0]
            for token in tokenize.generate_tokens(io.StringIO(text).readline)
            if token.type == tokenize.COMMENT and not token.line[: token.start[1]].strip()
        }
    except (tokenize.TokenError, SyntaxError):
        return  # a cell with magics, or a broken file, which compiling the stub reports
    for number, line in enumerate(text.split("\n"), start=1):
        if (BEGIN in line or END in line) and number not in comments:
            raise AssignmentError(f"{name}, line {number}: a marker must be a comment on a line of its own")


def _code_stub(block: Block) -> list[str]:
    task = block.task or "This part"
    rule = "#" + "-" * max(20, 78 - len(block.indent))
    return [
        block.indent + rule,
        f"{block.indent}# {task}: your code goes here, in place of the next line.",
        block.indent + rule,
        f"{block.indent}raise NotImplementedError({task!r})",
    ]


def solution_lines(blocks: tuple[Block, ...]) -> Iterator[str]:
    """Yield the lines of solutions that would give something away: three tokens or more, without their comments."""
    for block in blocks:
        for line in block.lines:
            bare, count = _bare(line)
            if count >= MIN_TOKENS:
                yield bare


def _bare(line: str) -> tuple[str, int]:
    """Return a line's code without comment and needless space, and how many tokens it has."""
    tokens = []
    try:
        for token in tokenize.generate_tokens(io.StringIO(line.strip()).readline):
            if token.type == tokenize.COMMENT:
                line = line.strip()[: token.start[1]]
            elif token.type in (tokenize.NAME, tokenize.NUMBER, tokenize.OP, tokenize.STRING):
                tokens.append(token.string)
    except (tokenize.TokenError, SyntaxError):  # a line that opens a bracket: its tokens so far count
        pass
    return normal(line), len(tokens)


def normal(text: str) -> str:
    """Return a line with its white space folded, so that re-indented or re-spaced copies are found too."""
    return " ".join(text.split())
