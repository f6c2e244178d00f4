"""A class that has not changed is known without reading it; whatever was written since is read."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import mini
import pytest
from here import Here

from grader import cli
from grader.assignment.spec import Assignment
from grader.classroom.download.download_tree import Child, FolderTree
from grader.classroom.run import batch, executors, unchanged, worker


@pytest.fixture
def run(
    assignment: Assignment,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> Callable[[], tuple[list[str], str]]:
    """Return a function that grades two submissions; it returns which were read, and the totals."""
    monkeypatch.setattr(executors, "Lanes", Here)
    read: list[str] = []
    take_in = batch.take_in
    monkeypatch.setattr(
        batch, "take_in", lambda path, wanted: read.append(path.name) or take_in(path, wanted)
    )
    for name in ("s1", "s2"):
        mini.write(tmp_path / "in" / name, mini.KINDS["right"].files)
    command = ["batch", str(tmp_path / "in"), "--assignment", str(assignment.folder)]
    command += ["--isolation", "none", "--out", str(tmp_path / "class")]

    def again() -> tuple[list[str], str]:
        read.clear()
        cli.run(command)
        told = next(line for line in capsys.readouterr().out.splitlines() if " students: " in line)
        return sorted(read), told.partition(": ")[2]

    return again


def test_only_what_was_written_since_is_read(
    run: Callable[[], tuple[list[str], str]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    both, same = ["s1", "s2"], "2 as they were before"
    monkeypatch.setattr(unchanged, "RESTED", 1 << 60)
    assert run() == (both, "2 graded")
    assert run() == (both, same)  # written a moment ago: not at rest
    monkeypatch.setattr(unchanged, "RESTED", 0)
    assert run() == (both, same)
    assert run() == ([], same)
    report = tmp_path / "class/s1/student.html"
    report.write_bytes(report.read_bytes()[:-1] + b"?")  # of the same length
    assert run() == (["s1"], "1 as they were before, 1 rendered again")
    mini.write(tmp_path / "in/s2", mini.KINDS["thrice"].files)
    assert run() == (["s2"], "1 graded, 1 as they were before")
    (tmp_path / "in/s1/later.txt").write_text("a note")
    assert run()[0] == ["s1"]
    (tmp_path / "class/s2/report.json").unlink()
    assert run() == (["s2"], "1 as they were before, 1 rendered again")
    (tmp_path / "in/s1/link").symlink_to("later.txt")
    assert [run()[0], run()[0]] == [["s1"], ["s1"]]  # what holds a link is always read
    (tmp_path / "class/.unchanged.json").write_text("{")
    assert run()[0] == both
    worker.close()


def test_nothing_is_looked_at_twice_in_a_class_that_has_not_changed(
    run: Callable[[], tuple[list[str], str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(unchanged, "RESTED", 0)
    assert run()[1] == "2 graded"
    looked_at: list[str] = []
    digest, listed = unchanged._digest, FolderTree._listed

    def noted(files: list[tuple[str, str]]) -> str:
        looked_at.extend(path for _, path in files)
        return digest(files)

    def noted_folder(self: FolderTree, folder: str) -> list[Child]:
        looked_at.append(f"the list of {folder!r}")
        return listed(self, folder)

    monkeypatch.setattr(unchanged, "_digest", noted)
    monkeypatch.setattr(FolderTree, "_listed", noted_folder)
    assert run() == ([], "2 as they were before")
    assert len(looked_at) == len(set(looked_at)) > 2
    worker.close()


def test_a_result_that_stands_for_an_earlier_hand_in_is_tried_again(
    run: Callable[[], tuple[list[str], str]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(unchanged, "RESTED", 0)
    monkeypatch.setattr(batch, "TRIES", 1)
    assert run()[1] == "2 graded"
    mini.write(tmp_path / "in/s2", mini.KINDS["thrice"].files)
    grade = worker.grade
    monkeypatch.setattr(worker, "grade", lambda task: b"")  # the worker ends without an answer
    assert "grader failed" in run()[1]
    monkeypatch.setattr(worker, "grade", grade)
    assert run() == (["s2"], "1 graded, 1 as they were before")
    worker.close()
