"""Checks of the notebooks: the small set is learned, and the captions come out right.

What a notebook says of itself is the word of the process that the student's code ran in. So the very objects that the
notebook ends with are also asked for answers that only right code can give, on inputs drawn here.
"""

import numpy as np
import pytest

PARTS = ("learns", "captions")
parts = pytest.mark.parametrize("part", PARTS)

WORDS = {"<NULL>": 4, "<START>": 0, "<END>": 6, "red": 1, "small": 2, "circle": 3, "square": 5, "a": 7}
V, N, INPUT, WORDVEC, HIDDEN = len(WORDS), 3, 6, 4, 5


def fresh_model(notebook, rng, cell):
    """A model made by the notebook's own class, with parameters drawn here."""
    gates = 4 if cell == "lstm" else 1
    model = notebook["CaptioningRNN"](
        WORDS, input_dim=INPUT, wordvec_dim=WORDVEC, hidden_dim=HIDDEN, cell_type=cell, dtype=np.float64
    )
    shapes = {
        "W_proj": (INPUT, HIDDEN), "b_proj": (HIDDEN,), "W_embed": (V, WORDVEC),
        "Wx": (WORDVEC, gates * HIDDEN), "Wh": (HIDDEN, gates * HIDDEN), "b": (gates * HIDDEN,),
        "W_vocab": (HIDDEN, V), "b_vocab": (V,),
    }
    for name, shape in shapes.items():
        model.params[name] = rng.standard_normal(shape) * (3 if name == "W_vocab" else 1)
    return model


def check(notebook, expect, rng, cell, part):
    if part == "learns":
        expect.quality(
            f"{cell}_final_loss", notebook[f"{cell}_final_loss"], at_most=1.0,
            what="the mean of the last training losses on the small set",
        )
        captions = np.array([[0, 7, 2, 3, 6], [0, 1, 5, 6, 4], [0, 2, 6, 4, 4]])
        loss, _ = fresh_model(notebook, rng, cell).loss(rng.standard_normal((N, INPUT)), captions)
        expect("loss", loss)
    if part == "captions":
        expect.quality(
            f"{cell}_captions_right", notebook[f"{cell}_captions_right"], at_least=0.85,
            what="the share of the small set's captions that are written word for word",
        )
        model = fresh_model(notebook, rng, cell)
        expect("first words", up_to_end(model.sample(2 * rng.standard_normal((N, INPUT)), max_length=4)))


def up_to_end(captions):
    """What comes behind the first <END> of a row is free."""
    if not isinstance(captions, np.ndarray) or captions.ndim != 2 or captions.dtype.kind not in "iuf":
        return captions
    ends = captions == WORDS["<END>"]
    return np.where(np.cumsum(ends, axis=1) - ends > 0, WORDS["<NULL>"], captions)


@parts
def test_notebook_rnn(notebook, expect, rng, part):
    """RNN_Captioning.ipynb learns the small set and captions its pictures."""
    check(notebook, expect, rng, "rnn", part)


@parts
def test_notebook_lstm(notebook, expect, rng, part):
    """LSTM_Captioning.ipynb learns the small set and captions its pictures."""
    check(notebook, expect, rng, "lstm", part)
