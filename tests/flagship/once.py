"""What each mistake costs: a program that grades the reference with every known mistake, crash and
stub in turn.

    python tests/flagship/once.py              every row, function checks alone: minutes
    python tests/flagship/once.py --notebooks  the notebooks' checks too: an hour
    python tests/flagship/once.py rnn_ --kind crash

A row tells the points that are lost, and how many the mistake's own check has: for a known mistake
the one that loses most, for a function that raises all those that judge it (`CaptioningRNN.loss` is
judged for both cells). No row may lose more: whatever builds on these functions is right with right
ones in their place.
"""

from __future__ import annotations

import argparse
import re
import sys
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

from grader.assignment import misconceptions
from grader.assignment.spec import Assignment, load
from grader.checking.run.substitution import judged
from grader.grading.grade import Grader, Options
from grader.model import Report

ROOT = Path(__file__).resolve().parents[2]
SOLUTION = re.compile(
    r"^( *)### BEGIN SOLUTION [^\n]*?(\w+)\n.*?### END SOLUTION", re.MULTILINE | re.DOTALL
)
BODIES = {
    "crash": "raise NameError(\"name 'dout' is not defined\")",
    "stub": 'raise NotImplementedError("a task")',
}


class Mistake(NamedTuple):
    """A submission with one mistake in it: the reference's files with changes."""

    id: str
    kind: str  # "known", "crash" or "stub"
    functions: frozenset[str]
    files: dict[str, bytes]


class Row(NamedTuple):
    """What a mistake cost."""

    mistake: Mistake
    lost: float
    own: float  # the points of its own check
    checks: dict[str, float]  # what each lost


def mistakes(assignment: Assignment) -> Iterator[Mistake]:
    """Yield every known mistake, and every solution replaced by a crash and by a stub."""
    files = assignment.reference_modules()
    assert files is not None
    for known in misconceptions.load_all(assignment.folder / misconceptions.FOLDER):
        functions = frozenset(change.function for change in known.changes)
        yield Mistake(known.id, "known", functions, misconceptions.apply(known, files))
    methods = {"loss", "sample"}
    for kind, body in BODIES.items():
        for path, data in files.items():
            text = data.decode()
            for found in SOLUTION.finditer(text):
                name = f"CaptioningRNN.{found[2]}" if found[2] in methods else found[2]
                changed = text[: found.start()] + found[1] + body + text[found.end() :]
                yield Mistake(name, kind, frozenset({name}), {**files, path: changed.encode()})


def cost(grader: Grader, mistake: Mistake, folder: Path) -> Row:
    """Grade a mistake, and return what it costs."""
    for name, data in mistake.files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    report: Report = grader.grade(folder).report
    lost = {
        one.id: one.max_points - one.points for one in report.checks if one.points < one.max_points
    }
    judges = judged(grader.expectations)
    notebooks = {check.id for check in grader.assignment.spec.checks if check.notebook}
    most = {one.id: one.max_points for one in report.checks if one.id not in notebooks}
    if mistake.kind == "known":
        own = max((most[id_] for id_ in lost if id_ in most), default=0.0)
    else:
        own = sum(points for id_, points in most.items() if judges[id_] & mistake.functions)
    return Row(mistake, round(sum(lost.values()), 2), own, lost)


def asked(assignment: Assignment, *, notebooks: bool) -> Options:
    """Return how to grade: with all checks, or with those of functions alone."""
    checks = (check.id for check in assignment.spec.checks if notebooks or not check.notebook)
    return Options(only=frozenset(checks))


def rows(grader: Grader, tried: Iterable[Mistake]) -> Iterator[Row]:
    """Yield a row for each of some mistakes."""
    with tempfile.TemporaryDirectory() as folder:
        for mistake in tried:
            yield cost(grader, mistake, Path(folder, f"{mistake.kind}-{mistake.id}"))


def main() -> int:
    """Print the table; return 1 when a row loses more than its own checks' points."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("only", nargs="?", default="", help="how the mistakes' names begin")
    parser.add_argument(
        "--kind",
        action="append",
        choices=["known", *BODIES],
        help="known mistakes, crashes or stubs",
    )
    parser.add_argument("--notebooks", action="store_true", help="with the notebooks' checks")
    options = parser.parse_args()
    kinds = frozenset(options.kind or ["known", *BODIES])
    assignment = load(ROOT / "assignment")
    tried = [
        one for one in mistakes(assignment) if one.id.startswith(options.only) and one.kind in kinds
    ]
    worst = 0
    with Grader(assignment, asked(assignment, notebooks=options.notebooks)) as grader:
        for row in rows(grader, tried):
            over = row.lost > row.own + 0.01
            worst = max(worst, int(over))
            where = ", ".join(f"{id_} {lost:g}" for id_, lost in row.checks.items())
            told = f"lost {row.lost:5.2f} of {row.own:4g}  {'MORE' if over else '    '}  {where}"
            print(f"{row.mistake.kind:6} {row.mistake.id:45} {told}", flush=True)
    return worst


if __name__ == "__main__":
    sys.exit(main())
