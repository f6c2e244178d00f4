"""Grades one submission: intake, the checks in the trusted process, the student's code in a box, a `Report`."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec

from grader.assignment.expectations import Expectations
from grader.assignment.spec import Assignment
from grader.errors import AssignmentError, UsageError
from grader.grading.intake import Taken, Wanted, take
from grader.grading.scoring import questions, score_check, total
from grader.model import REPORT_SCHEMA, CaseResult, CheckResult, Report
from grader.sandbox.ladder import open_sandbox

HANDOUT_PAGES = ("README.md", "tox.ini", "pytest.ini", ".gitignore")
HANDOUT_FOLDERS = ("assignment", "wheels")
Progress = Callable[[CheckResult], None]


class Graded(msgspec.Struct, frozen=True):
    """A report, and what belongs beside it."""

    report: Report
    notebooks: dict[str, Any]  # name -> the executed notebook, a NotebookNode made by the student's code: hostile
    sources: dict[str, str]  # the student's files as text, for the report


class Options(msgspec.Struct, frozen=True):
    """How to grade."""

    isolation: str = "auto"
    only: frozenset[str] = frozenset()
    on_check: Progress = lambda check: None


def wanted(assignment: Assignment) -> Wanted:
    """Return what the intake takes from a submission, and which files it need not report as changed."""
    files = dict(assignment.provided)
    if assignment.spec.handout_of:  # practice: the handout's own files lie in the submission
        root = assignment.folder.parent
        files |= {path.relative_to(root).as_posix(): path for path in handout_files(root)}
    digests = {place: hashlib.sha256(path.read_bytes()).hexdigest() for place, path in files.items()}
    return Wanted(
        files=tuple(file.path for file in assignment.spec.files),
        notebooks=tuple(notebook.path for notebook in assignment.spec.notebooks),
        provided=frozenset(digests),
        digests=digests,
    )


def handout_files(root: Path) -> list[Path]:
    """Return what a handout brings besides the student's files and the provided ones."""
    pages = (root / name for name in HANDOUT_PAGES)
    below = (
        path for folder in HANDOUT_FOLDERS for path in (root / folder).rglob("*") if "__pycache__" not in path.parts
    )
    return [path for path in (*pages, *below) if path.is_file()]


def load_expectations(assignment: Assignment) -> tuple[Expectations, bool]:
    """Return the expectations to grade with, and whether they are of the hidden seed; refuse stale ones."""
    hidden = assignment.expectations_path("hidden").is_file()
    path = assignment.expectations_path("hidden" if hidden else "public")
    expectations = Expectations.read(path)
    if expectations.provenance.assignment != assignment.digest:
        raise AssignmentError(f"{path} is stale: the assignment has changed since; run `grader record`")
    return expectations, hidden


def grade(assignment: Assignment, submission: Path, options: Options) -> Graded:
    """Grade a submission; raises `CannotGrade` where there is nothing to grade."""
    started, start = datetime.now(UTC), time.perf_counter()
    _check_only(assignment, options.only)
    taken = take(submission, wanted(assignment))
    expectations, hidden = load_expectations(assignment)
    readable = sorted(set(assignment.links.values()))
    with open_sandbox(options.isolation, assignment.spec.limits, readable) as sandbox:
        results, notebooks, notes = _run(assignment, taken, expectations, sandbox, hidden, options)
        tier = sandbox.tier
    report = Report(
        schema=REPORT_SCHEMA,
        assignment=assignment.spec.name,
        version=assignment.spec.version,
        title=assignment.spec.title,
        submission=taken.name,
        score=total(check.points for check in results),
        max_score=total(check.max_points for check in results),
        isolation=tier,
        seconds=round(time.perf_counter() - start, 3),
        started=started.isoformat(timespec="seconds"),
        questions=questions(assignment.spec, results),
        checks=tuple(results),
        notes=(*taken.notes, *notes),
        seed="hidden" if hidden else "public",
        notebooks=tuple(notebooks),
    )
    sources = {path: data.decode("utf-8", "replace") for path, data in taken.files.items() if path.endswith(".py")}
    return Graded(report, notebooks, sources)


def _check_only(assignment: Assignment, only: frozenset[str]) -> None:
    known = [check.id for check in assignment.spec.checks]
    for id_ in sorted(only):
        if id_ not in known:
            raise UsageError(f"--only {id_}: there is no such check (there are: {', '.join(known)})")


def _run(
    assignment: Assignment, taken: Taken, expectations: Expectations, sandbox: Any, hidden: bool, options: Options
) -> tuple[list[CheckResult], dict[str, Any], list[str]]:
    from grader.checking import plugin  # pytest and nbclient: only once there is something to grade

    results: dict[str, CheckResult] = {}

    def finished(id_: str, title: str, cases: list[CaseResult]) -> None:
        spec = assignment.check(id_)
        assert spec is not None
        results[id_] = score_check(spec, title, cases)
        options.on_check(results[id_])

    plan = plugin.Plan(
        assignment=assignment,
        sandbox=sandbox,
        files=dict(taken.files),
        expectations=expectations,
        hidden=hidden,
        only=options.only,
        on_check=finished,
    )
    outcome = plugin.run(plan)
    notebooks = {name: node for name, node in outcome.notebooks.items() if node is not None}
    return list(results.values()), notebooks, outcome.notes
