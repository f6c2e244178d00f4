"""Half a year of bicycle counters: the functions of the analysis, which the notebook uses."""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from scipy import optimize, stats

WEEKDAYS = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"]


# --- Tables ---


def read_counts(path):
    """Return the counts of a file as a DataFrame with the columns date, counter and bikes.

    A line of the file is `date,counter,bikes`; `-` stands for a missing count, which becomes NaN. Dates are of dtype
    datetime64, bikes are floats. Lines that stand in the file twice count once. The rows are in the order of their
    dates, those of one date in the order of their counters' names, and numbered 0, 1, 2, ...
    """
    counts = pd.read_csv(path, parse_dates=["date"], na_values="-")
    counts["bikes"] = counts["bikes"].astype(float)
    return counts.drop_duplicates().sort_values(["date", "counter"], ignore_index=True)


def daily_table(counts):
    """Return a DataFrame with a row for each date, in order, and a column for each counter, in the order of their names.

    The index holds the dates. What was not counted is NaN.
    """
    return counts.pivot(index="date", columns="counter", values="bikes")


def weekday_means(table):
    """Return the mean of each counter on each weekday: rows Mon, Tue, ..., Sun, the columns of the daily table.

    Missing counts are left out of a mean. All seven rows are there; without a count their entries are NaN.
    """
    means = table.groupby(table.index.day_of_week).mean().reindex(range(7))
    means.index = WEEKDAYS
    return means


def busiest_days(table, n):
    """Return the sums over all counters on the n busiest days as a Series, the busiest day first; its index: the dates.

    Days on which a count is missing are left out. Of equally busy days the earlier comes first.
    """
    totals = table.dropna().sum(axis=1)
    return totals.sort_values(ascending=False, kind="stable").head(n)


# --- Statistics ---


def line_through(x, y):
    mask = np.isfinite(x) & np.isfinite(y)
    return tuple(stats.linregress(x[mask], y[mask]))[:2] + (stats.linregress(x[mask], y[mask])[3],)


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
    """Returns the current Axes, after it was shown."""
    plt.plot(means.index, means.to_numpy(), label=list(means.columns))
    plt.gca().set_xlabel("weekday")
    plt.ylabel("bicycles")
    plt.title("A week")
    plt.grid()
    plt.legend(title="counter")
    axes = plt.gca()
    plt.show()
    return axes
