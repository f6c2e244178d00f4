"""Mistakes of many kinds: each makes exactly the checks fail that it should, and no expected number
is printed.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pytest

from grader.assignment.spec import load

ROOT = Path(__file__).resolve().parents[2]
LAYERS, RNN = "cs231n/rnn_layers.py", "cs231n/classifiers/rnn.py"


class Mistake(NamedTuple):
    """Changes of the reference's text, the checks that must fail for them, and what one check says
    of it.
    """

    changes: tuple[tuple, ...]
    fails: set[str]
    check: str
    says: str  # a pattern


NOTEBOOKS = {"notebook_rnn", "notebook_lstm"}
IN_NOTEBOOKS = {"tanh left out", "the mask ignored"}  # one fails one notebook, the other both
CHECKS = [check.id for check in load(ROOT / "assignment").spec.checks]

MISTAKES = {
    "gates in the order i, f, g, o": Mistake(
        (
            (
                LAYERS,
                "a_i, a_f, a_o, a_g = np.split(a, 4, axis=1)",
                "a_i, a_f, a_g, a_o = np.split(a, 4, axis=1)",
            ),
            (
                LAYERS,
                "np.concatenate([da_i, da_f, da_o, da_g]",
                "np.concatenate([da_i, da_f, da_g, da_o]",
                2,
            ),
        ),
        {
            *("lstm_step_forward", "lstm_step_backward", "lstm_forward", "lstm_backward"),
            *("captioning_lstm_loss", "captioning_lstm_sample", "notebook_lstm"),
        },
        "lstm_step_forward",
        r"`next_h` has the right shape \(4, 6\), but \d+ of 24 entries are off: .*first at \[\d, \d\]",
    ),
    "no sum over time of dWx": Mistake(
        (
            (
                LAYERS,
                "dWx = x.reshape(N * T, -1).T @ da_rows  # (D, H)",
                "dWx = x[:, 0].T @ da[:, 0]",
            ),
        ),
        {"rnn_backward", "captioning_rnn_loss"},
        "rnn_backward",
        # T=1 has no sum
        r"4 of 5 cases fail; .*`dWx` has the right shape \(4, 6\), but 24 of 24 entries are off",
    ),
    "dprev_h not passed on": Mistake(
        ((LAYERS, "da[:, t] = (dh[:, t] + dprev_h) *", "da[:, t] = dh[:, t] *"),),
        {"rnn_backward", "captioning_rnn_loss"},
        "rnn_backward",
        r"4 of 5 cases fail; .*`dx` has the right shape \(3, 5, 4\), but \d+ of 60 entries are off.*first at \[0, 0, ",
    ),
    "np.add.at replaced by an assignment": Mistake(
        ((LAYERS, "np.add.at(dW, x, dout)", "dW[x] = dout"),),
        {"word_embedding_backward", "captioning_rnn_loss", "captioning_lstm_loss"},
        "word_embedding_backward",
        r"`dW` has the right shape \(9, 5\), but \d+ of 45 entries are off: .*first at \[\d, 0\]",
    ),
    "prev_h and prev_c swapped in sample": Mistake(
        ((RNN, "lstm_step_forward(x, h, c, Wx, Wh, b)", "lstm_step_forward(x, c, h, Wx, Wh, b)"),),
        {"captioning_lstm_sample", "notebook_lstm"},
        "captioning_lstm_sample",
        r"`captions` has the right shape \(4, 9\), but \d+ of 36 entries are off, first at",
    ),
    "the mask ignored": Mistake(
        (
            (
                RNN,
                "mask = captions_out != self._null",
                "mask = np.ones(captions_out.shape, dtype=bool)",
            ),
        ),
        {"captioning_rnn_loss", "captioning_lstm_loss", "notebook_rnn", "notebook_lstm"},
        "captioning_rnn_loss",
        r"`loss` is off: largest relative error",
    ),
    "floats of the ids for an embedding": Mistake(
        ((LAYERS, "out = W[x]  # (N, T, D)", "out = x.astype(float)"),),
        {
            "word_embedding_forward",
            "captioning_rnn_loss",
            "captioning_lstm_loss",
            "notebook_rnn",
            "notebook_lstm",
        },
        "word_embedding_forward",
        r"`out` has shape \(3, 4\), expected \(3, 4, 5\)",
    ),
    "tanh left out": Mistake(
        (
            (
                LAYERS,
                "next_h = np.tanh(x @ Wx + prev_h @ Wh + b)",
                "next_h = x @ Wx + prev_h @ Wh + b",
            ),
        ),
        {
            *("rnn_step_forward", "rnn_step_backward", "rnn_forward", "rnn_backward"),
            *("captioning_rnn_loss", "captioning_rnn_sample", "notebook_rnn"),
        },
        "rnn_step_forward",
        r"all 6 cases fail; .*`next_h` has the right shape \(4, 6\), but \d+ of 24 entries are off",
    ),
    "db of shape (1, H)": Mistake(
        (
            (
                LAYERS,
                "db = da.sum(axis=0)  # (H,)\n    return dx, dprev_h, dWx, dWh, db\n",
                "db = da.sum(axis=0, keepdims=True)\n    return dx, dprev_h, dWx, dWh, db\n",
            ),
        ),
        {"rnn_step_backward"},  # the reference's `rnn_backward` sums for itself
        "rnn_step_backward",
        r"`db` has shape \(1, 6\), expected \(6,\)",
    ),
    "the table of vectors emptied for its gradient": Mistake(
        ((LAYERS, "dW = np.zeros_like(W)  # (V, D)", "dW = W\n    dW[:] = 0"),),
        {"captioning_rnn_loss", "captioning_lstm_loss"},
        "captioning_rnn_loss",
        r"called twice with the same features and captions, `loss` gives another loss or other gradients",
    ),
    "a step of descent taken by the loss": Mistake(
        (
            (
                RNN,
                "        return loss, grads\n",
                "        for name in grads:\n            self.params[name] = self.params[name] - 0.1 * grads[name]\n"
                "        return loss, grads\n",
            ),
        ),
        {"captioning_rnn_loss", "captioning_lstm_loss"},
        "captioning_lstm_loss",
        r"`loss` changes the model's parameters",
    ),
    "inputs overwritten by the forward pass": Mistake(
        (
            (
                LAYERS,
                "    return h, (x, h0, Wx, Wh, h)\n",
                "    cache = x.copy(), h0.copy(), Wx, Wh, h\n    h0[...] = h[:, -1]\n    return h, cache\n",
            ),
        ),
        {"rnn_forward"},
        "rnn_forward",
        r"`rnn_forward` changed its argument 2 in place: work on a copy of it",
    ),
    "a hidden state kept from one sample to the next": Mistake(
        (
            (
                RNN,
                "        word = np.full(N, self._start)\n",
                "        h = getattr(self, 'h', h)\n        word = np.full(N, self._start)\n",
            ),
            (
                RNN,
                "            captions[:, t] = word\n",
                "            captions[:, t] = word\n            self.h = h\n",
            ),
        ),
        {"captioning_rnn_sample", "captioning_lstm_sample"},
        "captioning_rnn_sample",
        r"called twice with the same features, `sample` writes other captions the second time",
    ),
    "fewer words than asked for, once all captions have ended": Mistake(
        (
            (
                RNN,
                "            captions[:, t] = word\n",
                "            captions[:, t] = word\n"
                "            if (captions[:, : t + 1] == self._end).any(axis=1).all():\n"
                "                return captions[:, : t + 1]\n",
            ),
        ),
        {"captioning_rnn_sample", "captioning_lstm_sample"},
        "captioning_rnn_sample",
        r"`captions` has shape \(60, \d+\), expected \(60, 12\)",
    ),
    "gradients cut off": Mistake(
        (
            (
                RNN,
                "        return loss, grads\n",
                "        return loss, {name: np.clip(grad, -5, 5) for name, grad in grads.items()}\n",
            ),
        ),
        {"captioning_rnn_loss", "captioning_lstm_loss"},
        "captioning_lstm_loss",
        r"`grads\[W_\w+\]` has the right shape",
    ),
}


@pytest.fixture(scope="module")
def results(changed: Callable, graded: Callable) -> dict:
    """Every mistake, graded with all checks; the notebooks run for two of the mistakes."""
    found = {}
    for name, mistake in MISTAKES.items():
        asked = [f"--only={id_}" for id_ in CHECKS if id_ not in NOTEBOOKS or name in IN_NOTEBOOKS]
        found[name] = graded(changed(*mistake.changes), *asked)
    return found


@pytest.mark.parametrize("name", MISTAKES)
def test_mistake_fails_exactly_its_checks(results: dict, name: str) -> None:
    fails = MISTAKES[name].fails
    assert results[name].not_passed == (fails if name in IN_NOTEBOOKS else fails - NOTEBOOKS)
    assert results[name].code == 1


def test_mistake_in_a_step_costs_the_steps_points_alone(results: dict) -> None:
    report = results["tanh left out"].report
    assert report["score"] == 94  # the notebooks are run again with a right step
    lost = {check["id"] for check in report["checks"] if check["points"] < check["max_points"]}
    assert lost == {"rnn_step_forward"}
    followed = [check for check in report["checks"] if check["follow_through"]]
    assert len(followed) >= 4
    for check in followed:
        assert check["status"] == "fail"
        assert check["message"].startswith("right, given the mistake in `rnn_step_forward`: it has")


@pytest.mark.parametrize("name", MISTAKES)
def test_message_says_what_parts_and_where(results: dict, name: str) -> None:
    mistake = MISTAKES[name]
    assert re.search(mistake.says, results[name].message(mistake.check))


@pytest.mark.parametrize("name", MISTAKES)
def test_no_expected_number_is_printed(
    results: dict, expected_numbers: Callable, name: str
) -> None:
    report = results[name].report
    for check in report["checks"]:
        for case in check["cases"]:
            prose = [
                case.get("message", ""),
                *(value.get("message", "") for value in case.get("values", [])),
            ]
            assert not expected_numbers(" ".join([check["message"], *prose]), 4)
    for path in sorted(results[name].folder.glob("*.*")):
        assert not expected_numbers(path.read_text(encoding="utf-8"), 7), path.name
