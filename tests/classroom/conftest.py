"""Fixtures for the tests of the classroom: the mini assignment, recorded, and classes that were graded."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import mini
import pytest

from grader.assignment.spec import Assignment


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--kills", type=int, default=6, help="how often the class is killed in the middle")


@pytest.fixture(scope="session")
def assignment(tmp_path_factory: pytest.TempPathFactory) -> Assignment:
    """The mini assignment. Tests share it and write nothing into it."""
    return mini.build(tmp_path_factory.mktemp("mini") / "assignment")


@pytest.fixture
def small_class(tmp_path: Path) -> Path:
    """Six submissions of different kinds, a folder each."""
    for number, kind in enumerate(("right", "thrice", "left", "stub-both", "exits", "nothing-wanted")):
        mini.write(tmp_path / "submissions" / f"s{number}", mini.KINDS[kind].files)
    return tmp_path / "submissions"


@pytest.fixture
def batch(cli: Callable, assignment: Assignment, tmp_path: Path) -> Callable:
    """Return a function that runs ``grader batch`` on the mini assignment without a sandbox."""

    def run(submissions: Path, *arguments: str | Path, out: Path = tmp_path / "out"):
        fixed = ("--assignment", assignment.folder, "--isolation", "none", "--workers", "2", "--out", out)
        return cli("batch", submissions, *fixed, *arguments)

    return run
