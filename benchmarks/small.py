"""Load (a) in all its forms: the notebook, submissions of it, and what the peers' authors would
write for it.
"""

from __future__ import annotations

from typing import NamedTuple

import nbformat
from nbformat import NotebookNode

TASKS = ("standardise", "moving_average", "one_hot")
POINTS = {"standardise": 4, "moving_average": 4, "one_hot": 2}
WRONG_TASKS = ("standardise", "moving_average")  # what every second submission has wrong

SET_UP = (
    "import numpy as np\n\nrng = np.random.default_rng(1)\nsample = rng.standard_normal((6, 3))"
)
TEXTS = {
    "standardise": "## Standardise\n\nSubtract each column's mean and divide by its standard deviation.",
    "moving_average": "## Moving average\n\nThe mean of every window of `width` neighbours.",
    "one_hot": "## One-hot rows\n\nA row of `n` numbers for each label: one in the label's column, else zero.",
}
TRIALS = {
    "standardise": "print(standardise(sample).round(3))",
    "moving_average": "moving_average(sample[:, 0], 3)",
    "one_hot": "one_hot(np.array([2, 0, 1]), 3)",
}
RIGHT = {
    "standardise": "def standardise(x):\n    return (x - x.mean(axis=0)) / x.std(axis=0)",
    "moving_average": (
        "def moving_average(x, width):\n"
        "    return np.array([x[i:i + width].mean() for i in range(len(x) - width + 1)])"
    ),
    "one_hot": "def one_hot(labels, n):\n    rows = np.zeros((len(labels), n))\n"
    "    rows[np.arange(len(labels)), labels] = 1\n    return rows",
}  # fmt: skip
WRONG = {
    "standardise": "def standardise(x):\n    return (x - x.mean()) / x.std()",
    "moving_average": (
        "def moving_average(x, width):\n    return np.array([x[i:i + width].sum() for i in range(len(x) - width + 1)])"
    ),
}
# The same cases for the peers, whose checks are cells or doctests: inputs drawn there, a second way
# to the answer.
CASES = "SHAPES = [(8, 3), (20, 5), (3, 2), (50, 4)]\nrng = np.random.default_rng(2016)"
TESTS = {
    "standardise": """for shape in SHAPES:
    x = 3 + 2 * rng.standard_normal(shape)
    centred = x - np.add.reduce(x) / len(x)
    np.testing.assert_allclose(standardise(x), centred / np.sqrt((centred ** 2).mean(axis=0)), rtol=1e-6, atol=1e-9)""",
    "moving_average": """for shape in SHAPES:
    x, width = rng.standard_normal(shape[0]), min(4, shape[0])
    np.testing.assert_allclose(moving_average(x, width), np.convolve(x, np.ones(width) / width, 'valid'), rtol=1e-6, atol=1e-9)""",
    "one_hot": """for shape in SHAPES:
    labels = rng.integers(0, shape[1], size=shape[0])
    np.testing.assert_allclose(one_hot(labels, shape[1]), np.eye(shape[1])[labels])""",
}


class Submission(NamedTuple):
    """One student's answer and the marks that it deserves."""

    name: str
    sources: dict[str, str]  # task -> the cell
    points: dict[str, int]

    @property
    def total(self) -> int:
        """All points together."""
        return sum(self.points.values())


def submissions(count: int) -> list[Submission]:
    """Return that many submissions, every second of which is wrong in two functions; no two are
    equal.
    """
    made = []
    for number in range(count):
        wrong = WRONG_TASKS if number % 2 else ()
        sources = {
            task: f"{(WRONG if task in wrong else RIGHT)[task]}\n# submission {number}"
            for task in TASKS
        }
        points = {task: 0 if task in wrong else POINTS[task] for task in TASKS}
        made.append(Submission(f"s{number:04}", sources, points))
    return made


def notebook(sources: dict[str, str]) -> NotebookNode:
    """Return the notebook as our assignment has it, with these cells of the student's."""
    cells = [_cell("set-up", SET_UP)]
    for task in TASKS:
        cells.append(_cell(f"{task}-text", TEXTS[task], kind="markdown"))
        cells.append(_cell(task, sources[task], role="student"))
        cells.append(_cell(f"{task}-trial", TRIALS[task]))
    return nbformat.v4.new_notebook(cells=cells, metadata={"kernelspec": KERNEL})


def nbgrader_notebook(sources: dict[str, str]) -> NotebookNode:
    """Return the notebook as nbgrader has it: a graded cell behind each task."""
    cells = []
    for cell in notebook(sources).cells:
        solution = cell.metadata.grader.role == "student"
        cell.metadata = (
            {"nbgrader": nbgrader_mark(cell.id, grade=False, solution=solution)} if solution else {}
        )
        cells.append(cell)
        if solution:
            test = _cell(f"test-{cell.id}", f"{CASES}\n{TESTS[cell.id]}")
            test.metadata = {
                "nbgrader": {
                    **nbgrader_mark(test.id, grade=True, solution=False),
                    "points": POINTS[cell.id],
                }
            }
            cells.append(test)
    return nbformat.v4.new_notebook(cells=cells, metadata={"kernelspec": KERNEL})


def otter_test(task: str) -> str:
    """Return an otter test file for a task, in its own format."""
    return doctest_file(task, f"{CASES}\n{TESTS[task]}\n", POINTS[task])


def doctest_file(name: str, source: str, points: int) -> str:
    """Return an otter test file that runs some code, which prints nothing where all is right."""
    lines = source.splitlines()
    code = (
        "\n".join(("... " if line.startswith("    ") else ">>> ") + line for line in lines) + "\n"
    )
    cases = [{"code": code, "hidden": False, "locked": False}]
    suites = [{"cases": cases, "scored": True, "setup": "", "teardown": "", "type": "doctest"}]
    test = {"name": name, "points": points, "suites": suites}
    return f"OK_FORMAT = True\n\ntest = {test!r}\n"


def nbgrader_mark(id_: str, *, grade: bool, solution: bool) -> dict[str, object]:
    """Return a cell's metadata, as nbgrader writes it."""
    return {
        "grade": grade, "grade_id": id_, "locked": grade, "schema_version": 3, "solution": solution, "task": False
    }  # fmt: skip


def _cell(id_: str, source: str, *, kind: str = "code", role: str = "provided") -> NotebookNode:
    make = nbformat.v4.new_markdown_cell if kind == "markdown" else nbformat.v4.new_code_cell
    return make(source=source, id=id_, metadata={"grader": {"id": id_, "role": role}})


KERNEL = {"display_name": "Python 3", "language": "python", "name": "python3"}
