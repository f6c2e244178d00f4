"""``python -m benchmarks.whole``: whole commands beside what they are bound by: one submission, a
class again, memory.

- `grader check` of the flagship's solution, by the clock, against the longer of its two notebooks
run bare: where all
  is imported already, and as `ipython NOTEBOOK` in a fresh process; and against `jupyter nbconvert
  --execute` of it.
- `grader batch` over an unchanged class a second time, against the first time.
- The most memory that our process tree holds over load (b), against the floor's tree over the same
    notebooks.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from rich.console import Console

from benchmarks import loads, peers
from benchmarks.contest import ROOT, Lane, environment, memory_of_tree, python_here
from benchmarks.run import machine, spread, words
from grader.assignment.spec import load

LOOK_SECONDS = 0.01  # a peak is short


def main() -> int:
    """Measure, print and write."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.whole", description=__doc__.splitlines()[0]
    )
    parser.add_argument(
        "--part", action="append", choices=("one", "again", "memory"), help="default: all"
    )
    parser.add_argument(
        "--submissions", type=int, default=40, help="of the class; default: %(default)s"
    )
    parser.add_argument("--rounds", type=int, default=3, help="default: %(default)s")
    parser.add_argument(
        "--peers", type=Path, metavar="DIR", help="where the peers are installed, or are already"
    )
    parser.add_argument("--work", type=Path, metavar="DIR", help="default: a new folder")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the numbers too")
    options = parser.parse_args()
    work = (options.work or Path(tempfile.mkdtemp(prefix="benchmark-"))).resolve()
    console = Console(width=132)
    told: dict[str, Any] = {"machine": machine()}
    parts: dict[str, Callable[[], dict[str, Any]]] = {
        "one": lambda: one(work, options.rounds, (options.peers or work / "peers").resolve()),
        "again": lambda: again(work, options.submissions),
        "memory": lambda: memory(work, options.rounds),
    }
    for name in options.part or parts:
        told[name] = parts[name]()
        for what, value in told[name].items():
            console.print(
                f"{what}: {words(value, 2) if isinstance(value, dict) else value}", soft_wrap=True
            )
    if options.json:
        options.json.write_text(json.dumps(told, indent=2) + "\n")
    return 0


def one(work: Path, rounds: int, home: Path) -> dict[str, Any]:
    """Time `grader check`, the two bare notebooks, and IPython and Jupyter running them, in turn."""
    load_ = loads.make("b", work / "one", 1, 1)
    books = [check.id for check in load(load_.assignment).spec.checks if check.notebook]
    name = load_.chunks[0].shares[0][0]
    peer = peers.set_up("nbgrader", home)
    tree = work / "one" / "tree"
    checks, bare, fresh, jupyter = [], [], [], []
    for number in range(rounds):
        command = ["check", str(load_.submissions / name), "--assignment", str(load_.assignment)]
        checks.append(timed([*command, "--out", str(work / "one" / f"report-{number}")], 0))
        bare.append(max(run_bare(load_, work / "one", [id_], name) for id_ in books))
        ipython = [sys.executable, "-m", "IPython", "--no-banner"]
        fresh.append(max(run_alone(load_, tree, name, ipython, sys.executable)))
        if peer.python:
            convert = [
                str(Path(peer.python).with_name("jupyter")),
                "nbconvert",
                "--execute",
                "--to",
                "notebook",
            ]
            jupyter.append(
                max(
                    run_alone(
                        load_, tree, name, [*convert, "--output", "executed.ipynb"], peer.python
                    )
                )
            )
    told = {
        "`grader check` of the flagship's solution, s": spread(iter(checks)),
        "the longer of its notebooks run bare, s": spread(iter(bare)),
        "`grader check` takes, times the longer notebook": spread(
            a / b for a, b in zip(checks, bare, strict=True)
        ),
        "the longer of them by `ipython`, s": spread(iter(fresh)),
        "`grader check` takes, times that": spread(
            a / b for a, b in zip(checks, fresh, strict=True)
        ),
    }
    if jupyter:
        told["the longer of them by `jupyter nbconvert --execute`, s"] = spread(iter(jupyter))
        ratios = [a / b for a, b in zip(checks, jupyter, strict=True)]
        told["`grader check` takes, times what Jupyter does"] = spread(iter(ratios))
    return told


def run_alone(
    load_: loads.Load, tree: Path, name: str, command: list[str], python: str
) -> Iterator[float]:
    """Yield the seconds that a command takes for each notebook, with one BLAS thread as everywhere
    here.
    """
    assignment = load(load_.assignment)
    shutil.rmtree(tree, ignore_errors=True)
    loads.lay_support(assignment, tree)
    shutil.copytree(load_.submissions / name, tree, dirs_exist_ok=True)
    for book in assignment.spec.notebooks:
        start = time.perf_counter()
        subprocess.run(
            [*command, book.path],
            check=True,
            capture_output=True,
            cwd=tree,
            env=environment(python),
        )
        yield time.perf_counter() - start


def run_bare(load_: loads.Load, folder: Path, only: list[str], name: str) -> float:
    """Return the seconds that one notebook takes where everything is imported already."""
    job = {**loads.our_jobs(load_, folder, "auto")[0], "only": only}
    lane = Lane(python_here(), "floor", job, folder / "bare")
    try:
        lane.receive()
        start = time.perf_counter()
        lane.send({"chunk": "", "names": [name]})
        lane.receive()
        return time.perf_counter() - start
    finally:
        lane.close()


def again(work: Path, submissions: int) -> dict[str, Any]:
    """Time `grader batch` over a class of load (a) and a smaller one of load (b), and over the same
    class again.
    """
    small = again_of("a", work / "again-a", submissions, 1)
    return small | again_of("b", work / "again-b", max(1, submissions // 5), 0)


def again_of(letter: str, work: Path, submissions: int, code: int) -> dict[str, Any]:
    """Time `grader batch` over a class twice."""
    load_ = loads.make(letter, work, 1, submissions)
    command = [
        "batch",
        str(load_.submissions),
        "--assignment",
        str(load_.assignment),
        "--out",
        str(work / "class"),
    ]
    first, second = timed(command, code), timed(command, code)
    return {
        f"`grader batch`, {len(load_.points)} submissions of load ({letter}), s": round(first, 2),
        f"the class of load ({letter}) again, s": round(second, 2),
        f"load ({letter}): the second time takes, of the first": f"{100 * second / first:.1f} %",
    }


def timed(command: list[str], code: int) -> float:
    """Run a command of the grader's and return its seconds; raise where it ended otherwise than it
    should.
    """
    start = time.perf_counter()
    done = subprocess.run(
        [sys.executable, "-m", "grader", *command], env=environment(sys.executable), cwd=ROOT,
        capture_output=True, text=True,
    )  # fmt: skip
    if done.returncode != code:
        raise RuntimeError(
            f"grader {command[0]} failed ({done.returncode}):\n{(done.stdout + done.stderr)[-2000:]}"
        )
    return time.perf_counter() - start


def memory(work: Path, rounds: int) -> dict[str, Any]:
    """Measure the peak of one worker's tree over a flagship submission, ours and the floor's, in
    fresh processes.
    """
    load_ = loads.make("b", work / "memory", 1, 1)
    job = loads.our_jobs(load_, work / "memory", "auto")[0]
    name = load_.chunks[0].shares[0][0]
    best = load_.points[name]
    peaks: dict[str, list[float]] = {
        module: [peak(module, job, work / "memory" / module, name, best) for _ in range(rounds)]
        for module in ("ours", "floor")
    }
    return {
        "peak memory of a worker's processes, MB": spread(iter(peaks["ours"])),
        "peak memory of the floor's, MB": spread(iter(peaks["floor"])),
        "ours is, times the floor's": spread(
            a / b for a, b in zip(peaks["ours"], peaks["floor"], strict=True)
        ),
    }


def peak(module: str, job: dict[str, Any], folder: Path, name: str, points: float) -> float:
    """Return the most MB that a process tree held while it graded a submission."""
    lane = Lane(python_here(), module, job, folder)
    try:
        lane.receive()
        lane.send({"chunk": "", "names": [name]})
        told: list[dict[str, Any]] = []
        waiting = threading.Thread(target=lambda: told.append(lane.receive()))
        waiting.start()
        most = 0.0
        while waiting.is_alive():
            most = max(most, memory_of_tree(lane.pid))
            time.sleep(LOOK_SECONDS)
        if not told or told[0]["scores"].get(name, points) != points:
            raise RuntimeError(f"{module} gave a wrong score, or none: {told}")
        return most
    finally:
        lane.close()


if __name__ == "__main__":
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    raise SystemExit(main())
