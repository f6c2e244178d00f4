"""An assignment whose answers a submission could read is refused, wherever the reading would come
from.
"""

from __future__ import annotations

import shutil
import sysconfig
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from toy import Toy, build

from grader.assignment.exposure import refuse_readable
from grader.assignment.spec import load
from grader.errors import AssignmentError
from grader.sandbox import readable_paths

EVERY = "which every submission may read"


@pytest.fixture
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder that stands for Python's packages: boxes may read it."""
    folder = tmp_path / "site-packages"
    folder.mkdir()
    monkeypatch.setattr(readable_paths, "SYSTEM", (*readable_paths.SYSTEM, str(folder)))
    return folder


def refusal(folder: Path) -> str:
    with pytest.raises(AssignmentError) as caught:
        refuse_readable(load(folder))
    return str(caught.value)


def test_an_assignment_of_its_own_folder_is_fine(toy: Toy) -> None:
    refuse_readable(toy.assignment)


def test_one_among_the_packages_is_refused(installed: Path) -> None:
    build(installed / "course" / "assignment")
    said = refusal(installed / "course" / "assignment")
    assert EVERY in said
    assert f"lies within {installed}" in said


def test_one_that_is_reached_by_a_link_is_refused(installed: Path, tmp_path: Path) -> None:
    build(installed / "course")
    (tmp_path / "course").symlink_to(installed / "course")
    assert EVERY in refusal(tmp_path / "course")


@pytest.mark.parametrize("part", ["reference", "checks", "expectations"])
def test_a_part_that_is_a_link_into_the_packages_is_refused(
    part: str, installed: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "course"
    build(folder)
    (folder / "expectations").mkdir(exist_ok=True)
    shutil.move(folder / part, installed / part)
    (folder / part).symlink_to(installed / part)
    said = refusal(folder)
    assert EVERY in said
    assert str(installed / part) in said


def test_a_single_file_that_is_a_link_into_the_packages_is_refused(
    installed: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "course"
    build(folder)
    (check,) = (folder / "checks").glob("*.py")
    shutil.move(check, installed / check.name)
    check.symlink_to(installed / check.name)
    assert EVERY in refusal(folder)


@pytest.mark.parametrize("provided", ["reference", "checks", "."])
def test_a_provided_folder_that_holds_answers_is_refused(provided: str, tmp_path: Path) -> None:
    folder = tmp_path / "course"
    build(folder)
    spec = folder / "assignment.toml"
    spec.write_text(spec.read_text().replace('"pack" = "pack"', f'"{provided}" = "given"'))
    assert "which `provided` lays beside every submission" in refusal(folder)


@pytest.fixture(scope="module")
def truly_installed() -> Iterator[Path]:
    """An assignment that stands in this very environment's packages for a while."""
    folder = Path(sysconfig.get_path("purelib"), "grader_test_course")
    build(folder / "assignment")
    yield folder / "assignment"
    shutil.rmtree(folder)


@pytest.mark.parametrize(
    "command",
    [
        ["check", "SUBMISSION", "--isolation", "bubblewrap"],
        ["check", "SUBMISSION", "--isolation", "landlock"],
        ["batch", "SUBMISSIONS", "--isolation", "landlock", "--workers", "1"],
        ["record"],
        ["audit", "--part", "lazy"],
    ],
    ids=lambda command: " ".join(command),
)
def test_every_command_that_grades_refuses_it_and_says_why(
    command: list[str], truly_installed: Path, cli: Callable, tmp_path: Path, toy: Toy
) -> None:
    expectations = truly_installed / "expectations"
    shutil.copytree(toy.assignment.folder / "expectations", expectations, dirs_exist_ok=True)
    (tmp_path / "submissions" / "one" / "pack").mkdir(parents=True)
    (tmp_path / "submissions" / "one" / "pack" / "toy.py").write_text("")
    places = {
        "SUBMISSION": tmp_path / "submissions" / "one",
        "SUBMISSIONS": tmp_path / "submissions",
    }
    asked = [str(places.get(part, part)) for part in command]
    out = [] if command[0] == "record" else ["--out", str(tmp_path / "out")]
    run = cli(*asked, *out, "--assignment", truly_installed)
    assert (run.code, EVERY in run.err) == (2, True), run.err
    assert not list(tmp_path.glob("out/**/*.html"))
