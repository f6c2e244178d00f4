"""nbgrader as a contestant: each process has a course folder and a gradebook of its own.

Run in nbgrader's environment.
"""

from __future__ import annotations

import os
from pathlib import Path

from nbgrader.api import Gradebook
from nbgrader.apps import NbGraderAPI
from traitlets.config import Config

from benchmarks import lane


def main() -> None:
    """Make the assignment known to the gradebook, then autograde and write feedback for what is
    asked for.
    """
    job = lane.job()
    course, assignment = Path(job["course"]), job["assignment"]
    os.chdir(course)
    config = Config()
    config.CourseDirectory.course_id = "benchmark"
    config.CourseDirectory.root = str(course)
    config.CourseDirectory.db_url = f"sqlite:///{course / 'gradebook.db'}"
    config.ExecutePreprocessor.timeout = 300
    api = NbGraderAPI(config=config)
    must(api.generate_assignment(assignment))

    def grade(chunk: str, names: list[str]) -> dict[str, float]:
        must(api.autograde(assignment, f"{chunk}-*"))
        must(api.generate_feedback(assignment, f"{chunk}-*"))
        with Gradebook(config.CourseDirectory.db_url, "benchmark") as gradebook:
            scores = {name: gradebook.find_submission(assignment, name).score for name in names}
        for name in names:
            if not list((course / "feedback" / name / assignment).glob("*.html")):
                raise RuntimeError(f"nbgrader wrote no feedback for {name}")
        return scores

    lane.serve(grade)


def must(result: dict[str, object]) -> None:
    """Raise where nbgrader says that something failed."""
    if not result["success"]:
        raise RuntimeError(f"nbgrader failed: {result.get('error')}\n{result.get('log')}")


if __name__ == "__main__":
    main()
