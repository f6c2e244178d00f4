"""Handing in: the student's files and nothing else, complete, as grading takes them."""

from __future__ import annotations

import io
import json
import zipfile
from pathlib import Path

import msgspec
import pytest
from small_assignment import recorded, write

from grader import cli as command_line
from grader.assignment.spec import Assignment, load
from grader.authoring.handout import contents, handout_folder
from grader.errors import SubmissionError
from grader.grading.grade import Options, grade
from grader.practice.submit import pack_submission

DONE = """\
def add_up(a, b):
    return a + b


def scale_by(a, factor):
    return a * factor


class Model:
    def fit(self):
        return self
"""


@pytest.fixture(scope="module")
def assignment(tmp_path_factory: pytest.TempPathFactory) -> Assignment:
    """The small assignment as its author has it."""
    return recorded(write(tmp_path_factory.mktemp("small")))


@pytest.fixture
def work(assignment: Assignment, tmp_path: Path) -> Path:
    """A student's folder, untouched."""
    handout_folder.write_tree(tmp_path / "work", contents.build(assignment).files)
    return tmp_path / "work"


def practice(work: Path) -> Assignment:
    return load(work / "assignment")


def held(archive: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(archive)) as opened:
        return {name: opened.read(name) for name in opened.namelist()}


def test_zip_holds_the_students_files_and_nothing_else(work: Path) -> None:
    (work / "test_mine.py").write_text("")
    (work / "lib/helpers.py").write_text("changed = True\n")
    packed = pack_submission(practice(work), work)
    assert held(packed.archive) == {
        name: (work / name).read_bytes() for name in ("lib/sums.py", "Work.ipynb")
    }
    assert packed.files == {name: len(data) for name, data in held(packed.archive).items()}


def test_modules_that_a_pattern_allows_go_into_the_zip(work: Path) -> None:
    given = practice(work)
    spec = msgspec.structs.replace(given.spec, own_modules=("utils*.py", "lib/own_*.py", "json.py"))
    for name in ("utils.py", "lib/own_sums.py", "json.py", "other.py"):
        (work / name).write_text("def unfinished():\n    raise NotImplementedError\n")
    packed = pack_submission(Assignment(given.folder, spec), work)
    wanted = {"lib/sums.py", "Work.ipynb", "utils.py", "lib/own_sums.py"}
    assert {*held(packed.archive)} == {*packed.files} == wanted
    assert any(remark.startswith("json.py: left out, since") for remark in packed.remarks)


def test_what_is_still_to_be_written_is_named(work: Path) -> None:
    assert pack_submission(practice(work), work).remarks == (
        "lib/sums.py: still to be written: add_up, scale_by, Model.fit",
        "Work.ipynb: still to be written: half_of",
        "Work.ipynb: not answered yet: Halves",
    )


def test_finished_work_has_no_remarks(work: Path) -> None:
    (work / "lib/sums.py").write_text(DONE)
    stub = (work / "Work.ipynb").read_text()
    done = stub.replace("raise NotImplementedError('Task 4: half_of')", "return x / 2")
    (work / "Work.ipynb").write_text(done.replace("*Write your answer here.*", "Since x is."))
    assert pack_submission(practice(work), work).remarks == ()


def test_half_written_function_still_counts_as_to_be_written(work: Path) -> None:
    (work / "lib/sums.py").write_text(
        "def add_up(a, b):\n    total = a\n    raise NotImplementedError\n"
    )
    assert (
        "lib/sums.py: still to be written: add_up" in pack_submission(practice(work), work).remarks
    )


def test_students_own_abstract_helpers_are_no_matter(work: Path) -> None:
    (work / "lib/sums.py").write_text(f"{DONE}\n\ndef helper():\n    raise NotImplementedError\n")
    assert not [
        remark for remark in pack_submission(practice(work), work).remarks if "sums.py" in remark
    ]


def test_files_that_can_not_be_read_by_python_are_named(work: Path) -> None:
    (work / "lib/sums.py").write_text("def add_up(a, b):\n    return a +\n")
    (work / "Work.ipynb").write_text("no JSON")
    first, second = pack_submission(practice(work), work).remarks
    assert first.startswith("lib/sums.py, line 2: Python can't read `add_up`, which fails")
    assert second.startswith("Work.ipynb: the file is not a notebook (it begins with `no JSON`): ")


def test_cells_of_ipython_are_no_hindrance(work: Path) -> None:
    (work / "lib/sums.py").write_text(DONE)
    node = json.loads((work / "Work.ipynb").read_text())
    node["cells"].append(
        {**node["cells"][1], "id": "mine", "metadata": {}, "source": ["%timeit 1\n", "!ls"]}
    )
    (work / "Work.ipynb").write_text(json.dumps(node))
    assert pack_submission(practice(work), work).remarks == (
        "Work.ipynb: still to be written: half_of",
        "Work.ipynb: not answered yet: Halves",
    )


@pytest.mark.parametrize("name", ["lib/sums.py", "Work.ipynb"])
def test_incomplete_work_is_refused_with_the_name(work: Path, name: str) -> None:
    (work / name).unlink()
    with pytest.raises(SubmissionError, match=f"not complete: {name} should be in "):
        pack_submission(practice(work), work)


def test_folder_in_a_files_place_is_refused(work: Path) -> None:
    (work / "Work.ipynb").unlink()
    (work / "Work.ipynb").mkdir()
    with pytest.raises(SubmissionError, match=r"Work\.ipynb can't be read"):
        pack_submission(practice(work), work)


def test_what_grading_would_not_take_is_refused_now(work: Path) -> None:
    (work / "Work.ipynb").write_bytes(b" " * (33 << 20))
    with pytest.raises(
        SubmissionError, match=r"`Work\.ipynb` is longer than 32 MiB; clear the notebook's outputs"
    ):
        pack_submission(practice(work), work)


def test_grading_takes_exactly_that_zip(work: Path, assignment: Assignment, tmp_path: Path) -> None:
    (work / "lib/sums.py").write_text(DONE)
    path = tmp_path / "sums-submission.zip"
    path.write_bytes(pack_submission(practice(work), work).archive)
    report = grade(assignment, path, Options(isolation="none")).report
    assert {check.id: check.points for check in report.checks} == {
        "add_up": 2,
        "add_many": 1,
        "halves": 0,
        "scale_by": 1,
    }
    assert report.notes == ()


def test_partial_handout_speaks_of_its_own_functions_alone(
    assignment: Assignment, tmp_path: Path
) -> None:
    handout_folder.write_tree(tmp_path, contents.build(assignment, ("q2",)).files)
    packed = pack_submission(practice(tmp_path), tmp_path)
    assert packed.remarks == ("lib/sums.py: still to be written: scale_by",)
    assert set(packed.files) == {"lib/sums.py"}


def test_command_writes_the_zip_and_says_what_is_in_it(cli, work: Path) -> None:
    done = cli("submit", work, "--assignment", work / "assignment")
    assert done.code == 0
    lines = done.out.splitlines()
    assert lines[0] == f"{work / 'sums-submission.zip'} is ready to be handed in. It holds:"
    assert [line.split()[0] for line in lines[1:3]] == ["lib/sums.py", "Work.ipynb"]
    assert lines[3] == "note: lib/sums.py: still to be written: add_up, scale_by, Model.fit"
    assert set(held((work / "sums-submission.zip").read_bytes())) == {"lib/sums.py", "Work.ipynb"}


def test_command_refuses_incomplete_work(cli, work: Path) -> None:
    (work / "Work.ipynb").unlink()
    done = cli("submit", work, "--assignment", work / "assignment")
    assert (done.code, done.out) == (2, "")
    assert "not complete: Work.ipynb" in done.err
    assert not (work / "sums-submission.zip").exists()


def test_same_work_gives_the_same_zip(work: Path) -> None:
    assert (
        pack_submission(practice(work), work).archive
        == pack_submission(practice(work), work).archive
    )


def test_a_zip_is_named_one(work: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = work / "mine.tar"
    assert (
        command_line.run(
            ["submit", str(work), "--assignment", str(work / "assignment"), "--out", str(out)]
        )
        == 2
    )
    assert "let its name end in .zip" in capsys.readouterr().err
    assert not out.exists()
