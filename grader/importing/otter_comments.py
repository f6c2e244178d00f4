"""Otter's comments in the lines of a code cell, turned into markers of ours.

    ...  # SOLUTION, # SOLUTION NO PROMPT, # SEED or # IGNORE at a line's end
    # BEGIN SOLUTION, # BEGIN SOLUTION NO PROMPT or # BEGIN IGNORE, and an # END of the same
    \"\"\" # BEGIN PROMPT or # BEGIN PLUGIN, and \"\"\" # END of the same

A prompt, what students would find in the solution's place, becomes a comment ahead of the place to
write.
"""

from __future__ import annotations

import ast
import re
import textwrap

from grader.importing.drafts import plain_python
from grader.markers import BEGIN, END

# Kinds of lines that are marked by themselves, with a prompt or without, or belong to a statement
# that one is in.
ALONE = ("alone", "silent", "within")

_LINE = re.compile(r"^(.*?)\s*#\s*(SOLUTION(?: NO PROMPT)?|SEED|IGNORE)\s*$")
_REGION = re.compile(r"^\s*#\s*(BEGIN|END)\s+(SOLUTION|IGNORE)(\s+NO PROMPT)?\s*$")
_TEXT = re.compile(
    r"^\s*(?:\"\"\"|''')?\s*;?\s*#\s*(BEGIN|END)\s+(PROMPT|PLUGIN)\s*$|^\s*(?:\"\"\"|''');?\s*#\s*(END)"
    r" (\w+)"
)
_HEADING = re.compile(r"^\s*#+\s*solution\s*#*\s*$", re.IGNORECASE)
_OWN = re.compile(
    r"^\s*(?:import otter\b|from otter\b|\w+\s*=\s*otter\.Notebook\(|"
    r"grader\.(?:check|check_all|export|run_plugin|to_pdf)\()"
)


def without_otters_own(source: str, place: str, notes: list[str]) -> str:
    """Return a cell without the lines that speak to Otter itself; nothing where only comments are
    left.
    """
    lines = source.split("\n")
    kept = [line for line in lines if not _OWN.match(line)]
    if len(kept) == len(lines):
        return source
    notes.append(
        f"{place}: its lines for Otter itself are left out; students run `tox` to try their work"
    )
    return (
        "\n".join(kept).strip("\n")
        if any(line.strip() and line.lstrip()[0] != "#" for line in kept)
        else ""
    )


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

    ``hint`` is a prompt that stood in a cell of its own: it goes ahead of the first place to write.
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
            if line.strip() not in ("", "pass"):
                lines.append(f"{_indent(line)}# {line.strip().removeprefix('# ')}")
                kinds.append("hint")
        elif region:
            regions += region[1] == "BEGIN"
            mode = f"region{regions}" if region[1] == "BEGIN" else "plain"
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
    has_some = any(kind not in ("plain", "hint") for kind in kinds)
    _take_whole_statements(lines, kinds)
    ahead = [f"# {line}".rstrip() for line in hint.split("\n")] if hint else []
    return "\n".join([*ahead, *_written(_hints_first(lines, kinds), task)]).strip("\n"), has_some


def _take_whole_statements(lines: list[str], kinds: list[str]) -> None:
    """Let a marked line stand for the whole statement that it is in: half of one can't be taken
    out.
    """
    try:
        tree = ast.parse(plain_python("\n".join(lines)))
    except SyntaxError:
        return
    statements = [node for node in ast.walk(tree) if isinstance(node, ast.stmt)]
    for number, kind in [
        (number, kind) for number, kind in enumerate(kinds, start=1) if kind in ALONE
    ]:
        around = [node for node in statements if node.lineno <= number <= (node.end_lineno or 0)]
        if around:
            inner = max(around, key=lambda node: (node.lineno, -(node.end_lineno or 0)))
            for line in range(inner.lineno, (inner.end_lineno or 0) + 1):
                if not kinds[line - 1].startswith("region"):
                    kinds[line - 1] = kind if line == inner.lineno else "within"


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
    """Return the lines with markers around each run of the solution's."""
    written: list[str] = []
    block: list[tuple[str, str]] = []

    def close() -> None:
        if block:
            texts = [line for line, _ in block]
            indent = next((_indent(line) for line in texts if line.strip()), "")
            told = [f"{indent}# {name} = ..." for name in _targets(block)]
            written.extend([*told, f"{indent}{BEGIN} {task}".rstrip(), *texts, f"{indent}{END}"])
            block.clear()

    for line, kind in lines:
        if not block or not _goes_on(block, line, kind):
            close()
        if kind in ("plain", "hint"):
            written.append(line)
        else:
            block.append((line, kind))
    close()
    return written


def _goes_on(block: list[tuple[str, str]], line: str, kind: str) -> bool:
    """Return whether a line belongs to the block before it: a statement further out needs a place
    of its own.
    """
    if kind not in ALONE or block[-1][1] not in ALONE:
        return kind == block[-1][1]
    return kind == "within" or len(_indent(line)) >= len(_indent(block[0][0]))


def _targets(block: list[tuple[str, str]]) -> list[str]:
    """Return what marked lines assign to, for students to know the names; those with NO PROMPT say
    nothing.
    """
    if block[0][1] not in ALONE:
        return []
    try:
        body = ast.parse(textwrap.dedent("\n".join(line for line, _ in block))).body
    except SyntaxError:
        return []
    told = [
        node
        for node in body
        if isinstance(node, ast.Assign) and block[node.lineno - 1][1] == "alone"
    ]
    return [" = ".join(ast.unparse(target).strip("()") for target in node.targets) for node in told]


def _indent(line: str) -> str:
    return line[: len(line) - len(line.lstrip())]
