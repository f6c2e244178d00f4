"""Checks of the layers."""

import pytest

SIZES = {"N=4,D=3,H=5": (4, 3, 5), "N=1,D=2,H=3": (1, 2, 3), "N=6,D=1,H=2": (6, 1, 2)}
sizes = pytest.mark.parametrize("size", SIZES.values(), ids=SIZES.keys())


def affine_inputs(rng, size):
    N, D, H = size
    return rng.standard_normal((N, D)), rng.standard_normal((D, H)), rng.standard_normal(H)


@sizes
def test_affine_forward(student, expect, rng, size):
    """The affine layer: x W + b."""
    out, _ = student.affine_forward(*affine_inputs(rng, size))
    expect("out", out, axes=("N batch", "H hidden"))


@sizes
def test_affine_backward(student, expect, rng, size):
    """The affine layer backwards: the gradients of x, W and b."""
    N, _, H = size
    _, cache = student.affine_forward(*affine_inputs(rng, size))
    dx, dW, db = student.affine_backward(rng.standard_normal((N, H)), cache)
    expect("dx", dx, gradient=True)
    expect("dW", dW, gradient=True)
    expect("db", db, gradient=True)


def test_relu(student, expect, rng):
    """ReLU and its gradient; the input stays as it was."""
    x = rng.standard_normal((5, 4))
    out, cache = student.relu_forward(x)
    expect("out", out)
    expect("dx", student.relu_backward(rng.standard_normal((5, 4)), cache), gradient=True)
    expect.not_modified()


@pytest.mark.parametrize("scale", [1, 1000])
def test_softmax_loss(student, expect, rng, scale):
    """The softmax loss and its gradient, for large scores too."""
    scores, y = scale * rng.standard_normal((4, 3)), rng.integers(0, 3, 4)
    loss, dscores = student.softmax_loss(scores, y)
    expect("loss", loss)
    expect("dscores", dscores, gradient=True)
    if scale == 1:
        expect.gradient("slope", lambda scores: student.softmax_loss(scores, y)[0], [scores], [dscores])
