"""Otter's comments in the lines of a code cell, turned into markers of ours.

    ...  # SOLUTION, # SOLUTION NO PROMPT, # SEED or # IGNORE at a line's end
    # BEGIN SOLUTION, # BEGIN SOLUTION NO PROMPT or # BEGIN IGNORE, and an # END of the same
    \"\"\" # BEGIN PROMPT or # BEGIN PLUGIN, and \"\"\" # END of the same

A prompt is what students find in the solution's place. It becomes lines with our own marker of
prompts, so that the handout has it as Otter's student version has it.
"""

from __future__ import annotations

import ast
import re
import textwrap
from itertools import filterfalse
from operator import itemgetter

from grader.importing.source_code import plain_python
from grader.markers import BEGIN, END, PROMPT
from grader.notebooks.definitions import tree_of

# Kinds of lines that are marked by themselves, with a prompt or without, or belong to a statement
# that one is in.
ALONE = ("alone", "silent", "within")
SILENTLY = "-silently"  # ends the kind of a region's lines if students find nothing in its place

_LINE = re.compile(r"^(.*?)\s*#\s*(SOLUTION(?: NO PROMPT)?|SEED|IGNORE)\s*$")
_REGION = re.compile(r"^\s*#\s*(BEGIN|END)\s+(SOLUTION|IGNORE)(\s+NO PROMPT)?\s*$")
_TEXT = re.compile(
    r"^\s*(?:\"\"\"|''')?\s*;?\s*#\s*(BEGIN|END)\s+(PROMPT|PLUGIN)\s*$"
    r"|^\s*(?:\"\"\"|''');?\s*#\s*(END) (\w+)"
)
_NO_CODE = re.compile(r"\s*(?:#|$)")
_HEADING = re.compile(r"^\s*#+\s*solution\s*#*\s*$", re.IGNORECASE)
_OWN = re.compile(
    r"^\s*(?:import otter\b|from otter\b|\w+\s*=\s*otter\.Notebook\(|"
    r"grader\.(?:check|check_all|export|run_plugin|to_pdf)\()"
)


def without_otters_own(source: str, place: str, notes: list[str]) -> str:
    """Return a cell without the lines that speak to Otter itself; nothing if only comments are
    left.
    """
    lines = source.split("\n")
    kept = list(filterfalse(_OWN.match, lines))
    if len(kept) == len(lines):
        return source
    notes.append(
        f"{place}: its lines for Otter itself are left out; students run `tox` to try their work"
    )
    return "" if all(map(_NO_CODE.match, kept)) else "\n".join(kept).strip("\n")


def without_ignored(source: str) -> str:
    """Return a cell without the lines that Otter ignores."""
    kept, ignoring = [], False
    for line in source.split("\n"):
        region, single = _REGION.match(line), _LINE.match(line)
        if region and region[2] == "IGNORE":
            ignoring = region[1] == "BEGIN"
        elif not ignoring and not (single and single[2] == "IGNORE"):
            kept.append(line)
    return "\n".join(kept)


def marked(
    source: str, task: str, place: str, notes: list[str], hint: str = ""
) -> tuple[str, bool]:
    """Return a cell with our markers around the solution's lines, and whether it has some.

    ``hint`` is a prompt in words that stood in a cell of its own: it goes ahead of the lines.
    """
    lines: list[str] = []
    kinds: list[str] = []  # of each line: plain, hint, one of ALONE, or region<number>
    mode, regions = "plain", 0
    for line in without_ignored(source).split("\n"):
        text, region, single = _TEXT.match(line), _REGION.match(line), _LINE.match(line)
        if text:
            begins, what = text[1] == "BEGIN", text[2] or text[4]
            mode = what.lower() if begins else "plain"
            if begins and what == "PLUGIN":
                notes.append(f"{place}: a call of an Otter plugin is left out")
        elif mode == "plugin" or _HEADING.match(line):
            continue
        elif mode == "prompt":
            lines.append(line)
            kinds.append("hint")
        elif region:
            regions += region[1] == "BEGIN"
            silently = SILENTLY if region[3] else ""
            mode = f"region{regions}{silently}" if region[1] == "BEGIN" else "plain"
        else:
            seed = single is not None and single[2] == "SEED"
            if seed:
                notes.append(
                    f"{place}: its seed is the students' too, so that all have the same draws"
                )
            alone = single is not None and not seed and mode == "plain"
            lines.append(single[1] if single else line)
            silent = single is not None and single[2].endswith("NO PROMPT")
            kinds.append(("silent" if silent else "alone") if alone else mode)
    has_some = not {"plain", "hint"}.issuperset(kinds)
    _take_whole_statements(lines, kinds)
    written = _written(list(zip(lines, kinds, strict=True)), task)
    if hint:
        written = [*map(str.rstrip, map("# {}".format, hint.split("\n"))), *written]
    return "\n".join(written).strip("\n"), has_some


def prompted(prompt: str, solution: str) -> str:
    """Return a solution's cell with the prompt that stood in a cell of its own, as Otter would have
    both in one cell.
    """
    lines = solution.split("\n")
    if not (any(map(_LINE.match, lines)) or any(map(_REGION.match, lines))):
        solution = "\n".join(["# BEGIN SOLUTION NO PROMPT", solution, "# END SOLUTION"])
    else:
        solution = re.sub(
            r"#[ ]*(BEGIN )?SOLUTION[ ]*$", r"# \1SOLUTION NO PROMPT", solution, flags=re.M
        )
    return "\n".join(['""" # BEGIN PROMPT', prompt.strip("\n"), '""" # END PROMPT', solution])


def _take_whole_statements(lines: list[str], kinds: list[str]) -> None:
    """Let a marked line stand for the whole statement that it is in: half of one can't be taken
    out.
    """
    try:
        tree = tree_of(plain_python("\n".join(lines)))
    except SyntaxError:
        return
    for number, kind in enumerate([*kinds], start=1):
        around = _innermost(tree, number) if kind in ALONE else None
        if around is None:
            continue
        for line in range(around.lineno, (around.end_lineno or 0) + 1):
            if not kinds[line - 1].startswith("region"):
                kinds[line - 1] = kind if line == around.lineno else "within"


def _innermost(tree: ast.Module, line: int) -> ast.stmt | None:
    """Return the smallest statement that a line belongs to."""
    around = [
        node
        for node in ast.walk(tree)
        if isinstance(node, ast.stmt) and node.lineno <= line <= (node.end_lineno or 0)
    ]
    return max(around, key=lambda node: (node.lineno, -(node.end_lineno or 0)), default=None)


def _written(lines: list[tuple[str, str]], task: str) -> list[str]:
    """Return the lines with markers around each run of the solution's, with its prompt as Otter
    makes it.
    """
    written: list[str] = []
    block: list[tuple[str, str]] = []
    for line, kind in [*lines, ("", "plain")]:
        if block and (kind == "plain" or not _goes_on(block, line, kind)):
            written += _marked_block(block, task)
            block = []
        if kind == "plain":
            written.append(line)
        else:
            block.append((line, kind))
    return written[:-1]


def _marked_block(block: list[tuple[str, str]], task: str) -> list[str]:
    """Return one run of a solution's lines between markers, its prompt ahead."""
    solution: list[str] = []
    prompt: list[str] = []
    run: list[tuple[str, str]] = []
    indent: str | None = None  # of the first line that is not blank
    for line, kind in [*block, ("", "hint")]:
        if indent is None and line.strip():
            indent = _indent(line)
        if kind != "hint":
            solution.append(line)
            run.append((line, kind))
            continue
        prompt += _prompts(run)
        run = []
        prompt.append(line)
    indent = indent or ""
    whole = [f"{indent}{BEGIN} {task}".rstrip()]
    for line in prompt[:-1] or [f"{indent}..."]:
        whole.append(f"{indent}{PROMPT} {line.removeprefix(indent)}".rstrip())
    return [*whole, *(solution or [f"{indent}pass"]), f"{indent}{END}"]


def _goes_on(block: list[tuple[str, str]], line: str, kind: str) -> bool:
    """Return whether a line belongs to the block before it: a statement further out needs a place
    of its own.
    """
    deep = not line.strip() or len(_indent(line)) >= len(_indent(block[0][0]))
    before = "hint"  # the kind of the last line of the solution's
    for _, one in block:
        before = one if one != "hint" else before
    if "hint" in (kind, before):
        return deep
    if kind not in ALONE or before not in ALONE:
        return kind == before
    return kind == "within" or deep


def _prompts(block: list[tuple[str, str]]) -> list[str]:
    """Return what students find in place of marked lines: the names with dots behind them, and dots
    for what assigns nothing; those with NO PROMPT leave nothing.
    """
    first = block[0] if block else ("", "silent")
    if first[1] not in ALONE:
        return [] if first[1].endswith(SILENTLY) else [f"{_indent(first[0])}..."]
    text = textwrap.dedent("\n".join(map(itemgetter(0), block)))
    try:
        body = tree_of(plain_python(text)).body
    except SyntaxError:
        return []
    shown = []
    for node in body:
        line, kind = block[node.lineno - 1]
        if kind == "alone":
            shown.append(_indent(line) + _dots(node))
    return shown


def _dots(node: ast.stmt) -> str:
    """Return a statement with dots in place of what it does."""
    if isinstance(node, ast.Assign):
        targets = [ast.unparse(target).strip("()") for target in node.targets]
        return " = ".join([*targets, "..."])
    return "..."


def _indent(line: str) -> str:
    return line[: len(line) - len(line.lstrip())]
