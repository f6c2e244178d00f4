"""Half a year of bicycle counters: the functions of the analysis, which the notebook uses."""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from scipy import optimize, stats

WEEKDAYS = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"]


# --- Tables ---


def read_counts(path):
    return (
        pd.read_csv(path, na_values=["-"], dtype={"counter": "category"})
        .assign(date=lambda t: t.date.astype("datetime64[ns]"), bikes=lambda t: t.bikes.astype("float64"))
        .groupby(["date", "counter"], observed=True, dropna=False)["bikes"]
        .max()
        .reset_index()
        .assign(counter=lambda t: t.counter.astype(str))
    )


def daily_table(counts):
    table = counts.pivot_table(index="date", columns="counter", values="bikes", dropna=False, aggfunc="sum", sort=True)
    there = counts.dropna().groupby(["date", "counter"]).size().unstack().reindex_like(table)
    return table.where(there.notna()).astype(float)


def weekday_means(table):
    """Return the mean of each counter on each weekday: rows Mon, Tue, ..., Sun, the columns of the daily table.

    Missing counts are left out of a mean. All seven rows are there; without a count their entries are NaN.
    """
    means = table.groupby(table.index.day_of_week).mean().reindex(range(7))
    means.index = WEEKDAYS
    return means


def busiest_days(table, n):
    whole = table[table.notna().all(axis="columns")]
    return whole.sum(axis="columns").sort_values(key=lambda total: -total, kind="stable").iloc[:n]


# --- Statistics ---


def line_through(x, y):
    """Return slope, intercept and p-value of a least-squares line y = slope x + intercept.

    x, y: Series with the same index, or arrays (N,). Pairs of which one is NaN are left out. The p-value is that of
    the hypothesis that the slope is 0.
    """
    x, y = np.asarray(x, dtype=float), np.asarray(y, dtype=float)
    there = ~(np.isnan(x) | np.isnan(y))
    found = stats.linregress(x[there], y[there])
    return found.slope, found.intercept, found.pvalue


def compare_days(some, others):
    """Return t and the two-sided p-value of Welch's t-test, which does not take the variances to be equal.

    some, others: arrays of counts; NaN is left out. t is positive if the mean of `some` is the larger one.
    """
    found = stats.ttest_ind(some, others, equal_var=False, nan_policy="omit")
    return found.statistic, found.pvalue


def fit_saturation(t, y):
    """Return a and b of the curve y = a (1 - exp(-t / b)) that fits best by least squares; both are above 0.

    t, y: arrays (N,), for instance the weeks since a path was opened and its bicycles. The largest t is above b.
    """
    guess = y.max(), t.mean()
    (a, b), _ = optimize.curve_fit(lambda t, a, b: a * (1 - np.exp(-t / b)), t, y, p0=guess)
    return a, b


# --- Estimates by chance ---


def overflow_share(rate, stands, trials, rng):
    """Return in which share of the trials more bicycles arrive than there are stands.

    The number of bicycles is Poisson-distributed with mean `rate`; draw it `trials` times from the generator `rng`.
    """
    return np.mean(rng.poisson(rate, trials) > stands)


def trials_needed(share, error):
    """Return the least number of trials, an int, for which the standard error of a share is at most `error`.

    The standard error of a share p in n trials is sqrt(p (1 - p) / n).
    """
    return int(np.ceil(share * (1 - share) / error**2))


def mean_interval(values, resamples, rng):
    """Return low and high of a 95 % bootstrap interval of the mean of `values` (N,).

    Draw N of the values with replacement, `resamples` times, by the generator `rng`; the interval reaches from the
    2.5 % to the 97.5 % quantile of the means.
    """
    means = rng.choice(values, (resamples, len(values))).mean(axis=1)
    low, high = np.quantile(means, [0.025, 0.975])
    return low, high


# --- The report ---


def plot_weekdays(means):
    """Draw a line for each counter over the weekdays, with a label on each axis and a legend; return the Axes.

    means: what `weekday_means` returns.
    """
    _, axes = plt.subplots()
    for counter in means.columns:
        axes.plot(means.index, means[counter], label=counter)
    axes.set_xlabel("weekday")
    axes.set_ylabel("bicycles a day")
    axes.legend()
    return axes
