"""``grader check``: exit codes, messages on the right stream, and reports on disk."""

from __future__ import annotations

import json
import shutil
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import pytest
from toy import CENTER_STUB, REFERENCE, Toy

from grader import __version__
from grader import cli as command_line
from grader.grading import outputs


@pytest.fixture
def check(
    toy: Toy, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> Callable[..., tuple[int, str, str]]:
    """Return a function that runs ``grader check`` on a submission to the toy: exit code, output,
    errors.
    """

    def run(
        submission: Path, *arguments: str, assignment: Path = toy.assignment.folder
    ) -> tuple[int, str, str]:
        out = [
            "--out",
            str(tmp_path / "out"),
            "--isolation",
            "none",
            "--assignment",
            str(assignment),
        ]
        code = command_line.run(["check", str(submission), *out, *arguments])
        shown = capsys.readouterr()
        return code, shown.out, shown.err

    return run


def test_right_submission_exits_0_with_a_line_per_check(
    check: Callable, toy: Toy, tmp_path: Path
) -> None:
    code, out, err = check(toy.submission())
    assert (code, err) == (0, "")
    # a live line, and one in the table
    assert all(out.count(spec.id) >= 2 for spec in toy.assignment.spec.checks)
    assert "15 / 15" in out
    assert "report.html" in out
    assert {path.name for path in (tmp_path / "out").iterdir()} == {
        *("report.html", "report.json", "junit.xml", "notebooks")
    }
    assert json.loads((tmp_path / "out" / "report.json").read_bytes())["score"] == 15


def test_wrong_submission_exits_1(check: Callable, toy: Toy) -> None:
    code, out, _ = check(
        toy.submission(f"{REFERENCE}\n{CENTER_STUB}"), "--only", "center", "--only", "count"
    )
    assert code == 1
    assert "not implemented yet" in out


def test_broken_check_exits_3_and_gives_no_mark(check: Callable, toy: Toy, tmp_path: Path) -> None:
    folder = shutil.copytree(toy.assignment.folder, tmp_path / "assignment")
    assert check(toy.submission(), "--only", "count", assignment=folder)[0] == 0
    # the assignment is right, what was recorded is not all there
    for path in (folder / "expectations").glob("*.h5"):
        with h5py.File(path, "r+") as file:
            del file["count"]
    code, out, _ = check(toy.submission(), "--only", "count", assignment=folder)
    assert code == 3
    assert "no expectation of `counts` was recorded" in out
    check_ = json.loads((tmp_path / "out" / "report.json").read_bytes())["checks"][0]
    assert (check_["status"], check_["points"]) == ("error", 0)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--only", "cuont"], "grader: --only cuont: there is no such check"),
        (
            ["--assignment", "nowhere"],
            "grader: nowhere is not an assignment: it has no assignment.toml",
        ),
        (["--isolation", "moat"], "invalid choice: 'moat'"),
        (["--no-such-option"], "--no-such-option"),
    ],
)
def test_what_can_not_be_graded_exits_2(
    check: Callable, toy: Toy, arguments: list[str], message: str
) -> None:
    code, out, err = check(toy.submission(), *arguments)
    assert (code, out) == (2, "")
    assert message in err
    assert "Traceback" not in err


def test_missing_submission_exits_2(check: Callable, tmp_path: Path) -> None:
    code, _, err = check(tmp_path / "nowhere")
    assert code == 2
    assert "nowhere" in err


def test_output_that_can_not_be_written_exits_2(check: Callable, toy: Toy, tmp_path: Path) -> None:
    (tmp_path / "out").write_text("a file")
    code, _, err = check(toy.submission(), "--only", "count")
    assert code == 2
    assert "can't write to" in err


@pytest.mark.usefixtures("real_starts")  # the notebook is to be waited for
def test_what_prepares_the_report_has_ended_when_the_command_ends(
    check: Callable, toy: Toy, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A thread inside a library's compiled code can crash a process that ends."""
    begun, written, steps = threading.Event(), threading.Event(), []

    def prepare(_: object) -> None:
        begun.set()
        assert written.wait(600)
        time.sleep(0.2)
        steps.append("prepared")

    def write_then(*arguments: Any, **more: Any) -> Any:
        assert begun.wait(600)
        pages = write(*arguments, **more)
        written.set()
        return pages

    write = outputs.write
    monkeypatch.setattr(outputs, "LIBRARIES", ())
    monkeypatch.setattr(outputs, "PATIENT", 0)
    monkeypatch.setattr("grader.report.html_report.prepare", prepare)
    monkeypatch.setattr(outputs, "write", write_then)
    assert check(toy.submission())[0] == 0
    assert steps == ["prepared"]


def test_quiet_prints_nothing(check: Callable, toy: Toy) -> None:
    assert check(toy.submission(), "--only", "count", "--quiet") == (0, "", "")


def test_fault_of_ours_exits_3(check: Callable, toy: Toy, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("grader.grading.grade.grade", lambda *_: 1 / 0)
    code, _, err = check(toy.submission())
    assert code == 3
    assert "ZeroDivisionError" in err
    assert "the grader failed, no mark is given" in err


def test_interrupt_exits_130(check: Callable, toy: Toy, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("grader.grading.grade.grade", interrupted)
    code, _, err = check(toy.submission())
    assert (code, err) == (130, "grader: interrupted\n")


def test_what_a_student_prints_reaches_no_stream_of_ours(
    cli: Callable, toy: Toy, tmp_path: Path
) -> None:
    loud = (
        "import os, sys, subprocess\n"
        "print('FORGED'); os.write(1, b'FORGED'); os.write(2, b'FORGED')\n"
        "print('FORGED', file=sys.__stdout__, flush=True); subprocess.run(['echo', 'FORGED'])\n"
    )
    submission = toy.submission(f"{REFERENCE}\n{loud}")
    where = [
        "--assignment",
        toy.assignment.folder,
        "--out",
        tmp_path / "out",
        "--isolation",
        "none",
    ]
    done = cli("check", submission, *where, "--only", "count")
    assert done.code == 0
    assert "FORGED" not in done.out + done.err


def test_assignment_lies_here_by_default(cli: Callable, toy: Toy, tmp_path: Path) -> None:
    done = cli(
        "check", toy.submission(), "--isolation", "none", "--out", tmp_path / "out", "--only", "count",
        cwd=toy.assignment.folder,
    )  # fmt: skip
    assert done.code == 0
    assert "2 / 2" in done.out


def test_version_is_told(cli: Callable) -> None:
    assert cli("--version").out == f"grader {__version__}\n"


def test_no_command_is_bad_usage(cli: Callable) -> None:
    done = cli()
    assert done.code == 2
    assert "COMMAND" in done.err


def test_an_assignment_may_be_named_by_its_file(check: Callable, toy: Toy) -> None:
    spec = toy.assignment.folder / "assignment.toml"
    assert check(toy.submission(), "--only", "count", assignment=spec)[0] == 0
    code, _, err = check(toy.submission(), assignment=spec.with_name("checks") / "test_toy.py")
    assert code == 2
    assert "test_toy.py is a file: name the folder that holds the assignment.toml" in err


def test_an_assignment_one_folder_deeper_is_suggested(check: Callable, toy: Toy) -> None:
    code, _, err = check(toy.submission(), assignment=toy.assignment.folder.parent)
    assert code == 2
    assert f"it has no assignment.toml: did you mean {toy.assignment.folder}?" in err


def test_an_option_is_not_abbreviated_and_help_is_plain_text(cli: Callable) -> None:
    done = cli("check", "nowhere", "--isol", "none")
    assert done.code == 2
    assert "unrecognized arguments: --isol none" in done.err
    assert "``" not in cli("check", "--help").out


def test_pytest_that_fails_is_a_fault_of_ours(
    check: Callable, toy: Toy, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("grader.checking.session.case_runs.CaseRuns.finish", lambda *_: 1 / 0)
    code, _, err = check(toy.submission(), "--only", "count")
    assert code == 3
    assert "pytest failed while it ran the checks" in err
