"""Checks of the tables."""

import numpy as np
import pandas as pd
import pytest

COUNTERS = ["Bridge", "Mill Lane", "Station"]


def some_lines(rng, days):
    """Lines of a file: counts of some days in no order, some missing, some twice."""
    lines = []
    for date in pd.date_range("2024-12-20", periods=days):
        for counter in COUNTERS:
            bikes = str(rng.integers(20, 900)) if rng.random() < 0.8 else "-"
            lines.append(f"{date.date()},{counter},{bikes}")
    lines += lines[1:3]
    return [lines[place] for place in rng.permutation(len(lines))]


def some_table(rng, days, start="2025-01-01"):
    """A daily table with a few missing counts."""
    bikes = rng.integers(20, 900, (days, len(COUNTERS))).astype(float)
    bikes[rng.random(bikes.shape) < 0.1] = np.nan
    dates = pd.date_range(start, periods=days, name="date")
    return pd.DataFrame(bikes, index=dates, columns=pd.Index(COUNTERS, name="counter"))


@pytest.mark.parametrize("days", [2, 30])
def test_read_counts(student, expect, rng, days):
    """The lines of a file as a table: typed, without doubles, in order."""
    student.files["some.csv"] = "\n".join(["date,counter,bikes", *some_lines(rng, days)]) + "\n"
    expect("counts", student.read_counts("some.csv"))


@pytest.mark.parametrize("days", [1, 20])
def test_daily_table(student, expect, rng, days):
    """A row for each date, a column for each counter."""
    counts = some_table(rng, days).stack().rename("bikes").reset_index()
    counts = counts.iloc[rng.permutation(len(counts))].reset_index(drop=True)
    expect("table", student.daily_table(counts))


@pytest.mark.parametrize("days", [5, 60])
def test_weekday_means(student, expect, rng, days):
    """The mean of each counter on each weekday, from Monday to Sunday."""
    expect("means", plain(student.weekday_means(some_table(rng, days))))


@pytest.mark.parametrize("n", [1, 4, 30])
def test_busiest_days(student, expect, rng, n):
    """The sums of the busiest days without a missing count, the busiest first."""
    table = some_table(rng, 80)
    table.iloc[2::6] = [800.0, 700.0, 600.0]  # many busy days are equally busy
    table.iloc[4] = [np.nan, 899.0, 899.0]
    expect("busiest", plain(student.busiest_days(table, n)))


def plain(table):
    """A table whose index and columns have no name, since the task asks for none; anything else as it is."""
    if isinstance(table, pd.DataFrame):
        return table.rename_axis(index=None, columns=None)
    return table.rename_axis(None).rename(None) if isinstance(table, pd.Series) else table
