"""Fixtures for the tests of the classroom: the mini assignment, recorded, and classes graded by the
command line.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import mini
import pytest
from here import Here

from grader import cli as commands
from grader.assignment.spec import Assignment
from grader.authoring.audit.trial_runs import settle
from grader.classroom.run import executors, worker


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--kills", type=int, default=6, help="how often the class is killed in the middle"
    )
    parser.addoption(
        "--starved", type=int, default=0, help="the size of the class that has too little memory"
    )


class Ran(NamedTuple):
    """A finished command."""

    code: int
    out: str
    err: str


@pytest.fixture(scope="session")
def assignment(tmp_path_factory: pytest.TempPathFactory) -> Assignment:
    """The mini assignment. Tests share it and write nothing into it."""
    return mini.build(tmp_path_factory.mktemp("mini") / "assignment")


@pytest.fixture
def small_class(tmp_path: Path) -> Path:
    """Six submissions of different kinds, a folder each."""
    for number, kind in enumerate(
        ("right", "thrice", "left", "stub-both", "exits", "nothing-wanted")
    ):
        mini.write(tmp_path / "submissions" / f"s{number}", mini.KINDS[kind].files)
    return tmp_path / "submissions"


@pytest.fixture
def command(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Iterator[Callable[..., Ran]]:
    """Return a function that runs the command line in this process, its workers too: a start of
    processes is dear.
    """
    monkeypatch.setattr(executors, "Lanes", Here)
    monkeypatch.setenv("COLUMNS", "200")

    def run(*arguments: str | Path) -> Ran:
        capsys.readouterr()
        code = commands.run(list(map(str, arguments)))
        return Ran(code, *capsys.readouterr())

    yield run
    worker.close()


@pytest.fixture(scope="session")
def tier(assignment: Assignment) -> str:
    """The strongest tier that this machine has: there, a submission costs a fork and no start."""
    return settle(assignment, "auto")


@pytest.fixture
def batch(
    command: Callable[..., Ran], assignment: Assignment, tier: str, tmp_path: Path
) -> Callable[..., Ran]:
    """Return a function that runs ``grader batch`` on the mini assignment, behind walls if there
    are any, in this process: there, a submission costs a fork and no start of Python.
    """

    def run(submissions: Path, *arguments: str | Path, out: Path = tmp_path / "out") -> Ran:
        fixed = ("--assignment", assignment.folder, "--isolation", tier, "--out", out)
        return command("batch", submissions, *fixed, *arguments)

    return run
