"""Makes counts.csv and weather.csv: half a year of three bicycle counters of an invented town.

A few counts are missing (-), and a few lines stand in the file twice, as in real downloads.
"""

from pathlib import Path

import numpy as np
import pandas as pd

COUNTERS = {"Bridge": 900, "Mill Lane": 420, "Station": 1300}
SEED = 20


def weather(rng, days):
    """Return a table with the temperature and the rain of each day."""
    season = 9 + 9 * np.sin(2 * np.pi * (np.arange(len(days)) - 40) / 365)
    return pd.DataFrame({
        "date": days,
        "temperature": (season + 3 * rng.standard_normal(len(days))).round(1),
        "rain": (rng.exponential(3, len(days)) * (rng.random(len(days)) < 0.4)).round(1),
    })


def counts(rng, table):
    """Return a line for each day and counter: fewer at weekends, more where it is warm and dry."""
    weekend = table["date"].dt.day_of_week >= 5
    share = (0.7 + 0.03 * table["temperature"] - 0.02 * table["rain"]).clip(lower=0.2)
    lines = []
    for counter, usual in COUNTERS.items():
        expected = usual * share * np.where(weekend, 0.9 if counter == "Mill Lane" else 0.55, 1.0)
        for date, bikes in zip(table["date"], rng.poisson(expected), strict=True):
            lines.append((date.date().isoformat(), counter, str(bikes) if rng.random() > 0.02 else "-"))
    lines += [lines[place] for place in rng.choice(len(lines), 6, replace=False)]
    return [lines[place] for place in rng.permutation(len(lines))]


if __name__ == "__main__":
    here, rng = Path(__file__).parent, np.random.default_rng(SEED)
    days = weather(rng, pd.date_range("2025-03-01", periods=182))
    days.to_csv(here / "weather.csv", index=False)
    text = "\n".join(["date,counter,bikes", *map(",".join, counts(rng, days))])
    (here / "counts.csv").write_text(text + "\n")
