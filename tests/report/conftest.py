"""Fixtures for the tests of reports: two small assignments, graded twice in processes that hash
otherwise.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
import small_assignment
from corpus import ROOT as CORPUS
from corpus import lay_down

from grader.assignment.spec import Assignment

from .graded import grade_each

TESTS = Path(__file__).resolve().parents[1]
FIGURE = """\
import matplotlib.pyplot as plt
import warnings

warnings.warn("halves of halves")
plt.plot(half_of(np.arange(5)))
plt.title("halves")
plt.show()"""
CELLS = (*small_assignment.CELLS, ("code", FIGURE, "provided"))
BROKEN_SUMS = """\
import numpy as np


def add_up(a, b):
    print("adding", len(a), {"alpha", "beta", "gamma"} >= {"alpha"})
    return a + b + np.linspace(0, 1, len(a))


def scale_by(a, factor):
    return a.missing
"""
BROKEN_WORK = """\
import numpy as np


def forward(x, w):
    return np.tanh(x @ w) + (np.arange(len(x)) == 1), (x, w)


def backward(dy, cache):
    x, w = cache
    da = dy * (1 - np.tanh(x @ w) ** 2)
    return np.outer(da, w) + (np.arange(len(x)) == 1)[:, None], x.T @ da
"""
GRADE = """\
import sys
from pathlib import Path

sys.path.insert(0, sys.argv[1])
from report.graded import grade_each

grade_each(*map(Path, sys.argv[2:]))
"""


@pytest.fixture(scope="session")
def graded_twice(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, Path]]:
    """Two folders with the reports of the same submissions: right and broken, of functions and of a
    notebook.
    """
    root = tmp_path_factory.mktemp("twice")
    with tempfile.TemporaryDirectory(prefix="grader-twice-") as place:
        Path(place).chmod(0o755)
        small = lay_down(Path(place, "small"), "canary")
        sums = lay_down_sums(Path(place, "sums"), root / "sums")
        right = CORPUS / "honest" / "nb_right"
        shutil.copytree(right, root / "small" / "right")
        hand_in(root / "small" / "broken", {"work.py": BROKEN_WORK})
        runs = []
        for seed in ("1", "2"):
            environment = {**os.environ, "PYTHONHASHSEED": seed, "OPENBLAS_NUM_THREADS": "1"}
            for name, assignment in (("small", small), ("sums", sums)):
                paths = (assignment.folder, root / name, root / f"run-{seed}" / name)
                runs.append(
                    subprocess.Popen([sys.executable, "-c", GRADE, TESTS, *paths], env=environment)
                )
        assert [run.wait(timeout=300) for run in runs] == [0] * len(runs)
        yield root / "run-1", root / "run-2"


@pytest.fixture(scope="session")
def graded_sums(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The folder with the reports of the sums, right and broken."""
    root = tmp_path_factory.mktemp("sums")
    with tempfile.TemporaryDirectory(prefix="grader-sums-") as place:
        Path(place).chmod(0o755)
        sums = lay_down_sums(Path(place, "sums"), root / "sums")
        grade_each(sums.folder, root / "sums", root / "reports")
        yield root / "reports"


def lay_down_sums(folder: Path, submissions: Path) -> Assignment:
    """Record the small assignment with a notebook that has a figure; hand in right and broken work."""
    notebook = small_assignment.notebook(CELLS)
    sums = small_assignment.write(folder, {"assignment/notebooks/Work.ipynb": notebook})
    small_assignment.recorded(sums)
    for name, text in (("right", small_assignment.REFERENCE), ("broken", BROKEN_SUMS)):
        hand_in(submissions / name, {"lib/sums.py": text, "Work.ipynb": notebook})
    return sums


def hand_in(folder: Path, files: dict[str, str]) -> None:
    """Write a submission."""
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text, encoding="utf-8")
