"""The how-tos about checks: the solution and the check of each page, as they stand there."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest
from documentation import DOCS, blocks
from toy import Toy, build

from grader.authoring import record

SPEC = """
schema = 1
name = "recipe"
title = "Recipe"
reference = "reference"

[[questions]]
id = "q"
title = "Q"

[[files]]
path = "pack/toy.py"
provides = {provides}
"""
# A mistake for each page, which the page's check has to find.
PAGES = {
    "pandas": ("groupby(", "iloc[::2].groupby("),
    "random-numbers": ("< keep) / keep", "< keep)"),
    "plots": ('    plt.xlabel("step")\n', ""),
    "printing": ('print("Hello,"', 'print("Hi,"'),
    "files": ("sorted(set(words))", "set(words[:1])"),
    "classes": ("self.balance + amount", "self.balance - amount"),
    "functions-as-arguments": ("x - f(x) / slope", "x - f(x)"),
}


def names(code: str) -> list[str]:
    """Return what a module defines."""
    return [
        node.name
        for node in ast.parse(code).body
        if isinstance(node, ast.FunctionDef | ast.ClassDef)
    ]


@pytest.mark.parametrize("page", PAGES)
def test_a_recipe_works_as_it_is_shown(tmp_path: Path, page: str) -> None:
    if page == "pandas":
        pytest.importorskip("pandas")
    solution, checks = (block.text for block in blocks(DOCS / "how-to" / f"{page}.md", "python"))
    spec = SPEC.format(provides=[*names(solution)])
    ids = [name.removeprefix("test_") for name in names(checks)]
    for id_ in ids:
        spec += f'\n[[checks]]\nid = "{id_}"\nquestion = "q"\npoints = 1\n'
    assignment = build(tmp_path / "a", spec=spec, checks=checks, reference=solution)
    record.record(assignment, reseed=False, again=False, progress=lambda line: None)
    toy = Toy(assignment, tmp_path / "s")
    assert toy.grade(solution).passed == set(ids)
    right, wrong = PAGES[page]
    assert right in solution
    assert toy.grade(solution.replace(right, wrong)).passed < set(ids)
