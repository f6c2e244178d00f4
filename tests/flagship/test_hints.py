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
    "sample-second-best": (
        (RNN, "scores.argmax(axis=1)", "np.argsort(-scores, axis=1)[:, 1]"),
        "captioning_lstm_sample",
    ),
    "sample-argmax-of-state": (
        (RNN, "scores.argmax(axis=1)", "h.argmax(axis=1)"),
        "captioning_rnn_sample",
    ),
    "sample-columns-rolled": (
        (
            RNN,
            "        return captions\n        ### END",
            "        return np.roll(captions, 1, axis=1)\n        ### END",
        ),
        "captioning_rnn_sample",
    ),
    "sample-first-picture-for-all": (
        (
            RNN,
            "h, _ = affine_forward(features, W_proj, b_proj)",
            "h, _ = affine_forward(0 * features + features[0], W_proj, b_proj)",
        ),
        "captioning_lstm_sample",
    ),
    "embedding-gradient-largest": (
        (LAYERS, "np.add.at(dW, x, dout)", "np.maximum.at(dW, x, dout)"),
        "word_embedding_backward",
    ),
    "embedding-gradient-assigned": (
        (LAYERS, "np.add.at(dW, x, dout)", "dW[x] = dout"),
        "word_embedding_backward",
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


def test_part_of_the_step_that_counts_twice_is_named(
    changed: Callable[..., Path], graded: Callable[..., Any]
) -> None:
    change = (LAYERS, "next_h = np.tanh(x @ Wx +", "next_h = np.tanh(2 * (x @ Wx) +")
    result = graded(changed(change), "--only", "rnn_step_forward").report["checks"][0]
    assert result["hint"].startswith(
        "`next_h` goes wrong in the sum that it is made of: the matrix"
    )
    assert "the third argument of `rnn_step_forward` has too large a factor." in result["hint"]


def test_activation_that_is_applied_twice_is_named(
    changed: Callable[..., Path], graded: Callable[..., Any]
) -> None:
    change = (
        LAYERS,
        "next_h = np.tanh(x @ Wx + prev_h @ Wh + b)",
        "next_h = np.tanh(np.tanh(x @ Wx + prev_h @ Wh + b))",
    )
    result = graded(changed(change), "--only", "rnn_step_forward").report["checks"][0]
    assert "comes from the right sum, but tanh is applied to it twice." in result["hint"]


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
