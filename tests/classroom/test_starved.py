"""A class whose submissions may take twice the memory that there is: all marks are right or none.

It takes root and a Linux with memory cgroups, and a minute for a class of 60, so that it is run by
hand: ``pytest tests/classroom/test_starved.py --starved 60``.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import bulk
import mini
import pytest

MEMORY_MB = 2048  # that a submission may take
GROUPS = Path("/sys/fs/cgroup")
HUNGRY = mini.wrong("a = np.ones(150_000_000); return 2 * x + 0 * a[0]")  # 1.2 GB for a moment
FED = mini.wrong("a = np.ones(40_000_000); return 2 * x + 0 * a[0]")  # 320 MB


@pytest.fixture
def starved() -> Iterator[Path]:
    """A cgroup with half of the memory that one submission may take; return its list of
    processes.
    """
    first = GROUPS / "memory" if (GROUPS / "memory").is_dir() else GROUPS
    group = first / "grader-starved"
    try:
        group.mkdir()
        limit = "memory.max" if (group / "memory.max").exists() else "memory.limit_in_bytes"
        (group / limit).write_text(str(MEMORY_MB << 19))
    except OSError as error:
        pytest.skip(f"no memory cgroup can be made here: {error}")
    yield group / "cgroup.procs"
    group.rmdir()


def test_a_class_with_half_the_memory_has_right_marks_or_none(
    starved: Path, tmp_path: Path, pytestconfig: pytest.Config
) -> None:
    size = pytestconfig.getoption("--starved", 0)
    if not size:
        pytest.skip("give --starved 60 to grade so many submissions in too little memory")
    own = (HUNGRY, FED, mini.wrong("return 3 * x"))
    right = {0: "10", 1: "10", 2: "4"}
    for number in range(size):
        mini.write(tmp_path / "submissions" / f"s{number:03}", own[number % 3])
    spec = mini.SPEC.replace("memory_mb = 512", f"memory_mb = {MEMORY_MB}")
    spec = spec.replace("call_seconds = 3", "call_seconds = 120")  # memory comes slowly, too
    assignment = mini.build(tmp_path / "assignment", spec)
    command = [
        sys.executable, "-m", "grader", "batch", tmp_path / "submissions", "--out", tmp_path / "out",
        "--assignment", assignment.folder, "--workers", "2",
    ]  # fmt: skip
    into = f"echo $$ > {starved}; exec "
    poor = subprocess.run(
        ["bash", "-c", f'{into} "$@"', "-", *map(str, command)],
        check=False, capture_output=True, text=True, cwd=tmp_path,
    )  # fmt: skip
    print(poor.stdout, poor.stderr)
    assert poor.returncode == 3
    told = {row["id"]: row for row in bulk.read(tmp_path / "out" / "gradebook.csv")}
    assert len(told) == size
    for number in range(size):
        row = told[f"s{number:03}"]
        expected = ("graded", right[number % 3])
        assert (row["status"], row["score"]) in (expected, ("fault", "")), row
        if number % 3 == 0:
            assert row["status"] == "fault", row
    rich = subprocess.run(
        list(map(str, command)), check=False, capture_output=True, text=True, cwd=tmp_path
    )
    print(rich.stdout[-600:])
    assert rich.returncode == 1
    for number, row in enumerate(bulk.read(tmp_path / "out" / "gradebook.csv")):
        assert (row["status"], row["score"]) == ("graded", right[number % 3]), row
