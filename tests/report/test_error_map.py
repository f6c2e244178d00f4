"""The map of errors: what it shows and what it must not."""

from __future__ import annotations

import numpy as np
import pytest

from grader.error_map import COLUMNS, ROWS, classify, coarse, describe


def _map(error: np.ndarray, axes: tuple[str, ...] = (), scale: float = 1.0):
    found = classify(error, ~np.isfinite(error) | (error > 0), scale, axes)
    assert found is not None
    return found


def test_entries_fall_into_classes_by_their_share_of_the_scale() -> None:
    error = np.array([[0.0, 0.001, 0.05, 0.5, np.nan, np.inf]])
    assert _map(error).classes == ((0, 1, 2, 3, 4, 4),)
    assert _map(error * 10, scale=10.0).classes == ((0, 1, 2, 3, 4, 4),)


def test_only_wrong_entries_are_shown_as_wrong() -> None:
    found = classify(np.full((2, 2), 1e-9), np.zeros((2, 2), bool), 1.0)
    assert found is not None
    assert found.classes == ((0, 0), (0, 0))


def test_a_coarse_map_says_of_an_entry_only_whether_it_is_off() -> None:
    near, far = (coarse(_map(np.array([[0.0, error, error]]))) for error in (0.001, 0.5))
    assert near == far
    assert near.classes == ((0, 1, 1),)
    assert describe(near) == "Right up to axis 1, index 0, wrong from 1 on."


def test_leading_axes_are_folded_to_the_worst() -> None:
    error = np.zeros((3, 4, 5))
    error[2, 1, 3] = 0.5
    found = _map(error, ("N batch", "T time", "H hidden"))
    assert (found.axes, found.extent, found.worst_over) == (
        ("T time", "H hidden"),
        (4, 5),
        "N batch",
    )
    assert [
        (r, c) for r, row in enumerate(found.classes) for c, cell in enumerate(row) if cell
    ] == [(1, 3)]


def test_a_large_array_is_folded_and_loses_no_wrong_entry() -> None:
    error = np.zeros((1000, 777))
    error[613, 401] = 0.5
    found = _map(error)
    assert (len(found.classes), len(found.classes[0]), found.extent) == (ROWS, COLUMNS, (1000, 777))
    assert found.classes[613 * ROWS // 1000][401 * COLUMNS // 777] == 3
    assert sum(cell > 0 for row in found.classes for cell in row) == 1


def test_the_scale_of_an_array_of_zeros_is_one() -> None:
    assert _map(np.array([0.5, 0.0]), scale=0.0).classes == ((3, 0),)


@pytest.mark.parametrize("shape", [(), (1,)])
def test_a_single_number_has_no_map(shape: tuple[int, ...]) -> None:
    assert classify(np.ones(shape), np.ones(shape, bool), 1.0) is None


def test_the_sentence_says_where_it_starts_to_be_wrong() -> None:
    error = np.zeros((2, 6, 8))
    error[:, 2:] = 0.3
    assert (
        describe(_map(error, ("N batch", "T time", "H hidden")))
        == "Right up to time 1, wrong from 2 on."
    )


def test_the_sentence_names_a_wrong_block() -> None:
    error = np.zeros((6, 12))
    error[:, 3:6] = 0.3
    assert describe(_map(error, ("D input", "H hidden"))) == "Wrong only from hidden 3 to 5."
    assert describe(_map(np.ones((3, 3)))) == "Wrong everywhere."
    assert describe(_map(np.eye(4))).startswith("Wrong in 25 %")


def test_an_axis_without_a_name_is_told_by_its_number() -> None:
    error = np.array([0.0, 1.0, 1.0])
    found = classify(error, error > 0, 1.0)
    assert found is not None
    assert describe(found) == "Right up to axis 0, index 0, wrong from 1 on."
