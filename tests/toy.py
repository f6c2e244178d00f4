"""A small assignment for the framework's own tests: five functions, a class, a notebook, and checks
of them.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from grader.assignment.spec import Assignment, load
from grader.grading.grade import Grader, Options, grade
from grader.model import CheckResult, Report
from grader.notebooks.jupyter_format import NotebookNode, nbformat

SPEC = """
schema = 1
name = "toy"
title = "A toy"
reference = "reference"

[[questions]]
id = "q1"
title = "Functions"

[[questions]]
id = "q2"
title = "The notebook"

[[files]]
path = "pack/toy.py"
provides = ["center", "center_backward", "count", "noise", "Tally"]

[[notebooks]]
path = "Toy.ipynb"
source = "notebooks/Toy.ipynb"

[provided]
"pack" = "pack"

[[checks]]
id = "center"
question = "q1"
points = 4

[[checks]]
id = "center_backward"
question = "q1"
points = 3
requires = ["center"]

[[checks]]
id = "count"
question = "q1"
points = 2

[[checks]]
id = "noise"
question = "q1"
points = 1

[[checks]]
id = "tally"
question = "q1"
points = 2

[[checks]]
id = "notebook"
question = "q2"
points = 3
notebook = "Toy.ipynb"

[limits]
call_seconds = 20
import_seconds = 30
cell_seconds = 20
notebook_seconds = 60
output_mb = 0.05
"""

REFERENCE = '''"""The toy's reference."""

import numpy as np

from .given import total


def center(x):
    return x - x.mean(axis=0), x.shape


def center_backward(dy, cache):
    return dy - dy.mean(axis=0)


def count(ids, n):
    return np.bincount(ids, minlength=n)


def noise(n):
    return np.random.randn(n)


class Tally:
    def __init__(self, start):
        self.state = {"w": np.full(2, float(start))}

    def add(self, x):
        self.state["w"] = self.state["w"] + x
        return total(self.state["w"])
'''

CHECKS = '''"""Checks of the toy."""

import numpy as np
import pytest

cases = pytest.mark.parametrize("sizes", [(4, 3), (1, 3), (5, 1)], ids=["N=4", "N=1", "D=1"])


@cases
def test_center(student, expect, rng, sizes):
    """Columns with a mean of zero."""
    y, _ = student.center(rng.standard_normal(sizes))
    expect("y", y)


@cases
def test_center_backward(student, expect, rng, sizes):
    """The gradient of `center`."""
    _, cache = student.center(rng.standard_normal(sizes))
    expect("dx", student.center_backward(rng.standard_normal(sizes), cache))


def test_count(student, expect, rng):
    """How often each id occurs."""
    expect("counts", student.count(rng.integers(0, 5, size=20), 5))


def test_noise(student, expect):
    """Numbers from NumPy's global generator, which starts anew with every case."""
    expect("numbers", student.noise(3))


def test_tally(student, expect, rng):
    """An object that stays in the box."""
    tally = student.Tally(2)
    tally.state["w"] = rng.standard_normal(2)
    expect("sum", tally.add(rng.standard_normal(2)))
    expect("state", tally.state)


@pytest.mark.parametrize("part", ["runs", "answer", "double"])
def test_notebook(notebook, expect, rng, part):
    """The notebook runs, and what it defines is right."""
    notebook.must_run()
    if part == "answer":
        expect("answer", notebook["answer"])
    if part == "double":
        expect("double", notebook["double"](rng.standard_normal(3)))
'''

CELLS = (  # id, type, role, source
    ("title", "markdown", "provided", "# A toy"),
    ("set-up", "code", "provided", "import numpy as np\nfrom pack.toy import center"),
    ("double", "code", "student", "def double(x):\n    return 2 * x"),
    ("answer", "code", "provided", "answer = double(center(np.arange(3.0))[0])\nprint('answered')"),
)
CENTER_STUB = "def center(x):\n    raise NotImplementedError('center')\n"


HASTY = {"call_seconds": 3.0, "import_seconds": 5.0, "cell_seconds": 4.0, "notebook_seconds": 12.0}


class Graded(NamedTuple):
    """A graded submission of the toy."""

    report: Report
    notebooks: dict[str, Any]

    def __getitem__(self, id_: str) -> CheckResult:
        return next(check for check in self.report.checks if check.id == id_)

    @property
    def statuses(self) -> dict[str, str]:
        return {check.id: check.status.value for check in self.report.checks}

    @property
    def passed(self) -> set[str]:
        return {id_ for id_, status in self.statuses.items() if status == "pass"}


def notebook(cells: Iterable[tuple[str, str, str, str]] = CELLS) -> NotebookNode:
    """Return a notebook of cells given by id, type, role and source."""
    make = {"code": nbformat.v4.new_code_cell, "markdown": nbformat.v4.new_markdown_cell}
    nodes = [
        make[kind](source, id=id_, metadata={"grader": {"role": role}})
        for id_, kind, role, source in cells
    ]
    return nbformat.v4.new_notebook(cells=nodes)


def build(
    folder: Path, *, spec: str = SPEC, checks: str = CHECKS, reference: str = REFERENCE
) -> Assignment:
    """Write the assignment's folder and load it; nothing is recorded yet."""
    for path, text in {
        "assignment.toml": spec,
        "checks/test_toy.py": checks,
        "reference/pack/toy.py": reference,
        "pack/__init__.py": "",
        "pack/given.py": "def total(x):\n    return float(x.sum())\n",
        "notebooks/Toy.ipynb": nbformat.writes(notebook()),
    }.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text, encoding="utf-8")
    return load(folder)


Graders = Callable[[Path], Grader]


class Toy:
    """The recorded assignment, and submissions to it.

    ``graders`` gives the one grader of a folder, whose open sandbox costs a tenth of a new process;
    without it each submission is graded in new processes, without walls.
    """

    def __init__(
        self, assignment: Assignment, submissions: Path, graders: Graders | None = None
    ) -> None:
        self.assignment = assignment
        self._submissions = submissions
        self._graders = graders

    @property
    def hasty(self) -> Toy:
        """The same with a few seconds for everything, for code that never ends."""
        limits = msgspec.structs.replace(self.assignment.spec.limits, **HASTY)
        spec = msgspec.structs.replace(self.assignment.spec, limits=limits)
        hurried = Assignment(self.assignment.folder, spec)
        return Toy(hurried, self._submissions / "hasty", self._graders)

    @property
    def plain(self) -> Toy:
        """The same with a new process for each submission, without walls."""
        return Toy(self.assignment, self._submissions)

    def submission(self, code: str | bytes = REFERENCE, notebook: Any = None) -> Path:
        """Write a submission: the module's text, and a notebook if one is given, as a node or as
        bytes.
        """
        self._submissions.mkdir(parents=True, exist_ok=True)
        folder = Path(tempfile.mkdtemp(prefix="s", dir=self._submissions))
        (folder / "pack").mkdir()
        (folder / "pack" / "toy.py").write_bytes(code if isinstance(code, bytes) else code.encode())
        if notebook is not None:
            data = notebook if isinstance(notebook, bytes) else json.dumps(notebook).encode()
            (folder / "Toy.ipynb").write_bytes(data)
        return folder

    def grade(self, code: str | bytes = REFERENCE, *only: str, notebook: Any = None) -> Graded:
        """Grade a submission; without ``only``, by all checks but the notebook's."""
        asked = frozenset(only) or frozenset(check.id for check in self.assignment.spec.checks) - {
            "notebook"
        }
        submission = self.submission(code, notebook)
        if self._graders is None:
            graded = grade(self.assignment, submission, Options(isolation="none", only=asked))
        else:
            grader = self._graders(self.assignment.folder)
            grader.assignment = self.assignment
            grader.options = msgspec.structs.replace(grader.options, only=asked)
            graded = grader.grade(submission)
        return Graded(graded.report, graded.notebooks)

    def grade_notebook(self, notebook: Any) -> Graded:
        """Grade a notebook beside the right module."""
        return self.grade(REFERENCE, "notebook", notebook=notebook)

    def change(self, definition: str, *only: str) -> Graded:
        """Grade the reference with a definition that comes last in the file, and so counts."""
        return self.grade(f"{REFERENCE}\n\n{definition}\n", *only)
