"""Sixty submissions of many kinds through each bulk format: the gradebook is right in every cell."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import bulk
import pytest


@pytest.mark.parametrize("name", bulk.LAYOUTS)
def test_gradebook_is_right_in_every_cell(name: str, batch: Callable, tmp_path: Path) -> None:
    submissions, roster = bulk.download(name, tmp_path)
    run = batch(submissions, "--roster", roster)
    assert run.code == 1, run.err
    assert f"60 students ({name})" in run.out
    rows = bulk.read(tmp_path / "out" / "gradebook.csv")
    notes = {row["id"]: row.pop("notes") for row in rows}
    assert rows == bulk.expected(name)
    for pupil in bulk.pupils():
        assert ("nothing was handed in" in notes[pupil.id]) == (not pupil.kind)
        assert ("not on the roster" in notes[pupil.id]) is False
