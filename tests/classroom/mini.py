"""An assignment of two tiny functions and an answer in words, and submissions of many kinds."""

from __future__ import annotations

import io
import json
import os
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from grader.assignment.spec import Assignment, load
from grader.authoring.record import record

SPEC = """
schema = 1
name = "mini"
title = "Two functions"
version = "1"
reference = "reference"

[[questions]]
id = "q1"
title = "Functions"

[[files]]
path = "mini.py"
provides = ["double", "shift"]

[[notebooks]]
path = "Words.ipynb"
source = "notebooks/Words.ipynb"

[[checks]]
id = "double"
question = "q1"
points = 6

[[checks]]
id = "shift"
question = "q1"
points = 4

[late]
due = 2026-05-01T12:00:00+00:00
grace_minutes = 10
percent_per_day = 10
max_days = 3

[limits]
call_seconds = 3
import_seconds = 5
memory_mb = 512
"""

CHECKS = '''"""Checks."""

import pytest


@pytest.mark.parametrize("n", [1, 4], ids=["n=1", "n=4"])
def test_double(student, expect, rng, n):
    """Twice the input."""
    expect("y", student.double(rng.standard_normal(n)))


def test_shift(student, expect, rng):
    """The input moved by one place."""
    expect("y", student.shift(rng.standard_normal(5)))
'''

DOUBLE, SHIFT = "def double(x):\n    return 2 * x\n", "def shift(x):\n    return np.roll(x, 1)\n"
RIGHT = f"import numpy as np\n\n\n{DOUBLE}\n\n{SHIFT}"
STUB = "def {0}(x):\n    raise NotImplementedError('{0}')\n"
ANSWER = "**Your answer:**\n\n*Write your answer here.*"


class Kind(NamedTuple):
    """A kind of submission, and the points that it is worth; None for one that can't be taken in."""

    files: Mapping[str, str | bytes]
    double: float
    shift: float
    refused: bool = False


def module(double: str = DOUBLE, shift: str = SHIFT) -> dict[str, str | bytes]:
    """Return the files of a submission with these two functions."""
    return {"mini.py": f"import numpy as np\n\n\n{double}\n\n{shift}"}


def wrong(body: str) -> dict[str, str | bytes]:
    """Return the files of a submission whose `double` has this body."""
    return module(double=f"def double(x):\n    {body}\n")


KINDS: dict[str, Kind] = {
    "right": Kind(module(), 6, 4),
    "deep": Kind({"hw/final/mini.py": RIGHT}, 6, 4),
    "renamed": Kind({"mini (1).py": RIGHT}, 6, 4),
    "loops": Kind(wrong("return np.array([v + v for v in x])"), 6, 4),
    "stub-double": Kind(module(double=STUB.format("double")), 0, 4),
    "stub-both": Kind(module(STUB.format("double"), STUB.format("shift")), 0, 0),
    "thrice": Kind(wrong("return 3 * x"), 0, 4),
    "lucky": Kind(wrong("return 2 * x if len(x) == 1 else x"), 3, 4),
    "shape": Kind(wrong("return (2 * x)[None]"), 0, 4),
    "integers": Kind(wrong("return (2 * x).astype(int)"), 0, 4),
    "nan": Kind(wrong("return x * np.nan"), 0, 4),
    "none": Kind(wrong("return None"), 0, 4),
    "raises": Kind(wrong("raise ValueError('=cmd|calc')"), 0, 4),
    "left": Kind(module(shift="def shift(x):\n    return np.roll(x, -1)\n"), 6, 0),
    "zero-fill": Kind(
        module(shift="def shift(x):\n    return np.concatenate([[0.0], x[:-1]])\n"), 6, 0
    ),
    "exits": Kind(wrong("import os; os._exit(0)"), 0, 4),
    "sys-exit": Kind(wrong("raise SystemExit(0)"), 0, 4),
    "prints": Kind(wrong("print('\\x1b[31m' + 'x' * 1000); return 2 * x"), 6, 4),
    "syntax": Kind({"mini.py": "def double(x:\n"}, 0, 0),
    "python2": Kind({"mini.py": "print 'hello'\n"}, 0, 0),
    "import-dies": Kind({"mini.py": "import os\nos._exit(3)\n"}, 0, 0),
    "empty-module": Kind({"mini.py": ""}, 0, 0),
    "nothing-wanted": Kind({"essay.pdf": b"%PDF-1.4"}, 0, 0, refused=True),
    "two-copies": Kind(
        {"a/mini.py": RIGHT, "b/mini.py": f"{RIGHT}\n# other\n"}, 0, 0, refused=True
    ),
}


def notebook(text: str) -> str:
    """Return the notebook with this answer."""
    cells = [
        {
            "cell_type": "markdown",
            "id": "asked",
            "metadata": {"grader": {"role": "provided"}},
            "source": "Why?",
        },
        {
            "cell_type": "markdown",
            "id": "why",
            "metadata": {"grader": {"role": "student", "points": 2}},
            "source": text,
        },
    ]
    return json.dumps({"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": cells})


# What was recorded by a spec and its checks, for the next assignment that is made of the same.
_RECORDED: dict[tuple[str, str], dict[str, bytes]] = {}


def build(folder: Path, spec: str = SPEC) -> Assignment:
    """Write the assignment, record it, and load it."""
    source = ANSWER.replace(
        "*Write your answer here.*", "### BEGIN SOLUTION\nBecause.\n### END SOLUTION"
    )
    for path, text in {
        "assignment.toml": spec,
        "checks/test_mini.py": CHECKS,
        "reference/mini.py": RIGHT,
        "notebooks/Words.ipynb": notebook(source),
    }.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text, encoding="utf-8")
    kept, answers = (spec, CHECKS), folder / "expectations"
    if kept in _RECORDED and not answers.exists():
        answers.mkdir()
        for name, data in _RECORDED[kept].items():
            (answers / name).write_bytes(data)
        return load(folder)
    fresh = not answers.exists()
    record(load(folder), reseed=False, again=False, progress=lambda line: None)
    if fresh:
        _RECORDED[kept] = {path.name: path.read_bytes() for path in answers.iterdir()}
    return load(folder)


def write(folder: Path, files: Mapping[str, str | bytes]) -> Path:
    """Write files below a folder."""
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return folder


def zipped(files: Mapping[str, str | bytes]) -> bytes:
    """Return files as a zip."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return buffer.getvalue()


def zip_folder(folder: Path, target: Path) -> Path:
    """Pack a folder's content, as an LMS packs its bulk download."""
    with zipfile.ZipFile(target, "w") as archive:
        for path in sorted(folder.rglob("*")):
            archive.write(path, os.fspath(path.relative_to(folder)))
    return target
