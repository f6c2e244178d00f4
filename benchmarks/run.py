"""``python -m benchmarks.run``: our grader, the peers and the floor, given the same work in turn,
compared as ratios.

Theory of operation. Every contestant has two processes, which are started and warmed up with one
submission each. Then come rounds: in each, one contestant after the other grades a chunk of the
load with nothing else of ours running. A ratio is formed within a round, so that what else the
machine was doing cancels as far as it can; what is printed is the median of the rounds' ratios,
with the least and the greatest. A grader that gives one wrong score ends the run.
"""

from __future__ import annotations

import argparse
import contextlib
import functools
import json
import os
import platform
import statistics
import tempfile
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from benchmarks import loads, peers
from benchmarks.contest import Contestant, Sample, python_here
from benchmarks.loads import Load

SIZES = {"a": 40, "b": 2, "c": 40}  # submissions a round
TITLES = {
    "a": "(a) a notebook of three small NumPy functions, half of the submissions wrong in two",
    "b": "(b) the flagship: functions and both notebooks",
    "c": "(c) the flagship's function checks alone",
}
# neither peer calls functions of modules
PEERS_IN = {"a": ("nbgrader", "otter"), "b": ("nbgrader", "otter"), "c": ()}
OURS, FLOOR = "grader", "floor"


def main() -> int:
    """Run the loads that were asked for, print the tables and write the numbers."""
    options = arguments()
    console = Console(width=132)
    work = (options.work or Path(tempfile.mkdtemp(prefix="benchmark-"))).resolve()
    installed = {
        name: peers.set_up(name, (options.peers or work / "peers").resolve())
        for name in sorted({name for letter in options.load for name in PEERS_IN[letter]})
        if not options.without_peers
    }
    result: dict[str, Any] = {"machine": machine(), "loads": {}}
    for peer in installed.values():
        console.print(peer.problem or f"{peer.name} {peer.version}", soft_wrap=True)
        result[peer.name] = peer.version or peer.problem
    for letter in options.load:
        size = options.submissions or SIZES[letter]
        load_ = loads.make(letter, work / f"load-{letter}", options.rounds, size)
        usable = [
            peer for peer in installed.values() if peer.python and peer.name in PEERS_IN[letter]
        ]
        with contextlib.ExitStack() as stack:
            field = [
                stack.enter_context(start()) for start in entries(load_, work, usable, options)
            ]
            compete(field, load_, console)
        result["loads"][letter] = summary(field, load_)
        console.print(table(letter, field, result["loads"][letter]))
    if options.json:
        options.json.write_text(json.dumps(result, indent=2) + "\n")
        console.print(f"written: {options.json}", soft_wrap=True)
    return 0


def arguments() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.run", description=__doc__.splitlines()[0]
    )
    parser.add_argument(
        "--load", action="append", choices=sorted(SIZES), help="may be repeated; default: all three"
    )
    parser.add_argument(
        "--submissions", type=int, help=f"of each round, over both processes; default: {SIZES}"
    )
    parser.add_argument("--rounds", type=int, default=3, help="default: %(default)s")
    parser.add_argument(
        "--isolation", choices=("auto", "bubblewrap", "landlock", "none"), default="auto"
    )
    parser.add_argument("--without-peers", action="store_true", help="ours and the floor alone")
    parser.add_argument(
        "--peers", type=Path, metavar="DIR", help="where the peers are installed, or are already"
    )
    parser.add_argument(
        "--as-installed",
        action="store_true",
        help="let the peers take the BLAS threads that they take by themselves",
    )
    parser.add_argument(
        "--work", type=Path, metavar="DIR", help="where the work is laid out; default: a new folder"
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the numbers too")
    options = parser.parse_args()
    options.load = options.load or sorted(SIZES)
    return options


Start = Callable[[], Contestant]


def entries(
    load_: Load, work: Path, usable: list[peers.Peer], options: argparse.Namespace
) -> Iterator[Start]:
    """Yield what starts each contestant, ours first."""
    home = work / f"load-{load_.letter}"
    ours = loads.our_jobs(load_, home, options.isolation)
    yield lambda: Contestant(OURS, python_here(), "ours", ours, home / OURS)
    yield lambda: Contestant(FLOOR, python_here(), "floor", ours, home / FLOOR)
    for peer in usable:
        lay = {
            "nbgrader": lambda peer: loads.nbgrader_jobs(load_, home / "nbgrader"),
            "otter": lambda peer: loads.otter_jobs(load_, home / "otter", peer),
        }[peer.name]
        jobs = lay(peer)
        yield functools.partial(
            Contestant,
            peer.name, peer.python, f"peer_{peer.name}", jobs, home / f"{peer.name}-lanes",
            as_installed=options.as_installed,
        )  # fmt: skip


def compete(field: list[Contestant], load_: Load, console: Console) -> None:
    """Let every contestant grade every chunk, in turn; the first chunk warms up and does not count."""
    for number, chunk in enumerate(load_.chunks):
        for one in field:
            sample = one.grade(chunk.name, chunk.shares, keep=number > 0)
            check_scores(one, sample, load_)
            if number:
                console.print(
                    f"({load_.letter}) round {number}, {one.name}: {sample.per_minute:.0f} a minute, "
                    f"{sample.cpu_each:.3f} s of CPU each"
                )


def check_scores(one: Contestant, sample: Sample, load_: Load) -> None:
    """Raise where a grader gives a submission other points than it deserves."""
    if one.name == FLOOR:
        return
    right = load_.points if one.name == OURS else loads.peers_points(load_, one.name)
    for name, points in sample.scores.items():
        if abs(points - right[name]) > 1e-6:
            raise RuntimeError(
                f"{one.name} gives {name} {points:g} points, and {right[name]:g} are right"
            )


def summary(field: list[Contestant], load_: Load) -> dict[str, Any]:
    """Return each contestant's figures, and its ratios to ours within each round."""
    ours = field[0].samples
    told: dict[str, Any] = {
        "submissions a round": ours[0].submissions,
        "rounds": len(ours),
        "contestants": {},
    }
    for one in field:
        pairs = list(zip(ours, one.samples, strict=True))
        told["contestants"][one.name] = {
            "a minute": spread(sample.per_minute for sample in one.samples),
            "cpu seconds each": spread(sample.cpu_each for sample in one.samples),
            "start seconds": round(one.start_seconds, 2),
            "our throughput": spread(mine.per_minute / its.per_minute for mine, its in pairs),
            "our cpu": spread(mine.cpu_each / its.cpu_each for mine, its in pairs),
            "our cpu more": spread(mine.cpu_each - its.cpu_each for mine, its in pairs),
        }
    return told


def spread(values: Iterator[float]) -> dict[str, float]:
    """Return the median, the least and the greatest."""
    numbers = sorted(values)
    return {
        "median": round(statistics.median(numbers), 4),
        "min": round(numbers[0], 4),
        "max": round(numbers[-1], 4),
    }


def table(letter: str, field: list[Contestant], told: dict[str, Any]) -> Table:
    """Return the figures as a table."""
    made = Table(
        title=f"{TITLES[letter]}: {told['rounds']} rounds of {told['submissions a round']}",
        title_justify="left",
    )
    for heading in (
        "",
        "a minute",
        "CPU s each",
        "start s",
        "throughput: ours is",
        "CPU: ours is",
        "CPU: ours has more, s",
    ):
        made.add_column(heading, justify="left" if not heading else "right")
    for one in field:
        its = told["contestants"][one.name]
        own = one.name == OURS
        made.add_row(
            one.name, words(its["a minute"], 0), words(its["cpu seconds each"], 3), f"{its['start seconds']:.1f}",
            "" if own else words(its["our throughput"], 2, "×"), "" if own else words(its["our cpu"], 2, "×"),
            "" if own else words(its["our cpu more"], 3),
        )  # fmt: skip
    return made


def words(told: dict[str, float], digits: int, unit: str = "") -> str:
    """Return a median with its spread."""
    return f"{told['median']:.{digits}f}{unit} ({told['min']:.{digits}f}–{told['max']:.{digits}f})"


def machine() -> dict[str, Any]:
    """Describe where this runs, without its names or paths."""
    model = platform.machine()
    with contextlib.suppress(OSError):
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                model = line.partition(":")[2].strip()
                break
    return {
        "when": datetime.now(UTC).date().isoformat(),
        "cores": len(os.sched_getaffinity(0)),
        "cpu": model,
        "memory_gb": round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / (1 << 30)),
        "kernel": platform.release().split("-")[0],
        "python": platform.python_version(),
        "load_average": round(os.getloadavg()[0], 1),
    }


if __name__ == "__main__":
    raise SystemExit(main())
