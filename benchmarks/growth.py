"""``python -m benchmarks.growth``: how the cost of grading grows with what there is to grade, a
plot each.

Assignments are made up for it: functions that do next to nothing, so that what is measured is the
grader itself.

- submissions: a class by `grader batch`, start and class page included
- checks: one submission, each check a call of a function and a comparison
- cells: one notebook whose cells do next to nothing
- array: one array there and back across the border of a box
- workers: a class by `grader batch`, with one worker up to one for each core; a submission computes
    for some 0.2 s
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import nbformat
from rich.console import Console

from benchmarks.contest import ROOT, THREADS, environment
from benchmarks.run import machine
from grader.assignment.spec import Assignment, load
from grader.authoring.record import record
from grader.grading import outputs
from grader.grading.grade import Grader, Options

PICTURE = ROOT / "docs" / "pictures" / "growth.png"
CLASS = 40  # submissions, where workers are counted
WORK = 16_000_000  # rounds of a loop that a submission of these takes
CHECK = '''
def test_f{0}(student, expect, rng):
    """Function {0} doubles an array."""
    expect("y", student.f{0}(rng.normal(size=(4, 5))))
'''
ECHO = '''
import numpy as np


def test_echo(student, expect):
    """An array comes back as it went."""
    expect("last", student.echo(np.zeros({0}, dtype=np.uint8))[-1])
'''


class Part(NamedTuple):
    """One plot: what grows, and the seconds that one of it costs at each size."""

    title: str
    axis: str
    unit: str
    sizes: tuple[int, ...]
    seconds: Callable[[int, Path], float]  # in all


def main() -> int:
    """Measure, print, draw."""
    cores = len(os.sched_getaffinity(0))
    parts = {
        "submissions": Part(
            "A class", "submissions", "ms a submission", (10, 50, 200, 1000, 2000), a_class
        ),
        "checks": Part(
            "Checks of one submission", "checks", "ms a check", (10, 30, 100, 300, 1000), checks
        ),
        "cells": Part(
            "Cells of one notebook", "cells", "ms a cell", (10, 30, 100, 300, 1000), cells
        ),
        "array": Part("An array there and back", "MB", "ms a MB", (1, 3, 10, 30, 100), array),
        "workers": Part(
            "Workers", "workers", "ms a submission", tuple(range(1, cores + 1)), workers
        ),
    }
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.growth", description=__doc__.splitlines()[0]
    )
    parser.add_argument(
        "--part", action="append", choices=sorted(parts), help="may be repeated; default: all"
    )
    parser.add_argument("--most", type=int, help="leave out what is larger than this")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the numbers too")
    parser.add_argument(
        "--keep", type=Path, metavar="FILE", help="draw the numbers of an earlier run beside them"
    )
    parser.add_argument(
        "--plot",
        type=Path,
        metavar="FILE",
        default=PICTURE,
        help="default: docs/pictures/growth.png",
    )
    options = parser.parse_args()
    os.environ.update(dict.fromkeys(THREADS, "1"))
    console = Console(width=100)
    told: dict[str, Any] = {"machine": machine(), "parts": {}}
    for name in options.part or parts:
        part, points = parts[name], {}
        for size in part.sizes:
            if options.most and size > options.most:
                continue
            with tempfile.TemporaryDirectory(prefix="growth-") as folder:
                whole = part.seconds(size, Path(folder))
            each = CLASS if name == "workers" else size
            points[size] = round(1000 * whole / each, 3)
            console.print(
                f"{name} {size}: {whole:.2f} s, {points[size]:.2f} {part.unit}", soft_wrap=True
            )
        told["parts"][name] = points
    kept = json.loads(options.keep.read_text())["parts"] if options.keep else {}
    for name in set(kept) - set(told["parts"]):
        told["parts"][name] = {int(size): seconds for size, seconds in kept[name].items()}
    told["parts"] = {name: told["parts"][name] for name in parts if name in told["parts"]}
    draw({name: (parts[name], points) for name, points in told["parts"].items()}, options.plot)
    if options.json:
        options.json.write_text(json.dumps(told, indent=2) + "\n")
    return 0


# --- what is measured -----------------------------------------------------------------------------


def a_class(size: int, folder: Path, count: int | None = None, rounds: int = 0) -> float:
    """Return the seconds of `grader batch` over a class of that size."""
    assignment = functions(folder / "assignment", 1, rounds)
    for number in range(size):
        place = folder / "class" / f"s{number:05}"
        place.mkdir(parents=True)
        (place / "work.py").write_bytes((assignment.folder / "reference" / "work.py").read_bytes())
    command = [
        "batch",
        str(folder / "class"),
        "--assignment",
        str(assignment.folder),
        "--out",
        str(folder / "out"),
    ]
    if count is not None:
        command += ["--workers", str(count)]
    start = time.perf_counter()
    subprocess.run(
        [sys.executable, "-m", "grader", *command, "--quiet"],
        env=environment(sys.executable),
        cwd=ROOT,
        check=True,
    )
    return time.perf_counter() - start


def workers(count: int, folder: Path) -> float:
    """Return the seconds of a class with that many workers."""
    return a_class(CLASS, folder, count, WORK)


def checks(count: int, folder: Path) -> float:
    """Return the seconds of one submission with that many checks."""
    assignment = functions(folder / "assignment", count)
    return graded(assignment, assignment.folder / "reference", folder / "out")


def cells(count: int, folder: Path) -> float:
    """Return the seconds of one notebook with that many cells."""
    spec = '[[notebooks]]\npath = "Work.ipynb"\nsource = "Work.ipynb"\n' + check(
        "runs", notebook=True
    )
    test = 'def test_runs(notebook, expect):\n    """It runs."""\n    expect("x", notebook["x"].fetch())\n'
    book = nbformat.v4.new_notebook(
        cells=[
            nbformat.v4.new_code_cell(f"x = {number}", id=f"c{number}") for number in range(count)
        ]
    )
    assignment = made(folder / "assignment", spec, test, {"Work.ipynb": nbformat.writes(book)})
    (folder / "work").mkdir()
    nbformat.write(book, folder / "work" / "Work.ipynb")
    return graded(assignment, folder / "work", folder / "out")


def array(megabytes: int, folder: Path) -> float:
    """Return the seconds of one call with an array of that size, less what a call takes without
    one.
    """
    seconds = []
    for number, size in enumerate((1, megabytes << 20)):
        spec = (
            '[[files]]\npath = "work.py"\nprovides = ["echo"]\n'
            + check("echo")
            + "[limits]\nmemory_mb = 4096\n"
        )
        work = {"reference/work.py": "def echo(x):\n    return x\n"}
        assignment = made(folder / str(number), spec, ECHO.format(size), work)
        seconds.append(
            graded(assignment, assignment.folder / "reference", folder / f"out-{number}")
        )
    return max(0.0, seconds[1] - seconds[0])


def graded(assignment: Assignment, submission: Path, out: Path) -> float:
    """Return the seconds of grading a submission, reports included, once everything is warm."""
    best = float("inf")
    with Grader(assignment, Options()) as grader:
        for number in range(3):
            start = time.perf_counter()
            report = grader.grade(submission)
            outputs.write(report, out / str(number))
            if number:
                best = min(best, time.perf_counter() - start)
            if report.report.score != report.report.max_score:
                raise RuntimeError(f"{assignment.folder.name}: the reference did not pass")
    return best


# --- assignments ----------------------------------------------------------------------------------


def functions(folder: Path, count: int, rounds: int = 0) -> Assignment:
    """Make an assignment of that many functions, with a check each; the functions go through an
    empty loop first.
    """
    names = [f"f{number}" for number in range(count)]
    spec = f'[[files]]\npath = "work.py"\nprovides = {json.dumps(names)}\n' + "".join(
        map(check, names)
    )
    tests = "".join(CHECK.format(number) for number in range(count))
    work = "".join(
        f"def {name}(x):\n    for _ in range({rounds}):\n        pass\n    return 2 * x\n\n\n"
        for name in names
    )
    return made(folder, spec, tests, {"reference/work.py": work})


def check(name: str, *, notebook: bool = False) -> str:
    """Return a check's entry in the spec."""
    book = 'notebook = "Work.ipynb"\n' if notebook else ""
    return f'[[checks]]\nid = "{name}"\nquestion = "q"\npoints = 1\n{book}'


def made(folder: Path, spec: str, tests: str, files: dict[str, str]) -> Assignment:
    """Write and record an assignment."""
    head = 'schema = 1\nname = "growth"\ntitle = "Growth"\nreference = "reference"\n'
    files = {
        "assignment.toml": f'{head}[[questions]]\nid = "q"\ntitle = "All"\n{spec}',
        "checks/test_work.py": tests,
        **files,
    }
    (folder / "reference").mkdir(parents=True)
    for path, text in files.items():
        (folder / path).parent.mkdir(exist_ok=True)
        (folder / path).write_text(text)
    record(load(folder), reseed=False, progress=lambda line: None)
    return load(folder)


# --- the plots ------------------------------------------------------------------------------------


def draw(told: dict[str, tuple[Part, dict[int, float]]], path: Path) -> None:
    """Draw the parts beside each other: the cost of one, over how many there are."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(2.6 * len(told), 2.6), layout="constrained")
    for axes, (part, points) in zip(
        figure.subplots(1, len(told), squeeze=False)[0], told.values(), strict=True
    ):
        axes.plot(list(points), list(points.values()), "o-", color="#0b57b0", markersize=4)
        axes.set(
            title=part.title,
            xlabel=part.axis,
            ylabel=part.unit,
            ylim=(0, 1.15 * max(points.values())),
        )
        if part.axis == "workers":
            axes.set_xticks(list(points))
        else:
            axes.set_xscale("log")
        axes.title.set_size(9)
        axes.grid(alpha=0.3)
        axes.tick_params(labelsize=8)
        axes.spines[["top", "right"]].set_visible(False)
    figure.savefig(path, dpi=110)


if __name__ == "__main__":
    raise SystemExit(main())
