"""The three loads: the work laid out on disk for each contestant, and the scores that are right for
it.
"""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any, NamedTuple

import nbformat

from benchmarks import small
from benchmarks.contest import LANES, ROOT, lane_letter
from benchmarks.peers import Peer
from grader.assignment.spec import Assignment, load

FLAGSHIP = ROOT / "assignment"
SOLUTIONS = ROOT / "solutions"
WARM_UP = "c0"


class Chunk(NamedTuple):
    """A round's work: names for each process, which begin with the chunk's own name and the
    process's letter.
    """

    name: str
    shares: list[list[str]]


class Load(NamedTuple):
    """What is to be graded, as our own assignment and its submissions, one folder each."""

    letter: str
    assignment: Path
    submissions: Path
    chunks: list[Chunk]
    points: dict[str, float]  # submission -> the score that is right
    only: tuple[str, ...]  # checks, where not all are asked for
    plots: bool


def chunks_of(rounds: int, size: int) -> list[Chunk]:
    """Return a chunk to warm up with, one submission for each process, and one for each round."""
    made = []
    for number in range(rounds + 1):
        each = max(1, size // LANES) if number else 1
        name = f"c{number}"
        shares = [
            [f"{name}{lane_letter(lane)}-s{i:04}" for i in range(each)] for lane in range(LANES)
        ]
        made.append(Chunk(name, shares))
    return made


def make(letter: str, work: Path, rounds: int, size: int) -> Load:
    """Lay out a load in an empty folder."""
    shutil.rmtree(work, ignore_errors=True)
    work.mkdir(parents=True)
    chunks = chunks_of(rounds, size)
    names = [name for chunk in chunks for share in chunk.shares for name in share]
    if letter == "a":
        return _small(work, chunks, names)
    assignment = load(FLAGSHIP)
    functions = tuple(check.id for check in assignment.spec.checks if not check.notebook)
    only = functions if letter == "c" else ()
    points = {check.id: check.points for check in assignment.spec.checks}
    for name in names:
        for file in assignment.spec.files:
            _write(work / "submissions" / name / file.path, (SOLUTIONS / file.path).read_bytes())
        if letter == "b":
            for book in assignment.spec.notebooks:
                _write(
                    work / "submissions" / name / book.path,
                    (assignment.folder / book.source).read_bytes(),
                )
    best = float(sum(points[id_] for id_ in (only or points)))
    return Load(
        letter,
        FLAGSHIP,
        work / "submissions",
        chunks,
        dict.fromkeys(names, best),
        only,
        letter == "b",
    )


def _small(work: Path, chunks: list[Chunk], names: list[str]) -> Load:
    """Lay out load (a): the assignment with its notebook, recorded, and the submissions."""
    folder = work / "assignment"
    shutil.copytree(ROOT / "benchmarks" / "loads" / "small", folder)
    _write_notebook(folder / "notebooks" / "Small.ipynb", small.notebook(small.RIGHT))
    (folder / "reference").mkdir()
    subprocess.run(
        [sys.executable, "-m", "grader", "record", "--assignment", str(folder)],
        check=True,
        capture_output=True,
    )
    answers = dict(zip(names, small.submissions(len(names)), strict=True))
    for name, answer in answers.items():
        _write_notebook(work / "submissions" / name / "Small.ipynb", small.notebook(answer.sources))
    points = {name: float(answer.total) for name, answer in answers.items()}
    return Load("a", folder, work / "submissions", chunks, points, (), False)


# --- contestants' jobs ----------------------------------------------------------------------------


def our_jobs(load_: Load, work: Path, isolation: str) -> list[dict[str, Any]]:
    """Return what our own processes, and those of the floor, are started for."""
    return [
        {
            "assignment": str(load_.assignment), "submissions": str(load_.submissions), "only": list(load_.only),
            "out": str(work / "reports"), "isolation": isolation, "plots": load_.plots,
        }
        for _ in range(LANES)
    ]  # fmt: skip


def nbgrader_jobs(load_: Load, work: Path) -> list[dict[str, Any]]:
    """Lay out a course for each process, and return what the processes are started for."""
    jobs = []
    for lane in range(LANES):
        course = work / f"course-{lane_letter(lane)}"
        source = course / "source" / "task"
        names = [name for chunk in load_.chunks for name in chunk.shares[lane]]
        if load_.letter == "a":
            _write_notebook(source / "Small.ipynb", small.nbgrader_notebook(small.RIGHT))
            for name in names:
                submitted = _sources(load_.submissions / name / "Small.ipynb")
                _write_notebook(
                    course / "submitted" / name / "task" / "Small.ipynb",
                    small.nbgrader_notebook(submitted),
                )
        else:
            assignment = load(load_.assignment)
            lay_support(assignment, source)
            listed = assignment.spec.notebooks
            books = {
                book.path: _flagship_notebook(assignment, book.source, book.path) for book in listed
            }
            for place, node in books.items():
                _write_notebook(source / place, node)
            for name in names:
                shutil.copytree(load_.submissions / name, course / "submitted" / name / "task")
                for place, node in books.items():
                    _write_notebook(course / "submitted" / name / "task" / place, node)
        jobs.append({"course": str(course), "assignment": "task"})
    return jobs


def otter_jobs(load_: Load, work: Path, peer: Peer) -> list[dict[str, Any]]:
    """Lay out autograders, and submissions in otter's form, and return what the processes are
    started for.
    """
    autograders = {}
    if load_.letter == "a":
        tests = {task: small.otter_test(task) for task in small.TASKS}
        autograders["Small.ipynb"] = str(_otter_autograder(work / "small", tests, peer))
        submissions = load_.submissions
    else:
        assignment = load(load_.assignment)
        submissions = work / "zips"
        support = work / "support"
        lay_support(assignment, support)
        for book in assignment.spec.notebooks:
            kind = "rnn" if book.path.startswith("RNN") else "lstm"
            test = small.doctest_file(
                f"notebook-{kind}", f"assert {kind}_captions_right >= 0.85\n", 5
            )
            home = work / Path(book.path).stem
            autograders[f"{book.path}.zip"] = str(
                _otter_autograder(home, {f"notebook-{kind}": test}, peer)
            )
            for name in load_.points:
                _zip(
                    submissions / name / f"{book.path}.zip",
                    [support, load_.submissions / name],
                    book.path,
                )
    return [{"submissions": str(submissions), "autograders": autograders} for _ in range(LANES)]


def peers_points(load_: Load, peer: str) -> dict[str, float]:
    """Return the scores that are right for what a peer judges: in load (b) the notebooks alone."""
    if load_.letter == "a":
        return load_.points
    return dict.fromkeys(load_.points, 10.0)


def lay_support(assignment: Assignment, folder: Path) -> None:
    """Copy the flagship's provided files."""
    for place, source in assignment.links.items():
        target = folder / place
        target.parent.mkdir(parents=True, exist_ok=True)
        if source.is_dir():
            shutil.copytree(
                source, target, dirs_exist_ok=True, ignore=shutil.ignore_patterns("__pycache__")
            )
        else:
            shutil.copyfile(source, target)


def _flagship_notebook(assignment: Assignment, source: str, place: str) -> nbformat.NotebookNode:
    """Return a notebook of the flagship with a graded cell of nbgrader's at its end: all cells are
    the author's.
    """
    node = nbformat.read(assignment.folder / source, as_version=4)
    kind = "rnn" if place.startswith("RNN") else "lstm"
    for cell in node.cells:
        cell.metadata = {}
        # marks that nbgrader has rules for
        cell.source = re.sub(r"### (BEGIN|END) SOLUTION.*", "", cell.source)
    test = nbformat.v4.new_code_cell(f"assert {kind}_captions_right >= 0.85", id=f"test-{kind}")
    test.metadata = {
        "nbgrader": {**small.nbgrader_mark(f"test-{kind}", grade=True, solution=False), "points": 5}
    }
    node.cells.append(test)
    node.metadata = {"kernelspec": small.KERNEL}
    return node


def _otter_autograder(home: Path, tests: dict[str, str], peer: Peer) -> Path:
    """Let otter pack an autograder, and return its place."""
    for name, text in tests.items():
        _write(home / "tests" / f"{name}.py", text.encode())
    code = "from otter.generate import main; main(tests_dir='tests', output_path='autograder.zip')"
    done = subprocess.run([peer.python, "-c", code], cwd=home, capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(f"otter could not pack its autograder:\n{done.stderr[-2000:]}")
    return home / "autograder.zip"


def _zip(target: Path, folders: list[Path], notebook: str) -> None:
    """Pack a submission as otter needs it: with the provided files, since it adds none to a folder
    that is there.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(target, "w") as packed:
        for folder in folders:
            for path in sorted(folder.rglob("*")):
                if path.is_file() and (path.suffix != ".ipynb" or path.name == notebook):
                    packed.write(path, path.relative_to(folder))


def _sources(path: Path) -> dict[str, str]:
    node = json.loads(path.read_text())
    return {
        cell["id"]: "".join(cell["source"])
        for cell in node["cells"]
        if cell["metadata"]["grader"]["role"] == "student"
    }


def _write(path: Path, data: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)


def _write_notebook(path: Path, node: nbformat.NotebookNode) -> None:
    _write(path, nbformat.writes(node).encode())
