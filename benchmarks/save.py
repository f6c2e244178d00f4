"""From the save of a file to the verdict, beside plain pytest of the same calls: `python -m
benchmarks.save`.

The reference of the flagship lies in a handout. The function of each check is broken and mended
again, and the time is taken from the save to the verdict of that check. Then the same for all
fourteen checks, after a save that breaks every function of both files. Plain pytest is a fresh
process that makes the same calls with no box, no expectation and no report. All is measured in one
run, in turn, so that the machine's other work meets both sides.
"""

from __future__ import annotations

import argparse
import os
import queue
import shutil
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

from grader.model import CheckResult
from grader.practice.session import Session
from grader.practice.watch import Watch

ROOT = Path(__file__).resolve().parents[1]
FUNCTION_SECONDS, ALL_SECONDS = 0.35, 1.0  # what is aimed at, on two quiet cores
SETTLE_SECONDS = 0.8  # between two saves
MOST_SECONDS = 60.0
BROKEN = "\n\ndef {name}(*args, **kwargs):\n    raise ValueError('broken by the benchmark')\n"
BROKEN_METHOD = "\n\n{owner}.{name} = lambda *args, **kwargs: 1 / 0\n"
PLUGIN = """
import sys
import numpy as np
import pytest

sys.path.insert(0, {work!r})


class Anything:
    def __call__(self, *_, **__):
        return True

    def __getattr__(self, name):
        return self


class Student:
    def __getattr__(self, name):
        import cs231n.classifiers.rnn
        import cs231n.rnn_layers

        modules = (cs231n.rnn_layers, cs231n.classifiers.rnn)
        return next(getattr(one, name) for one in modules if hasattr(one, name))


@pytest.fixture
def student():
    return Student()


@pytest.fixture
def expect():
    return Anything()


@pytest.fixture
def rng():
    return np.random.default_rng(0)
"""


class Saved:
    """A watched handout, and the clock from a save to the verdicts that it changes."""

    def __init__(self, watch: Watch) -> None:
        self._watch = watch
        self._verdicts: queue.Queue[tuple[float, str]] = queue.Queue()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._follow, daemon=True)

    def __enter__(self) -> Saved:
        self._thread.start()
        time.sleep(1.0)  # until the folder is watched
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()

    def _follow(self) -> None:
        for _ in self._watch.saves(self._stop):
            self._watch.again(self._came)

    def _came(self, check: CheckResult) -> None:
        self._verdicts.put((time.perf_counter(), check.id))

    def seconds(self, changes: dict[Path, str], wanted: set[str]) -> float:
        """Write files, and return the seconds until all these checks have said something new."""
        while not self._verdicts.empty():
            self._verdicts.get()
        left, last = set(wanted), 0.0
        start = time.perf_counter()
        for path, text in changes.items():
            path.write_text(text, encoding="utf-8")
        while left:
            last, check = self._verdicts.get(timeout=MOST_SECONDS)
            left.discard(check)
        time.sleep(SETTLE_SECONDS)
        return last - start


def plain(checks: Path, work: Path, only: str) -> float:
    """Return the seconds of pytest in a fresh process over the same calls."""
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-q",
        "-p",
        "plain_student",
        "-p",
        "no:cacheprovider",
        str(checks),
    ]
    start = time.perf_counter()
    subprocess.run(
        [*command, "-k", only] if only else command,
        cwd=work, env={**os.environ, "PYTHONPATH": str(work)}, stdout=subprocess.DEVNULL, check=False,
    )  # fmt: skip
    return time.perf_counter() - start


def main() -> int:
    """Measure and print; 1 if an aim was missed."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.save", description=__doc__.splitlines()[0]
    )
    parser.add_argument("--rounds", type=int, default=3, help="default: %(default)s")
    options = parser.parse_args()
    for name in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS"):
        os.environ[name] = "1"
    print(f"{os.cpu_count()} cores, load of the last minute {os.getloadavg()[0]:.1f}")
    with tempfile.TemporaryDirectory(prefix="benchmark-") as scratch:
        return measure(Path(scratch), options.rounds)


def lay(scratch: Path) -> tuple[Path, Path]:
    """Lay the handout down with the reference in it; return its folder, and the checks of functions
    alone.
    """
    work, checks = scratch / "captioning", scratch / "checks"
    shutil.copytree(ROOT / "student_template", work)
    for name in ("rnn_layers.py", "classifiers/rnn.py"):
        shutil.copy(ROOT / "solutions" / "cs231n" / name, work / "cs231n" / name)
    shutil.copytree(work / "assignment" / "checks", checks)
    (checks / "test_notebooks.py").unlink()
    (work / "plain_student.py").write_text(PLUGIN.format(work=str(work)), encoding="utf-8")
    return work, checks


def measure(scratch: Path, rounds: int) -> int:
    """Print a line per check and one for all."""
    work, checks = lay(scratch)
    layers, model = work / "cs231n" / "rnn_layers.py", work / "cs231n" / "classifiers" / "rnn.py"
    right = {path: path.read_text(encoding="utf-8") for path in (layers, model)}
    slow: list[str] = []
    with Session.at(work) as session:
        watch = Watch(session)
        watch.first(lambda check: None)
        names = [one.id for one in session.assignment.spec.checks if not one.notebook]
        with Saved(watch) as saved:
            for name in names:
                broken = {layers: right[layers] + BROKEN.format(name=name)}
                if name.startswith("captioning"):
                    method = name.rpartition("_")[2]
                    broken = {
                        model: right[model]
                        + BROKEN_METHOD.format(owner="CaptioningRNN", name=method)
                    }
                told = measured(saved, broken, right, {name}, rounds)
                line(name, told, plain(checks, work, name), FUNCTION_SECONDS, slow)
            everything = {layers: right[layers], model: right[model]}
            for name in names:
                if not name.startswith("captioning"):
                    everything[layers] += BROKEN.format(name=name)
            for method in ("loss", "sample"):
                everything[model] += BROKEN_METHOD.format(owner="CaptioningRNN", name=method)
            told = measured(saved, everything, right, set(names), rounds)
            line(f"all {len(names)}", told, plain(checks, work, ""), ALL_SECONDS, slow)
    print(f"beyond the aim: {', '.join(slow)}" if slow else "all within the aims")
    return 1 if slow else 0


def measured(
    saved: Saved, broken: dict[Path, str], right: dict[Path, str], wanted: set[str], rounds: int
) -> list[float]:
    """Break and mend some functions, and return the seconds of each save."""
    times = []
    for _ in range(rounds):
        times.append(saved.seconds(broken, wanted))
        times.append(saved.seconds({path: right[path] for path in broken}, wanted))
    return times


def line(name: str, times: list[float], beside: float, aim: float, slow: list[str]) -> None:
    """Print one row, and note what is slower than the aim."""
    middle = statistics.median(times)
    if middle > aim:
        slow.append(name)
    print(
        f"{name:26} {middle:6.3f} s ({min(times):.3f} to {max(times):.3f}), aim {aim:g} s;"
        f" plain pytest {beside:6.3f} s",
        flush=True,
    )


if __name__ == "__main__":
    sys.exit(main())
