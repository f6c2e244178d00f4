"""Every known mistake of the flagship fails the checks that it names, and no other."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from grader.assignment.misconceptions import FOLDER, load_all
from grader.assignment.spec import load
from grader.authoring.audit import FRESH
from grader.authoring.findings import Audit, MisconceptionResult

ASSIGNMENT = load(Path(__file__).resolve().parents[2] / "assignment")
KNOWN = load_all(ASSIGNMENT.folder / FOLDER)
FUNCTIONS = [name for file in ASSIGNMENT.spec.files for name in file.provides if name != "CaptioningRNN"]


@pytest.fixture(scope="module")
def results(audited: Audit) -> dict[str, MisconceptionResult]:
    """What the audit says of each, by id."""
    return {one.id: one for one in audited.misconceptions}


@pytest.mark.parametrize("id_", [one.id for one in KNOWN])
def test_mistake_fails_exactly_where_it_says(results: dict[str, MisconceptionResult], id_: str) -> None:
    assert results[id_].seeds == ("hidden", FRESH)
    assert (results[id_].passes_wrongly, results[id_].fails_wrongly) == ((), {})


def test_there_are_several_for_each_function_and_for_loss_and_sample() -> None:
    assert len(KNOWN) >= 60
    counts = Counter(name for one in KNOWN for name in {change.function for change in one.changes})
    assert {name for name in FUNCTIONS if counts[name] < 3} == set()
    assert min(counts["CaptioningRNN.loss"], counts["CaptioningRNN.sample"]) >= 10


def test_hints_lead_to_the_idea_and_do_not_give_the_line_away() -> None:
    for one in KNOWN:
        assert 80 <= len(one.hint) <= 600, one.id
        for change in one.changes:
            lines = [line.split("#")[0].strip() for line in change.old.splitlines()]
            assert not any(line in one.hint for line in lines if len(line) > 8), one.id
