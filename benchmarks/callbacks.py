"""What a function costs that a check hands into the box, beside the same function within it:
`python -m benchmarks.callbacks`.

A student's function calls the function that it was given some hundred times, with a number and with
an array of a megabyte. The function is a lambda of the check's (each call is a message each way), one
of `checks/box.py`, and NumPy's own, which goes in by its name. The three are timed in turn, in one
run, so that the machine's other work meets all of them; the ratios say more than the times.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import tempfile
from pathlib import Path

from grader.assignment.spec import load
from grader.authoring import record
from grader.grading.grade import Options, grade

OUT = "GRADER_BENCHMARK_CALLBACKS"
SPEC = """
schema = 1
name = "callbacks"
title = "Callbacks"
reference = "../solutions"
questions = [{ id = "q", title = "Q" }]
files = [{ path = "m.py", provides = ["each"] }]
checks = [{ id = "cost", question = "q", points = 1 }]

[limits]
call_seconds = 60
"""
SOLUTION = """
def each(f, n, x):
    for _ in range(n):
        f(x)
"""
BOX = "import numpy as np\n\n\ndef negative(x):\n    return np.negative(x)\n"
CHECK = f'''
import json
import os
import time

import numpy as np


def test_cost(student, expect):
    """The cost of a call."""
    ways = {{"lambda": lambda x: np.negative(x), "box.py": student.box.negative, "numpy": np.negative}}
    inputs = {{"number": (1.5, 200), "megabyte": (np.ones(1 << 17), 15)}}
    rounds = []
    for _ in range(5):
        found = {{}}
        for what, (x, n) in inputs.items():
            for way, function in ways.items():
                student.each(function, 1, x)
                start = time.perf_counter()
                student.each(function, n, x)
                found[what + " " + way] = (time.perf_counter() - start) / n
        rounds.append(found)
    with open(os.environ["{OUT}"], "w") as file:
        json.dump(rounds, file)
    expect("done", True)
'''


def main() -> None:
    """Measure on a tier and print microseconds a call, and the ratios."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--isolation", default="auto")
    isolation = parser.parse_args().isolation
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        out = root / "times.json"
        os.environ[OUT] = str(out)
        texts = {
            "assignment/assignment.toml": SPEC,
            "assignment/checks/test_cost.py": CHECK,
            "assignment/checks/box.py": BOX,
            "solutions/m.py": SOLUTION,
        }
        for name, text in texts.items():
            (root / name).parent.mkdir(parents=True, exist_ok=True)
            (root / name).write_text(text)
        assignment = load(root / "assignment")
        record.record(assignment, reseed=False, progress=lambda line: None)
        graded = grade(assignment, root / "solutions", Options(isolation=isolation))
        assert graded.report.score == 1, graded.report.checks
        rounds = json.loads(out.read_text())
    print(f"{'a call with':24} {'median':>10} {'least':>10} {'of the box':>10}")
    for key in rounds[0]:
        times = [one[key] for one in rounds]
        ratios = [one[key] / one[f"{key.split()[0]} box.py"] for one in rounds]
        median, least = 1e6 * statistics.median(times), 1e6 * min(times)
        print(f"{key:24} {median:8.0f} us {least:8.0f} us {statistics.median(ratios):10.1f}")


if __name__ == "__main__":
    main()
