import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from scipy import optimize, stats


def read_counts(path):
    counts = pd.read_csv(path, dtype={"bikes": "string"}).drop_duplicates(["date", "counter"])
    counts = counts.assign(date=pd.to_datetime(counts["date"]), bikes=pd.to_numeric(counts["bikes"], errors="coerce"))
    counts["bikes"] = counts["bikes"].to_numpy(dtype=float, na_value=np.nan)
    return counts.sort_values("counter").sort_values("date", kind="mergesort").reset_index(drop=True)


def daily_table(counts):
    return counts.set_index(["date", "counter"])["bikes"].unstack()


def weekday_means(table):
    table = table.assign(day=pd.Categorical(table.index.strftime("%a"), "Mon Tue Wed Thu Fri Sat Sun".split()))
    return table.groupby("day", observed=False).mean().rename_axis(None)


def busiest_days(table, n):
    return table.sum(axis=1, skipna=False).dropna().nlargest(n, keep="first")


def line_through(x, y):
    data = pd.DataFrame({"x": np.array(x), "y": np.array(y)}).dropna()
    slope, intercept = np.polyfit(data.x, data.y, 1)
    return slope, intercept, stats.pearsonr(data.x, data.y).pvalue


def compare_days(some, others):
    some, others = pd.Series(some).dropna(), pd.Series(others).dropna()
    return stats.ttest_ind_from_stats(
        some.mean(), some.std(), len(some), others.mean(), others.std(), len(others), equal_var=False
    )


def fit_saturation(t, y):
    found = optimize.least_squares(lambda p: p[0] * -np.expm1(-t / p[1]) - y, [np.median(y), 5.0], xtol=1e-12)
    return found.x


def overflow_share(rate, stands, trials, rng):
    return float((rng.poisson(lam=rate, size=trials) >= stands + 1).sum() / trials)


def trials_needed(share, error):
    n = 1
    while np.sqrt(share * (1 - share) / n) > error:
        n += 1
    return n


def mean_interval(values, resamples, rng):
    result = stats.bootstrap((values,), np.mean, n_resamples=resamples, method="percentile", rng=rng, vectorized=True)
    return result.confidence_interval.low, result.confidence_interval.high


def plot_weekdays(means):
    axes = means.plot(title="Bicycles", marker=".")
    axes.set(xlabel="weekday", ylabel="bicycles")
    return axes
