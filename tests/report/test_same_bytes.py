"""Grading twice gives the same report to the byte, what tells the time aside."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

DURATION = r"(?:under 1 ms|\d+ ms|\d+\.\d s|\d+ min)"
TIMES = {
    ".html": rf"<dd>\d{{4}}-\d\d-\d\d \d\d:\d\d UTC, took {DURATION}</dd>|cases?, {DURATION}",
    ".ipynb": r'"\d{4}-\d\d-\d\dT[\d:.]+Z"',
    ".xml": r' (?:time="[\d.]+"|timestamp="[^"]+")',
}


def test_grading_twice_gives_the_same_bytes(graded_twice: tuple[Path, Path]) -> None:
    one, two = (
        {path.relative_to(run).as_posix(): path for path in files(run)} for run in graded_twice
    )
    assert one.keys() == two.keys()
    for kind in ("report.html", "student.html", "report.json", "junit.xml", "notebooks/Work.ipynb"):
        assert {
            f"{name}/{kind}"
            for name in ("small/right", "small/broken", "sums/right", "sums/broken")
        } <= one.keys()
    for name, path in one.items():
        assert timeless(path) == timeless(two[name]), name


def test_the_reports_hold_what_could_differ(graded_twice: tuple[Path, Path]) -> None:
    small = (graded_twice[0] / "small/broken/report.html").read_text(encoding="utf-8")
    sums = (graded_twice[0] / "sums/right/report.html").read_text(encoding="utf-8")
    assert (
        small.count("data:image/svg+xml") == 5
    )  # where y and dx are wrong, and how dx scatters; the same of its slopes
    assert sums.count("data:image/png") == 1
    assert "halves of halves" in sums


def files(run: Path) -> list[Path]:
    """Return the files of a run."""
    return [path for path in run.rglob("*") if path.is_file()]


def timeless(path: Path) -> Any:
    """Return a file's content without times and durations; what is no text is compared as it is."""
    data = path.read_bytes()
    if path.suffix == ".json":
        return without_times(json.loads(data))
    pattern = TIMES.get(path.suffix)
    return re.sub(pattern, "", data.decode()) if pattern else data


def without_times(tree: Any) -> Any:
    """Return a report's data without the time when it was made and how long things took."""
    if isinstance(tree, dict):
        return {
            key: without_times(value)
            for key, value in tree.items()
            if key not in ("seconds", "started")
        }
    return [without_times(value) for value in tree] if isinstance(tree, list) else tree
