"""Makes spec.md from the structs that read assignment.toml: `python docs/make_spec.py`. Tests see
that it is fresh.
"""

from __future__ import annotations

import ast
import inspect
import io
import tokenize
from collections.abc import Iterator
from enum import StrEnum
from pathlib import Path
from typing import Any

import msgspec

from grader.assignment import misconceptions, schema
from grader.limits import Limits

HEAD = """\
# `assignment.toml`

This file says everything that `grader` knows of an assignment. Paths use `/`, are relative to the file's folder
(or, where it says so, to what a student hands in) and never lead out of it. An unknown key is an error with a
suggestion. This page is made by `docs/make_spec.py`.
"""
TABLES: tuple[tuple[str, type[msgspec.Struct]], ...] = (
    ("Top level", schema.Spec),
    ("`[[questions]]`", schema.QuestionSpec),
    ("`[[files]]`", schema.FileSpec),
    ("`[[notebooks]]`", schema.NotebookSpec),
    ("`[[checks]]`", schema.CheckSpec),
    ("`[[allowed_lines]]`", schema.AllowedLine),
    ("`[limits]`", Limits),
    ("`[late]`", schema.LateSpec),
    ("`[[manual]]`", schema.ManualSpec),
    ("`[[rubric]]`", schema.RubricSpec),
)
MISTAKES = """\
# `misconceptions/*.toml`

A known wrong solution in a file of its own, whose name without `.toml` is its id. The audit demands that the checks
fail it; a submission that gives the same wrong numbers is told its hint.
"""
MISTAKE_TABLES: tuple[tuple[str, type[msgspec.Struct]], ...] = (
    ("Top level of a misconception", misconceptions.Misconception),
    ("`[[changes]]`", misconceptions.SourceChange),
)
# Fields whose name says nearly all: those that the code leaves without a comment.
WORDS = {
    ("Spec", "schema"): "the version of this format",
    ("Spec", "name"): "a short name for files: letters, digits, `.`, `_` and `-`",
    ("Spec", "title"): "what students and reports call the assignment",
    ("Spec", "version"): "your own; it stands in every report",
    ("Spec", "questions"): "its parts, see below",
    ("Spec", "files"): "what students write, see below",
    ("Spec", "notebooks"): "the notebooks, see below",
    ("Spec", "checks"): "what is checked, see below",
    (
        "Spec",
        "error_maps",
    ): "whether a student's report on the hidden seed says of parts of an array "
    "only that they are off, or how far too, in four classes",
    ("Spec", "manual"): "parts that a person reads, see below",
    ("Spec", "rubric"): "what graders give and take points for, see below",
    ("ManualSpec", "id"): "letters, digits, `.`, `_` and `-`",
    ("ManualSpec", "points"): "the most that a person can give",
    ("RubricSpec", "text"): "in Markdown, with formulas",
    ("Spec", "limits"): "what a submission may use, see below",
    ("Spec", "late"): "what lateness costs, see below",
    ("Spec", "allowed_lines"): "lines that may stand in the handout, see below",
    ("AllowedLine", "line"): "the line, as it stands in the solution or the hidden test",
    ("AllowedLine", "reason"): "why it gives nothing away",
    ("QuestionSpec", "id"): "by which checks name it",
    ("QuestionSpec", "title"): "in reports",
    (
        "FileSpec",
        "path",
    ): "its place in a student's tree; the reference has it at the same place in its folder",
    ("FileSpec", "provides"): "the functions and classes that checks call as `student.NAME`",
    ("NotebookSpec", "path"): "its place in a student's tree",
    ("NotebookSpec", "source"): "the author's notebook, in the assignment's folder",
    ("CheckSpec", "id"): "the test is `test_<id>` in `checks/`",
    ("CheckSpec", "question"): "the id of its question",
    ("CheckSpec", "points"): "shared by its cases: evenly, unless `weights` says otherwise",
    (
        "CheckSpec",
        "visibility",
    ): "whether it is in the handout, and its details in a student's report",
    ("Limits", "open_files"): "files open at once",
    ("LateSpec", "grace_minutes"): "so late is not late",
    ("LateSpec", "free_days"): "late days that cost nothing",
    ("LateSpec", "percent_per_day"): "taken off for each late day",
    ("Misconception", "id"): "from the file's name: leave it out",
    ("Misconception", "changes"): "in what it differs from the reference, see below",
    ("SourceChange", "file"): "a file or notebook of the reference",
    (
        "SourceChange",
        "old",
    ): "text that stands in the function once; lines after the first are indented"
    " as seen from the first",
    ("SourceChange", "new"): "what stands there instead",
}
TYPES = {
    "str": "text", "int": "whole number", "float": "number", "bool": "true or false",
    "tuple[str, ...]": "list of texts",
    "Mapping[str, str]": "table of texts", "Mapping[str, float] | None": "table of numbers", "float | None": "number",
    "datetime | None": "date and time", "int | None": "whole number",
    "Limits": "table", "LateSpec | None": "table", "tuple[QuestionSpec, ...]": "list of tables",
    "tuple[FileSpec, ...]": "list of tables", "tuple[NotebookSpec, ...]": "list of tables",
    "tuple[CheckSpec, ...]": "list of tables", "tuple[SourceChange, ...]": "list of tables",
    "tuple[AllowedLine, ...]": "list of tables",
    "tuple[ManualSpec, ...]": "list of tables", "tuple[RubricSpec, ...]": "list of tables",
    "Visibility": "`visible`, `hidden`",
    "Literal['points', 'max']": "`points`, `max`",
    "Literal['coarse', 'fine']": "`coarse`, `fine`",
}  # fmt: skip
INTERNAL = {("Spec", "handout_of"), ("Misconception", "id")}


def page() -> str:
    """Return the whole page."""
    parts = [
        HEAD,
        *(section(*table) for table in TABLES),
        MISTAKES,
        *(section(*table) for table in MISTAKE_TABLES),
    ]
    return "\n".join(parts)


def section(title: str, struct: type[msgspec.Struct]) -> str:
    """Return the section of one table: a line for each key."""
    meaning = (
        " ".join((inspect.getdoc(struct) or "").split("\n\n")[0].split())
        .replace("``", "`")
        .rpartition("`: ")[2]
    )
    lines = [
        f"## {title}",
        "",
        meaning[:1].upper() + meaning[1:],
        "",
        "| key | type | default | meaning |",
    ]
    return "\n".join([*lines, "| --- | --- | --- | --- |", *rows(struct)]) + "\n"


def rows(struct: type[msgspec.Struct]) -> Iterator[str]:
    """Yield a table's line for each field."""
    told = comments(struct)
    for field in msgspec.structs.fields(struct):
        key = struct.__name__, field.name
        if key in INTERNAL:
            continue
        annotation = inspect.get_annotations(struct)[field.name]
        meaning = told.get(field.name) or WORDS[key]
        yield f"| `{field.name}` | {TYPES[annotation]} | {default(field)} | {meaning} |"


def comments(struct: type[msgspec.Struct]) -> dict[str, str]:
    """Return the comment of each field that has one: beside it, or in the lines above it."""
    source = inspect.getsource(struct)
    lines = source.splitlines()
    beside: dict[int, str] = {}
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type == tokenize.COMMENT:
            beside[token.start[0]] = token.string.lstrip("# ")
    found: dict[str, str] = {}
    for node in ast.parse(source).body[0].body:  # type: ignore[attr-defined]
        if isinstance(node, ast.AnnAssign):
            said = beside.get(node.lineno) or " ".join(_above(lines, node.lineno - 1))
            if said:
                found[ast.unparse(node.target)] = said
    return found


def _above(lines: list[str], index: int) -> list[str]:
    """Return the lines of comment directly above a line."""
    said: list[str] = []
    while index > 0 and lines[index - 1].lstrip().startswith("#"):
        index -= 1
        said.insert(0, lines[index].lstrip("# "))
    return said


def default(field: Any) -> str:
    """Return a field's default in words."""
    value = field.default
    if field.default_factory is not msgspec.NODEFAULT or isinstance(value, msgspec.Struct):
        return "none"
    if value is msgspec.NODEFAULT:
        return "**needed**"
    if isinstance(value, bool):
        return f"`{str(value).lower()}`"
    if isinstance(value, StrEnum | str):
        return f'`"{value}"`' if str(value) else "none"
    if isinstance(value, int | float):
        return f"`{value:g}`"
    return "none"


if __name__ == "__main__":
    Path(__file__).with_name("spec.md").write_text(page(), encoding="utf-8")
