"""Sixty submissions of many kinds through each bulk format: the gradebook is right in every cell."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import bulk
import msgspec
import pytest

from grader.grading.grade import Graded, Grader
from grader.grading.intake.take import Taken


@pytest.fixture(scope="module")
def known() -> dict[str, Graded]:
    """What came of the same files in another layout."""
    return {}


@pytest.fixture
def graded_once(known: dict[str, Graded], monkeypatch: pytest.MonkeyPatch) -> None:
    """Grade the same files once for all layouts: these differ in what leads to the files."""
    really = Grader.grade_taken

    def grade_taken(self: Grader, taken: Taken) -> Graded:
        key = repr(msgspec.structs.replace(taken, name=""))
        if key not in known:
            known[key] = really(self, taken)
        report = msgspec.structs.replace(known[key].report, submission=taken.name)
        return msgspec.structs.replace(known[key], report=report)

    monkeypatch.setattr(Grader, "grade_taken", grade_taken)


@pytest.mark.usefixtures("graded_once")
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
