"""One mistake costs once: what is right given an earlier mistake keeps its points, and emptiness earns none."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

LAYERS, RNN = "cs231n/rnn_layers.py", "cs231n/classifiers/rnn.py"
TANH = (LAYERS, "next_h = np.tanh(x @ Wx + prev_h @ Wh + b)", "next_h = x @ Wx + prev_h @ Wh + b")
GATES = (LAYERS, "a_i, a_f, a_o, a_g = np.split(a, 4, axis=1)", "a_i, a_f, a_g, a_o = np.split(a, 4, axis=1)")
EMPTY = {  # what stands in the place of each solution: zeros of the right shapes
    "rnn_step_forward": "return np.zeros_like(prev_h), (x, prev_h, Wx, Wh, b)",
    "rnn_forward": "return np.zeros((*x.shape[:2], h0.shape[1])), (x, h0, Wx, Wh, b)",
    "lstm_step_forward": "return np.zeros_like(prev_h), np.zeros_like(prev_c), (x, prev_h, prev_c, Wx, Wh, b)",
    "lstm_forward": "return np.zeros((*x.shape[:2], h0.shape[1])), (x, h0, Wx, Wh, b)",
    "word_embedding_forward": "return np.zeros((*x.shape, W.shape[1])), W",
    "word_embedding_backward": "return np.zeros_like(cache)",
    "loss": "return 0.0, {name: np.zeros_like(value) for name, value in self.params.items()}",
    "sample": "return np.zeros((len(features), max_length), dtype=int)",
}
BACKWARD = "return tuple(np.zeros_like(value) for value in cache)"


@pytest.mark.parametrize(
    ("change", "cause", "lost"), [(TANH, "rnn_step_forward", 6), (GATES, "lstm_step_forward", 8)], ids=["tanh", "gates"]
)
def test_mistake_in_a_step_costs_the_steps_points_alone(
    changed: Callable[..., Path], graded: Callable[..., Any], change: tuple[str, str, str], cause: str, lost: int
) -> None:
    report = graded(changed(change)).report

    assert report["score"] == 100 - lost
    without = {check["id"] for check in report["checks"] if check["points"] < check["max_points"]}
    assert without == {cause}
    followed = [check for check in report["checks"] if check["follow_through"]]
    assert len(followed) >= 5
    for check in followed:
        assert check["status"] == "fail"
        assert f"right, given the mistake in `{cause}`" in check["message"]


def test_zeros_of_the_right_shapes_earn_nothing(changed: Callable[..., Path], graded: Callable[..., Any]) -> None:
    submission = changed()
    for name in (LAYERS, RNN):
        path = submission / name
        pattern = r"^( *)### BEGIN SOLUTION .*?(\w+)\n.*?### END SOLUTION"
        emptied, count = re.subn(
            pattern,
            lambda found: found[1] + EMPTY.get(found[2], BACKWARD),
            path.read_text(encoding="utf-8"),
            flags=re.MULTILINE | re.DOTALL,
        )
        assert count
        path.write_text(emptied, encoding="utf-8")

    assert graded(submission).report["score"] == 0
