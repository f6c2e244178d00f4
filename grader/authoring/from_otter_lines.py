"""Otter's comments in the lines of a code cell, turned into markers of ours.

    ...  # SOLUTION, # SOLUTION NO PROMPT, # SEED or # IGNORE at a line's end
    # BEGIN SOLUTION, # BEGIN SOLUTION NO PROMPT or # BEGIN IGNORE, and an # END of the same
    \"\"\" # BEGIN PROMPT or # BEGIN PLUGIN, and \"\"\" # END of the same

A prompt, what students would find in the solution's place, becomes a comment ahead of the place to write.
"""

from __future__ import annotations

import ast
import re

from grader.authoring.from_parts import plain_python
from grader.authoring.strip import BEGIN, END

_LINE = re.compile(r"^(.*?)\s*#\s*(SOLUTION(?: NO PROMPT)?|SEED|IGNORE)\s*$")
_REGION = re.compile(r"^\s*#\s*(BEGIN|END)\s+(SOLUTION|IGNORE)(\s+NO PROMPT)?\s*$")
_TEXT = re.compile(
    r"^\s*(?:\"\"\"|''')?\s*;?\s*#\s*(BEGIN|END)\s+(PROMPT|PLUGIN)\s*$|^\s*(?:\"\"\"|''');?\s*#\s*(END) (\w+)"
)
_HEADING = re.compile(r"^\s*#+\s*solution\s*#*\s*$", re.IGNORECASE)
_OWN = re.compile(
    r"^\s*(?:import otter\b|from otter\b|\w+\s*=\s*otter\.Notebook\(|"
    r"grader\.(?:check|check_all|export|run_plugin|to_pdf)\()"
)


def without_otters_own(source: str, place: str, notes: list[str]) -> str:
    """Return a cell without the lines that speak to Otter itself; nothing where only comments are left."""
    lines = source.split("\n")
    kept = [line for line in lines if not _OWN.match(line)]
    if len(kept) == len(lines):
        return source
    notes.append(f"{place}: its lines for Otter itself are left out; students run `tox` to try their work")
    return "\n".join(kept).strip("\n") if any(line.strip() and line.lstrip()[0] != "#" for line in kept) else ""


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


def marked(source: str, task: str, place: str, notes: list[str], hint: str = "") -> tuple[str, bool]:
    """Return a cell with our markers around the solution's lines, and whether it has some.

    ``hint`` is a prompt that stood in a cell of its own: it goes ahead of the first place to write.
    """
    lines: list[str] = []
    kinds: list[str] = []  # of each line: plain, hint, alone (marked by itself) or region<number>
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
            if line.strip() not in ("", "pass"):
                lines.append(f"{_indent(line)}# {line.strip().removeprefix('# ')}")
                kinds.append("hint")
        elif region:
            regions += region[1] == "BEGIN"
            mode = f"region{regions}" if region[1] == "BEGIN" else "plain"
        else:
            seed = single is not None and single[2] == "SEED"
            if seed:
                notes.append(f"{place}: its seed is the students' too, so that all have the same draws")
            alone = single is not None and not seed and mode == "plain"
            lines.append(single[1] if single else line)
            kinds.append("alone" if alone else mode)
    has_some = any(kind == "alone" or kind.startswith("region") for kind in kinds)
    _take_whole_statements(lines, kinds)
    ahead = [f"# {line}".rstrip() for line in hint.split("\n")] if hint else []
    return "\n".join([*ahead, *_written(_hints_first(lines, kinds), task)]).strip("\n"), has_some


def _take_whole_statements(lines: list[str], kinds: list[str]) -> None:
    """Let a marked line stand for the whole statement that it is in: half of one can't be taken out."""
    try:
        tree = ast.parse(plain_python("\n".join(lines)))
    except SyntaxError:
        return
    statements = [node for node in ast.walk(tree) if isinstance(node, ast.stmt)]
    for number in [number for number, kind in enumerate(kinds, start=1) if kind == "alone"]:
        around = [node for node in statements if node.lineno <= number <= (node.end_lineno or 0)]
        if around:
            inner = max(around, key=lambda node: (node.lineno, -(node.end_lineno or 0)))
            for line in range(inner.lineno, (inner.end_lineno or 0) + 1):
                kinds[line - 1] = kinds[line - 1] if kinds[line - 1].startswith("region") else "alone"


def _hints_first(lines: list[str], kinds: list[str]) -> list[tuple[str, str]]:
    """Return the lines with their kinds, each prompt ahead of the solution that it stood behind."""
    ordered: list[tuple[str, str]] = []
    for line, kind in zip(lines, kinds, strict=True):
        at = len(ordered)
        if kind == "hint":
            while at and ordered[at - 1][1] not in ("plain", "hint"):
                at -= 1
        ordered.insert(at, (line, kind))
    return ordered


def _written(lines: list[tuple[str, str]], task: str) -> list[str]:
    """Return the lines with markers; a name that a single marked line sets is told in a comment."""
    written: list[str] = []
    block: list[str] = []
    opened = ""  # the kind of the block

    def close() -> None:
        if block:
            indent = min((_indent(line) for line in block if line.strip()), key=len, default="")
            written.extend([f"{indent}{BEGIN} {task}".rstrip(), *block, f"{indent}{END}"])
            block.clear()

    for line, kind in lines:
        fits = kind == opened and not (
            kind == "alone" and len(_indent(line)) < len(_indent(block[0])) if block else False
        )
        if kind in ("plain", "hint"):
            close()
            written.append(line)
            opened = ""
            continue
        if not fits:
            close()
            opened = kind
        target = _target(line) if kind == "alone" else ""
        if target and not block:
            written.append(f"{_indent(line)}# {target} = ...")
        block.append(line)
    close()
    return written


def _target(line: str) -> str:
    """Return what a line assigns to, where it is a plain assignment."""
    try:
        body = ast.parse(line.strip()).body
    except SyntaxError:
        return ""
    first = body[0] if body else None
    return " = ".join(map(ast.unparse, first.targets)) if isinstance(first, ast.Assign) else ""


def _indent(line: str) -> str:
    return line[: len(line) - len(line.lstrip())]
