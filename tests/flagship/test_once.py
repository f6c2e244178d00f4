"""The table of what each mistake costs: a few of its rows, and that nothing is missing in it."""

from __future__ import annotations

from pathlib import Path

import once
import pytest
from toy import Graders

from grader.assignment.spec import load

ASSIGNMENT = load(Path(__file__).resolve().parents[2] / "assignment")


@pytest.fixture(scope="module")
def found() -> list[once.Mistake]:
    """The mistakes that the table has a row for."""
    return list(once.mistakes(ASSIGNMENT))


def test_the_table_has_each_known_mistake_and_each_function_that_raises(
    found: list[once.Mistake],
) -> None:
    known = {path.stem for path in (ASSIGNMENT.folder / "misconceptions").glob("*.toml")}
    assert {one.id for one in found if one.kind == "known"} == known
    functions = {name for file in ASSIGNMENT.spec.files for name in file.provides} - {
        "CaptioningRNN"
    }
    for kind in once.BODIES:
        raising = {one.id for one in found if one.kind == kind}
        assert raising == functions | {"CaptioningRNN.loss", "CaptioningRNN.sample"}


@pytest.mark.parametrize(
    ("id_", "kind"),
    [
        ("rnn_step_forward", "crash"),
        ("lstm_backward", "stub"),
        ("CaptioningRNN.sample", "crash"),
        ("lstm-gates-fiog", "known"),
        ("lstm-cell-state-updated-in-place", "known"),
    ],
)
def test_a_mistake_costs_no_more_than_its_own_checks_points(
    graders: Graders, found: list[once.Mistake], id_: str, kind: str
) -> None:
    grader = graders(ASSIGNMENT.folder)
    grader.options = once.asked(ASSIGNMENT, notebooks=False)
    (row,) = once.rows(grader, [one for one in found if (one.id, one.kind) == (id_, kind)])
    assert 0 < row.lost <= row.own, row.checks
