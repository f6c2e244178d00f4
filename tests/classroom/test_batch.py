"""A class graded by the command line: what is done again and what is not, and what stands in the
output.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import Future
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path

import bulk
import mini
import msgspec
import pytest
from here import Here

from grader.assignment.spec import Assignment
from grader.classroom.marks import class_summary
from grader.classroom.run import worker
from grader.classroom.run.batch import Batch
from grader.classroom.run.cache_keys import assignment_digest
from grader.classroom.run.executors import Lanes
from grader.classroom.run.result_store import Store
from grader.classroom.run.run_types import BatchOptions


def graded(out: Path) -> list[str]:
    """Return the students whose grading was logged, in that order."""
    lines = map(json.loads, (out / "log.jsonl").read_text().splitlines())
    return [line["student"] for line in lines if line.get("outcome") == "graded"]


def scores(out: Path) -> dict[str, str]:
    return {row["id"]: row["score"] for row in bulk.read(out / "gradebook.csv")}


@pytest.fixture
def out(tmp_path: Path) -> Path:
    return tmp_path / "out"


def test_every_student_has_reports_and_the_class_its_pages(
    batch: Callable, small_class: Path, out: Path
) -> None:
    run = batch(small_class)
    assert run.code == 1
    assert "6 students: 5 graded, 1 can't be taken in" in run.out
    for name in ("report.html", "student.html", "report.json", "junit.xml"):
        assert (out / "s0" / name).stat().st_size > 500
    assert "holds none of the files" in (out / "s5" / "refused.txt").read_text()
    assert scores(out) == {"s0": "10", "s1": "4", "s2": "6", "s3": "0", "s4": "4", "s5": "0"}
    assert {"index.html", "gradebook.csv", "log.jsonl"} <= {path.name for path in out.iterdir()}


def test_all_passed_is_exit_code_zero_also_with_students_who_handed_in_nothing(
    batch: Callable, tmp_path: Path
) -> None:
    mini.write(tmp_path / "submissions" / "s1", mini.KINDS["right"].files)
    (tmp_path / "roster.csv").write_text("id,name\ns1,Ann\ns2,Bo\n")
    run = batch(tmp_path / "submissions", "--roster", tmp_path / "roster.csv")
    assert run.code == 0, run.err
    assert scores(tmp_path / "out") == {"s1": "10", "s2": ""}


def test_nothing_to_grade_is_exit_code_two(batch: Callable, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    run = batch(tmp_path / "empty")
    assert run.code == 2
    assert "holds no submissions" in run.err


def test_a_second_run_grades_what_changed_and_nothing_else(
    batch: Callable, small_class: Path, out: Path
) -> None:
    batch(small_class)
    before = (out / "gradebook.csv").read_bytes()
    assert "5 as they were before" in batch(small_class).out
    assert (out / "gradebook.csv").read_bytes() == before
    mini.write(small_class / "s1", mini.KINDS["right"].files)
    shutil.rmtree(small_class / "s3")
    batch(small_class)
    assert graded(out)[5:] == ["s1"]
    assert scores(out) == {"s0": "10", "s1": "10", "s2": "6", "s4": "4", "s5": "0"}


def test_a_broken_result_is_made_again(batch: Callable, small_class: Path, out: Path) -> None:
    batch(small_class)
    before = (out / "gradebook.csv").read_bytes()
    (out / "s0" / ".grade" / "row.json").write_bytes(b'{"schema": 1, "stud')
    batch(small_class)
    assert graded(out)[5:] == ["s0"]
    assert (out / "gradebook.csv").read_bytes() == before


def test_a_changed_assignment_is_graded_again(
    command: Callable, tier: str, small_class: Path, out: Path, tmp_path: Path
) -> None:
    assignment = mini.build(tmp_path / "assignment")
    arguments = ("--assignment", assignment.folder, "--isolation", tier, "--out", out)
    command("batch", small_class, *arguments)
    mini.build(tmp_path / "assignment", mini.SPEC.replace("points = 6", "points = 8"))
    command("batch", small_class, *arguments)
    assert len(graded(out)) == 10
    assert scores(out)["s0"] == "12"


def test_regrading_one_check_keeps_the_others(
    command: Callable, tier: str, small_class: Path, out: Path, tmp_path: Path
) -> None:
    assignment = mini.build(tmp_path / "assignment")
    arguments = ("--assignment", assignment.folder, "--isolation", tier, "--out", out)
    command("batch", small_class, *arguments)
    before = json.loads((out / "s0" / "report.json").read_text())
    mini.build(tmp_path / "assignment", mini.SPEC.replace("points = 4", "points = 5"))
    # handed in anew: no old check of it may stay
    mini.write(small_class / "s2", mini.KINDS["right"].files)
    assert command("batch", small_class, *arguments, "--regrade", "shift").code == 1
    assert scores(out) == {"s0": "11", "s1": "5", "s2": "11", "s3": "0", "s4": "5", "s5": "0"}
    after = json.loads((out / "s0" / "report.json").read_text())
    assert after["checks"][0] == before["checks"][0]  # to the microsecond: it was not run
    assert after["checks"][1]["max_points"] == 5


def test_an_interrupted_regrade_goes_on_where_it_stopped(
    batch: Callable, assignment: Assignment, small_class: Path, out: Path
) -> None:
    batch(small_class)
    batch(small_class, "--regrade", "shift")
    row = json.loads((out / "s0" / ".grade" / "row.json").read_text())
    run = {
        "checks": ["shift"],
        "assignment": assignment_digest(assignment),
        "run": row["regraded"]["shift"],
    }
    (out / "regrade.json").write_text(json.dumps(run))  # as a killed run leaves it
    done = len(graded(out))
    assert "5 as they were before" in batch(small_class, "--regrade", "shift").out
    assert len(graded(out)) == done
    assert not (out / "regrade.json").exists()
    batch(small_class, "--regrade", "shift")  # a new one is asked for
    assert len(graded(out)) == done + 5


def test_a_check_that_does_not_exist_is_named(batch: Callable, small_class: Path) -> None:
    run = batch(small_class, "--regrade", "dubble")
    assert run.code == 2
    assert "there are: double, shift" in run.err


def test_overrides_reach_gradebook_and_reports_without_grading(
    batch: Callable, small_class: Path, out: Path
) -> None:
    batch(small_class)
    before = (out / "gradebook.csv").read_bytes()
    (out / "overrides.toml").write_text(
        '[[adjust]]\nstudent = "s1"\ncheck = "double"\nadd = 2\n'
        'reason = "right in <b>spirit</b>"\ncomment = "come by"\n'
        '[[adjust]]\nstudent = "s5"\npoints = 3\nreason = "sent by e-mail"\n'
    )
    batch(small_class)
    assert len(graded(out)) == 5
    assert scores(out) == {"s0": "10", "s1": "6", "s2": "6", "s3": "0", "s4": "4", "s5": "3"}
    for page in ("report.html", "student.html"):
        text = (out / "s1" / page).read_text()
        assert "come by" in text
        assert "<b>spirit</b>" not in text
    mini.write(small_class / "s1", mini.wrong("return x - 1"))  # kept over a regrade
    batch(small_class)
    assert scores(out)["s1"] == "6"
    (out / "overrides.toml").unlink()
    mini.write(small_class / "s1", mini.KINDS["thrice"].files)
    batch(small_class)
    assert (out / "gradebook.csv").read_bytes() == before


def test_an_override_of_nobody_stops_before_anything_is_graded(
    batch: Callable, small_class: Path, out: Path
) -> None:
    out.mkdir()
    (out / "overrides.toml").write_text('[[adjust]]\nstudent = "s9"\nadd = 1\nreason = "r"\n')
    run = batch(small_class)
    assert run.code == 2
    assert "there is no student 's9'" in run.err
    assert not (out / "log.jsonl").exists()


def test_answers_in_words_wait_and_are_shown_harmless(
    batch: Callable, tmp_path: Path, out: Path
) -> None:
    hostile = "It is $x^2$ <script>alert(1)</script> <img src=x onerror=alert(2)> [me](javascript:alert(3))"
    files = {
        **mini.KINDS["right"].files,
        "Words.ipynb": mini.notebook(f"**Your answer:**\n\n{hostile}"),
    }
    mini.write(tmp_path / "submissions" / "s1", files)
    untouched = {**mini.KINDS["right"].files, "Words.ipynb": mini.notebook(mini.ANSWER)}
    mini.write(tmp_path / "submissions" / "s2", untouched)
    assert batch(tmp_path / "submissions").code == 0
    page = (out / "todo.html").read_text()
    assert "It is <math" in page
    assert "1 left it empty" in page
    for bad in ("<script", "onerror", "javascript:"):
        assert bad not in page
    listed = batch(tmp_path / "submissions", "--todo")
    assert (listed.code, listed.out.splitlines()[0]) == (0, "s1: Words/why")
    points = '[[adjust]]\nstudent = "s1"\nanswer = "Words/why"\npoints = 2\nreason = "good"\n'
    (out / "overrides.toml").write_text(points)
    assert batch(tmp_path / "submissions").code == 0
    assert scores(out) == {"s1": "12", "s2": "10"}
    assert "waiting: 0" in batch(tmp_path / "submissions", "--todo").out


def test_a_shard_grades_its_part_and_all_shards_the_whole(
    batch: Callable, small_class: Path, tmp_path: Path
) -> None:
    parts = []
    for number in (1, 2):
        assert batch(
            small_class, "--shard", f"{number}/2", out=tmp_path / f"part{number}"
        ).code in (0, 1)
        parts.append(set(scores(tmp_path / f"part{number}")))
    assert parts[0] | parts[1] == {f"s{number}" for number in range(6)}
    assert not parts[0] & parts[1]
    assert batch(small_class, "--shard", "3/2").code == 2


# --- workers that fail ----------------------------------------------------------------------------


class Unlucky(Here):
    """Workers of this process that lose the answers to some tasks."""

    capacity = 2

    def __init__(self, lose: Callable[[worker.Task], bool]) -> None:
        self.lose = lose

    def submit(self, fn: Callable[[bytes], bytes], message: bytes) -> Future[bytes]:
        if not self.lose(msgspec.msgpack.decode(message, type=worker.Task)):
            return super().submit(fn, message)
        future: Future[bytes] = Future()
        future.set_exception(OSError("the host is gone"))
        return future


def run_with(
    assignment: Assignment, submissions: Path, out: Path, lose: Callable[[worker.Task], bool]
):
    options = BatchOptions(submissions=submissions, out=out, isolation="none")
    return Batch(assignment, options, lambda event: None).run(lambda work: Unlucky(lose))


def test_a_worker_that_dies_costs_one_more_try(
    assignment: Assignment, small_class: Path, out: Path
) -> None:
    lost: list[str] = []

    def once(task: worker.Task) -> bool:
        lost.append(task.title)
        return lost.count(task.title) == 1

    totals = run_with(assignment, small_class, out, once)
    assert (totals.graded, totals.faults) == (5, 0)
    assert len(lost) == 10


def test_whose_worker_dies_twice_gets_no_mark_and_is_graded_next_time(
    batch: Callable, assignment: Assignment, small_class: Path, out: Path
) -> None:
    totals = run_with(assignment, small_class, out, lambda task: task.title == "s0")
    assert totals.faults == 1
    class_summary.write(Store(out), out / "overrides.toml")
    (row,) = [row for row in bulk.read(out / "gradebook.csv") if row["id"] == "s0"]
    assert (row["status"], row["score"], row["double"]) == ("fault", "", "")
    assert "no mark is given" in row["notes"]
    assert batch(small_class).code == 1
    assert scores(out)["s0"] == "10"


def test_a_worker_without_the_assignment_gets_it_with_the_task(
    assignment: Assignment, small_class: Path, out: Path
) -> None:
    sent: list[worker.Task] = []

    def look(task: worker.Task) -> bool:
        sent.append(task)
        return False

    worker._FOLDERS.clear()
    options = BatchOptions(submissions=small_class, out=out, isolation="none", remote=True)
    totals = Batch(assignment, options, lambda event: None).run(lambda work: Unlucky(look))
    assert totals.graded == 5
    # as many as were under way before it was there
    assert 1 <= sum(bool(task.bundle) for task in sent) <= 3
    assert not any(task.folder for task in sent)


def test_a_lane_whose_process_was_killed_is_replaced(tmp_path: Path) -> None:
    lanes = Lanes(1, tmp_path)
    try:
        first = lanes.submit(os.getpid).result()
        with pytest.raises(BrokenProcessPool):
            lanes.submit(os.kill, first, signal.SIGKILL).result()
        assert lanes.submit(os.getpid).result() != first
        assert lanes.submit(os.getenv, "OPENBLAS_NUM_THREADS").result() == "1"
    finally:
        lanes.shutdown()


# --- an unchanged class ---------------------------------------------------------------------------


@pytest.fixture
def graded_once(
    command: Callable, small_class: Path, assignment: Assignment, tmp_path: Path
) -> list[str]:
    """The command that has graded a class once, with an assignment of its own."""
    folder = shutil.copytree(assignment.folder, tmp_path / "assignment")
    out = tmp_path / "out"
    words = [
        "batch",
        str(small_class),
        "--assignment",
        str(folder),
        "--isolation",
        "none",
        "--out",
        str(out),
    ]
    assert command(*words).code == 1
    return words


def test_an_unchanged_class_loads_nothing_that_grading_takes(
    graded_once: list[str], tmp_path: Path
) -> None:
    heavy = ("numpy", "h5py", "pytest", "nbclient")
    code = f"import sys\nfrom grader.cli import run\nrun({graded_once})\nprint([n for n in {heavy} if n in sys.modules])"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, cwd=tmp_path
    )
    assert "5 as they were before" in done.stdout, done.stderr
    assert done.stdout.splitlines()[-1] == "[]"


def test_stale_expectations_are_refused_for_a_class_that_was_graded_with_fresh_ones(
    command: Callable, graded_once: list[str], tmp_path: Path
) -> None:
    before = (tmp_path / "out" / "gradebook.csv").read_bytes()
    check = next((tmp_path / "assignment" / "checks").glob("test_*.py"))
    text = check.read_text()
    check.write_text(text + "\n# another line\n")
    run = command(*graded_once)
    assert run.code == 2
    assert "is stale" in run.err
    assert (tmp_path / "out" / "gradebook.csv").read_bytes() == before
    check.write_text(text)
    assert "5 as they were before" in command(*graded_once).out


def test_an_assignment_that_lost_its_expectations_is_told_so(
    command: Callable, graded_once: list[str], tmp_path: Path
) -> None:
    shutil.rmtree(tmp_path / "assignment" / "expectations")
    run = command(*graded_once)
    assert run.code == 2
    assert "run `grader record`" in run.err
