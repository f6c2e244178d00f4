import csv
import datetime
import math

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import scipy.stats
from scipy.optimize import minimize_scalar


def read_counts(path):
    seen = {}
    with open(path) as file:
        for row in csv.DictReader(file):
            bikes = math.nan if row["bikes"] == "-" else float(row["bikes"])
            seen[datetime.datetime.fromisoformat(row["date"]), row["counter"]] = bikes
    rows = [(date, counter, bikes) for (date, counter), bikes in sorted(seen.items())]
    return pd.DataFrame(rows, columns=["date", "counter", "bikes"])


def daily_table(counts):
    dates, counters = sorted(set(counts["date"])), sorted(set(counts["counter"]))
    table = pd.DataFrame(math.nan, index=pd.Index(dates, name="date"), columns=pd.Index(counters, name="counter"))
    for row in counts.itertuples():
        table.loc[row.date, row.counter] = row.bikes
    return table


def weekday_means(table):
    rows = {}
    for number, day in enumerate(["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"]):
        rows[day] = table[[date.weekday() == number for date in table.index]].mean()
    return pd.DataFrame(rows).T


def busiest_days(table, n):
    totals = [(-sum(row), date) for date, row in zip(table.index, table.to_numpy()) if not any(map(math.isnan, row))]
    totals = sorted(totals)[:n]
    return pd.Series([-total for total, _ in totals], index=[date for _, date in totals], dtype=float)


def line_through(x, y):
    pairs = [(a, b) for a, b in zip(list(x), list(y)) if a == a and b == b]
    x, y = map(np.array, zip(*pairs))
    slope = ((x - x.mean()) * (y - y.mean())).sum() / ((x - x.mean()) ** 2).sum()
    intercept = y.mean() - slope * x.mean()
    r = np.corrcoef(x, y)[0, 1]
    t = r * math.sqrt((len(x) - 2) / (1 - r * r))
    return [slope, intercept, 2 * scipy.stats.t.sf(abs(t), len(x) - 2)]


def compare_days(some, others):
    a, b = some[~np.isnan(some)], others[~np.isnan(others)]
    va, vb = a.var(ddof=1) / len(a), b.var(ddof=1) / len(b)
    t = (a.mean() - b.mean()) / math.sqrt(va + vb)
    df = (va + vb) ** 2 / (va**2 / (len(a) - 1) + vb**2 / (len(b) - 1))
    return t, 2 * scipy.stats.t.sf(abs(t), df)


def fit_saturation(t, y):
    def scale(b):
        shape = 1 - np.exp(-t / b)
        return shape @ y / (shape @ shape)

    def loss(b):
        return ((y - scale(b) * (1 - np.exp(-t / b))) ** 2).sum()

    b = minimize_scalar(loss, bounds=(0.3, 30), method="bounded", options={"xatol": 1e-9}).x
    return scale(b), b


def overflow_share(rate, stands, trials, rng):
    return sum(1 for _ in range(trials) if rng.poisson(rate) > stands) / trials


def trials_needed(share, error):
    return math.ceil(share * (1 - share) / error / error)


def mean_interval(values, resamples, rng):
    means = sorted(values[rng.integers(0, len(values), len(values))].mean() for _ in range(resamples))
    return means[int(0.025 * (resamples - 1))], means[round(0.975 * (resamples - 1))]


def plot_weekdays(means):
    plt.figure(figsize=(8, 3))
    for number in range(means.shape[1]):
        plt.plot(range(7), means.iloc[:, number], "o-", label="counter " + means.columns[number])
    plt.xticks(range(7), means.index)
    plt.xlabel("day")
    plt.ylabel("bikes")
    plt.legend(loc="upper right")
    return plt.gca()
