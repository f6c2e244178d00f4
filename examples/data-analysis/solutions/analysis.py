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
    ### BEGIN SOLUTION Task 1.1: read_counts
    counts = pd.read_csv(path, parse_dates=["date"], na_values="-")
    counts["bikes"] = counts["bikes"].astype(float)
    return counts.drop_duplicates().sort_values(["date", "counter"], ignore_index=True)
    ### END SOLUTION


def daily_table(counts):
    """Return a DataFrame with a row for each date, in order, and a column for each counter, in the order of their names.

    The index holds the dates. What was not counted is NaN.
    """
    ### BEGIN SOLUTION Task 1.2: daily_table
    return counts.pivot(index="date", columns="counter", values="bikes")
    ### END SOLUTION


def weekday_means(table):
    """Return the mean of each counter on each weekday: rows Mon, Tue, ..., Sun, the columns of the daily table.

    Missing counts are left out of a mean. All seven rows are there; without a count their entries are NaN.
    """
    ### BEGIN SOLUTION Task 1.3: weekday_means
    means = table.groupby(table.index.day_of_week).mean().reindex(range(7))
    means.index = WEEKDAYS
    return means
    ### END SOLUTION


def busiest_days(table, n):
    """Return the sums over all counters on the n busiest days as a Series, the busiest day first; its index: the dates.

    Days on which a count is missing are left out. Of equally busy days the earlier comes first.
    """
    ### BEGIN SOLUTION Task 1.4: busiest_days
    totals = table.dropna().sum(axis=1)
    return totals.sort_values(ascending=False, kind="stable").head(n)
    ### END SOLUTION


# --- Statistics ---


def line_through(x, y):
    """Return slope, intercept and p-value of a least-squares line y = slope x + intercept.

    x, y: Series with the same index, or arrays (N,). Pairs of which one is NaN are left out. The p-value is that of
    the hypothesis that the slope is 0.
    """
    ### BEGIN SOLUTION Task 2.1: line_through
    x, y = np.asarray(x, dtype=float), np.asarray(y, dtype=float)
    there = ~(np.isnan(x) | np.isnan(y))
    found = stats.linregress(x[there], y[there])
    return found.slope, found.intercept, found.pvalue
    ### END SOLUTION


def compare_days(some, others):
    """Return t and the two-sided p-value of Welch's t-test, which does not take the variances to be equal.

    some, others: arrays of counts; NaN is left out. t is positive if the mean of `some` is the larger one.
    """
    ### BEGIN SOLUTION Task 2.2: compare_days
    found = stats.ttest_ind(some, others, equal_var=False, nan_policy="omit")
    return found.statistic, found.pvalue
    ### END SOLUTION


def fit_saturation(t, y):
    """Return a and b of the curve y = a (1 - exp(-t / b)) that fits best by least squares; both are above 0.

    t, y: arrays (N,), for instance the weeks since a path was opened and its bicycles. The largest t is above b.
    """
    ### BEGIN SOLUTION Task 2.3: fit_saturation
    guess = y.max(), t.mean()
    (a, b), _ = optimize.curve_fit(lambda t, a, b: a * (1 - np.exp(-t / b)), t, y, p0=guess)
    return a, b
    ### END SOLUTION


# --- Estimates by chance ---


def overflow_share(rate, stands, trials, rng):
    """Return in which share of the trials more bicycles arrive than there are stands.

    The number of bicycles is Poisson-distributed with mean `rate`; draw it `trials` times from the generator `rng`.
    """
    ### BEGIN SOLUTION Task 3.1: overflow_share
    return np.mean(rng.poisson(rate, trials) > stands)
    ### END SOLUTION


def trials_needed(share, error):
    """Return the least number of trials, an int, for which the standard error of a share is at most `error`.

    The standard error of a share p in n trials is sqrt(p (1 - p) / n).
    """
    ### BEGIN SOLUTION Task 3.2: trials_needed
    return int(np.ceil(share * (1 - share) / error**2))
    ### END SOLUTION


def mean_interval(values, resamples, rng):
    """Return low and high of a 95 % bootstrap interval of the mean of `values` (N,).

    Draw N of the values with replacement, `resamples` times, by the generator `rng`; the interval reaches from the
    2.5 % to the 97.5 % quantile of the means.
    """
    ### BEGIN SOLUTION Task 3.3: mean_interval
    means = rng.choice(values, (resamples, len(values))).mean(axis=1)
    low, high = np.quantile(means, [0.025, 0.975])
    ### END SOLUTION
    return low, high


# --- The report ---


def plot_weekdays(means):
    """Draw a line for each counter over the weekdays, with a label on each axis and a legend; return the Axes.

    means: what `weekday_means` returns.
    """
    ### BEGIN SOLUTION Task 4.1: plot_weekdays
    _, axes = plt.subplots()
    for counter in means.columns:
        axes.plot(means.index, means[counter], label=counter)
    axes.set_xlabel("weekday")
    axes.set_ylabel("bicycles a day")
    axes.legend()
    return axes
    ### END SOLUTION
