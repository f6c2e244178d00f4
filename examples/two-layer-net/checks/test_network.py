"""Checks of the network and its training."""

import numpy as np

N, D, H, C = 5, 2, 6, 3


def fresh_net(student, rng):
    """A network whose parameters are drawn here."""
    net = student.TwoLayerNet(D, H, C)
    for name, shape in {"W1": (D, H), "b1": (H,), "W2": (H, C), "b2": (C,)}.items():
        net.params[name] = rng.standard_normal(shape)
    return net


def test_network_loss(student, expect, rng):
    """The loss of the whole network, and the gradients of all its parameters."""
    loss, grads = fresh_net(student, rng).loss(rng.standard_normal((N, D)), rng.integers(0, C, N))
    expect("loss", loss)
    expect("grads", grads)


def test_predict(student, expect, rng):
    """The class of the highest score."""
    expect("classes", fresh_net(student, rng).predict(rng.standard_normal((20, D))))


def test_train_step(student, expect, rng):
    """One step of gradient descent: the parameters move against their gradients."""
    net = fresh_net(student, rng)
    expect("loss", net.step(rng.standard_normal((N, D)), rng.integers(0, C, N), 0.1))
    expect("params", net.params)


def test_spiral(student, expect, rng):
    """Trained on the spiral, the network is right on at least nine of ten new points."""
    points, arm = spiral(rng, 200)
    found = student.train_on_spiral().predict(points)
    if expect.that("shape", np.shape(found) == arm.shape, f"`predict` should return {arm.size} classes, one a point"):
        expect.quality("accuracy", np.mean(found == arm), at_least=0.9, what="the share of new points that are right")


def spiral(rng, points):
    """New points of the kind that the data file holds, in no order: see data/make_spiral.py."""
    arm = rng.permutation(np.repeat(np.arange(C), points))
    radius = rng.uniform(0.05, 1.0, arm.size)
    angle = 4 * radius + 2 * np.pi * arm / C + 0.12 * rng.standard_normal(arm.size)
    return radius[:, None] * np.stack([np.cos(angle), np.sin(angle)], axis=1), arm
