"""Slips that students make with this exercise, and ways of writing it right that once lost points."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from grader.assignment.spec import load

ROOT = Path(__file__).resolve().parents[2]
LAYERS, RNN = "cs231n/rnn_layers.py", "cs231n/classifiers/rnn.py"
SAMPLES = ("captioning_rnn_sample", "captioning_lstm_sample")
LOSSES = ("captioning_rnn_loss", "captioning_lstm_loss")
CAPTIONS = "captions = np.full((N, max_length), self._null, dtype=np.int64)"
LOOP = "for t in range(max_length):"
WRITTEN = "            captions[:, t] = word\n"


@pytest.fixture(scope="session")
def told(
    changed: Callable[..., Path], graded: Callable[..., Any]
) -> Callable[..., dict[str, dict[str, Any]]]:
    """Return a function that grades changes of the reference by some checks, and returns these by
    their ids.
    """

    def grade(changes: tuple[tuple, ...], *only: str, at: str = "") -> dict[str, dict[str, Any]]:
        asked = [f"--only={id_}" for id_ in only]
        where = ["--assignment", str(ROOT / at)] if at else []
        report = graded(changed(*changes), *asked, *where).report
        return {check["id"]: check for check in report["checks"]}

    return grade


# --- right, however it is written ---

TANH = "np.tanh(x @ Wx + prev_h @ Wh + b)"
RIGHT = {
    "text compared by identity": (
        (
            (RNN, 'if self.cell_type == "rnn":', 'if self.cell_type is "rnn":'),
            (RNN, "            else:\n", '            if self.cell_type is "lstm":\n'),
        ),
        (*SAMPLES, *LOSSES),
    ),
    "a tanh written out": (
        ((LAYERS, TANH, "(lambda a: (np.exp(a) - np.exp(-a)) / (np.exp(a) + np.exp(-a)))(x @ Wx + prev_h @ Wh + b)"),),
        ("rnn_step_forward", "rnn_forward"),
    ),
    "a sigmoid written out": (
        ((LAYERS, "        return 1 / (1 + np.exp(-x))", "        return np.exp(x) / (1 + np.exp(x))"),),
        ("lstm_step_forward", "lstm_forward"),
    ),
    "caches of the support code made by hand": (
        (
            (RNN, "h0, proj_cache = affine_forward(features, W_proj, b_proj)",
             "h0 = features @ W_proj + b_proj\n        proj_cache = features, W_proj, b_proj"),
            (RNN, "scores, vocab_cache = temporal_affine_forward(h, W_vocab, b_vocab)",
             "scores = h @ W_vocab + b_vocab\n        vocab_cache = h, W_vocab, b_vocab, scores"),
        ),
        LOSSES,
    ),
    "captions in 16 bits": (((RNN, CAPTIONS, CAPTIONS.replace("int64", "int16")),), SAMPLES),
}  # fmt: skip


@pytest.mark.parametrize("name", RIGHT)
def test_right_way_of_writing_it_loses_nothing(told: Callable, name: str) -> None:
    changes, checks = RIGHT[name]
    assert {check["status"] for check in told(changes, *checks).values()} == {"pass"}


# --- named ---

NAMED = {
    "captions in a signed byte": ((RNN, CAPTIONS, CAPTIONS.replace("int64", "int8")), SAMPLES[1], "vocabulary"),
    "captions in an unsigned byte": (
        (RNN, CAPTIONS, "captions = np.full((N, max_length), self._null).astype(np.uint8)"), SAMPLES[1], "hundreds"),
    "one picture squeezed": (
        (RNN, "word = scores.argmax(axis=1)", "word = np.squeeze(scores).argmax(axis=1)"), SAMPLES[0], "length one in"),
    "one caption squeezed in a step": (
        (LAYERS, TANH, f"np.squeeze({TANH})"), "rnn_step_forward", "length one in the shape"),
    "the shape read off an index": (
        (RNN, "N = features.shape[0]", "N = len(np.squeeze(features))"), SAMPLES[0], "length one in"),
    "<END> never written": (
        (RNN, WRITTEN, "            if t == 0:\n                running = np.ones(N, dtype=bool)\n"
         "            running = running & (word != self._end)\n            captions[running, t] = word[running]\n"),
        SAMPLES[0], "none of your captions has its <END>"),
    "<END> made <NULL>": (
        (RNN, WRITTEN, "            captions[:, t] = np.where(word == self._end, self._null, word)\n"),
        SAMPLES[0], "in its place stands <NULL>"),
    "ids shifted by one": ((RNN, WRITTEN, "            captions[:, t] = word + 1\n"), SAMPLES[0], "too high by one"),
    "a column less": (
        (RNN, "        return captions\n", "        return captions[:, :-1]\n"), SAMPLES[0], "one column too few"),
    "nothing written": ((RNN, WRITTEN, "            pass\n"), SAMPLES[0], "as it was made"),
    "a parameter for its gradient": (
        (LAYERS, "dWx = x.T @ da  # (D, H)", "dWx = Wx"), "rnn_step_backward", "that the function was given"),
    "a name one letter off": (
        (LAYERS, "np.add.at(dW, x, dout)", "np.add.at(dW, x, doutt)"), "word_embedding_backward", "but `dout` is"),
    "a cache of another length": (
        (LAYERS, "x, W = cache", "x, W, D = cache"), "word_embedding_backward", "as many values"),
    "steps counted by captions": (
        (LAYERS, "x.shape[1]):\n        h_t, _ = rnn", "x.shape[0]):\n        h_t, _ = rnn"), "rnn_forward", ""),
    "print of Python 2": (
        (LAYERS, "    h_t, h = h0, []\n", '    h_t, h = h0, []\n    print "shape"\n'),
        "rnn_forward", "Write `print(...)`"),
    "a package that is not there": (
        (LAYERS, "    h_t, h = h0, []\n", "    import tensorflow_2\n    h_t, h = h0, []\n"), "rnn_forward", "not there"),
}  # fmt: skip
UNTRUE = "right at every time step but"


@pytest.mark.parametrize("name", NAMED)
def test_slip_is_named_and_nothing_untrue_is_said(told: Callable, name: str) -> None:
    change, check, said = NAMED[name]
    result = told((change,), check)[check]
    assert result["status"] == "fail"
    assert said in result["hint"]
    assert result["hint"]
    assert UNTRUE not in result["hint"]


WRAPAROUND = {
    "h = np.stack(h, axis=1)  # (N, T, H)\n    return h, (x, h0, Wx, Wh, h)": (
        "rnn_backward", "h = np.stack(h, axis=1)\n    return h, (x, h[:, -1], Wx, Wh, h)"),
    "h = np.stack(h, axis=1)  # (N, T, H)\n    return h, (x, h0, h, steps)": (
        "lstm_backward", "h = np.stack(h, axis=1)\n    return h, (x, h[:, -1], h, steps)"),
}  # fmt: skip


@pytest.mark.parametrize("old", WRAPAROUND)
def test_initial_state_in_the_last_place_is_named(told: Callable, old: str) -> None:
    check, new = WRAPAROUND[old]
    result = told(((LAYERS, old, new),), check.replace("backward", "forward"), check)[check]
    assert "the last step overwrites it" in result["hint"]


def test_mistake_behind_an_earlier_one_is_named(told: Callable) -> None:
    earlier = (LAYERS, TANH, "x @ Wx + prev_h @ Wh + b")
    mask = (RNN, "mask = captions_out != self._null", "mask = captions_out >= 0")
    checks = ("rnn_step_forward", "rnn_forward", LOSSES[0])
    result = told((earlier, mask), *checks)
    assert "mask" in result[LOSSES[0]]["mistake"].lower() or "NULL" in result[LOSSES[0]]["mistake"]
    assert result["rnn_step_forward"]["mistake"] != result[LOSSES[0]]["mistake"]


# --- a file that can't be loaded as it is ---

ALL = [
    f"--only={check.id}" for check in load(ROOT / "assignment").spec.checks if not check.notebook
]


def test_flat_files_cost_nothing_and_are_told(graded: Callable, tmp_path: Path) -> None:
    for path in (LAYERS, RNN):
        text = (ROOT / "solutions" / path).read_text(encoding="utf-8")
        (tmp_path / Path(path).name).write_text(text.replace("from ..", "from "), encoding="utf-8")
    report = graded(tmp_path, *ALL).report
    assert report["score"] == report["max_score"]
    (note,) = [note for note in report["notes"] if "`from layers import" in note]
    assert "`cs231n.layers` was taken instead" in note


def test_fault_in_a_file_costs_the_functions_alone_that_it_is_in(
    changed: Callable[..., Path], graded: Callable[..., Any]
) -> None:
    submission = changed(
        (LAYERS, "import numpy as np\n", "import numpy as np\nfrom google.colab import drive\n"),
        (LAYERS, "    x, prev_h, Wx, Wh, next_h = cache\n", "    x, prev_h, Wx, Wh, next_h = cache\n    print x\n"),
        (LAYERS, "    for t in range(x.shape[1]):\n        h_t, c_t", "    for t in range(x.shape[1])\n        h_t, c_t"),
        (RNN, "        N = features.shape[0]\n", "<<<<<<< HEAD\n        N = features.shape[0]\n=======\n>>>>>>> a\n"),
    )  # fmt: skip
    with (submission / LAYERS).open("a", encoding="utf-8") as file:
        file.write("\nprint(rnn_forward(np.zeros(3)))\nthis is the end\n")
    report = graded(submission, *ALL).report
    lost = {check["id"] for check in report["checks"] if check["points"] < check["max_points"]}
    assert lost == {"rnn_step_backward", "lstm_forward"}  # of a conflict one side was taken
    for check in report["checks"]:
        if check["id"] in lost:
            assert "raised SyntaxError" in check["message"]
            assert check["points"] == 0
    assert len(report["notes"]) == 6
    conflict, loading = report["look"]
    assert conflict.startswith(f"`{RNN}`: it holds a conflict of Git's")
    assert loading.startswith(f"{LAYERS} does not load as it was handed in: see lines 13, ")


# --- the same slip costs the same ---


def test_first_column_kept_costs_the_same_whatever_stands_in_it(told: Callable) -> None:
    kept = {
        "<START>": (
            (
                RNN,
                LOOP,
                f"captions[:, 0] = self._start\n        {LOOP}".replace("range(", "range(1, "),
            ),
        ),
        "<NULL>": ((RNN, LOOP, LOOP.replace("range(", "range(1, ")),),
        "zero": (
            (RNN, LOOP, LOOP.replace("range(", "range(1, ")),
            (RNN, CAPTIONS, "captions = np.zeros((N, max_length), dtype=int)"),
        ),
    }
    results = {word: told(changes, *SAMPLES) for word, changes in kept.items()}
    points = {word: [result[id_]["points"] for id_ in SAMPLES] for word, result in results.items()}
    assert points["<START>"] == points["<NULL>"] == points["zero"]
    assert all(check["mistake"] for result in results.values() for check in result.values())


# --- stubs ---


def test_stubs_that_return_none_are_not_implemented_yet(
    changed: Callable, graded: Callable
) -> None:
    submission = changed()
    for path in (LAYERS, RNN):
        text = (submission / path).read_text(encoding="utf-8")
        blocks = re.split(r"(?m)^ *### (?:BEGIN|END) SOLUTION.*\n", text)
        for index in range(1, len(blocks), 2):
            blocks[index] = _none_for(blocks[index])
        (submission / path).write_text("".join(blocks), encoding="utf-8")
    asked = ("rnn_step_forward", "rnn_step_backward", "word_embedding_forward", *LOSSES, *SAMPLES)
    for check in graded(submission, *(f"--only={id_}" for id_ in asked)).report["checks"]:
        assert "not implemented yet" in check["message"], check["id"]


def _none_for(block: str) -> str:
    """Return the lines of a stub in the place of a solution, which returns None for each of its
    values.
    """
    found = re.search(r"( *)return (.*)\n", block)
    assert found
    indent, names = found[1], found[2]
    if names == "captions":
        return f"{indent}pass\n{indent}return captions\n"
    if names == "loss, grads":
        return f"{indent}loss, grads = 0.0, {{}}\n{indent}pass\n{indent}return loss, grads\n"
    count = len(re.sub(r"\(.*\)", "cache", names).split(","))
    return f"{indent}pass\n{indent}return {', '.join(['None'] * count)}\n"


# --- practice ---

PRACTICE = {
    "<START> kept": (
        (RNN, LOOP, "captions[:, 0] = self._start\n        for t in range(1, max_length):"),
        SAMPLES[0],
    ),
    "no tanh": ((LAYERS, TANH, "x @ Wx + prev_h @ Wh + b"), "rnn_step_forward"),
    "assigned": ((LAYERS, "np.add.at(dW, x, dout)", "dW[x] = dout"), "word_embedding_backward"),
    "no mask": ((RNN, "mask = captions_out != self._null", "mask = captions_out >= 0"), LOSSES[1]),
}


@pytest.mark.parametrize("name", PRACTICE)
def test_practice_tells_what_grading_tells(told: Callable, name: str) -> None:
    change, check = PRACTICE[name]
    practised = told((change,), check, at="student_template/assignment")[check]
    marked = told((change,), check)[check]
    assert marked["mistake"]
    assert (practised["mistake"], practised["hint"]) == (marked["mistake"], marked["hint"])


def test_handout_has_no_changed_line_of_a_known_mistake() -> None:
    text = (ROOT / "student_template/assignment/expectations/known-mistakes-public.json").read_text(
        encoding="utf-8"
    )
    assert "cs231n" not in text
    assert not list((ROOT / "student_template").rglob("misconceptions"))
