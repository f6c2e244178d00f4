"""Gradescope: the autograder zip, and results.json as its harness reads it.

Theory of operation. Gradescope unpacks the zip to ``/autograder/source``, runs ``setup.sh`` once
with a network, and for each submission ``run_autograder``, which grades ``/autograder/submission``
and writes ``/autograder/results/results.json``. The student's code runs in the grader's sandbox
inside that container; if no sandbox works there, nothing is graded. A fault of ours leaves no
results.json, which Gradescope reports as a failed autograder and not as a mark.
"""

from __future__ import annotations

import shlex
from operator import attrgetter
from pathlib import Path
from typing import Any

import msgspec

from grader.assignment.spec import Assignment, load
from grader.classroom.marks.class_page import template_of
from grader.errors import GraderFault, SubmissionError
from grader.files import write_atomically
from grader.model import CheckResult, Report, Status, Tier, Visibility
from grader.report import labels
from grader.report.audience import HIDDEN_TITLE, Audience, view
from grader.text import clean
from grader.zips import zipped

OUTPUT_LIMIT = 8_000
LITTER = frozenset(("__pycache__", ".ipynb_checkpoints", ".git"))
ASSIGNMENT, REFERENCE = "assignment", "solutions"


def autograder_zip(assignment: Assignment, wheel: str, wheel_bytes: bytes) -> bytes:
    """Return the zip: two scripts, the grader's wheel, and the assignment.

    Of the reference solution it holds the modules that stand-ins ask, so that one mistake costs
    once there as well.
    wheel: the file name of the wheel
    """
    assignment.require_hidden()
    requires = shlex.join(assignment.spec.requires)
    files = {
        "setup.sh": template_of("exports/setup.sh.j2", wheel=wheel, requires=requires).encode(),
        "run_autograder": template_of("exports/run_autograder.j2").encode(),
        f"wheels/{wheel}": wheel_bytes,
    }
    # A notebook that is its own reference is the assignment: the platform keeps the zip from
    # students.
    reference = assignment.reference if assignment.reference != assignment.folder else None
    for path in sorted(assignment.folder.rglob("*")):
        inside = path.relative_to(assignment.folder)
        litter = LITTER.intersection(inside.parts)
        answers = reference is not None and path.resolve().is_relative_to(reference)
        if path.is_file() and not litter and not answers:
            files[f"{ASSIGNMENT}/{inside.as_posix()}"] = path.read_bytes()
    for name, data in assignment.stand_in_files().items():
        files[f"{ASSIGNMENT}/{name}"] = data
    return zipped(files, compressed=True, scripts=("setup.sh", "run_autograder"))


def run(base: Path, isolation: str = "auto") -> Path:
    """Grade the submission of Gradescope's tree at ``base`` and write its results; return their
    path.

    A submission that can't be taken in gets no points and the reason; a fault of ours is raised.
    """
    from grader.grading.grade import Options, grade

    assignment = load(base / "source" / ASSIGNMENT)
    target = base / "results" / "results.json"
    try:
        report = grade(assignment, base / "submission", Options(isolation=isolation)).report
    except SubmissionError as error:
        return write_atomically(
            target, _json({"score": 0.0, "output": str(error), "output_format": "text"})
        )
    if labels.unfinished(report):
        raise GraderFault(
            "a check failed by our fault; Gradescope is to call the autograder failed, not to give"
            " a mark"
        )
    return write_atomically(target, results(report))


def results(report: Report) -> bytes:
    """Return a report as results.json: a test for each check, hidden ones hidden, the question as
    its tag.
    """
    titles = {question.id: question.title for question in report.questions}
    # hidden tests are shown to instructors alone, and so they stand in full
    shown = view(report, Audience.STUDENT)
    tests: list[dict[str, Any]] = []
    for full, open_ in zip(report.checks, shown.checks, strict=True):
        check = full if full.visibility is Visibility.HIDDEN else open_
        tests.append(_test(len(tests) + 1, check, titles))
    head = (
        f"{report.title}: {labels.points(report.score)} of {labels.points(report.max_score)} points"
    )
    if report.isolation is Tier.NONE:
        head += " (not sandboxed)"
    return _json(
        {
            "score": report.score,
            "execution_time": round(report.seconds),
            "output": "\n".join([head, *shown.notes]),
            "output_format": "text",
            "visibility": "visible",
            "stdout_visibility": "hidden",
            "tests": tests,
        }
    )


def _test(number: int, check: CheckResult, titles: dict[str, str]) -> dict[str, Any]:
    hidden = check.visibility is Visibility.HIDDEN
    hint = f"Hint: {check.hint}" if check.hint else ""
    trace = next(filter(None, map(attrgetter("trace"), check.cases)), "")
    output = "\n\n".join(filter(None, (check.message, hint, trace)))
    return {
        "name": HIDDEN_TITLE if hidden else check.title,
        "name_format": "text",
        "number": str(number),
        "score": check.points,
        "max_score": check.max_points,
        "status": "passed" if check.status is Status.PASS else "failed",
        "output": output or labels.status(check),
        "output_format": "text",
        "tags": [titles.get(check.question, check.question)],
        "visibility": "hidden" if hidden else "visible",
        "extra_data": {"id": check.id},
    }


def _json(data: dict[str, Any]) -> bytes:
    return msgspec.json.format(msgspec.json.encode(_clean(data)), indent=1) + b"\n"


def _clean(data: Any) -> Any:
    """Return plain data whose strings are harmless and bounded."""
    if isinstance(data, str):
        return clean(data, OUTPUT_LIMIT)
    if isinstance(data, dict):
        return {key: _clean(value) for key, value in data.items()}
    return list(map(_clean, data)) if isinstance(data, list) else data
