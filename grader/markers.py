"""The markers around an author's solutions, and cells with the solutions taken out."""

from __future__ import annotations

import re

BEGIN, END = "### BEGIN SOLUTION", "### END SOLUTION"
# Markers of other tools and misspelt ones: `### BEGIN HIDDEN TESTS`, `# END SOLUTION`, `## begin
# solution`.
RESEMBLES = re.compile(
    r"###\s*(?:BEGIN|END)\b|\b(?:BEGIN|END)[ _-]*SOLUTION|#\s*(?i:(?:begin|end)[ _-]*solution\b)"
)
PROMPT = "### PROMPT"  # within a solution: a line that students find in its place
PLACEHOLDER = "*Write your answer here.*"


def released(source: str, instead: str = "") -> str:
    """Return a cell's text with each solution replaced by ``instead``, mostly as students get it.

    Only the wording of stubs differs; prompts stand as students find them.
    """
    kept: list[str] = []
    inside = False
    for line in source.split("\n"):
        bare = line.strip()
        if bare == BEGIN or bare.startswith(f"{BEGIN} "):
            inside = True
            if instead:
                kept.append(instead)
        elif bare == END:
            inside = False
        elif not inside:
            kept.append(line)
        elif is_prompt(line):
            kept.append(prompt_of(line))
    return "\n".join(kept)


def is_prompt(line: str) -> bool:
    """Return whether a line within a solution is what students find in its place."""
    bare = line.strip()
    return bare == PROMPT or bare.startswith(f"{PROMPT} ")


def prompt_of(line: str) -> str:
    """Return a prompt as students find it: at the marker's indentation, without the marker."""
    indent = line[: len(line) - len(line.lstrip())]
    return (indent + line.lstrip().removeprefix(PROMPT).removeprefix(" ")).rstrip()
