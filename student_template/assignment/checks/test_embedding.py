"""Checks of the word embedding: a row of the table for every word, and gradients that add up where words repeat."""

import pytest

CASES = {
    "N=3,T=4,V=9,D=5": (3, 4, 9, 5),  # the last word of the vocabulary does not occur: its gradient is zero
    "N=2,T=7,V=3,D=4": (2, 7, 3, 4),  # more words than the vocabulary has: repetitions in every row
    "N=1,T=6,V=5,D=3": (1, 6, 5, 3),
    "N=5,T=1,V=4,D=2": (5, 1, 4, 2),
    "N=2,T=3,V=4,D=1": (2, 3, 4, 1),
}
cases = pytest.mark.parametrize("sizes", CASES.values(), ids=CASES.keys())


def inputs(rng, sizes):
    N, T, V, D = sizes
    x = rng.integers(0, V - 1 if V > 5 else V, size=(N, T))
    x.flat[-1] = x.flat[0]  # one word at least stands twice
    return x, rng.standard_normal((V, D))


@cases
def test_word_embedding_forward(student, expect, rng, sizes):
    """The vectors of the words of a batch of sequences."""
    out, _ = student.word_embedding_forward(*inputs(rng, sizes))
    expect("out", out, axes=("N batch", "T time", "D vector"))


@cases
def test_word_embedding_backward(student, expect, rng, sizes):
    """The gradient of the embedding table: summed where a word stands more than once."""
    N, T, _, D = sizes
    _, cache = student.word_embedding_forward(*inputs(rng, sizes))
    dW = student.word_embedding_backward(rng.standard_normal((N, T, D)), cache)
    expect("dW", dW, axes=("V word", "D vector"), gradient=True)
