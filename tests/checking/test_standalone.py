"""The checks under plain pytest, in a handout: pytest's own output, a student's own tests beside
them, and no grade.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import msgspec
import pytest
from small_assignment import SPEC, recorded, write

from grader import cli
from grader.authoring.handout import contents, handout_folder
from grader.authoring.handout.contents import Handout
from grader.model import CheckResult, Report, Status
from grader.practice.session import Session
from grader.practice.watch import Watch


class Run(NamedTuple):
    """A finished pytest."""

    code: int
    out: str

    @property
    def counts(self) -> dict[str, int]:
        return {
            word: int(count)
            for count, word in re.findall(r"(\d+) (\w+)", self.out.splitlines()[-1])
        }


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Handout:
    """The handout of the small assignment, all its checks visible."""
    spec = SPEC.replace('visibility = "hidden"\n', "")
    return contents.build(
        recorded(write(tmp_path_factory.mktemp("small"), {"assignment/assignment.toml": spec}))
    )


@pytest.fixture
def work(made: Handout, tmp_path: Path) -> Path:
    handout_folder.write_tree(tmp_path, made.files)
    return tmp_path


def environment() -> dict[str, str]:
    """Return this environment without what pytest puts there, and without the plugins of these
    tests: a student has none of them, and to load them takes longer than all the rest.
    """
    kept = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
    return {**kept, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}


def run(work: Path, *arguments: str) -> Run:
    done = subprocess.run(
        [sys.executable, "-m", "pytest", *arguments],
        cwd=work, env=environment(), capture_output=True, text=True, encoding="utf-8", timeout=120, check=False,
    )  # fmt: skip
    return Run(done.returncode, done.stdout + done.stderr)


def verdict(check: CheckResult) -> tuple[object, ...]:
    return check.status, check.points, check.message, check.hint, check.mistake


def write_functions(work: Path, **bodies: str) -> None:
    """Put bodies in the place of stubs."""
    text = (work / "lib/sums.py").read_text()
    for task, body in bodies.items():
        stub = re.compile(rf"raise NotImplementedError\('[^']*\b{task}'\)")
        assert stub.search(text)
        text = stub.sub(lambda _, body=body: body, text)
    (work / "lib/sums.py").write_text(text)


def test_untouched_stubs_fail_as_not_implemented_and_what_needs_them_is_skipped(work: Path) -> None:
    done = run(work)
    assert done.code == 1
    assert done.counts == {"failed": 4, "skipped": 2}
    assert "add_up: `add_up` is not implemented yet" in done.out
    assert "halves: `half_of` is not implemented yet" in done.out
    assert "Traceback" not in done.out


def test_right_functions_pass(work: Path) -> None:
    write_functions(work, add_up="return a + b", scale_by="return a * factor")
    done = run(work, "-k", "not halves")
    assert (done.code, done.counts) == (0, {"passed": 5, "deselected": 1})


def test_notebook_is_run_too(work: Path) -> None:
    write_functions(work, add_up="return a + b")
    notebook = (work / "Work.ipynb").read_text()
    (work / "Work.ipynb").write_text(
        notebook.replace("raise NotImplementedError('Task 4: half_of')", "return x / 2")
    )
    assert run(work, "-k", "halves").counts == {"passed": 1, "deselected": 5}


def test_failure_says_what_is_wrong_and_where(work: Path) -> None:
    write_functions(work, add_up="return a + 2 * b", scale_by="print('so far'); return a * factr")
    done = run(work, "-k", "scale_by or add_up")
    assert "add_up: `total` has the right shape (3,), but 3 of 3 entries are off" in done.out
    assert "scale_by: `scale_by` raised NameError: name 'factr' is not defined" in done.out
    assert re.search(r"^lib/sums\.py, line \d+, in scale_by$", done.out, re.MULTILINE)
    assert re.search(r"Captured stdout call -+\nso far\n", done.out)
    assert "scale_by: `factr` is not defined, but `factor` is: is that what you mean?" in done.out
    assert "checking/" not in done.out  # none of our own frames


@pytest.mark.parametrize(
    ("arguments", "counts"),
    [
        (("assignment/checks/test_sums.py",), {"failed": 4, "skipped": 2}),
        (("-k", "add_up"), {"failed": 2, "deselected": 4}),
        (("-x",), {"failed": 1}),
        (("assignment/checks/test_sums.py::test_scale_by",), {"failed": 1}),
        (
            ("--deselect", "assignment/checks/test_sums.py::test_add_up"),
            {"failed": 4, "deselected": 2},
        ),
    ],
)
def test_asking_for_a_part_runs_that_part(
    work: Path, arguments: tuple[str, ...], counts: dict[str, int]
) -> None:
    done = run(work, *arguments)
    assert (done.code, done.counts) == (1, counts)


def test_last_failures_can_be_run_again(work: Path) -> None:
    write_functions(work, scale_by="return a * factor")
    run(work)
    assert run(work, "--lf").counts["failed"] == 3


OWN = """\
import pytest


@pytest.fixture
def two():
    return 2


@pytest.mark.parametrize("one", [1, 2])
def test_mine(two, one):
    assert one < two


def test_skipped():
    pytest.skip("later")
"""


def test_students_own_tests_run_as_ever(work: Path) -> None:
    (work / "test_mine.py").write_text(OWN)
    alone = run(work, "test_mine.py")
    assert alone.counts == {"failed": 1, "passed": 1, "skipped": 1}
    assert "assert 2 < 2" in alone.out
    both = run(work, ".", "-k", "test_mine or scale_by")
    assert both.counts == {"failed": 2, "passed": 1, "skipped": 1, "deselected": 5}


def test_students_own_broken_test_is_pytests_own_matter(work: Path) -> None:
    (work / "test_mine.py").write_text("import nothing_of_the_kind\n")
    done = run(work, ".")
    assert done.code == 2
    assert "ModuleNotFoundError" in done.out


def test_student_may_delete_a_file(work: Path) -> None:
    (work / "lib/sums.py").unlink()
    done = run(work, "-k", "scale_by")
    assert done.code == 1
    assert "`lib/sums.py` is not in the submission" in done.out


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("assignment/assignment.toml", "is not an assignment: it has no assignment.toml"),
        ("assignment/expectations/public.h5", "there are no expectations"),
    ],
)
def test_handout_that_lost_a_file_is_a_usage_error_in_one_sentence(
    work: Path, name: str, words: str
) -> None:
    (work / name).unlink()
    done = run(work)
    assert done.code == pytest.ExitCode.USAGE_ERROR
    assert words in done.out
    assert "Traceback" not in done.out


def test_check_without_an_entry_is_a_usage_error(work: Path) -> None:
    with (work / "assignment/checks/test_sums.py").open("a") as file:
        file.write("\n\ndef test_more(student):\n    pass\n")
    done = run(work)
    assert done.code == pytest.ExitCode.USAGE_ERROR
    assert "the test `test_more` has no [[checks]] entry" in done.out


def test_no_worker_is_left(work: Path, tmp_path: Path) -> None:
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q"], cwd=work, env={**environment(), "TMPDIR": str(scratch)},
        capture_output=True, timeout=120, check=False,
    )  # fmt: skip
    assert done.returncode == 1
    assert list(scratch.glob("grader-*")) == []  # each worker's folder goes when it is ended


def test_practice_says_and_pays_the_same_everywhere(
    work: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """In pytest as `tox` runs it, by `grader check`, by `grader watch` and in a notebook's check."""
    write_functions(work, add_up="return a - b", scale_by="return a * factor")
    in_pytest = run(work).out
    out = tmp_path_factory.mktemp("out")
    options = ["--assignment", str(work / "assignment"), "--isolation", "none", "--quiet"]
    assert cli.run(["check", str(work), *options, "--out", str(out)]) == 1
    report = msgspec.json.decode((out / "report.json").read_bytes(), type=Report)
    by_command = {check.id: verdict(check) for check in report.checks}
    with Session.at(work) as session:
        watched = Watch(session).first(lambda check: None).results
        in_notebook = session.check(["add_up", "scale_by"]).report.checks
    assert {check.id: verdict(check) for check in watched}.items() <= by_command.items()
    assert {check.id: verdict(check) for check in in_notebook}.items() <= by_command.items()
    assert {"add_up", "scale_by"} <= {check.id for check in watched}
    failed = [case for check in report.checks for case in check.cases if case.status is Status.FAIL]
    assert len(failed) >= 3
    for case in failed:
        assert case.message.splitlines()[0] in in_pytest
