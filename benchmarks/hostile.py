"""``python -m benchmarks.hostile [NAME...]``: what each submission of the hostile corpus costs the
grader's own process, in CPU time and memory, beside an honest one.

Each is graded by ``grader check`` in a process of its own; what its boxes use is left out. An honest
submission is measured again before each tenth, since the machine is shared: a row's ratios are to
the last one before it. Where one is large, it is measured three times more, each time beside an
honest submission, and the median counts. Submissions that never end are left out, unless they are
named: they last as long as the limits of time.
"""

from __future__ import annotations

import importlib
import json
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any, NamedTuple

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "tests"))
corpus: Any = importlib.import_module("corpus")  # of the tests, which are no package

HONEST = "honest/right"
SHOWN = 15  # rows
LARGE, TIMES = 1.6, 3  # a ratio that is measured so often again
SECONDS = 300.0
CHECK = """
import atexit, json, resource, sys
from pathlib import Path
from grader.cli import run

def tell():
    used = resource.getrusage(resource.RUSAGE_SELF)
    cpu = used.ru_utime + used.ru_stime
    Path(sys.argv[1]).write_text(json.dumps([cpu, used.ru_maxrss / 1024]))

atexit.register(tell)
sys.exit(run(sys.argv[2:]))
"""


class Cost(NamedTuple):
    """What one command took."""

    cpu: float  # seconds
    memory: float  # MB, at the height

    def beside(self, other: Cost) -> Cost:
        """Return how many times another one's it is."""
        return Cost(self.cpu / other.cpu, self.memory / other.memory)


def main(names: list[str]) -> int:
    """Measure and print; returns 1 if a submission takes more than twice an honest one's."""
    every = {case.id: case for case in corpus.cases()}
    wanted = [
        case
        for case in every.values()
        if any(name in case.id for name in names) or not (names or case.manifest.hasty)
    ]
    rows: dict[str, Cost] = {}  # in honest submissions
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        folder.chmod(0o755)
        assignment = corpus.lay_down(folder, "canary").folder
        for number, case in enumerate(wanted):
            if number % 10 == 0:
                honest = measured(every[HONEST], folder, assignment)
                print(
                    f"{number} of {len(wanted)} · honest: {honest.cpu:.2f} s, {honest.memory:.0f} MB",
                    flush=True,
                )
            rows[case.id] = measured(case, folder, assignment).beside(honest)
        for name in [name for name, row in rows.items() if max(row) > LARGE]:
            again = []
            for _ in range(TIMES):
                honest = measured(every[HONEST], folder, assignment)
                again.append(measured(every[name], folder, assignment).beside(honest))
            rows[name] = Cost(*map(statistics.median, zip(*again, strict=True)))
    for what in Cost._fields:
        print(f"\nMost {what}, times that of an honest submission")
        most = {name: getattr(row, what) for name, row in rows.items()}
        for name in sorted(most, key=lambda name: -most[name])[:SHOWN]:
            print(f"{most[name]:6.2f}  {name}")
    return int(max(map(max, rows.values())) > 2)


def measured(case: Any, folder: Path, assignment: Path) -> Cost:
    """Return what grading a submission takes in the grader's own process."""
    told = folder / "told.json"
    told.unlink(missing_ok=True)
    with tempfile.TemporaryDirectory(dir=folder) as place:
        submission = corpus.hand_in(case, Path(place))
        command = ["check", submission, "--assignment", assignment, "--out", Path(place) / "out"]
        for check in sorted(case.checks):
            command += ["--only", check]
        subprocess.run(
            [sys.executable, "-c", CHECK, told, *command],
            cwd=ROOT, capture_output=True, timeout=SECONDS, check=False,
        )  # fmt: skip
    return Cost(*json.loads(told.read_text()))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
