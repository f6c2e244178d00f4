"""Checks of the three functions, called where the notebook's cells have defined them."""

import pytest

SIZES = {"8x3": (8, 3), "20x5": (20, 5), "3x2": (3, 2), "50x4": (50, 4)}
sizes = pytest.mark.parametrize("shape", SIZES.values(), ids=SIZES.keys())


@sizes
def test_standardise(notebook, expect, rng, shape):
    """Columns of mean zero and standard deviation one."""
    expect("z", notebook["standardise"](3 + 2 * rng.standard_normal(shape)))


@sizes
def test_moving_average(notebook, expect, rng, shape):
    """The means of all windows of a given width."""
    expect("means", notebook["moving_average"](rng.standard_normal(shape[0]), min(4, shape[0])))


@sizes
def test_one_hot(notebook, expect, rng, shape):
    """A row for each label, with a one in the label's column."""
    expect("rows", notebook["one_hot"](rng.integers(0, shape[1], size=shape[0]), shape[1]))
