"""Fixtures for the tests of the flagship: a course tree as a student works in it."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import textwrap
from collections.abc import Callable
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
LITTER = shutil.ignore_patterns("__pycache__", "*.pyc", ".ipynb_checkpoints")


@pytest.fixture(scope="session")
def course_tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder holding `cs231n/`: the support code, the reference solution over it, and the data set in its place.

    Tests share it, so they must not write into it. They run `python script` with this folder as the working directory
    and on PYTHONPATH: a module imported in the test process itself would leak into the next test.
    """
    tree = tmp_path_factory.mktemp("course")
    package = tree / "cs231n"
    shutil.copytree(ROOT / "assignment" / "cs231n", package, ignore=LITTER)
    shutil.copytree(ROOT / "solutions" / "cs231n", package, ignore=LITTER, dirs_exist_ok=True)
    data = ROOT / "assignment" / "data" / "coco_captioning"
    shutil.copytree(data, package / "datasets" / "coco_captioning", ignore=LITTER)
    return tree


@pytest.fixture(scope="session")
def run_course(course_tree: Path, tmp_path_factory: pytest.TempPathFactory) -> Callable[..., str]:
    """Run a Python script in the course tree, in a process of its own, and return what it printed."""

    def run(source: str, *arguments: str) -> str:
        script = tmp_path_factory.mktemp("script") / "script.py"
        script.write_text(textwrap.dedent(source), encoding="utf-8")
        environment = {**os.environ, "PYTHONPATH": str(course_tree), "PYTHONDONTWRITEBYTECODE": "1"}
        environment |= dict.fromkeys(("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"), "1")
        done = subprocess.run(
            [sys.executable, "-W", "error", str(script), *arguments],
            cwd=course_tree,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    return run
