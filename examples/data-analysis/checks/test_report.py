"""Checks of the plots and of the notebook."""

import numpy as np
import pandas as pd

WEEKDAYS = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"]


def test_plot_weekdays(student, expect, rng):
    """A labelled line for each counter."""
    means = pd.DataFrame(rng.uniform(100, 900, (7, 3)), index=WEEKDAYS, columns=["Bridge", "Mill Lane", "Station"])
    expect.plot("figure", student.plot_weekdays(means), parts=["labels", "legend", "lines", "data"])


def test_scatter(notebook, expect):
    """The notebook shows the temperatures and the bicycles, with the line, axes with labels and a title."""
    expect.picture("scatter")
    expect.plot("scatter", notebook["axes"], parts=["title", "labels", "lines", "data", "points"])
    expect("slope", notebook["slope"])


def test_stands(notebook, expect):
    """The least number of stands that suffices on all but 5 % of the days, as near as chance allows."""
    expect.quality("stands", np.asarray(notebook["stands"].fetch()), at_least=50, at_most=51)
