"""Checks of the neuron."""

import numpy as np
import pytest


@pytest.mark.parametrize("rows", [4, 1], ids=["N=4", "N=1"])
def test_forward(student, expect, rng, rows):
    """The neuron's output."""
    y, _ = student.forward(rng.standard_normal((rows, 3)), rng.standard_normal(3))
    expect("y", y)


def test_backward(student, expect, rng):
    """The gradients of the neuron's inputs."""
    _, cache = student.forward(rng.standard_normal((5, 3)), rng.standard_normal(3))
    dx, dw = student.backward(rng.standard_normal(5), cache)
    expect("dx", dx, gradient=True)
    expect("dw", dw)


def test_slopes(student, expect, rng):
    """The gradients of the neuron's inputs are its slopes."""
    x, w, dy = rng.standard_normal((5, 3)), rng.standard_normal(3), rng.standard_normal(5)
    y, cache = student.forward(x, w)
    got = student.backward(dy, cache)
    expect.gradient("d", lambda x, w: student.forward(x, w)[0], [x, w], got, upstream=dy)


def test_ascend(student, expect, rng):
    """Weights that make the outputs larger, and these outputs."""
    w, y = student.ascend(rng.standard_normal((4, 3)), rng.standard_normal(3), 0.1, 3)
    expect("w", w)
    expect("y", y)


def test_root(student, expect):
    """A root of a function that the check hands in."""
    expect("root", student.root(lambda x: student.squared(x) - 2, 1.0))


def test_gathered(student, expect):
    """A set, and a date."""
    found, day = student.gathered()
    expect("set", found)
    expect("day", day)


def test_saved(student, expect):
    """What is written into a file."""
    student.saved("out.txt")
    expect("text", student.files["out.txt"])


@pytest.mark.parametrize("part", ["answer", "triple"])
def test_notebook(notebook, expect, rng, part):
    """The notebook runs, and what it defines is right."""
    notebook.must_run()
    if part == "answer":
        expect("answer", notebook["answer"])
    # That a cell ran is the word of a process that is the student's: what it defines has to prove it.
    expect("triple", notebook["triple"](rng.standard_normal(3)))


def test_box_equal(in_box):
    """Three times two."""
    in_box()


def test_box_close(in_box):
    """Three times an array, as NumPy compares."""
    in_box()


def test_box_kind(in_box):
    """The kind of what comes back."""
    in_box()


def test_box_near(in_box):
    """Three times a fraction, as far as rounding allows."""
    in_box()
