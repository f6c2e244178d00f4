"""Checks of the functions that students write in the notebook's cells."""

import numpy as np
import pytest

from grader.checking.inputs import floats


@pytest.mark.parametrize("n", [1, 4, 9])
def test_evens(notebook, expect, n):
    """The first n even numbers, from 0 on, as integers."""
    expect("numbers", notebook["evens"](n))


@pytest.mark.parametrize("size", [(6, 3), (40, 1)], ids=["N=6,D=3", "N=40,D=1"])
def test_standardise(notebook, expect, rng, size):
    """Columns with a mean of 0 and a standard deviation of 1, and the data left as it was."""
    x = 5 * rng.standard_normal(size) + rng.uniform(10, 20, size[1])
    expect("z", notebook["standardise"](x), axes=("N rows", "D columns"))
    expect.not_modified()


@pytest.mark.parametrize("width", [1, 3, 12])
def test_running_mean(notebook, expect, rng, width):
    """The mean of each window of `width` neighbours; a width below 1 is refused."""
    expect("means", notebook["running_mean"](rng.standard_normal(12), width))
    expect.raises(ValueError, notebook["running_mean"], rng.standard_normal(4), 0)


def test_summary(notebook, expect, rng):
    """Prints the least, the mean and the largest entry, a line each."""
    notebook["summary"](rng.uniform(-3, 3, 8))
    expect.printed()


@pytest.mark.parametrize("classes", [1, 3, 7])
def test_one_hot(notebook, expect, rng, classes):
    """A row for each label, with a 1.0 in the label's column and 0.0 elsewhere."""
    rows = notebook["one_hot"](rng.integers(0, classes, 9), classes)
    expect("rows", rows, axes=("N labels", "C classes"), floats=True)


@pytest.mark.parametrize("size", [(4, 6, 3), (1, 5, 2), (3, 3, 1)], ids=["4x6 in 3-D", "1x5 in 2-D", "3x3 on a line"])
def test_distances(notebook, expect, rng, size):
    """The Euclidean distance of each point of one set to each point of another."""
    n, m, d = size
    a, b = rng.standard_normal((n, d)), rng.standard_normal((m, d))
    found = notebook["distances"](a, b)
    expect("distances", found, axes=("N points", "M points"))
    if isinstance(found, np.ndarray):
        expect.that("real", not np.iscomplexobj(found), "a distance is a real number")

    def holds(points):
        own = notebook["distances"](points, points)
        assert np.allclose(np.diag(own), 0, atol=1e-5), "no point is away from itself"
        assert np.allclose(own, own.T, atol=1e-5), "it is as far there as it is back"

    expect.property("among themselves", holds, points=floats("N", "D"))
