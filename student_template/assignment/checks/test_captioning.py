"""Checks of `CaptioningRNN`: the loss with all its gradients, and greedy sampling, for both cells.

The vocabulary is shuffled, so that <NULL>, <START> and <END> have other ids than 0, 1 and 2, and the parameters are
large enough that a wrong state, word or mask shows in the numbers. One vocabulary has more ids than a byte.
"""

import numpy as np
import pytest

FEW, MANY = 13, 300  # words in a vocabulary
LOSS = {  # N, T, dtype, what is added to all scores, by what they are multiplied, and the words in the vocabulary
    "N=3,T=6": (3, 6, np.float64, 0, 1, FEW),
    "N=2,T=9": (2, 9, np.float64, 0, 1, FEW),
    "N=1,T=5": (1, 5, np.float64, 0, 1, FEW),
    "N=4,T=2": (4, 2, np.float64, 0, 1, FEW),  # one word to predict: a single time step
    "N=3,T=5,float32": (3, 5, np.float32, 0, 1, FEW),
    "N=2,T=6,large scores": (2, 6, np.float64, 800, 1, FEW),  # where exp() of a score alone overflows
    "N=2,T=5,large gradients": (2, 5, np.float64, 0, 10, FEW),
    "N=4,T=7,300 words": (4, 7, np.float64, 0, 1, MANY),
}
SAMPLE = {  # N, max_length, the special word that often has the highest score, and the words in the vocabulary
    "N=4,max_length=9": (4, 9, None, FEW),
    "N=6,max_length=12": (6, 12, None, FEW),
    "N=1,max_length=7": (1, 7, None, FEW),
    "N=3,max_length=1": (3, 1, None, FEW),
    "N=60,max_length=12,<END> at times": (60, 12, "<END>", FEW),  # at another time step in each row, or never
    "N=20,max_length=7,<NULL> at times": (20, 7, "<NULL>", FEW),
    "N=3,max_length=6,<END> at once": (3, 6, "<END> at once", FEW),
    "N=12,max_length=8,300 words": (12, 8, None, MANY),
}
ALWAYS, NEVER = 50, -50  # biases that make a word the likeliest whatever the state is, or keep it from being that
loss_cases = pytest.mark.parametrize("sizes", LOSS.values(), ids=LOSS.keys())
sample_cases = pytest.mark.parametrize("sizes", SAMPLE.values(), ids=SAMPLE.keys())

INPUT, WORDVEC, HIDDEN = 7, 5, 6
BYTE = 256  # ids from here on do not fit into 8 bits


def vocabulary(rng, V):
    """A shuffled vocabulary in which no special word has its usual id, and in a large one <START> a high one."""
    words = ["<NULL>", "<START>", "<END>", *(f"word{i}" for i in range(V - 3))]
    ids = rng.permutation(V)
    while set(ids[:3]) & {0, 1, 2} or (V > BYTE and ids[1] < BYTE):
        ids = rng.permutation(V)
    return {word: int(i) for word, i in zip(words, ids)}


def parameters(rng, cell, dtype, V):
    gates = 4 if cell == "lstm" else 1
    shapes = {
        "W_proj": (INPUT, HIDDEN), "b_proj": (HIDDEN,), "W_embed": (V, WORDVEC),
        "Wx": (WORDVEC, gates * HIDDEN), "Wh": (HIDDEN, gates * HIDDEN), "b": (gates * HIDDEN,),
        "W_vocab": (HIDDEN, V), "b_vocab": (V,),
    }
    return {name: rng.standard_normal(shape).astype(dtype) for name, shape in shapes.items()}


def make_model(student, rng, cell, dtype, words, change=lambda params: None):
    """A model of the student's with our parameters in place of its random ones, and these."""
    model = student.CaptioningRNN(
        words, input_dim=INPUT, wordvec_dim=WORDVEC, hidden_dim=HIDDEN, cell_type=cell, dtype=dtype
    )
    params = parameters(rng, cell, dtype, len(words))
    change(params)
    for name, value in params.items():
        model.params[name] = value
    return model, params


def make_captions(rng, words, N, T):
    """Captions as in the data: <START>, words, <END>, then <NULL> to the end; rows of different lengths."""
    plain = [i for word, i in words.items() if not word.startswith("<")]
    if len(words) > BYTE:  # words on both sides of what fits into a signed and an unsigned byte
        plain = [max(i for i in plain if i < limit) for limit in (BYTE // 2, BYTE, len(words))]
    plain = plain[:4]  # so few that words repeat in a caption
    captions = np.full((N, T), words["<NULL>"])
    for n in range(N):
        length = int(rng.integers(0, T - 1)) if n else max(T - 3, 0)
        captions[n, 0] = words["<START>"]
        captions[n, 1 : 1 + length] = rng.choice(plain, size=length)
        if not n and length:
            captions[n, 1] = 0  # a plain word, which is not to be taken for <NULL>
        captions[n, 1 + length] = words["<END>"]
    return captions


def check_loss(student, expect, rng, cell, sizes):
    N, T, dtype, offset, factor, V = sizes
    words = vocabulary(rng, V)

    def enlarge(params):
        params["W_vocab"] *= factor
        params["b_vocab"] += offset  # of all scores alike: the probabilities stay as they are, and none becomes zero

    model, params = make_model(student, rng, cell, dtype, words, enlarge)
    features = rng.standard_normal((N, INPUT)).astype(dtype)
    captions = make_captions(rng, words, N, T)
    loss, grads = model.loss(features, captions)
    wide = {} if dtype is np.float64 and not offset and factor == 1 else {"rtol": 1e-3, "atol": 1e-4}
    expect("loss", loss, **wide)
    expect("grads", grads, **wide)
    if sizes == LOSS["N=3,T=6"]:
        again = model.loss(features, captions)
        expect.that(
            "second call",
            same((loss, grads), again),
            "called twice with the same features and captions, `loss` gives another loss or other gradients the second "
            "time: what did the first call change, or keep?",
        )
        expect.that(
            "parameters afterwards",
            same(params, by_now(model.params)),
            "`loss` changes the model's parameters: it computes, and it is the solver that takes a step",
        )


def by_now(value):
    """What stands in an object of the student's by now."""
    return value.fetch() if hasattr(value, "fetch") else value


def same(one, other):
    """Whether two calls gave the same numbers; what holds none is judged elsewhere."""
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() <= other.keys() and all(same(one[key], other[key]) for key in one)
    if isinstance(one, tuple) and isinstance(other, tuple):
        return len(one) == len(other) and all(map(same, one, other))
    numbers = float, np.generic, np.ndarray
    if not isinstance(one, numbers) or not isinstance(other, numbers):
        return True
    return np.shape(one) == np.shape(other) and np.allclose(one, other, rtol=1e-6, atol=1e-9, equal_nan=True)


def up_to_end(captions, end, null):
    """What comes behind the first <END> of a row is free: some samplers stop there, others go on."""
    if not isinstance(captions, np.ndarray) or captions.ndim != 2 or captions.dtype.kind not in "iuf":
        return captions
    behind = np.cumsum(captions == end, axis=1) - (captions == end) > 0
    return np.where(behind, null, captions)


def check_sample(student, expect, rng, cell, sizes):
    N, max_length, special, V = sizes
    words = vocabulary(rng, V)
    start, end, null = words["<START>"], words["<END>"], words["<NULL>"]

    def spread(params):
        params["W_vocab"] *= 3
        if special in words:  # scores of zero on average, and of twice the spread
            params["W_vocab"][:, words[special]] *= 2
            params["b_vocab"][:] = 0
        # Where these two can't be the likeliest, seeing them means that they were put there.
        params["b_vocab"][[start] if special == "<NULL>" else [start, null]] += NEVER
        params["b_vocab"][end] += {"<END>": 0, "<END> at once": ALWAYS}.get(special, -2)

    model, params = make_model(student, rng, cell, np.float64, words, spread)
    features = 2 * rng.standard_normal((N, INPUT))
    captions = model.sample(features, max_length=max_length)
    if isinstance(captions, np.ndarray) and captions.ndim == 2 and captions.size:
        expect.that(
            "first word",
            not (captions[:, 0] == start).all(),
            "the first column holds <START>; it should hold the first word that the model gives, "
            "since <START> is what is fed in, not what comes out",
        )
        expect.that(
            "word ids",
            bool(((captions >= 0) & (captions < V)).all()),
            f"some numbers in the captions are the id of no word: ids go from 0 to {V - 1}",
        )
    if sizes == SAMPLE["N=4,max_length=9"]:
        expect.that(
            "second call",
            same(captions, model.sample(features, max_length=max_length)),
            "called twice with the same features, `sample` writes other captions the second time: each call starts "
            "anew, with a hidden state made from the features",
        )
        told = "`sample` changes the model's parameters"
        expect.that("parameters afterwards", same(params, by_now(model.params)), told)
    expect("captions", up_to_end(captions, end, null), axes=("N picture", "T word"))


@loss_cases
def test_captioning_rnn_loss(student, expect, rng, sizes):
    """`CaptioningRNN.loss` with the vanilla RNN: the loss and the gradients of all parameters."""
    check_loss(student, expect, rng, "rnn", sizes)


@sample_cases
def test_captioning_rnn_sample(student, expect, rng, sizes):
    """`CaptioningRNN.sample` with the vanilla RNN: the likeliest word, step by step, for every picture."""
    check_sample(student, expect, rng, "rnn", sizes)


@loss_cases
def test_captioning_lstm_loss(student, expect, rng, sizes):
    """`CaptioningRNN.loss` with the LSTM: the loss and the gradients of all parameters."""
    check_loss(student, expect, rng, "lstm", sizes)


@sample_cases
def test_captioning_lstm_sample(student, expect, rng, sizes):
    """`CaptioningRNN.sample` with the LSTM: the likeliest word, step by step, for every picture."""
    check_sample(student, expect, rng, "lstm", sizes)
