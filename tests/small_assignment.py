"""A small assignment with everything that a handout must treat with care: hidden checks, notebooks,
two questions.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

from grader.assignment.spec import Assignment, load
from grader.authoring import record

SPEC = """\
schema = 1
name = "sums"
title = "Sums {and} products # all"
reference = "../solutions"

[[questions]]
id = "q1"
name = "add"
title = "Adding"

[[questions]]
id = "q2"
title = "Scaling"

[[files]]
path = "lib/sums.py"
provides = ["add_up", "scale_by", "Model"]

[[notebooks]]
path = "Work.ipynb"
source = "notebooks/Work.ipynb"
provides = ["half_of"]

[provided]
"lib" = "lib"

[[checks]]
id = "add_up"
question = "q1"
points = 2

[[checks]]
id = "add_many"
question = "q1"
points = 1
visibility = "hidden"
requires = ["add_up"]

[[checks]]
id = "halves"
question = "q1"
points = 1
notebook = "Work.ipynb"
requires = ["add_up", "add_many"]

[[checks]]
id = "scale_by"
question = "q2"
points = 1
"""

CHECKS = '''\
"""Checks of sums."""

import math

import numpy as np
import pytest

SECRET_LENGTHS = (61, 67)


@pytest.fixture
def secret_offset():
    return 4711.25


def vectors(rng, length):
    return rng.normal(size=length), rng.normal(size=length)


@pytest.mark.parametrize("length", [1, 3])
def test_add_up(student, expect, rng, length):
    """Adds two vectors."""
    expect("total", student.add_up(*vectors(rng, length)))


# A trap for those who look at the first entry alone.
@pytest.mark.parametrize("length", SECRET_LENGTHS)
def test_add_many(student, expect, rng, secret_offset, length):
    """Adds long vectors, too."""
    a, b = vectors(rng, length)
    expect("total", student.add_up(a + math.floor(secret_offset), b))


def test_halves(notebook, expect):
    """The notebook halves."""
    expect("half", notebook["half_of"](np.arange(5.0)))


def test_scale_by(student, expect, rng):
    """Scales a vector."""
    expect("scaled", student.scale_by(rng.normal(size=4), 3.0))
'''

REFERENCE = '''\
"""Sums, to be written."""

from lib.helpers import zeros_like


def add_up(a, b):
    """Return the sum of two vectors."""
    # Begin with zeros.
    ### BEGIN SOLUTION Task 1: add_up
    total = zeros_like(a)
    for index in range(len(a)):
        # every entry gets its partner added
        total[index] = a[index] + b[index]
    return total
    ### END SOLUTION


def scale_by(a, factor):
    """Return a vector times a number."""
    ### BEGIN SOLUTION Task 2
    return [entry * factor for entry in a] if isinstance(a, list) else a * factor
    ### END SOLUTION


class Model:
    def fit(self):
        ### BEGIN SOLUTION Task 3: Model.fit
        return self
        ### END SOLUTION
'''

HELPERS = '''\
"""Provided."""

import numpy as np


def zeros_like(a):
    return np.zeros_like(a)
'''

CELLS = (
    ("markdown", "# Halves", "provided"),
    (
        "code",
        "def half_of(x):\n    ### BEGIN SOLUTION Task 4: half_of\n    return np.multiply(x, 0.5)\n    ### END SOLUTION",
        "student",
    ),
    ("code", "import numpy as np\nhalf_of(np.ones(2))", "provided"),
    (
        "markdown",
        "**Why?**\n\n### BEGIN SOLUTION\nHalving twice is quartering once.\n### END SOLUTION",
        "student",
    ),
)


def notebook(cells: tuple[tuple[str, str, str], ...] = CELLS) -> str:
    """Return a notebook's JSON."""
    made = []
    for index, (kind, source, role) in enumerate(cells):
        cell = {
            "id": f"cell-{index}",
            "cell_type": kind,
            "source": source,
            "metadata": {"grader": {"role": role}},
        }
        made.append({**cell, "outputs": [], "execution_count": None} if kind == "code" else cell)
    return json.dumps({"cells": made, "metadata": {}, "nbformat": 4, "nbformat_minor": 5})


FILES = {
    "assignment/assignment.toml": SPEC,
    "assignment/checks/test_sums.py": CHECKS,
    "assignment/lib/__init__.py": "",
    "assignment/lib/helpers.py": HELPERS,
    "assignment/notebooks/Work.ipynb": notebook(),
    "solutions/lib/sums.py": REFERENCE,
}


def write(root: Path, changes: Mapping[str, str] | None = None) -> Assignment:
    """Write the assignment below a folder, with some files otherwise, and load it."""
    for name, text in {**FILES, **(changes or {})}.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8", newline="")
    return load(root / "assignment")


def recorded(assignment: Assignment) -> Assignment:
    """Record what the reference answers."""
    record.record(assignment, reseed=False, again=False, progress=lambda line: None)
    return load(assignment.folder)
