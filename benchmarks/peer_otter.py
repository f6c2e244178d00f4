"""otter-grader as a contestant, through its API for grading without containers; run in otter's
environment.

It writes no report for the student here: its API returns results, and PDFs would cost it much more.
"""

from __future__ import annotations

from pathlib import Path

from otter.api import grade_submission

from benchmarks import lane


def main() -> None:
    """Grade what is asked for; a submission may have a notebook for each of several autograders."""
    job = lane.job()
    submissions = Path(job["submissions"])

    def grade(chunk: str, names: list[str]) -> dict[str, float]:
        return {
            name: sum(
                grade_submission(str(submissions / name / file), autograder, quiet=True).total
                for file, autograder in job["autograders"].items()
            )
            for name in names
        }

    lane.serve(grade)


if __name__ == "__main__":
    main()
