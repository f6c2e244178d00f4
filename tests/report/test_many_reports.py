"""What many reports on one seed say together: as docs/security.md tells it, no less and no more."""

from __future__ import annotations

import numpy as np

from grader.checking.judge.compare import compare
from grader.error_map import coarse
from grader.model import ErrorMap, Tolerance

EXPECTED = np.random.default_rng(7).uniform(-1, 1, (6, 8))
GUESSES = np.linspace(-1, 1, 81)


def map_of(guess: float) -> ErrorMap:
    """Return the map in the report on an answer of one number throughout."""
    (found,) = compare("h", EXPECTED, np.full(EXPECTED.shape, guess), Tolerance())
    assert found.error_map is not None
    return found.error_map


def test_81_reports_with_four_classes_give_every_entry() -> None:
    near = np.array([np.array(map_of(guess).classes) <= 2 for guess in GUESSES])  # under 10 %
    told = (near * GUESSES[:, None, None]).sum(axis=0) / near.sum(axis=0)
    assert np.abs(told - EXPECTED).max() < 0.06


def test_the_same_reports_with_coarse_maps_say_of_no_entry_where_it_lies() -> None:
    maps = {coarse(map_of(guess)).classes for guess in GUESSES}
    assert maps == {((1,) * 8,) * 6}


def test_the_largest_error_closes_in_on_an_entry_all_the_same() -> None:
    place, far = (2, 3), 3.0
    answer = np.zeros(EXPECTED.shape)
    answer[place] = far  # so that the largest error is this entry's
    (found,) = compare("h", EXPECTED, answer, Tolerance())
    assert found.max_absolute_error is not None
    assert abs(far - found.max_absolute_error - EXPECTED[place]) < 0.051
