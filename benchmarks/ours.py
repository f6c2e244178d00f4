"""Our grader as a contestant: one process with one sandbox, as in `grader batch`; reports and
notebooks are written.
"""

from __future__ import annotations

from pathlib import Path

from benchmarks import lane
from grader.assignment.spec import load
from grader.grading import outputs
from grader.grading.grade import Grader, Options


def main() -> None:
    """Grade what is asked for."""
    job = lane.job()
    submissions, out = Path(job["submissions"]), Path(job["out"])
    options = Options(isolation=job["isolation"], only=frozenset(job["only"]), boxes=1)
    assignment = load(Path(job["assignment"]))
    with Grader(assignment, options) as grader:
        outputs.prepare(assignment, assignment.spec.notebook_paths)

        def grade(chunk: str, names: list[str]) -> dict[str, float]:
            scores = {}
            for name in names:
                graded = grader.grade(submissions / name)
                outputs.write(graded, out / name)
                scores[name] = graded.report.score
            return scores

        lane.serve(grade)


if __name__ == "__main__":
    main()
