"""The machine's faults: no mark, nothing kept for good, and what was damaged is made again."""

from __future__ import annotations

import errno
from collections.abc import Callable
from pathlib import Path

import bulk
import mini
import msgspec
import pytest

from grader.classroom.download import unpack
from grader.classroom.run import batch as batches
from grader.classroom.run import result_store, worker
from grader.classroom.run.result_store import CLASS, CLASS_COPY
from grader.errors import GraderFault
from grader.grading.grade import Grader
from grader.model import Status


@pytest.fixture(autouse=True)
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(batches, "PAUSE", 0.0)


def marks(out: Path) -> dict[str, tuple[str, str]]:
    return {row["id"]: (row["status"], row["score"]) for row in bulk.read(out / "gradebook.csv")}


@pytest.fixture
def two(tmp_path: Path) -> Path:
    mini.write(
        tmp_path / "d",
        {"ann/mini.py": mini.RIGHT, "bob/mini.py": mini.KINDS["thrice"].files["mini.py"]},
    )
    return tmp_path / "d"


def test_a_box_that_the_kernel_killed_for_want_of_memory_gives_no_mark_and_is_tried_again(
    batch: Callable, two: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kills = iter(range(100))
    grade = Grader.grade_taken

    def killed(self: Grader, taken: object) -> object:
        graded = grade(self, taken)  # type: ignore[arg-type]
        if graded.report.submission != "ann":
            return graded
        faults = [
            msgspec.structs.replace(check, status=Status.ERROR) for check in graded.report.checks
        ]
        report = msgspec.structs.replace(graded.report, checks=tuple(faults))
        return msgspec.structs.replace(graded, report=report)

    with monkeypatch.context() as patched:
        patched.setattr(Grader, "grade_taken", killed)
        patched.setattr(worker, "oom_kills", lambda: next(kills))
        run = batch(two)
    assert run.code == 3
    assert "ran out of memory" in run.out
    assert marks(tmp_path / "out") == {"ann": ("fault", ""), "bob": ("graded", "4")}
    assert "1 graded, 1 as they were before" in batch(two).out
    assert marks(tmp_path / "out")["ann"] == ("graded", "10")


def test_what_failed_by_the_machines_fault_is_tried_again_when_all_others_are_done(
    batch: Callable, two: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[str] = []
    do = worker._do

    def failing(task: worker.Task) -> worker.Done:
        seen.append(task.title)
        return worker.Done(fault="a stale handle") if seen == ["ann"] else do(task)

    monkeypatch.setattr(worker, "_do", failing)
    assert batch(two).code == 1
    assert seen == ["ann", "bob", "ann"]


class Full:
    """A file whose bytes there is no room for."""

    def read(self, size: int) -> bytes:
        raise OSError(errno.ENOSPC, "No space left on device")


def test_a_full_temporary_folder_gives_no_mark(
    batch: Callable, two: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lay = unpack.PartWriter.lay

    def full(self: unpack.PartWriter, root: Path, name: str, file: unpack.Readable) -> Path:
        if name.startswith("ann/"):
            return lay(self, root, name, Full())
        return lay(self, root, name, file)

    packed = mini.zip_folder(two, tmp_path / "d.zip")
    with monkeypatch.context() as patched:
        patched.setattr(unpack.PartWriter, "lay", full)
        assert batch(packed).code == 3
    assert marks(tmp_path / "out")["ann"] == ("fault", "")
    assert batch(packed).code == 1
    assert marks(tmp_path / "out")["ann"] == ("graded", "10")


@pytest.mark.parametrize("change", [b"", b"\n# changed\n"])
def test_a_fault_keeps_an_earlier_result_and_gives_no_mark(
    batch: Callable, two: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, change: bytes
) -> None:
    batch(two)
    before = (tmp_path / "out" / "gradebook.csv").read_bytes()
    pages = {path: path.read_bytes() for path in (tmp_path / "out" / "ann").glob("*.html")}
    (two / "ann" / "mini.py").write_bytes((two / "ann" / "mini.py").read_bytes() + change)
    with monkeypatch.context() as patched:

        def stale(path: Path, wanted: object) -> None:
            raise OSError(errno.ESTALE, "Stale file handle")

        patched.setattr(batches, "take_in", stale)
        for _ in range(2):
            assert batch(two).code == 3
    assert set(marks(tmp_path / "out").values()) == {("fault", "")}
    (row, _) = bulk.read(tmp_path / "out" / "gradebook.csv")
    assert row["notes"].count("an earlier result is kept and gives no mark") == 1
    assert all(path.read_bytes() == page for path, page in pages.items())
    run = batch(two)
    counts = "1 graded, 1 as they were before" if change else "2 as they were before"
    assert counts in run.out
    assert (tmp_path / "out" / "gradebook.csv").read_bytes() == before


def test_a_cut_of_every_file_that_is_kept_is_found_and_mended(
    batch: Callable, two: Path, tmp_path: Path
) -> None:
    batch(two)
    out = tmp_path / "out"
    before = (out / "gradebook.csv").read_bytes()
    for path in [path for path in sorted((out / "bob").rglob("*")) if path.is_file()]:
        whole = path.read_bytes()
        path.write_bytes(whole[: len(whole) // 2])
        assert "1 as they were before" in batch(two).out, path
        assert path.is_file()
        assert (out / "gradebook.csv").read_bytes() == before, path
        assert path.stat().st_size > len(whole) // 2, path


def test_a_cut_of_every_file_of_the_class_costs_no_result(
    batch: Callable, two: Path, tmp_path: Path
) -> None:
    batch(two)
    out = tmp_path / "out"
    before = (out / "gradebook.csv").read_bytes()
    kept = [path for path in sorted(out.iterdir()) if path.is_file()]
    assert {"class.json", ".class.json", "log.jsonl", "gradebook.csv"} <= {
        path.name for path in kept
    }
    for path in kept:
        path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
        assert "2 as they were before" in batch(two).out, path
        assert (out / "gradebook.csv").read_bytes() == before, path


@pytest.mark.parametrize("number", [1, 2, 5, 9])
def test_a_full_disk_while_a_result_is_written_costs_none(
    batch: Callable, two: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    batch(two, out=tmp_path / "whole")
    write, left = result_store.write_atomically, number

    def full(path: Path, data: bytes) -> Path:
        nonlocal left
        left -= 1
        if left < 0:
            raise GraderFault(f"can't write to {path}: No space left on device")
        return write(path, data)

    with monkeypatch.context() as patched:
        patched.setattr(result_store, "write_atomically", full)
        assert batch(two).code == 3
    assert batch(two).code == 1
    whole = (tmp_path / "whole" / "gradebook.csv").read_bytes()
    assert (tmp_path / "out" / "gradebook.csv").read_bytes() == whole


def test_a_report_that_is_cut_is_rendered_again_and_not_graded(
    batch: Callable, two: Path, tmp_path: Path
) -> None:
    batch(two)
    (tmp_path / "out" / "bob" / "report.html").write_bytes(b"")
    assert "1 as they were before, 1 rendered again" in batch(two).out


@pytest.mark.parametrize("names", [(CLASS,), (CLASS_COPY,), (CLASS, CLASS_COPY)])
def test_a_class_file_that_is_cut_costs_no_result(
    batch: Callable, command: Callable, two: Path, tmp_path: Path, names: tuple[str, ...]
) -> None:
    batch(two)
    for name in names:
        (tmp_path / "out" / name).write_bytes(b"")
    if len(names) == 1:
        assert (
            command(
                "export", "nbgrader", "--from", tmp_path / "out", "--out", tmp_path / "g.csv"
            ).code
            == 0
        )
    assert "2 as they were before" in batch(two).out


def test_a_groups_hand_in_is_graded_once_and_marked_for_all(
    batch: Callable, tmp_path: Path
) -> None:
    mini.write(
        tmp_path / "d",
        {"team_7_1001_9001_mini.py": mini.RIGHT, "roebo_1002_9002_mini.py": mini.RIGHT},
    )
    (tmp_path / "roster.csv").write_text("id,name\ns1,Ann Lee\ns2,Bo Roe\ns3,Cy Fox\n")
    (tmp_path / "groups.csv").write_text("id,group\ns1,Team 7\ns3,Team 7\n")
    more = ("--roster", tmp_path / "roster.csv", "--groups", tmp_path / "groups.csv")
    run = batch(tmp_path / "d", *more)
    assert "3 students: 2 graded, 1 rendered again" in run.out
    assert marks(tmp_path / "out") == dict.fromkeys(("s1", "s2", "s3"), ("graded", "10"))
    assert "Cy Fox" in (tmp_path / "out" / "s3" / "report.html").read_text()
    assert "3 as they were before" in batch(tmp_path / "d", *more).out


def test_what_is_asked_about_has_a_row_and_an_exit_code_and_an_answer_settles_it(
    batch: Callable, tmp_path: Path
) -> None:
    name = "Ann Lee_102_assignsubmission_file"
    mini.write(tmp_path / "d" / name, {"mini.py": mini.RIGHT})
    (tmp_path / "roster.csv").write_text("id,name\n101,Ann Lee\n102,Bo Roe\n")
    run = batch(tmp_path / "d", "--roster", tmp_path / "roster.csv")
    assert run.code == 1
    assert {id_: status for id_, (status, _) in marks(tmp_path / "out").items()} == {
        "101": "asked", "102": "asked", f"? {name}": "asked",
    }  # fmt: skip
    assert "who is this?" in (tmp_path / "out" / "index.html").read_text()
    mini.write(
        tmp_path / "out", {"overrides.toml": f'[[who]]\nhand_in = "{name}"\nstudent = "101"\n'}
    )
    assert batch(tmp_path / "d", "--roster", tmp_path / "roster.csv").code == 0
    assert marks(tmp_path / "out") == {"101": ("graded", "10"), "102": ("missing", "")}


def test_what_was_left_out_and_what_a_person_should_decide_is_in_the_gradebook(
    batch: Callable, tmp_path: Path
) -> None:
    mini.write(
        tmp_path / "d" / "ann",
        {"essay.txt": b"", "work/mini.py": mini.RIGHT, "work/Words.zip": b"PK no zip"},
    )
    (tmp_path / "d" / "ann" / "data").symlink_to("/nowhere")
    batch(tmp_path / "d")
    (row,) = bulk.read(tmp_path / "out" / "gradebook.csv")
    assert "`data` is a symbolic link, and was not read" in row["notes"]
    assert "`Words.ipynb` may be in `work/Words.zip`" in row["notes"]
    page = (tmp_path / "out" / "index.html").read_text()
    assert "may be in" in page[page.index("Needs a look") :]
