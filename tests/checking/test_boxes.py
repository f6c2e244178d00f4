"""A plan's boxes: notebooks begin before all else, and one that nobody waits for any more ends at
once.
"""

from __future__ import annotations

import functools
import os
import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import nbformat
import pytest
from toy import CELLS, CHECKS, REFERENCE, SPEC, Toy, build, notebook

from grader.assignment.expectations import SCHEMA, Expectations, Provenance
from grader.authoring.record import record
from grader.checking.api.notebook import NotebookRun
from grader.checking.run.boxes import Boxes
from grader.checking.run.plan import Plan
from grader.checking.run.verdicts import CheckOutcome
from grader.checking.session.run_checks import run_checks
from grader.errors import AssignmentError, GraderError
from grader.sandbox.plain import PlainSandbox

SLOW = {
    "cell_seconds = 20": "cell_seconds = 600",
    "notebook_seconds = 60": "notebook_seconds = 600",
}
PATIENT = functools.reduce(lambda spec, limit: spec.replace(*limit), SLOW.items(), SPEC)
ENDLESS = notebook((*CELLS[:2], ("double", "code", "student", "while True:\n    pass"), *CELLS[3:]))


def plan(folder: Path, sandbox: PlainSandbox, *, checks: str = CHECKS, **options: object) -> Plan:
    """Return the plan of a submission whose notebook does not end within minutes."""
    files = {"pack/toy.py": REFERENCE.encode(), "Toy.ipynb": str_of(ENDLESS)}
    stored = Expectations(Provenance(SCHEMA, "7", "", "", {}))
    return Plan(build(folder, spec=PATIENT, checks=checks), sandbox, files, stored, **options)


def str_of(node: object) -> bytes:

    return nbformat.writes(node).encode()


def test_a_notebook_that_nobody_waits_for_ends_at_once(tmp_path: Path) -> None:
    with PlainSandbox() as sandbox:
        boxes = Boxes(wanted := plan(tmp_path, sandbox))
        boxes.begin(wanted.checks)
        boxes.close()
        assert not boxes.runs["Toy.ipynb"].running
        # of its own it would take ten minutes
        assert isinstance(boxes.runs["Toy.ipynb"].failure(), GraderError)


IGNORING = (
    CHECKS[: CHECKS.index('@pytest.mark.parametrize("part"')]
    + """
def test_notebook():
    pass
"""
)


def test_a_box_whose_checks_never_asked_for_the_notebook_ends_with_its_run(tmp_path: Path) -> None:
    runs: list[NotebookRun] = []

    class Seen(NotebookRun):
        def start(self, pool: ThreadPoolExecutor) -> None:
            super().start(pool)
            runs.append(self)

    def told(check: CheckOutcome) -> None:
        assert check.id == "notebook"
        assert [run.running for run in runs] == [False]

    with PlainSandbox() as sandbox, pytest.MonkeyPatch.context() as patch:
        patch.setattr("grader.checking.run.boxes.NotebookRun", Seen)
        options = {"only": frozenset({"notebook"}), "boxes": 2, "on_check": told}
        outcome = run_checks(plan(tmp_path, sandbox, checks=IGNORING, **options))
    assert not outcome.checks["notebook"].failed
    assert isinstance(runs[0].failure(), GraderError)  # no other error of its thread


def test_only_notebooks_of_wanted_checks_begin(tmp_path: Path) -> None:
    with PlainSandbox() as sandbox:
        boxes = Boxes(wanted := plan(tmp_path, sandbox, only=frozenset({"center"})))
        boxes.begin(wanted.checks)
        assert not boxes.runs
        boxes.close()


def test_with_one_box_a_notebook_waits_for_its_check(tmp_path: Path) -> None:
    with PlainSandbox() as sandbox:
        boxes = Boxes(wanted := plan(tmp_path, sandbox, boxes=1))
        boxes.begin(wanted.checks)
        assert not boxes.runs
        boxes.close()


def test_broken_checks_are_told_without_waiting_for_notebooks(tmp_path: Path) -> None:
    with PlainSandbox() as sandbox, pytest.raises(AssignmentError, match="can't be collected"):
        run_checks(plan(tmp_path, sandbox, checks=CHECKS + "\nimport nowhere\n"))


@pytest.mark.skipif(os.name != "posix", reason="Windows sends no SIGINT")
def test_an_interrupt_does_not_wait_for_a_notebook(tmp_path: Path) -> None:
    assignment = build(tmp_path / "assignment", spec=PATIENT)
    record(assignment, reseed=False, again=False, progress=lambda line: None)
    submission = Toy(assignment, tmp_path).submission(notebook=ENDLESS)
    command = [
        sys.executable,
        "-u",
        "-m",
        "grader",
        "check",
        str(submission),
        "--assignment",
        str(assignment.folder),
    ]
    with subprocess.Popen(
        [*command, "--isolation", "none", "--out", str(tmp_path / "report")],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    ) as process:  # fmt: skip
        assert process.stdout is not None
        for line in process.stdout:
            if "tally" in line:  # the last check but the notebook's
                process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=120)
    assert (process.returncode, errors) == (130, "grader: interrupted\n")
    assert not (tmp_path / "report").exists()
