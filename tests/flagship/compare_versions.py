"""Do two versions of the grader give the same reports? A program for whoever rebuilds something.

    git worktree add ../before main~1
    python -m venv ../before/.venv && ../before/.venv/bin/pip install -e ../before
    python tests/flagship/compare_versions.py ../before/.venv/bin/grader .venv/bin/grader

Both grade the same forty submissions of the flagship: twenty right ones and twenty known mistakes,
spread over all there are. Times and versions are left out of the comparison. A difference in a
message or a hint is prose, and is listed; any other difference fails (exit 1).
"""

from __future__ import annotations

import argparse
import json
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from grader.assignment import misconceptions
from grader.assignment.spec import load

ROOT = Path(__file__).resolve().parents[2]
ASSIGNMENT = ROOT / "assignment"
RIGHT = ROOT / "tests" / "right"
UNLIKE = {"seconds", "reference_seconds", "started"}  # differ from run to run
PROSE = {"message", "hint", "text", "title", "look", "notes", "trace", "again"}


class Difference(NamedTuple):
    """One value that the two reports do not share."""

    where: str
    before: object
    after: object

    @property
    def is_prose(self) -> bool:
        """Is this a text for people?"""
        fields = self.where.replace("[", ".").split(".")
        return not PROSE.isdisjoint(fields)


def spread(things: Sequence[Any], number: int) -> list[Any]:
    """Return `number` of the things, at equal distances."""
    return [things[i * len(things) // number] for i in range(min(number, len(things)))]


def lay_out(folder: Path, number: int) -> None:
    """Write the submissions into `folder`: half of them right, half with a known mistake."""
    right = sorted(path for path in RIGHT.iterdir() if (path / "cs231n").is_dir())
    for path in spread(right, number // 2):
        shutil.copytree(ROOT / "solutions", folder / f"right-{path.name}")
        shutil.copytree(path, folder / f"right-{path.name}", dirs_exist_ok=True)
    files = load(ASSIGNMENT).reference_modules()
    assert files is not None
    known = misconceptions.load_all(ASSIGNMENT / misconceptions.FOLDER)
    for mistake in spread(known, number - number // 2):
        target = folder / f"mistake-{mistake.id}"
        shutil.copytree(ROOT / "solutions", target)
        for name, data in misconceptions.apply(mistake, files).items():
            (target / name).write_bytes(data)


def reports(grader: Path, submissions: Path, out: Path) -> dict[str, Any]:
    """Return a version's report on each submission, by the submission's name."""
    options = ["--assignment", str(ASSIGNMENT), "--out", str(out), "--quiet"]
    done = subprocess.run([grader, "batch", submissions, *options], check=False)
    if done.returncode not in (0, 1):
        raise SystemExit(f"{grader} batch ended with exit code {done.returncode}")
    found = {}
    for path in sorted(out.rglob("report.json")):
        found[path.parent.name] = json.loads(path.read_bytes())
    return found


def differences(before: Any, after: Any, where: str = "") -> Iterator[Difference]:
    """Yield what differs between two reports, or between two parts of them."""
    if isinstance(before, dict) and isinstance(after, dict):
        for key in sorted({*before, *after} - UNLIKE):
            inner = f"{where}.{key}" if where else key
            yield from differences(before.get(key), after.get(key), inner)
    elif isinstance(before, list) and isinstance(after, list) and len(before) == len(after):
        for i, (one, other) in enumerate(zip(before, after, strict=True)):
            yield from differences(one, other, f"{where}[{i}]")
    elif before != after:
        yield Difference(where, before, after)


def main() -> int:
    """Compare two versions, print the differences, and return the exit code."""
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("before", type=Path, help="the command `grader` of one version")
    options.add_argument("after", type=Path, help="the command `grader` of the other")
    options.add_argument("--submissions", type=int, default=40)
    chosen = options.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        lay_out(folder / "class", chosen.submissions)
        before = reports(chosen.before, folder / "class", folder / "before")
        after = reports(chosen.after, folder / "class", folder / "after")
    found: list[Difference] = []
    for student in sorted({*before, *after}):
        found += differences(before.get(student), after.get(student), student)
    for difference in found:
        kind = "prose" if difference.is_prose else "VALUE"
        print(f"{kind} {difference.where}: {difference.before!r} -> {difference.after!r}")
    values = sum(not difference.is_prose for difference in found)
    print(
        f"{len(before)} and {len(after)} reports: {values} values and "
        f"{len(found) - values} texts differ"
    )
    return 1 if values or len(before) != chosen.submissions else 0


if __name__ == "__main__":
    sys.exit(main())
