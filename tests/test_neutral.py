"""The framework knows no assignment: nothing in `grader/` names one, its questions, its checks or
its functions.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from grader.assignment.spec import load

ROOT = Path(__file__).resolve().parents[1]
FOLDERS = (
    ROOT / "assignment",
    *sorted(path.parent for path in (ROOT / "examples").glob("*/assignment.toml")),
)
# What an assignment may be named after and the framework speaks of anyway, as words of the
# language.
COMMON = {
    *("summary", "standardise", "predict", "spiral", "distances", "scatter"),
    *("take", "serve", "receive", "stands", "journal", "Journal"),
}


def names(folder: Path) -> Iterator[str]:
    """Yield what only this assignment has: its name, its student's functions and files, its checks."""
    spec = load(folder).spec
    yield spec.name
    for file in spec.files:
        yield from (file.path.partition("/")[0], *file.provides)
    for notebook in spec.notebooks:
        yield from (notebook.path, *notebook.provides)
    yield from (check.id for check in spec.checks)


FORBIDDEN = {"cs231n"} | {name for folder in FOLDERS for name in names(folder)} - COMMON
FILES = sorted(
    path for path in (ROOT / "grader").rglob("*") if path.is_file() and "__pycache__" not in path.parts
)  # fmt: skip


def found(text: str) -> set[str]:
    return {
        name for name in FORBIDDEN if re.search(rf"(?<![\w.-]){re.escape(name)}(?![\w-])", text)
    }


def test_it_knows_what_to_look_for() -> None:
    assert {
        "rnn_step_forward",
        "cs231n",
        "captioning",
        "TwoLayerNet",
        "numpy-basics",
        "twolayer",
    } <= FORBIDDEN
    assert found("calls `rnn_forward`") == {"rnn_forward"}


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_the_framework_names_no_assignment(path: Path) -> None:
    if path.suffix in (".woff2", ".png"):
        pytest.skip("no text")
    assert found(path.read_text(encoding="utf-8")) == set()
