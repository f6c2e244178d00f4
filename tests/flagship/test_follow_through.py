"""One mistake costs once: what is right given an earlier mistake keeps its points, and emptiness
earns none.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from grader.assignment.spec import load

LAYERS, RNN = "cs231n/rnn_layers.py", "cs231n/classifiers/rnn.py"
TANH = (LAYERS, "next_h = np.tanh(x @ Wx + prev_h @ Wh + b)", "next_h = x @ Wx + prev_h @ Wh + b")
GATES = (
    LAYERS,
    "a_i, a_f, a_o, a_g = np.split(a, 4, axis=1)",
    "a_i, a_f, a_g, a_o = np.split(a, 4, axis=1)",
)
BIAS = (LAYERS, "a = x @ Wx + prev_h @ Wh + b  # (N, 4H)", "a = x @ Wx + prev_h @ Wh")
SIGN = (
    LAYERS,
    "sigmoid(a_i), sigmoid(a_f), sigmoid(a_o)",
    "sigmoid(-a_i), sigmoid(-a_f), sigmoid(-a_o)",
)
BLOCK_INPUT = (LAYERS, "sigmoid(a_o), np.tanh(a_g)", "sigmoid(a_o), sigmoid(a_g)")
SHUT = (LAYERS, "next_c = f * prev_c + i * g", "next_c = i * g")
SWAPPED = (LAYERS, "next_c = f * prev_c + i * g", "next_c = i * prev_c + f * g")
COPY = (LAYERS, "h_t, c_t = h0, np.zeros_like(h0)", "h_t, c_t = h0, h0")
ZERO = (
    LAYERS,
    "h_t, c_t = h0, np.zeros_like(h0)",
    "h_t, c_t = np.zeros_like(h0), np.zeros_like(h0)",
)
NO_MEMORY = (LAYERS, "h_t, c_t, step = lstm_step", "h_t, _, step = lstm_step")
SAME_STATE = (
    LAYERS,
    "lstm_step_forward(x[:, t], h_t, c_t, Wx",
    "lstm_step_forward(x[:, t], h0, c_t, Wx",
)
RNN_ZERO = (LAYERS, "h_t, h = h0, []", "h_t, h = np.zeros_like(h0), []")
RNN_FIRST = (LAYERS, "h_t, _ = rnn_step_forward(x[:, t]", "h_t, _ = rnn_step_forward(x[:, 0]")
NO_WORDS = (LAYERS, "np.add.at(dW, x, dout)", "pass")
LAST_BIAS = (LAYERS, "db = da_rows.sum(axis=0)  # (H,)", "db = da[:, -1].sum(axis=0)")
DERIVATIVE = (LAYERS, "da_i = dc * g * i * (1 - i)", "da_i = dc * g * i")
MASK = (RNN, "mask = captions_out != self._null", "mask = np.ones_like(captions_out, dtype=bool)")
NOT_FED = (RNN, "x = W_embed[word]  # (N, W)", "x = W_embed[np.full(N, self._start)]")
LSTM_CHECKS = ["lstm_step_forward", "lstm_step_backward", "lstm_forward", "lstm_backward"]
RNN_CHECKS = [check.replace("lstm", "rnn") for check in LSTM_CHECKS]
WORDS = ["word_embedding_forward", "word_embedding_backward"]
LOSSES = ["captioning_rnn_loss", "captioning_lstm_loss"]
ASSIGNMENT = load(Path(__file__).resolve().parents[2] / "assignment")
FUNCTIONS = [f"--only={check.id}" for check in ASSIGNMENT.spec.checks if not check.notebook]
# those that an RNN's functions have a part in
OF_THE_RNN = [check for check in FUNCTIONS if "lstm" not in check]
CHANGES = {
    "bias-left-out": (BIAS, "lstm_step_forward", LSTM_CHECKS),
    "wrong-sign": (SIGN, "lstm_step_forward", LSTM_CHECKS),
    "block-input-sigmoid": (BLOCK_INPUT, "lstm_step_forward", LSTM_CHECKS),
    "previous-cell-ignored": (SHUT, "lstm_step_forward", LSTM_CHECKS),
    "gates-swapped-in-the-sum": (SWAPPED, "lstm_step_forward", LSTM_CHECKS),
    "c0-from-h0": (COPY, "lstm_forward", LSTM_CHECKS),
    "h0-ignored": (ZERO, "lstm_forward", [*LSTM_CHECKS, *LOSSES]),
    "cell-state-not-carried": (NO_MEMORY, "lstm_forward", LSTM_CHECKS),
    "hidden-state-not-carried": (SAME_STATE, "lstm_forward", LSTM_CHECKS),
    "rnn-h0-ignored": (RNN_ZERO, "rnn_forward", [*RNN_CHECKS, *LOSSES]),
    "rnn-first-input-always": (RNN_FIRST, "rnn_forward", RNN_CHECKS),
    "no-gradient-of-words": (
        NO_WORDS,
        "word_embedding_backward",
        ["word_embedding_backward", *LOSSES],
    ),
    "last-bias-alone": (LAST_BIAS, "rnn_backward", ["rnn_backward", *LOSSES]),
}
ZEROS = {  # what stands in the place of each solution: zeros of the right shapes
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
ONES = {name: body.replace("zeros", "ones") for name, body in ZEROS.items()}
REST = "*(np.zeros_like(value) for value in cache[{}:])"
HANDED_ON = ZEROS | {
    "rnn_step_forward": "return prev_h, (x, prev_h, Wx, Wh, b)",
    "rnn_step_backward": f"return np.zeros_like(cache[0]), dnext_h, {REST.format(2)}",
    "rnn_forward": "return np.repeat(h0[:, None], x.shape[1], axis=1), (x, h0, Wx, Wh, b)",
    "rnn_backward": f"return np.zeros_like(cache[0]), dh.sum(axis=1), {REST.format(2)}",
    "lstm_step_forward": "return prev_h, prev_c, (x, prev_h, prev_c, Wx, Wh, b)",
    "lstm_step_backward": f"return np.zeros_like(cache[0]), dnext_h, dnext_c, {REST.format(3)}",
    "lstm_forward": "return np.repeat(h0[:, None], x.shape[1], axis=1), (x, h0, Wx, Wh, b)",
    "lstm_backward": f"return np.zeros_like(cache[0]), dh.sum(axis=1), {REST.format(2)}",
}


STUB, CRASH = (
    'raise NotImplementedError("a task")',
    "raise NameError(\"name 'dout' is not defined\")",
)


@pytest.mark.parametrize("id_", CHANGES)
def test_what_is_right_given_one_mistake_costs_nothing_more(
    changed: Callable[..., Path], graded: Callable[..., Any], id_: str
) -> None:
    change, cause, checks = CHANGES[id_]
    assert without_points(
        graded(changed(change), *(f"--only={check}" for check in checks)).report
    ) == {cause}


@pytest.mark.parametrize("body", [STUB, CRASH], ids=["stub", "crash"])
@pytest.mark.parametrize("function", ["word_embedding_backward", "lstm_step_forward"])
def test_a_function_that_raises_costs_what_a_wrong_one_costs(
    changed: Callable[..., Path], graded: Callable[..., Any], body: str, function: str
) -> None:
    submission = changed()
    replace_bodies(submission / LAYERS, lambda name: body if name == function else None)
    report = graded(
        submission, *(f"--only={check}" for check in [*LSTM_CHECKS, *WORDS, *LOSSES])
    ).report
    assert without_points(report) == {function}


ENDINGS = {
    "os._exit": "import os\nos._exit(0)",
    "sys.exit": "import sys\nsys.exit()",
    "segmentation fault": "import ctypes\nctypes.string_at(0)",
}


@pytest.mark.parametrize("ending", ENDINGS.values(), ids=ENDINGS)
def test_a_line_that_ends_the_process_costs_nothing_beside_a_mistake(
    changed: Callable[..., Path], graded: Callable[..., Any], ending: str
) -> None:
    line = (LAYERS, "def rnn_step_backward(", f"{ending}\n\n\ndef rnn_step_backward(")
    report = graded(changed(line, TANH), *OF_THE_RNN).report
    assert without_points(report) == {"rnn_step_forward"}


OWN_FORM = (
    LAYERS,
    "x, prev_h, Wx, Wh, next_h = cache",
    "Wh, next_h, x, prev_h, Wx = (cache[name] for name in ('Wh', 'h', 'x', 'prev', 'Wx'))",
)
OUTPUT_RAISES = (
    LAYERS,
    "next_h = np.tanh(x @ Wx + prev_h @ Wh + b)  # (N, H)\n    return next_h, (x, prev_h, Wx, Wh, next_h)",
    "next_h = np.tanh(xx @ Wx + prev_h @ Wh + b)\n"
    "    cache = {'x': x, 'prev': prev_h, 'Wx': Wx, 'Wh': Wh, 'h': next_h}\n    return next_h, cache",
)


def test_cache_of_a_forward_function_that_raises_is_the_students_own(
    changed: Callable[..., Path], graded: Callable[..., Any]
) -> None:
    report = graded(
        changed(OWN_FORM, OUTPUT_RAISES), *(f"--only={check}" for check in RNN_CHECKS)
    ).report
    assert without_points(report) == {"rnn_step_forward"}


def test_backward_function_that_only_an_unknown_cache_suits_is_told_why(
    changed: Callable[..., Path], graded: Callable[..., Any]
) -> None:
    unknown = (
        OUTPUT_RAISES[0],
        OUTPUT_RAISES[1],
        OUTPUT_RAISES[2].replace("'h': next_h", "'h': xx"),
    )
    checks = ("rnn_step_forward", "rnn_step_backward")
    report = graded(changed(OWN_FORM, unknown), *(f"--only={check}" for check in checks)).report
    (note,) = {note for case in report["checks"][1]["cases"] for note in case["notes"]}
    assert note.endswith("or it needs a cache that only your own `rnn_step_forward` makes.")


def test_values_share_the_points_of_a_step(
    changed: Callable[..., Path], graded: Callable[..., Any]
) -> None:
    after = "\n    dWx = x.T @ da  # (D, H)"
    wrong = (LAYERS, f"dprev_h = da @ Wh.T  # (N, H){after}", f"dprev_h = da @ Wh{after}")
    (check,) = graded(changed(wrong), "--only=rnn_step_backward").report["checks"]
    # One of the five gradients is wrong, but for the case with H = 1.
    assert (check["status"], check["points"]) == ("fail", 5.88)


def test_a_crash_with_one_picture_takes_nothing_from_the_others(
    changed: Callable[..., Path], graded: Callable[..., Any]
) -> None:
    after = "\n    da = np.empty_like(h)"
    squeezed = (LAYERS, f"N, T, H = dh.shape{after}", f"N, T, H = dh.squeeze().shape{after}")
    report = graded(changed(TANH, squeezed), *(f"--only={check}" for check in RNN_CHECKS)).report
    points = {check["id"]: check["points"] for check in report["checks"]}
    assert points["rnn_forward"] == 5
    # three of its five cases have an axis of one entry
    assert points["rnn_backward"] == pytest.approx(7 * 2 / 5)


def test_two_mistakes_cost_twice(changed: Callable[..., Path], graded: Callable[..., Any]) -> None:
    report = graded(changed(BIAS, DERIVATIVE), *(f"--only={check}" for check in LSTM_CHECKS)).report
    assert without_points(report) == {"lstm_step_forward", "lstm_step_backward"}


@pytest.mark.parametrize(
    ("change", "part"), [(MASK, "loss"), (NOT_FED, "sample")], ids=["loss", "sample"]
)
def test_known_mistake_in_what_both_cells_share_costs_once(
    changed: Callable[..., Path],
    graded: Callable[..., Any],
    change: tuple[str, str, str],
    part: str,
) -> None:
    result = graded(
        changed(change), *(f"--only=captioning_{cell}_{part}" for cell in ("rnn", "lstm"))
    )
    assert without_points(result.report) == {f"captioning_rnn_{part}"}
    assert result.message(f"captioning_lstm_{part}").startswith(
        f"right, given the mistake in `captioning_rnn_{part}`"
    )


EVERYTHING = "sum(value.sum() for value in (x, prev_h, Wx, Wh, b))"
NEXT_TO_NOTHING = {
    **ZEROS,
    "rnn_step_forward": f"return np.zeros_like(prev_h) + 1e-13 * {EVERYTHING}, (x, prev_h, Wx, Wh, b)",
}
SUMS = {
    **ZEROS,
    "rnn_step_forward": f"return np.ones_like(prev_h) * {EVERYTHING}, (x, prev_h, Wx, Wh, b)",
    "rnn_step_backward": "return tuple(np.ones_like(value) * dnext_h.sum() for value in cache)",
}


@pytest.mark.parametrize(
    ("bodies", "checks"),
    [
        (ZEROS, []),
        (ONES, FUNCTIONS),
        (HANDED_ON, FUNCTIONS),
        # These differ from zeros in the functions of the RNN's step alone.
        (NEXT_TO_NOTHING, OF_THE_RNN),
        (SUMS, OF_THE_RNN),
    ],
    ids=["zeros", "ones", "what-was-given", "tiny", "sums"],
)
def test_doing_nothing_earns_nothing(
    changed: Callable[..., Path],
    graded: Callable[..., Any],
    bodies: dict[str, str],
    checks: list[str],
) -> None:
    submission = changed()
    for name in (LAYERS, RNN):
        replace_bodies(submission / name, lambda function: bodies.get(function, BACKWARD))

    assert graded(submission, *checks).report["score"] == 0


def replace_bodies(path: Path, body: Callable[[str], str | None]) -> None:
    """Replace the solutions in a file by what ``body`` gives for their functions, unless that is
    None.
    """
    pattern = r"^( *)### BEGIN SOLUTION [^\n]*?(\w+)\n.*?### END SOLUTION"

    def replaced(found: re.Match[str]) -> str:
        new = body(found[2])
        return found[0] if new is None else found[1] + new

    text = path.read_text(encoding="utf-8")
    changed, count = re.subn(pattern, replaced, text, flags=re.MULTILINE | re.DOTALL)
    assert count
    assert changed != text
    path.write_text(changed, encoding="utf-8")


def without_points(report: dict[str, Any]) -> set[str]:
    """The checks that lost points."""
    return {check["id"] for check in report["checks"] if check["points"] < check["max_points"]}
