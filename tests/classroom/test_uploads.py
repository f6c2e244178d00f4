"""Downloads told by the names of their files: nothing in them is lost, whatever a student uploaded."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import bulk
import mini
import pytest
from here import Here
from test_downloads import found, only

from grader.classroom.download import lms_filenames
from grader.classroom.run import executors


def test_every_name_of_a_folder_is_somebodys_hand_in(tmp_path: Path) -> None:
    mini.write(
        tmp_path / "d",
        dict.fromkeys(("1020.docx", "1021.txt", "1022.pdf", "1023.py", "1024.tar.gz"), b""),
    )
    entries = found(tmp_path / "d").entries
    assert [entry.student for entry in entries] == ["1020", "1021", "1022", "1023", "1024"]
    assert not any(entry.missing for entry in entries)


def test_code_and_notebook_of_one_name_are_one_hand_in(batch: Callable, tmp_path: Path) -> None:
    mini.write(
        tmp_path / "d",
        {"ann.py": mini.RIGHT, "ann.ipynb": mini.notebook("Because."), "bob.py": mini.RIGHT},
    )
    batch(tmp_path / "d")
    ann, bob = bulk.read(tmp_path / "out" / "gradebook.csv")
    assert (ann["score"], ann["notes"]) == ("10", "1 answer in words to be read")
    assert bob["score"] == "10"


def test_what_is_no_submission_counts_only_where_there_is_nothing_else(tmp_path: Path) -> None:
    mini.write(tmp_path / "d", dict.fromkeys(("1020.py", "1020.txt", "1021.txt"), b""))
    both, text = found(tmp_path / "d").entries
    assert both.paths == ("1020.py",)
    assert both.notes == ("handed in beside it and not used: 1020.txt",)
    assert text.paths == ("1021.txt",)


def test_whoever_handed_in_what_can_not_be_graded_is_refused_by_name_and_not_missing(
    batch: Callable, tmp_path: Path
) -> None:
    mini.write(
        tmp_path / "d",
        {"1.docx": mini.zipped({"word/document.xml": b""}), "2.txt": b"", "3/mini.py": mini.RIGHT},
    )
    (tmp_path / "d" / "4").symlink_to(tmp_path / "d" / "3")
    (tmp_path / "roster.csv").write_text("id,name\n1,A\n2,B\n3,C\n4,D\n5,E\n")
    run = batch(tmp_path / "d", "--roster", tmp_path / "roster.csv")
    rows = {
        row["id"]: (row["status"], row["notes"])
        for row in bulk.read(tmp_path / "out" / "gradebook.csv")
    }
    assert [rows[id_][0] for id_ in "12345"] == [
        "refused",
        "refused",
        "graded",
        "refused",
        "missing",
    ]
    assert "it is a link" in rows["4"][1]
    assert rows["5"][1] == "nothing was handed in"
    assert "`1.docx` can't be taken in" in run.out
    assert "3 can't be taken in, 1 handed in nothing" in run.out
    assert "can&#39;t be taken in" in (tmp_path / "out" / "index.html").read_text()


def test_a_folder_that_can_not_be_opened_is_the_machines_fault_and_tried_again(
    batch: Callable, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    mini.write(tmp_path / "d", {"ann/mini.py": mini.RIGHT, "cy/mini.py": mini.RIGHT})
    scandir, open_ = os.scandir, os.open

    def locked(path: object) -> None:
        if str(path).endswith(f"{os.sep}cy"):
            raise PermissionError(13, "Permission denied")

    def scan(path: object = "."):
        locked(path)
        return scandir(path)

    def opened(path: object, *arguments: object, **named: object) -> int:
        locked(path)
        return open_(path, *arguments, **named)

    monkeypatch.setattr(os, "scandir", scan)
    monkeypatch.setattr(os, "open", opened)
    run = batch(tmp_path / "d")
    ann, cy = bulk.read(tmp_path / "out" / "gradebook.csv")
    assert (ann["status"], cy["status"], cy["score"]) == ("graded", "fault", "")
    assert "(Permission denied): this is not the fault of the submission" in cy["notes"]
    assert run.code == 3
    monkeypatch.undo()
    monkeypatch.setattr(executors, "Lanes", Here)
    assert "1 graded, 1 as they were before" in batch(tmp_path / "d").out


def test_a_timestamp_that_can_not_be_read_stops_nobody(tmp_path: Path) -> None:
    mini.write(tmp_path / "d", {"submitted/ann/mini/mini.py": b"", "submitted/bob.zip": b""})
    (tmp_path / "d" / "submitted" / "ann" / "mini" / "timestamp.txt").symlink_to("nowhere")
    ann, bob = found(tmp_path / "d").entries
    assert (ann.submitted, ann.paths) == ("", ("submitted/ann/mini",))
    assert bob.paths == ("submitted/bob.zip",)


# --- Canvas ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["doejane_77_text.html", "doejane_LATE_77_link.html"])
def test_canvas_names_what_was_typed_in(tmp_path: Path, name: str) -> None:
    mini.write(tmp_path / "d", {name: b"", "roebo_78_5_mini.py": b""})
    jane, _ = found(tmp_path / "d").entries
    assert (jane.student, jane.late, jane.paths) == ("77", "LATE" in name, (name,))


def test_canvas_takes_an_archive_and_loose_files_together_and_shows_them_to_a_person(
    tmp_path: Path,
) -> None:
    names = ("doejane_77_9013_hw.zip", "doejane_77_9014_mini.py", "doejane_77_9015_essay.pdf")
    mini.write(tmp_path / "d", dict.fromkeys(names, b""))
    entry = only(tmp_path / "d")
    assert entry.paths == names[:2]
    assert entry.look == (lms_filenames.TWO_KINDS,)
    assert entry.notes == ("handed in beside it and not used: doejane_77_9015_essay.pdf",)


@pytest.mark.parametrize(("loose", "score"), [("fixed.py", "6"), ("mini.py", "10")])
@pytest.mark.parametrize("packed", [True, False])
def test_a_loose_file_counts_before_the_same_of_the_archive(
    batch: Callable, tmp_path: Path, loose: str, score: str, packed: bool
) -> None:
    files = {**mini.KINDS["left"].files, "Words.ipynb": mini.notebook("Because.")}
    mini.write(
        tmp_path / "d",
        {"doejane_77_1_hw.zip": mini.zipped(files), f"doejane_77_2_{loose}": mini.RIGHT},
    )
    batch(mini.zip_folder(tmp_path / "d", tmp_path / "d.zip") if packed else tmp_path / "d")
    (row,) = bulk.read(tmp_path / "out" / "gradebook.csv")
    assert row["score"] == score
    assert lms_filenames.TWO_KINDS in row["notes"]
    assert "1 answer in words to be read" in row["notes"]  # the notebook lies in the archive


# --- Blackboard -----------------------------------------------------------------------------------


def attempt(user: str, when: str, file: str = "") -> str:
    return f"HW 1_{user}_attempt_2026-11-{when}-11-12{file or '.txt'}"


def test_blackboard_keeps_the_last_attempt_of_each_student(batch: Callable, tmp_path: Path) -> None:
    files = {
        attempt("ann", "01-10"): "Name: Ann",
        attempt("ann", "01-10", "_mini.py"): mini.STUB.format("double"),
        attempt("ann", "02-09"): "Name: Ann",
        attempt("ann", "02-09", "_mini.py"): mini.RIGHT,
        attempt("ann", "02-09", "_Words.ipynb"): mini.notebook(mini.ANSWER),
        attempt("a_b", "01-10"): "Name: Ab",
        attempt("a_b", "01-10", "_hw.zip"): mini.zipped(mini.KINDS["thrice"].files),
        attempt("cy", "01-10"): "Name: Cy, typed in",
    }
    mini.write(tmp_path / "d", files)
    run = batch(mini.zip_folder(tmp_path / "d", tmp_path / "d.zip"))
    assert "3 students (blackboard)" in run.out
    rows = {row["id"]: row for row in bulk.read(tmp_path / "out" / "gradebook.csv")}
    assert {id_: row["score"] for id_, row in rows.items()} == {"ann": "10", "a_b": "4", "cy": "0"}
    assert rows["ann"]["notes"].startswith("handed in 2 times, the last counts")
    assert rows["cy"]["status"] == "refused"


def test_blackboard_with_one_student_tells_the_user_from_the_assignment(tmp_path: Path) -> None:
    mini.write(
        tmp_path / "d", {attempt("jdoe", "01-10", "_mini.py"): b"", attempt("jdoe", "01-10"): b""}
    )
    entry = only(tmp_path / "d")
    assert (entry.student, entry.paths) == ("jdoe", (attempt("jdoe", "01-10", "_mini.py"),))
