"""The benchmarks still fit what they measure."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from grader.assignment.expectations import Expectations
from grader.assignment.spec import load

ROOT = Path(__file__).resolve().parents[1]
BASICS = ROOT / "examples" / "numpy-basics"
COLLECT = """
import sys
from pathlib import Path
from benchmarks import floor
from grader.assignment.spec import load
for check, case, *_ in floor.collect(load(Path(sys.argv[1]))):
    print(check, case, sep=":", file=sys.stderr)
"""


def test_the_floor_runs_the_cases_that_are_graded() -> None:
    done = subprocess.run(
        [sys.executable, "-c", COLLECT, BASICS], cwd=ROOT, capture_output=True, text=True, check=True
    )  # fmt: skip
    recorded = Expectations.read(load(BASICS).expectations_path("public")).cases
    assert set(done.stderr.split("\n")[:-1]) == {f"{check}:{case}" for check, case in recorded}
