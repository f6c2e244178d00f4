"""Contestants at work: two processes each, the same chunks of work in turn, with wall time, CPU
time and scores.
"""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Any, NamedTuple, Self

ROOT = Path(__file__).parent.parent
LANES = 2
TICK = os.sysconf("SC_CLK_TCK")
THREADS = ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS")


class Sample(NamedTuple):
    """What one chunk cost."""

    submissions: int
    seconds: float  # by the clock
    cpu: float  # seconds of CPU time, of all processes that were at it
    scores: dict[str, float]

    @property
    def per_minute(self) -> float:
        """Throughput."""
        return 60 * self.submissions / self.seconds

    @property
    def cpu_each(self) -> float:
        """CPU seconds a submission."""
        return self.cpu / self.submissions


class Lane:
    """One process of a contestant."""

    def __init__(
        self,
        python: str,
        module: str,
        job: dict[str, Any],
        folder: Path,
        *,
        as_installed: bool = False,
    ) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        path, self._log = folder / "job.json", folder / "log.txt"
        path.write_text(json.dumps(job))
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(
                [python, "-m", f"benchmarks.{module}", str(path)], cwd=ROOT, env=environment(python, as_installed),
                stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log, text=True,
            )  # fmt: skip
        self.pid = self._process.pid

    def send(self, message: dict[str, Any]) -> None:
        """Ask for something."""
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(message) + "\n")
        self._process.stdin.flush()

    def receive(self) -> dict[str, Any]:
        """Wait for the answer; raise `RuntimeError` with the process's last words where it ended
        instead.
        """
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            self._process.wait()
            raise RuntimeError(
                f"a process of a contestant ended:\n{self._log.read_text(errors='replace')[-3000:]}"
            )
        told: dict[str, Any] = json.loads(line)
        return told

    def close(self) -> None:
        """End the process by the end of its input."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        with contextlib.suppress(OSError):
            self._process.stdin.close()
        try:
            self._process.wait(30)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._process.stdout.close()


class Contestant:
    """A grader, or the floor: two processes that are told what to do at the same time."""

    def __init__(
        self,
        name: str,
        python: str,
        module: str,
        jobs: list[dict[str, Any]],
        folder: Path,
        *,
        as_installed: bool = False,
    ) -> None:
        self.name = name
        self.samples: list[Sample] = []
        start = time.perf_counter()
        self._lanes = [
            Lane(python, module, job, folder / str(i), as_installed=as_installed)
            for i, job in enumerate(jobs)
        ]
        for lane in self._lanes:
            lane.receive()
        self.start_seconds = time.perf_counter() - start

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for lane in self._lanes:
            lane.close()

    def grade(self, chunk: str, shares: list[list[str]], *, keep: bool = True) -> Sample:
        """Let each process grade its share of a chunk and measure both together."""
        cpu, start = sum(cpu_of_tree(lane.pid) for lane in self._lanes), time.perf_counter()
        for number, (lane, names) in enumerate(zip(self._lanes, shares, strict=True)):
            lane.send({"chunk": f"{chunk}{lane_letter(number)}", "names": names})
        scores: dict[str, float] = {}
        for lane in self._lanes:
            scores |= lane.receive()["scores"]
        seconds = time.perf_counter() - start
        used = sum(cpu_of_tree(lane.pid) for lane in self._lanes) - cpu
        sample = Sample(sum(map(len, shares)), seconds, used, scores)
        if keep:
            self.samples.append(sample)
        return sample


def lane_letter(number: int) -> str:
    """Return what tells one process's names from the other's."""
    return "ab"[number]


def environment(python: str, as_installed: bool = False) -> dict[str, str]:
    """Return the environment of a contestant: one BLAS thread in each process, since the processes
    fill the cores.

    as_installed: as many BLAS threads as the library takes by itself, which is what who sets
    nothing gets
    """
    # compiled modules are kept, as usual
    unwanted = ("PYTHONPATH", "PYTHONDONTWRITEBYTECODE", "VIRTUAL_ENV", *THREADS)
    kept = {name: value for name, value in os.environ.items() if name not in unwanted}
    kept["PATH"] = os.pathsep.join([str(Path(python).parent), os.environ.get("PATH", os.defpath)])
    threads = {} if as_installed else dict.fromkeys(THREADS, "1")
    return {**kept, **threads, "MPLBACKEND": "agg", "PYTHONWARNINGS": "ignore"}


def cpu_of_tree(pid: int) -> float:
    """Return the CPU seconds of a process, of all below it, and of those below that have ended."""
    total = 0.0
    for one in tree(pid):
        with contextlib.suppress(OSError, IndexError):
            fields = Path(f"/proc/{one}/stat").read_text().rpartition(")")[2].split()
            total += sum(map(int, fields[11:15])) / TICK
    return total


def tree(pid: int) -> Iterator[int]:
    """Yield a process and all below it."""
    yield pid
    with contextlib.suppress(OSError):
        for task in Path(f"/proc/{pid}/task").iterdir():
            for child in (task / "children").read_text().split():
                yield from tree(int(child))


def memory_of_tree(pid: int) -> float:
    """Return the MB that a process tree holds, pages that are shared within it counted once."""
    total = 0
    for one in tree(pid):
        with contextlib.suppress(OSError):
            for line in Path(f"/proc/{one}/smaps_rollup").read_text().splitlines():
                if line.startswith("Pss:"):
                    total += int(line.split()[1])
    return total / 1024


def python_here() -> str:
    """Return the interpreter of this run, which the grader is installed for."""
    return sys.executable
