"""``grader check --out``: what stands in the folder is of this submission; nobody need listen to
what is printed.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from toy import REFERENCE, Toy, notebook

from grader import cli as command_line
from grader.files import write_atomically

REPORTS = {"report.html", "report.json", "junit.xml"}


@pytest.fixture
def check(toy: Toy, capsys: pytest.CaptureFixture[str]) -> Callable[..., tuple[int, str]]:
    """Return a function that runs ``grader check`` on one check of the toy: exit code, errors."""

    def run(submission: Path, out: Path, *only: str) -> tuple[int, str]:
        asked = [part for id_ in only or ("count",) for part in ("--only", id_)]
        where = [
            "--out",
            str(out),
            "--isolation",
            "none",
            "--assignment",
            str(toy.assignment.folder),
        ]
        code = command_line.run(["check", str(submission), *where, *asked])
        return code, capsys.readouterr().err

    return run


def names(folder: Path) -> set[str]:
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}


def test_nothing_of_an_earlier_submission_stays(check: Callable, toy: Toy, tmp_path: Path) -> None:
    out = tmp_path / "out"
    check(toy.submission(notebook=notebook()), out, "notebook")
    assert names(out) == {*REPORTS, "notebooks/Toy.ipynb"}
    (out / "student.html").write_text("of hidden checks")
    (out / "mine.txt").write_text("foreign")
    (out / "notebooks" / "mine.ipynb").write_text("foreign")
    check(toy.submission(), out)
    assert names(out) == {*REPORTS, "mine.txt", "notebooks/mine.ipynb"}


def test_what_can_not_be_taken_in_leaves_no_older_report(
    check: Callable, toy: Toy, tmp_path: Path
) -> None:
    out, broken = tmp_path / "out", tmp_path / "broken.zip"
    check(toy.submission(), out)
    broken.write_bytes(b"PK\x03\x04")
    assert check(broken, out)[0] == 2
    assert names(out) == set()


def test_a_foreign_report_is_left_alone(check: Callable, toy: Toy, tmp_path: Path) -> None:
    out = tmp_path / "out"
    out.mkdir()
    for name, text in (("report.json", '{"annual": true}'), ("student.html", "foreign")):
        (out / name).write_text(text)
    assert check(tmp_path / "nowhere", out)[0] == 2
    assert names(out) == {"report.json", "student.html"}


@pytest.mark.usefixtures("real_starts")
def test_notebooks_that_were_executed_can_be_checked_themselves(
    check: Callable, toy: Toy, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    check(toy.submission(notebook=notebook()), out, "notebook")
    assert check(out / "notebooks", out, "notebook")[0] != 2
    assert "notebooks/Toy.ipynb" in names(out)


@pytest.mark.parametrize("second", ["report", "another"])
def test_output_within_the_submission_is_not_the_students(
    check: Callable, toy: Toy, tmp_path: Path, second: str
) -> None:
    submission = toy.submission()
    assert check(submission, submission / "report", "notebook")[0] == 0
    executed = submission / "report" / "notebooks" / "Toy.ipynb"
    assert executed.is_file()
    check(submission, submission / second, "notebook")
    told = (submission / second / "report.json").read_text()
    assert "Toy.ipynb: it is not in the submission" in told


@pytest.mark.parametrize("kind", ["file", "dangling link", "closed"])
def test_output_that_can_not_be_written_is_told_before_anything_is_graded(
    check: Callable, toy: Toy, tmp_path: Path, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "out"
    if kind == "file":
        out.write_text("a file")
    elif kind == "dangling link":
        out.symlink_to(tmp_path / "nowhere")
    else:
        out = Path("/proc/out")
    monkeypatch.setattr(
        "grader.grading.startup.Opening", lambda *_: pytest.fail("something was graded")
    )
    code, told = check(toy.submission(), out)
    assert (code, told.count("\n")) == (2, 1)
    assert f"grader: can't write to {out}: " in told


def test_a_full_disk_is_a_fault_of_ours_in_one_line(
    check: Callable, toy: Toy, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> int:
        raise OSError(28, "No space left on device")

    submission = toy.submission()
    monkeypatch.setattr(Path, "write_bytes", full)
    code, told = check(submission, tmp_path / "out")
    assert (code, told.count("\n")) == (3, 1)
    assert "report.json: No space left on device" in told


def test_a_link_to_a_submission_is_followed(check: Callable, toy: Toy, tmp_path: Path) -> None:
    (tmp_path / "ada").symlink_to(toy.submission())
    assert check(tmp_path / "ada", tmp_path / "out") == (0, "")
    inside = toy.submission()
    (inside / "pack" / "toy.py").unlink()
    (inside / "pack" / "toy.py").symlink_to(
        write_atomically(tmp_path / "toy.py", REFERENCE.encode())
    )
    code, told = check(inside, tmp_path / "out")
    assert code == 2
    assert "is a symbolic link" in told


@pytest.mark.parametrize("redirection", ["| true", ">&-", ">/dev/full", "<&- >&- 2>&-"])
def test_nobody_need_listen(toy: Toy, tmp_path: Path, redirection: str) -> None:
    command = [
        sys.executable, "-m", "grader", "check", toy.submission(), "--out", tmp_path / "out", "--isolation", "none",
        "--assignment", toy.assignment.folder, "--only", "count", "--only", "tally",
    ]  # fmt: skip
    script = f'set -o pipefail; "$@" {redirection}'
    done = subprocess.run(
        ["bash", "-c", script, "bash", *map(str, command)], env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, "")
    assert names(tmp_path / "out") == REPORTS


def test_a_folder_that_was_deleted_is_told(toy: Toy, tmp_path: Path) -> None:
    (tmp_path / "gone").mkdir()
    script = 'cd "$1" && rmdir "$1" && exec "$2" -m grader check "$3"'
    done = subprocess.run(
        ["bash", "-c", script, "bash", tmp_path / "gone", sys.executable, toy.submission()],
        capture_output=True, text=True, check=False, env={**os.environ, "PYTHONSAFEPATH": "1"},
    )  # fmt: skip
    assert done.returncode == 2
    assert (
        done.stderr
        == "grader: the folder that you are in has been deleted: go to another one (cd)\n"
    )
