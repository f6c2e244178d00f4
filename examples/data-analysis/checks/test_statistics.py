"""Checks of the statistics, and of the estimates by chance."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from grader.checking.inputs import floats


@pytest.mark.parametrize("kind", [np.asarray, pd.Series], ids=["arrays", "Series"])
def test_line_through(student, expect, rng, kind):
    """A line through points; pairs with a missing number are left out."""
    x = rng.uniform(-5, 25, 40)
    y = 12 * x + 300 + 90 * rng.standard_normal(40)
    x[4], y[[7, 20]] = np.nan, np.nan
    slope, intercept, p = student.line_through(kind(x), kind(y))
    expect("slope", slope)
    expect("intercept", intercept)
    expect("p", p, rtol=1e-3)
    expect.not_modified()


@pytest.mark.parametrize("sizes", [(12, 40), (30, 8)], ids=["few and many", "many and few"])
def test_compare_days(student, expect, rng, sizes):
    """Welch's t-test of two groups of days."""
    some, others = rng.normal(520, 150, sizes[0]), rng.normal(450, 40, sizes[1])
    some[2] = np.nan
    t, p = student.compare_days(some, others)
    expect("t", t)
    expect("p", p, rtol=1e-3)


def test_fit_saturation(student, expect, rng):
    """The curve that levels off, fitted by least squares."""
    t = np.sort(rng.uniform(0, 26, 30))
    y = rng.uniform(200, 900) * (1 - np.exp(-t / rng.uniform(3, 9))) + 10 * rng.standard_normal(30)
    a, b = student.fit_saturation(t, y)
    expect("a", a, rtol=1e-3)
    expect("b", b, rtol=1e-3)


@pytest.mark.parametrize("stands", [36, 44])
def test_overflow_share(student, expect, rng, stands):
    """The share of trials in which the stands don't suffice: as near as the number of trials allows."""
    rate, trials = rng.uniform(35, 40), 20_000
    right = stats.poisson.sf(stands, rate)
    found = student.overflow_share(rate, stands, trials, np.random.default_rng(rng.integers(1 << 30)))
    expect.quality("share", found, near=right, standard_error=np.sqrt(right * (1 - right) / trials))
    few = student.overflow_share(rate, stands, 5, np.random.default_rng(0))
    expect("of five trials", few * 5 == np.round(few * 5))


@pytest.mark.parametrize("share", [0.5, 0.03])
def test_trials_needed(student, expect, share):
    """The number of trials for a given standard error."""
    expect("trials", [student.trials_needed(share, error) for error in (0.1, 0.03, 0.007)])


def test_mean_interval(student, expect, rng):
    """A bootstrap interval of a mean: both ends as near as the number of resamples allows."""
    values, resamples = rng.gamma(4, 100, 50), 4_000
    low, high = student.mean_interval(values, resamples, np.random.default_rng(rng.integers(1 << 30)))
    many = rng.choice(values, (40_000, 50)).mean(axis=1)
    # of a quantile of normal means: sqrt(0.025 * 0.975 / resamples) / density, with some room for the 40,000 here
    error = 3 * many.std() / np.sqrt(resamples)
    expect.quality("low", low, near=np.quantile(many, 0.025), standard_error=error)
    expect.quality("high", high, near=np.quantile(many, 0.975), standard_error=error)

    def holds(values):
        values = np.append(values, 1.0)  # of one value alone, libraries refuse to make an interval
        low, high = student.mean_interval(values, 50, np.random.default_rng(1))
        assert values.min() - 1e-9 <= low <= high <= values.max() + 1e-9, "the interval lies among the values"

    expect.property("any values", holds, values=floats("N"), examples=10)
