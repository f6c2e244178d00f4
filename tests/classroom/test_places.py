"""Where a class is written: nothing that the grader did not make is overwritten or removed,
whatever --out says.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import bulk
import mini
import pytest

from grader.assignment.spec import Assignment


def files(folder: Path) -> dict[str, bytes]:
    """Return all that lies below a folder."""
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


@pytest.fixture
def out(tmp_path: Path) -> Path:
    return tmp_path / "out"


@pytest.mark.parametrize(
    "place", ["submissions", "submissions/../submissions", ".", "submissions/s0/class"]
)
def test_results_are_not_written_among_submissions(
    batch: Callable, small_class: Path, tmp_path: Path, place: str
) -> None:
    before = files(tmp_path)
    run = batch(small_class, out=tmp_path / place)
    assert run.code == 2
    assert "by --out" in run.err
    assert files(tmp_path) == before


def test_submissions_in_the_working_directory_are_graded_into_class_beside_them(
    command: Callable, assignment: Assignment, small_class: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = files(small_class)
    monkeypatch.chdir(small_class)
    for _ in range(2):
        run = command("batch", ".", "--assignment", assignment.folder, "--isolation", "none")
        assert "6 students" in run.out
        assert "results, not submissions, and left aside: class" in run.out
    assert len(bulk.read(small_class / "class" / "gradebook.csv")) == 6
    assert {
        name: data for name, data in files(small_class).items() if not name.startswith("class/")
    } == before


def test_results_of_another_run_are_nobodys_submission(
    batch: Callable, small_class: Path, out: Path
) -> None:
    batch(small_class, out=small_class / "old")
    run = batch(small_class, out=out)
    assert "6 students" in run.out
    assert "left aside: old" in run.out


def test_a_folder_with_anything_else_in_it_is_refused(
    batch: Callable, small_class: Path, out: Path
) -> None:
    mini.write(out, {"s0/thesis.tex": "years of work", "gradebook.csv": "id,score\n"})
    before = files(out)
    run = batch(small_class)
    assert run.code == 2
    assert "holds gradebook.csv and no class that was graded" in run.err
    assert files(out) == before


def test_a_roster_and_overrides_may_lie_in_the_folder_beforehand(
    batch: Callable, small_class: Path, out: Path
) -> None:
    mini.write(
        out, {"roster.csv": "id\n" + "".join(f"s{n}\n" for n in range(6)), "overrides.toml": ""}
    )
    assert batch(small_class, "--roster", out / "roster.csv").code == 1


def test_another_assignments_class_is_not_overwritten(
    batch: Callable, command: Callable, small_class: Path, out: Path, tmp_path: Path
) -> None:
    batch(small_class)
    before = files(out)
    other = mini.build(
        tmp_path / "assignment", mini.SPEC.replace('name = "mini"', 'name = "second"')
    )
    run = command(
        "batch", small_class, "--assignment", other.folder, "--isolation", "none", "--out", out
    )
    assert run.code == 2
    assert "holds the class of mini, this is second: name another folder by --out" in run.err
    assert files(out) == before


def test_another_shard_is_not_graded_into_the_same_folder(
    batch: Callable, small_class: Path, out: Path
) -> None:
    batch(small_class, "--shard", "1/2")
    run = batch(small_class, "--shard", "2/2")
    assert run.code == 2
    assert "holds shard 1 of 2, and this is shard 2 of 2" in run.err
    assert batch(small_class, "--shard", "1/2").code in (0, 1)


def test_an_instructors_own_files_outlive_a_regrade(
    batch: Callable, small_class: Path, out: Path
) -> None:
    batch(small_class)
    own = {"feedback.md": "well done", "notebooks/mine.ipynb": "{}"}
    mini.write(out / "s0", own)
    mini.write(small_class / "s0", mini.KINDS["left"].files)
    batch(small_class)
    (small_class / "s0" / "mini.py").unlink()
    mini.write(small_class / "s0", mini.KINDS["nothing-wanted"].files)
    batch(small_class)
    left = files(out / "s0")
    # nothing old of ours
    assert left.keys() == {*own, "refused.txt", ".grade/row.json", ".grade/files.json"}
    assert left["feedback.md"] == b"well done"


def test_what_a_student_took_back_is_removed_and_nothing_else(
    batch: Callable, small_class: Path, out: Path, tmp_path: Path
) -> None:
    (tmp_path / "roster.csv").write_text("id\n" + "".join(f"s{number}\n" for number in range(6)))
    batch(small_class, "--roster", tmp_path / "roster.csv")
    mini.write(out / "s0", {"feedback.md": "well done"})
    for student in ("s0", "s1"):
        (small_class / student).rename(tmp_path / student)
    batch(small_class, "--roster", tmp_path / "roster.csv")
    assert list(files(out / "s0")) == ["feedback.md"]
    assert not (out / "s1").exists()


def test_who_is_not_in_the_class_any_more_is_told_and_never_deleted(
    batch: Callable, small_class: Path, out: Path, tmp_path: Path
) -> None:
    batch(small_class)
    before = files(out / "s1")
    (small_class / "s1").rename(tmp_path / "s1")
    run = batch(small_class)
    assert (
        "not in the class any more, and their folders are still there; delete those that nobody needs: s1"
        in run.out
    )
    assert "not in the class any more" in (out / "index.html").read_text()
    assert files(out / "s1") == before
