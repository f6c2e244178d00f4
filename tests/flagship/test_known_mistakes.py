"""A known mistake of the flagship fails the checks that it names and no other, and is told its
hint.

One of each kind is tried here; `tox -e audit -- --part misconceptions` tries all of them.
"""

from __future__ import annotations

import json
import shutil
from collections import Counter
from pathlib import Path

import pytest

from grader.assignment.misconceptions import FOLDER, load_all
from grader.assignment.spec import load
from grader.authoring.audit import audit_report
from grader.authoring.audit.findings import Audit, MisconceptionResult
from grader.authoring.audit.run_audit import FRESH, AuditOptions, audit

ASSIGNMENT = load(Path(__file__).resolve().parents[2] / "assignment")
KNOWN = load_all(ASSIGNMENT.folder / FOLDER)
# One of each kind: those that stand in other functions, or fail other checks.
TRIED = list(
    {
        (frozenset(change.function for change in one.changes), one.fails): one for one in KNOWN
    }.values()
)
SHARE = 0.9  # of the known mistakes that must get their own hint
# too few values come, and the message says so
WITHOUT_NUMBERS = {"rnn-dh0-not-returned", "lstm-dh0-not-returned"}
FUNCTIONS = [
    name for file in ASSIGNMENT.spec.files for name in file.provides if name != "CaptioningRNN"
]


@pytest.fixture(scope="module")
def audited(tmp_path_factory: pytest.TempPathFactory) -> Audit:
    """What the audit says of some known mistakes: submitted whole, with the hidden seed and with a
    fresh one.
    """
    root = tmp_path_factory.mktemp("some")
    for name in ("assignment", "solutions"):
        shutil.copytree(
            ASSIGNMENT.folder.parent / name,
            root / name,
            ignore=shutil.ignore_patterns("__pycache__"),
        )
    for one in KNOWN:
        if one not in TRIED:
            (root / "assignment" / FOLDER / f"{one.id}.toml").unlink()
    return audit(load(root / "assignment"), AuditOptions(parts=("misconceptions",), workers=1))


@pytest.fixture(scope="module")
def results(audited: Audit) -> dict[str, MisconceptionResult]:
    """What the audit says of each, by id."""
    return {one.id: one for one in audited.misconceptions}


@pytest.mark.parametrize("id_", [one.id for one in TRIED])
def test_mistake_fails_exactly_where_it_says(
    results: dict[str, MisconceptionResult], id_: str
) -> None:
    assert results[id_].seeds == ("hidden", FRESH)
    assert (results[id_].passes_wrongly, results[id_].fails_wrongly) == ((), {})


def test_there_are_several_for_each_function_and_for_loss_and_sample() -> None:
    assert len(KNOWN) >= 60
    assert len(TRIED) >= 20
    counts = Counter(name for one in KNOWN for name in {change.function for change in one.changes})
    assert {name for name in FUNCTIONS if counts[name] < 3} == set()
    assert min(counts["CaptioningRNN.loss"], counts["CaptioningRNN.sample"]) >= 10


def test_hints_lead_to_the_idea_and_do_not_give_the_line_away() -> None:
    for one in KNOWN:
        assert 80 <= len(one.hint) <= 600, one.id
        for change in one.changes:
            lines = [line.split("#")[0].strip() for line in change.old.splitlines()]
            assert not any(line in one.hint for line in lines if len(line) > 8), one.id


# --- hints ---


def test_nearly_all_known_mistakes_are_told_their_own_hint_with_inputs_never_recorded(
    audited: Audit,
) -> None:
    hints = audited.hints
    assert hints.all == len(TRIED)
    assert hints.own == hints.all - len(hints.without)
    assert hints.share >= SHARE
    assert set(hints.without) <= WITHOUT_NUMBERS


def test_no_known_mistake_is_told_the_hint_of_another(audited: Audit) -> None:
    assert {one.id: one.misled for one in audited.misconceptions if one.misled} == {}


def test_own_hint_is_told_in_most_of_the_checks_that_a_mistake_fails(audited: Audit) -> None:
    failing = [(one.id, check) for one in audited.misconceptions for check in one.fails]
    told = [(one.id, check) for one in audited.misconceptions for check in one.hinted]
    assert set(told) <= set(failing)
    assert len(told) >= SHARE * len(failing)


def test_the_audits_reports_have_the_figure(audited: Audit) -> None:
    hints = audited.hints
    figure = f"{hints.own} of these {hints.all} ({hints.share:.0%}) get their own hint"
    told = json.loads(audit_report.json(audited))["own_hints"]
    assert (told["all"], told["own"], told["without"]) == (
        hints.all,
        hints.own,
        list(hints.without),
    )
    assert told["share"] == pytest.approx(hints.share, abs=1e-4)
    for text in (audit_report.text(audited), audit_report.html(audited).decode()):
        assert figure in text
        assert all(id_ in text for id_ in hints.without)
