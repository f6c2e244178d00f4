"""Right solutions, written in unusual ways: full marks for each, on the hidden seed, and for some
on the public one.

`tox -e audit -- --part right --right tests/right` tries both seeds, and others, with each. A folder
beside this file holds the files in which a solution differs from the reference.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from grader.assignment.spec import load
from grader.authoring.audit.audit_inputs import right_solutions
from grader.authoring.audit.trial_runs import Bench, TrialRun, Verdict, Workers, settle

HERE = Path(__file__).resolve().parent
ASSIGNMENT = load(HERE.parents[1] / "assignment")
SOLUTIONS = right_solutions(ASSIGNMENT, HERE)
WITH_BOTH_SEEDS = list(SOLUTIONS)[::4]
IN_NOTEBOOKS = ("float32_inside", "in_place")
NOTEBOOKS = frozenset(check.id for check in ASSIGNMENT.spec.checks if check.notebook)
FUNCTIONS = frozenset(ASSIGNMENT.spec.check_ids) - NOTEBOOKS


def trials() -> Iterator[TrialRun]:
    """Yield all that is graded: the functions' checks for each, the notebooks' for some."""
    for name, files in SOLUTIONS.items():
        for seed in ("hidden", "public") if name in WITH_BOTH_SEEDS else ("hidden",):
            yield TrialRun(name, files, seed, (FUNCTIONS,), hurry=False)
    for name in IN_NOTEBOOKS:
        yield TrialRun(f"notebooks: {name}", SOLUTIONS[name], "hidden", (NOTEBOOKS,), hurry=False)


@pytest.fixture(scope="module")
def verdicts() -> dict[tuple[str, str], Verdict]:
    """What comes of each, by name and seed, as the audit finds it."""
    bench = Bench(str(ASSIGNMENT.folder), settle(ASSIGNMENT, "auto"))
    with Workers(bench, 1, 1) as workers:
        return workers.run(list(trials()), lambda trial, verdict: None)


def test_there_are_thirty() -> None:
    assert len(SOLUTIONS) >= 30
    texts = [tuple(sorted(files.items())) for files in SOLUTIONS.values()]
    assert len(set(texts)) == len(texts)


@pytest.mark.parametrize("name", SOLUTIONS)
def test_right_solution_has_full_marks_and_no_hint(verdicts: dict[tuple[str, str], Verdict], name: str) -> None:
    found = {seed: verdict for (id_, seed), verdict in verdicts.items() if id_ == name}
    assert set(found) == ({"public", "hidden"} if name in WITH_BOTH_SEEDS else {"hidden"})
    for verdict in found.values():
        assert set(verdict.ran) == FUNCTIONS
        assert (verdict.noticed, verdict.hints) == ({}, {})


@pytest.mark.parametrize("name", IN_NOTEBOOKS)
def test_notebooks_run_learn_and_caption_with_it(verdicts: dict[tuple[str, str], Verdict], name: str) -> None:
    verdict = verdicts[f"notebooks: {name}", "hidden"]
    assert set(verdict.ran) == NOTEBOOKS
    assert (verdict.failed, verdict.faults) == ({}, {})
