"""What `grader batch` takes to tell a class that nothing has changed.

`python -m benchmarks.unchanged [STUDENTS] [--profile FILE]` makes a class of 2,000 that hand in one
function each, all the same. It grades the first and keeps that answer for all, since how a class
was graded does not matter here. Then it runs the command over the class that has not changed, and
prints its CPU time, without and with the time in which the machine did something else.
"""

from __future__ import annotations

import argparse
import os
import resource
import subprocess
import sys
import tempfile
import time
from concurrent.futures import Future
from pathlib import Path

from benchmarks.contest import ROOT, environment
from benchmarks.growth import functions
from grader.assignment.spec import Assignment
from grader.classroom.marks import class_summary
from grader.classroom.run import worker
from grader.classroom.run.batch import Batch
from grader.classroom.run.result_store import Store
from grader.classroom.run.run_types import BatchOptions

STUDENTS = 2_000
RUNS = 3


class OneAnswer:
    """Workers that grade the first submission and give the same answer for all others."""

    capacity = 1

    def __init__(self) -> None:
        self._answer = b""

    def submit(self, fn: object, /, *args: bytes) -> Future[bytes]:
        """Return the answer."""
        self._answer = self._answer or worker.grade(*args)
        future: Future[bytes] = Future()
        future.set_result(self._answer)
        return future

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """Do nothing: there is no process."""

    def abort(self) -> None:
        """Do nothing: there is no process."""


def build(folder: Path, students: int) -> Assignment:
    """Lay out a class, graded."""
    assignment = functions(folder / "assignment", 1)
    work = (assignment.folder / "reference" / "work.py").read_bytes()
    for number in range(students):
        place = folder / "class" / f"s{number:05}"
        place.mkdir(parents=True)
        (place / "work.py").write_bytes(work)
    options = BatchOptions(submissions=folder / "class", out=folder / "out")
    Batch(assignment, options, lambda event: None).run(lambda work: OneAnswer())
    class_summary.write(Store(options.out), options.out / "overrides.toml")
    time.sleep(3)  # stamps are kept of files that have been at rest
    return assignment


def again(assignment: Assignment, folder: Path, profile: Path | None = None) -> tuple[float, float]:
    """Return the CPU seconds and the seconds of the command."""
    python = [sys.executable, *(["-m", "cProfile", "-o", str(profile)] if profile else [])]
    command = [*python, "-m", "grader", "batch", str(folder / "class")]
    command += ["--assignment", str(assignment.folder), "--out", str(folder / "out")]
    before, start = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    subprocess.run(
        command, env=environment(sys.executable), cwd=ROOT, check=True, stdout=subprocess.DEVNULL
    )
    seconds = time.perf_counter() - start
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return cpu, seconds


def main() -> int:
    """Build the class, run the command some times, and print what it takes."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("students", nargs="?", type=int, default=STUDENTS)
    parser.add_argument("--profile", type=Path, metavar="FILE", help="profile one more run")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="unchanged-") as name:
        folder = Path(name)
        assignment = build(folder, options.students)
        again(assignment, folder)  # which keeps the stamps
        for _ in range(RUNS):
            cpu, seconds = again(assignment, folder)
            load = os.getloadavg()[0]
            print(
                f"{options.students} unchanged: {cpu:.2f} s of CPU, {seconds:.2f} s, load {load:.1f}"
            )
        if options.profile:
            again(assignment, folder, options.profile)
    return 0


if __name__ == "__main__":
    sys.exit(main())
