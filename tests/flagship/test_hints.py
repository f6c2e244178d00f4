"""Marks that teach: nearly every known mistake is told its own hint, none another's, and no right solution any."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from grader.assignment.misconceptions import FOLDER, load_all
from grader.assignment.spec import load
from grader.authoring import audit_report
from grader.authoring.findings import Audit
from grader.model import Status

ROOT = Path(__file__).resolve().parents[2]
LAYERS, RNN = "cs231n/rnn_layers.py", "cs231n/classifiers/rnn.py"
KNOWN = {one.id: one for one in load_all(ROOT / "assignment" / FOLDER)}
SHARE = 0.9  # of the known mistakes that must be told their own hint
WITHOUT_NUMBERS = {"rnn-dh0-not-returned", "lstm-dh0-not-returned"}  # too few values come, and the message says so


def test_nearly_all_known_mistakes_are_told_their_own_hint_with_inputs_never_recorded(audited: Audit) -> None:
    hints = audited.hints
    assert hints.all == len(KNOWN)
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
    figure = f"{hints.own} of these {hints.all} ({hints.share:.0%}) are told their own hint"
    told = json.loads(audit_report.json(audited))["own_hints"]
    assert (told["all"], told["own"], told["without"]) == (hints.all, hints.own, list(hints.without))
    assert told["share"] == pytest.approx(hints.share, abs=1e-4)
    for text in (audit_report.text(audited), audit_report.html(audited).decode()):
        assert figure in text
        assert all(id_ in text for id_ in hints.without)


# --- through the command line, with what was recorded ----------------------------------------------------------------

TOLD = {
    "rnn-tanh-missing": (
        (LAYERS, "next_h = np.tanh(x @ Wx + prev_h @ Wh + b)", "next_h = x @ Wx + prev_h @ Wh + b"),
        "rnn_step_forward",
    ),
    "lstm-gates-ifgo-forward": (
        (LAYERS, "a_i, a_f, a_o, a_g = np.split(a, 4, axis=1)", "a_i, a_f, a_g, a_o = np.split(a, 4, axis=1)"),
        "lstm_forward",
    ),
    "sample-start-kept": (
        (RNN, "for t in range(max_length):", "captions[:, 0] = self._start\n        for t in range(1, max_length):"),
        "captioning_rnn_sample",
    ),
}


@pytest.mark.parametrize("id_", TOLD)
def test_report_of_a_submission_that_makes_a_mistake_has_its_hint(
    changed: Callable[..., Path], graded: Callable[..., Any], id_: str
) -> None:
    change, check = TOLD[id_]
    result = graded(changed(change), "--only", check).report["checks"][0]
    assert result["status"] == Status.FAIL
    assert result["hint"] == KNOWN[id_].hint
    assert result["mistake"] in {one.name for one in KNOWN.values() if one.hint == KNOWN[id_].hint}  # one of its group


def test_mistake_that_nobody_knows_is_told_what_is_true_of_its_numbers(
    changed: Callable[..., Path], graded: Callable[..., Any]
) -> None:
    change = (LAYERS, "out = W[x]  # (N, T, D)", "out = -W[x]")
    result = graded(changed(change), "--only", "word_embedding_forward").report["checks"][0]
    assert (result["mistake"], result["hint"]) == ("", "`out` has the opposite sign everywhere.")


def test_right_but_unusual_solution_has_full_marks_and_no_hint(graded: Callable[..., Any]) -> None:
    without_notebooks = [f"--only={check.id}" for check in load(ROOT / "assignment").spec.checks if not check.notebook]
    report = graded(ROOT / "tests" / "submissions" / "right" / "einsum", *without_notebooks).report
    assert report["score"] == report["max_score"]
    assert {(check["hint"], check["mistake"], check["message"]) for check in report["checks"]} == {("", "", "")}
