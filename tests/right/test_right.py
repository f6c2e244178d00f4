"""Right solutions, written in unusual ways: full marks for each, on the public and the hidden seed.

`tox -e audit -- --part right --right tests/right` tries other seeds, too. A folder beside this file holds the files in
which a solution differs from the reference.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from grader.assignment.spec import load
from grader.authoring.audit import run_audit as auditing
from grader.authoring.audit.audit_inputs import right_solutions
from grader.authoring.audit.findings import RightResult
from grader.authoring.audit.trial_runs import Bench, TrialRun, Verdict, run_all, settle

HERE = Path(__file__).resolve().parent
ASSIGNMENT = load(HERE.parents[1] / "assignment")
SOLUTIONS = right_solutions(ASSIGNMENT, HERE)
IN_NOTEBOOKS = ("float32_inside", "in_place")


@pytest.fixture(scope="module")
def results() -> dict[str, RightResult]:
    """What the audit says of each, by name: all checks but the notebooks', with both recorded seeds."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(auditing, "OTHER_SEEDS", ())
        found = auditing.audit(ASSIGNMENT, auditing.AuditOptions(parts=("right",), right=HERE))
    return {one.name: one for one in found.right}


@pytest.fixture(scope="module")
def in_notebooks() -> dict[str, Verdict]:
    """The verdicts of some, by name, with the notebooks' checks."""

    def trials() -> Iterator[TrialRun]:
        checks = frozenset(check.id for check in ASSIGNMENT.spec.checks if check.notebook)
        for name in IN_NOTEBOOKS:
            yield TrialRun(name, SOLUTIONS[name], "hidden", (checks,), hurry=False)

    bench = Bench(str(ASSIGNMENT.folder), settle(ASSIGNMENT, "auto"))
    verdicts = run_all(bench, list(trials()), None, lambda trial, verdict: None)
    return {name: verdict for (name, _), verdict in verdicts.items()}


def test_there_are_thirty() -> None:
    assert len(SOLUTIONS) >= 30
    texts = [tuple(sorted(files.items())) for files in SOLUTIONS.values()]
    assert len(set(texts)) == len(texts)


@pytest.mark.parametrize("name", SOLUTIONS)
def test_right_solution_has_full_marks_and_no_hint_with_every_seed(results: dict[str, RightResult], name: str) -> None:
    assert set(results[name].seeds) == {"public", "hidden"}
    assert (results[name].lost, results[name].hinted) == ({}, False)


@pytest.mark.parametrize("name", IN_NOTEBOOKS)
def test_notebooks_run_learn_and_caption_with_it(in_notebooks: dict[str, Verdict], name: str) -> None:
    assert set(in_notebooks[name].ran) == {check.id for check in ASSIGNMENT.spec.checks if check.notebook}
    assert (in_notebooks[name].failed, in_notebooks[name].faults) == ({}, {})
