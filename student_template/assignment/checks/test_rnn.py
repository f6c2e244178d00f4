"""Checks of the vanilla RNN's layers: one step, and the whole sequence."""

import pytest

STEPS = {
    "N=4,D=5,H=6": (4, 5, 6),
    "N=3,D=7,H=4": (3, 7, 4),
    "N=1,D=3,H=5": (1, 3, 5),
    "N=6,D=1,H=2": (6, 1, 2),
    "N=2,D=3,H=1": (2, 3, 1),
}
# Where the activations are flat, but exp() of what goes into them is still finite: larger ones are asked of nobody.
FORWARD_STEPS = {**{name: (sizes, 1) for name, sizes in STEPS.items()}, "N=3,D=4,H=5,large inputs": ((3, 4, 5), 30)}
SEQUENCES = {
    "N=3,T=5,D=4,H=6": (3, 5, 4, 6),
    "N=2,T=10,D=6,H=3": (2, 10, 6, 3),
    "N=1,T=4,D=3,H=5": (1, 4, 3, 5),
    "N=4,T=1,D=5,H=3": (4, 1, 5, 3),
    "N=2,T=4,D=1,H=1": (2, 4, 1, 1),
}
BATCH, TIME, INPUT, HIDDEN = "N batch", "T time", "D input", "H hidden"  # the axes of arrays, for the reports
steps = pytest.mark.parametrize("sizes", STEPS.values(), ids=STEPS.keys())
forward_steps = pytest.mark.parametrize(("sizes", "scale"), FORWARD_STEPS.values(), ids=FORWARD_STEPS.keys())
sequences = pytest.mark.parametrize("sizes", SEQUENCES.values(), ids=SEQUENCES.keys())


def step_inputs(rng, sizes):
    N, D, H = sizes
    x = rng.standard_normal((N, D))
    prev_h = rng.standard_normal((N, H))
    Wx = 0.7 * rng.standard_normal((D, H))
    Wh = 0.7 * rng.standard_normal((H, H))
    b = 0.5 * rng.standard_normal(H)
    return x, prev_h, Wx, Wh, b


def sequence_inputs(rng, sizes):
    N, T, D, H = sizes
    x = rng.standard_normal((N, T, D))
    _, h0, Wx, Wh, b = step_inputs(rng, (N, D, H))
    return x, h0, Wx, Wh, b


@forward_steps
def test_rnn_step_forward(student, expect, rng, sizes, scale):
    """One step of the vanilla RNN: the next hidden state from the input and the previous hidden state."""
    x, *rest = step_inputs(rng, sizes)
    next_h, _ = student.rnn_step_forward(scale * x, *rest)
    expect("next_h", next_h, axes=(BATCH, HIDDEN))


@steps
def test_rnn_step_backward(student, expect, rng, sizes):
    """One step of the vanilla RNN backwards: the gradients of all five inputs."""
    N, _, H = sizes
    _, cache = student.rnn_step_forward(*step_inputs(rng, sizes))
    dnext_h = rng.standard_normal((N, H))
    dx, dprev_h, dWx, dWh, db = student.rnn_step_backward(dnext_h, cache)
    expect("dx", dx, axes=(BATCH, INPUT), gradient=True)
    expect("dprev_h", dprev_h, axes=(BATCH, HIDDEN), gradient=True)
    expect("dWx", dWx, axes=(INPUT, HIDDEN), gradient=True)
    expect("dWh", dWh, axes=("H before", HIDDEN), gradient=True)
    expect("db", db, axes=(HIDDEN,), gradient=True)


@sequences
def test_rnn_forward(student, expect, rng, sizes):
    """The vanilla RNN over a whole sequence: the hidden states of all time steps."""
    h, _ = student.rnn_forward(*sequence_inputs(rng, sizes))
    expect("h", h, axes=(BATCH, TIME, HIDDEN))
    expect.not_modified("inputs")


@sequences
def test_rnn_backward(student, expect, rng, sizes):
    """The vanilla RNN backwards through time: gradients summed over all steps, and the initial state's."""
    N, T, _, H = sizes
    _, cache = student.rnn_forward(*sequence_inputs(rng, sizes))
    dh = rng.standard_normal((N, T, H))
    dx, dh0, dWx, dWh, db = student.rnn_backward(dh, cache)
    expect("dx", dx, axes=(BATCH, TIME, INPUT), gradient=True)
    expect("dh0", dh0, axes=(BATCH, HIDDEN), gradient=True)
    expect("dWx", dWx, axes=(INPUT, HIDDEN), gradient=True)
    expect("dWh", dWh, axes=("H before", HIDDEN), gradient=True)
    expect("db", db, axes=(HIDDEN,), gradient=True)
