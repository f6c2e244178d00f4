"""Marks that teach: what a report says of a known mistake, of one that nobody knows, and of what is
right.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from grader.assignment.misconceptions import FOLDER, load_all
from grader.assignment.spec import load
from grader.model import Status

ROOT = Path(__file__).resolve().parents[2]
LAYERS, RNN = "cs231n/rnn_layers.py", "cs231n/classifiers/rnn.py"
KNOWN = {one.id: one for one in load_all(ROOT / "assignment" / FOLDER)}


TOLD = {
    "rnn-tanh-missing": (
        (LAYERS, "next_h = np.tanh(x @ Wx + prev_h @ Wh + b)", "next_h = x @ Wx + prev_h @ Wh + b"),
        "rnn_step_forward",
    ),
    "lstm-gates-ifgo-forward": (
        (
            LAYERS,
            "a_i, a_f, a_o, a_g = np.split(a, 4, axis=1)",
            "a_i, a_f, a_g, a_o = np.split(a, 4, axis=1)",
        ),
        "lstm_forward",
    ),
    "sample-start-kept": (
        (
            RNN,
            "for t in range(max_length):",
            "captions[:, 0] = self._start\n        for t in range(1, max_length):",
        ),
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
    # one of its group
    assert result["mistake"] in {one.name for one in KNOWN.values() if one.hint == KNOWN[id_].hint}


def test_mistake_that_nobody_knows_is_told_what_is_true_of_its_numbers(
    changed: Callable[..., Path], graded: Callable[..., Any]
) -> None:
    change = (LAYERS, "out = W[x]  # (N, T, D)", "out = -W[x]")
    result = graded(changed(change), "--only", "word_embedding_forward").report["checks"][0]
    assert (result["mistake"], result["hint"]) == ("", "`out` has the opposite sign everywhere.")


def test_right_but_unusual_solution_has_full_marks_and_no_hint(graded: Callable[..., Any]) -> None:
    without_notebooks = [
        f"--only={check.id}"
        for check in load(ROOT / "assignment").spec.checks
        if not check.notebook
    ]
    report = graded(ROOT / "tests" / "submissions" / "right" / "einsum", *without_notebooks).report
    assert report["score"] == report["max_score"]
    assert {(check["hint"], check["mistake"], check["message"]) for check in report["checks"]} == {
        ("", "", "")
    }
