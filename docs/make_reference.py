"""Makes command-line.md and report-json.md from the parsers and the model: `python
docs/make_reference.py`.

Tests see that both are fresh.
"""

from __future__ import annotations

import argparse
import inspect
import sys
import types
import typing
from collections.abc import Iterator
from enum import StrEnum
from pathlib import Path

import msgspec

from grader import cli, model
from grader.cli.export import FORMATS

sys.path.insert(0, str(Path(__file__).parent))
from make_spec import comments

# --- the command line -----------------------------------------------------------------------------

COMMANDS_HEAD = """\
# The command line

`grader COMMAND --help` says the same in the terminal. Commands that need an assignment take the one in `./assignment`,
or in this folder if it holds an `assignment.toml`; `--assignment` names another. This page is made by
`docs/make_reference.py`.

| exit code | meaning |
| --- | --- |
| 0 | done; where something is graded or compared: everything passed |
| 1 | graded, something failed; with `--check`: out of date |
| 2 | it can't be graded, or the command is wrong: the message says what |
| 3 | the grader itself failed: no mark is given |
| 130, 143 | interrupted; `grader batch` by SIGTERM |

`grader --version` prints the version.
"""


def commands_page() -> str:
    """Return the whole page of the command line."""
    (actions,) = [
        action for action in cli.parser()._actions if isinstance(action, argparse._SubParsersAction)
    ]
    sections = [COMMANDS_HEAD]
    for name, one in actions.choices.items():
        sections.append(command(name, cli.COMMANDS[name], one))
    return "\n".join(sections)


def command(name: str, told: str, parser: argparse.ArgumentParser) -> str:
    """Return the section of one command: what it does, and a line for each argument and option."""
    lines = [
        f"## `grader {name}`",
        "",
        f"{sentence(told)}",
        "",
        "```text",
        usage(parser),
        "```",
        "",
    ]
    actions = [action for action in parser._actions if not isinstance(action, argparse._HelpAction)]
    if actions:
        lines += ["| argument | meaning |", "| --- | --- |"]
        lines += [f"| {written(action)} | {meaning(action)} |" for action in actions]
        lines.append("")
    if name == "export":
        lines += ["| format | what is written |", "| --- | --- |"]
        lines += [f"| `{name}` | {writer.__doc__} |" for name, writer in FORMATS.items()]
        lines.append("")
    return "\n".join(lines)


def usage(parser: argparse.ArgumentParser) -> str:
    """Return how a command is called: what is needed, and that there are options."""
    words = [parser.prog]
    for action in parser._actions:
        if not action.option_strings:
            word = str(action.metavar)
            words.append(
                {"+": f"{word} [{word} ...]", "?": f"[{word}]"}.get(str(action.nargs or ""), word)
            )
    return " ".join([*words, "[OPTIONS]"] if len(parser._actions) > 1 else words)


def written(action: argparse.Action) -> str:
    """Return an argument as it is written."""
    if not action.option_strings:
        return f"`{action.metavar}`"
    if action.nargs == 0:
        return f"`{action.option_strings[-1]}`"
    values = action.metavar or (
        "\\|".join(map(str, action.choices)) if action.choices else action.dest.upper()
    )
    return f"`{action.option_strings[-1]} {values}`"


def meaning(action: argparse.Action) -> str:
    """Return an argument's help, its default filled in."""
    default = str(action.default) if action.default is not None else ""
    text = (action.help or "").replace("%(default)s", default).replace("%%", "%")
    text = " ".join(text.split()).replace("|", "\\|")
    return text or (f"default: {default}" if default else "")


def sentence(text: str) -> str:
    """Return text as a sentence."""
    return f"{text[:1].upper()}{text[1:].rstrip('.')}."


# --- report.json ----------------------------------------------------------------------------------

REPORT_HEAD = f"""\
# `report.json`

The results of one graded submission (schema {model.REPORT_SCHEMA}), as `grader check` and `grader batch` write it in
UTF-8. It is your view: of hidden checks it holds everything. It never holds an expected number. A program that reads it
can check it against the [JSON Schema](report.schema.json). Keys that a later version adds are no new schema; a key that
goes or changes its meaning is. This page is made by `docs/make_reference.py`.

```python
import json
from pathlib import Path

report = json.loads(Path("report/report.json").read_text(encoding="utf-8"))
print(report["score"], "of", report["max_score"])
for check in report["checks"]:
    print(check["id"], check["status"], check["points"])
```
"""
STRUCTS = (
    model.Report, model.Question, model.CheckResult, model.CaseResult, model.Comparison, model.ErrorMap, model.Scatter,
    model.CallFrame, model.HandGraded, model.GivenItem,
)  # fmt: skip
ENUMS = (model.Status, model.Visibility, model.Tier)
VALUES = {
    "pass": "every case passed",
    "fail": "some case did not",
    "error": "the grader's own fault: no mark is given",
    "skip": "it was not run: a function that it needs is not written yet",
    "visible": "students may see its details",
    "hidden": "students see points and status alone",
    "bubblewrap": "two walls: namespaces around the box, and Landlock with seccomp",
    "landlock": "one wall: Landlock with seccomp",
    "none": "practice, not sandboxed",
}
# Fields whose name says nearly all: those that the code leaves without a comment.
WORDS = {
    "Report.schema": "the version of this format",
    "Report.assignment": "its short name",
    "Report.title": "the assignment's",
    "Report.submission": "the name of what was graded",
    "Report.score": "the sum of the checks' points",
    "Report.max_score": "what could be reached by the checks that were run",
    "Report.isolation": "the box that the student's code ran in",
    "Report.seconds": "how long grading took",
    "Report.questions": "the parts of the assignment",
    "Report.checks": "in the order of `assignment.toml`",
    "HandGraded.title": "the question or the check",
    "HandGraded.max_points": "what an answer could have",
    "HandGraded.items": "of the rubric",
    "GivenItem.text": "Markdown, which the student reads",
    "GivenItem.points": "added or, below 0, taken away",
    "Question.id": "by which checks name it",
    "Question.title": "as reports show it",
    "Question.points": "reached",
    "Question.max_points": "what could be reached",
    "CheckResult.id": "as in `assignment.toml`",
    "CheckResult.question": "the id of its question",
    "CheckResult.title": "the first sentence of its test's docstring",
    "CheckResult.points": "reached",
    "CheckResult.max_points": "what could be reached",
    "CheckResult.status": "the verdict",
    "CheckResult.visibility": "whether students may see its details",
    "CheckResult.message": "what is wrong, in a sentence or a few",
    "CheckResult.hint": "of a known mistake, or of what is true of the arrays",
    "CheckResult.seconds": "how long its cases took",
    "CheckResult.cases": "in the order in which they ran",
    "CheckResult.follow_through": "whether cases have points that pass with right functions before them",
    "CaseResult.id": "pytest's name of the case: its parameters, or `all`",
    "CaseResult.status": "the verdict",
    "CaseResult.message": "what is wrong",
    "CaseResult.seconds": "how long it took",
    "CaseResult.values": "the values that were compared",
    "CaseResult.notes": "remarks, such as that a call changed its argument",
    "Comparison.name": "as the check calls the value",
    "Comparison.ok": "whether it is right",
    "Comparison.message": "what is wrong",
    "Comparison.max_relative_error": "the largest, where both are arrays of one shape",
    "Comparison.max_absolute_error": "likewise",
    "Comparison.error_map": "where an array is wrong",
    "Comparison.scatter": "of a gradient that is wrong",
    "CallFrame.line": "from 1 on",
    "CallFrame.function": "in which the line stands",
}


def report_page() -> str:
    """Return the whole page of report.json."""
    return "\n".join([REPORT_HEAD, *map(table, STRUCTS), *map(values, ENUMS)])


def table(struct: type[msgspec.Struct]) -> str:
    """Return the section of one struct: a line for each field."""
    left_out = bool(struct.__struct_config__.omit_defaults)
    lines = [f"## {struct.__name__}", "", first_sentences(struct)]
    if left_out:
        lines += ["", "Fields that have their default are left out of the file."]
    lines += [
        "",
        "| field | type | default | meaning |",
        "| --- | --- | --- | --- |",
        *rows(struct),
    ]
    return "\n".join(lines) + "\n"


def rows(struct: type[msgspec.Struct]) -> Iterator[str]:
    """Yield a table's line for each field."""
    told = comments(struct)
    types_ = typing.get_type_hints(struct)
    for field in msgspec.structs.fields(struct):
        key = f"{struct.__name__}.{field.name}"
        said = told.get(field.name) or WORDS.get(key)
        if not said:
            raise LookupError(f"{key} has no words: put a comment beside it, or a line in WORDS")
        yield f"| `{field.encode_name}` | {type_of(types_[field.name])} | {default(field)} | {said} |"


def type_of(annotation: typing.Any) -> str:
    """Return a type in words, with links to the sections of structs and enums."""
    plain = {
        str: "text",
        int: "whole number",
        float: "number",
        bool: "true or false",
        type(None): "null",
    }
    if annotation in plain:
        return plain[annotation]
    if isinstance(annotation, type) and issubclass(annotation, msgspec.Struct | StrEnum):
        return f"[{annotation.__name__}](#{annotation.__name__.lower()})"
    inner = typing.get_args(annotation)
    if typing.get_origin(annotation) in (typing.Union, types.UnionType):
        return " or ".join(map(type_of, inner))
    if typing.get_origin(annotation) is tuple:
        if inner[-1] is Ellipsis:
            return f"list of {type_of(inner[0])}"
        return f"list of {len(inner)}: {type_of(inner[0])}"
    raise TypeError(f"no words for {annotation}")


def default(field: msgspec.structs.FieldInfo) -> str:
    """Return a field's default as it stands in JSON; nothing where the field is always there."""
    if field.default is msgspec.NODEFAULT:
        return "" if field.default_factory is msgspec.NODEFAULT else "`[]`"
    return f"`{msgspec.json.encode(field.default).decode()}`"


def values(enum: type[StrEnum]) -> str:
    """Return the section of one enum: a line for each value."""
    lines = [
        f"## {enum.__name__}",
        "",
        first_sentences(enum),
        "",
        "| value | meaning |",
        "| --- | --- |",
    ]
    return "\n".join([*lines, *(f"| `{one.value}` | {VALUES[one.value]} |" for one in enum)]) + "\n"


def first_sentences(thing: type) -> str:
    """Return what a docstring says."""
    return " ".join((inspect.getdoc(thing) or "").split()).replace("``", "`")


PAGES = {"command-line.md": commands_page, "report-json.md": report_page}

if __name__ == "__main__":
    for name, make in PAGES.items():
        Path(__file__).with_name(name).write_text(make(), encoding="utf-8")
