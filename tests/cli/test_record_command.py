"""``grader record``: what it writes, and how it says that something is stale."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from toy import REFERENCE, Toy

from grader import cli as command_line


@pytest.fixture
def folder(toy: Toy, tmp_path: Path) -> Path:
    """A copy of the recorded toy."""
    return shutil.copytree(toy.assignment.folder, tmp_path / "assignment")


def record(folder: Path, *arguments: str) -> int:
    return command_line.run(["record", "--assignment", str(folder), *arguments])


def test_check_of_fresh_expectations_exits_0(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert record(folder, "--check") == 0
    assert capsys.readouterr().out.endswith("the expectations are up to date\n")


def test_check_of_stale_expectations_exits_1_and_writes_nothing(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with (folder / "reference" / "pack" / "toy.py").open("a") as file:
        file.write("# changed\n")
    before = {path: path.read_bytes() for path in (folder / "expectations").iterdir()}
    assert record(folder, "--check", "--quiet") == 1
    out = capsys.readouterr().out
    assert "stale: public.h5: the reference has changed since it was recorded" in out
    assert out.endswith("run `grader record`\n")
    assert {path: path.read_bytes() for path in (folder / "expectations").iterdir()} == before


@pytest.mark.usefixtures("real_starts")
def test_record_makes_stale_expectations_fresh(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "reference" / "pack" / "toy.py").write_text(REFERENCE + "# changed\n")
    assert record(folder) == 0
    assert "12 cases" in capsys.readouterr().out
    assert record(folder, "--check", "--quiet") == 0


def test_reference_that_can_not_be_recorded_exits_2(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "reference" / "pack" / "toy.py").unlink()
    assert record(folder, "--quiet") == 2
    assert capsys.readouterr().err.startswith("grader: the reference lacks pack/toy.py")
