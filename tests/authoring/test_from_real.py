"""nbgrader's own example notebooks, from its package, become assignments whose reference gets all
points.

Otter's packages hold no notebooks.
"""

from __future__ import annotations

import json
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from grader.assignment.spec import load
from grader.authoring.first_trial import tried
from grader.authoring.handout import contents, leak_check
from grader.authoring.record import record
from grader.cli import run
from grader.grading.grade import Options, grade

# Notebooks are programs, and run here without a box: so it is this package and no other.
PACKAGE = (
    "nbgrader==0.9.6 --hash=sha256:8a185fe53cab78363102862e3d845c48b26823f349482ea9209426bdae5bd75f"
)
INSIDE = "nbgrader/docs/source/user_guide/source/"
EXAMPLES = {"ps1/problem1.ipynb": 3.0, "ps1_autotest/problem1.ipynb": 3.0}


@pytest.fixture(scope="module")
def examples(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("nbgrader")
    (folder / "wanted.txt").write_text(PACKAGE)
    command = [
        sys.executable,
        "-m",
        "pip",
        "download",
        "--no-deps",
        "--require-hashes",
        "-r",
        "wanted.txt",
        "-q",
    ]
    command += ["--retries", "0", "--timeout", "10", "--disable-pip-version-check"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=120)
    if done.returncode:
        pytest.skip(f"no package of nbgrader's to be had: {done.stderr.strip()[-200:]}")
    (wheel,) = folder.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(folder, [name for name in archive.namelist() if name.startswith(INSIDE)])
    return folder / INSIDE


def becomes_an_assignment(notebook: Path, folder: Path) -> float:
    """Make one of a notebook, record, grade and hand out; return the points that the reference got:
    all there are.
    """
    assert run(["new", str(folder), "--from-notebook", str(notebook), "--quiet"]) == 0
    record(load(folder), reseed=False, again=False, progress=lambda line: None)
    assignment = load(folder)
    report = grade(assignment, folder, Options(isolation="none")).report
    assert report.score == report.max_score, [check.message for check in report.checks]
    leak_check.prove(contents.build(assignment), assignment)  # and its template gets none
    return report.score


@pytest.mark.parametrize("name", EXAMPLES)
def test_nbgraders_own_examples(examples: Path, tmp_path: Path, name: str) -> None:
    assert becomes_an_assignment(examples / name, tmp_path / "made") == EXAMPLES[name]


def test_nbgraders_example_of_words_alone_waits_for_a_person(examples: Path) -> None:
    from grader.importing.convert import convert

    made = convert(examples / "ps1" / "problem2.ipynb", "n", "N", tried)
    (name,) = [name for name in made.files if name.endswith(".ipynb")]
    cells = json.loads(made.files[name])["cells"]
    assert [cell for cell in cells if cell["metadata"].get("grader", {}).get("role") == "student"]
