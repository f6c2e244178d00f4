"""The examples: their references, templates, known mistakes, and right solutions that look
otherwise.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from grader.assignment.expectations import Expectations
from grader.assignment.misconceptions import FOLDER, Misconception, apply, load_all
from grader.assignment.spec import Assignment, load
from grader.authoring import record
from grader.authoring.handout import contents, leak_check
from grader.classroom.marks import written_answers
from grader.files import write_tree
from grader.grading.grade import Graded, Grader, Options, grade

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"
BASICS, NET = EXAMPLES / "numpy-basics", EXAMPLES / "two-layer-net"
PYTHON, DATA = EXAMPLES / "intro-python", EXAMPLES / "data-analysis"
both = pytest.mark.parametrize("folder", [BASICS, NET], ids=lambda folder: folder.name)


@pytest.fixture(scope="session")
def graded(graders: Callable[[Path], Grader]) -> Callable[..., Graded]:
    """Return a function that grades files, and what else is there, in a folder."""

    def grade(assignment: Assignment, files: dict[str, bytes], folder: Path, *only: str) -> Graded:
        write_tree(folder, files)
        grader = graders(assignment.folder)
        grader.options = Options(only=frozenset(only))
        return grader.grade(folder)

    return grade


def statuses(result: Graded) -> dict[str, str]:
    return {check.id: check.status.value for check in result.report.checks}


@both
def test_the_reference_gets_all_points(
    graded: Callable[..., Graded], folder: Path, tmp_path: Path
) -> None:
    assignment = load(folder)
    result = graded(assignment, record.reference_files(assignment), tmp_path)
    assert result.report.score == result.report.max_score, statuses(result)


@both
def test_the_recorded_expectations_are_up_to_date(folder: Path) -> None:
    assert list(record.check(load(folder), lambda line: None)) == []


@both
def test_the_handout_holds_no_answer_and_earns_nothing(
    graded: Callable[..., Graded], folder: Path, tmp_path: Path
) -> None:
    assignment = load(folder)
    made = contents.build(assignment)
    leak_check.prove(made, assignment)
    report = graded(assignment, dict(made.files), tmp_path).report
    assert report.score == 0
    assert all(check.status.value in ("fail", "skip") for check in report.checks)


# --- known mistakes -------------------------------------------------------------------------------
# Several are tried in one submission.


# no numbers that could be recognised
BY_QUALITY = {"spiral", "read_prices_refuses", "overflow_share", "mean_interval"}


def rounds(folder: Path) -> list[list[Misconception]]:
    """Return the known mistakes in rounds, in which none builds on what another one fails."""
    assignment = load(folder)
    found: list[tuple[set[str], list[Misconception]]] = []
    for mistake in load_all(folder / FOLDER):
        touched, waiting = set(mistake.fails), [*mistake.fails]
        while waiting:
            check = assignment.check(waiting.pop())
            assert check is not None
            touched |= set(check.requires)
            waiting += check.requires
        for others, together in found:
            if not touched & others:
                others |= touched
                together.append(mistake)
                break
        else:
            found.append((touched, [mistake]))
    return [together for _, together in found]


ROUNDS = [
    pytest.param(folder, together, id=f"{folder.name}-{number}")
    for folder in (BASICS, NET, PYTHON, DATA)
    for number, together in enumerate(rounds(folder))
]


@pytest.mark.parametrize(("folder", "together"), ROUNDS)
def test_known_mistakes_fail_their_checks_and_are_told_their_hints(
    graded: Callable[..., Graded], folder: Path, together: list[Misconception], tmp_path: Path
) -> None:
    assignment = load(folder)
    files = record.reference_files(assignment)
    fails: set[str] = set()
    for mistake in together:
        files = apply(mistake, files)
        fails |= set(mistake.fails)
    if folder == DATA:
        del files["bike_counts.ipynb"]
    report = graded(assignment, files, tmp_path, *fails).report
    told = {check.id: check.hint for check in report.checks if check.status.value == "fail"}
    assert set(told) == fails
    for mistake in together:
        assert told[mistake.fails[0]] == mistake.hint or mistake.fails[0] in BY_QUALITY


NEW = [
    pytest.param(folder, name, id=f"{folder.name}-{name or 'reference'}")
    for folder, names in (
        (PYTHON, ["", *sorted(path.name for path in (PYTHON / "right").iterdir())]),
        (DATA, ["", "other_functions"]),
    )
    for name in names
]


@pytest.mark.parametrize(("folder", "name"), NEW)
def test_solutions_that_are_right_have_all_points(
    graded: Callable[..., Graded], folder: Path, name: str, tmp_path: Path
) -> None:
    assignment = load(folder)
    files = record.reference_files(assignment)
    for path in (folder / "right" / name).rglob("*.py") if name else ():
        files[path.relative_to(folder / "right" / name).as_posix()] = path.read_bytes()
    report = graded(assignment, files, tmp_path).report
    assert report.score == report.max_score, [check.message for check in report.checks]


@pytest.mark.parametrize("folder", [PYTHON, DATA], ids=lambda folder: folder.name)
def test_their_handouts_hold_no_answer(folder: Path) -> None:
    assignment = load(folder)
    leak_check.prove(contents.build(assignment), assignment)


# --- numpy-basics ---------------------------------------------------------------------------------


def basics(change: dict[str, str | None]) -> dict[str, bytes]:
    """Return the reference's notebook with cells replaced by their ids; None leaves a cell out."""
    notebook: dict[str, Any] = json.loads((BASICS / "numpy_basics.ipynb").read_bytes())
    cells = [
        cell | {"source": change.get(cell["id"], cell["source"])} for cell in notebook["cells"]
    ]
    notebook["cells"] = [cell for cell in cells if cell["source"] is not None]
    return {"numpy_basics.ipynb": json.dumps(notebook).encode()}


UNUSUAL = {
    "evens": "def evens(n):\n    return np.array([number for number in range(2 * n) if number % 2 == 0])",
    "standardise": """
def standardise(x):
    z = np.empty_like(x)
    for column in range(x.shape[1]):
        values = x[:, column]
        z[:, column] = (values - sum(values) / len(values)) / np.sqrt(np.var(values))
    return z
""",
    "running-mean": """
def running_mean(x, width):
    if not width > 0:
        raise ValueError
    return np.lib.stride_tricks.sliding_window_view(x, width).mean(axis=1)
""",
    "summary": """
def summary(x):
    numbers = sorted(x)
    print("least  ", round(numbers[0], 3))
    print(f"mean  {np.mean(x):+.3f}\\nlargest {numbers[-1]:.3f}")
""",
    "one-hot": "def one_hot(labels, classes):\n    return np.eye(classes)[labels]",
    "distances": """
def distances(a, b):
    return np.array([[np.linalg.norm(p - q) for q in b] for p in a])
""",
}


def test_basics_that_are_right_in_another_way_pass(
    graded: Callable[..., Graded], tmp_path: Path
) -> None:
    checks = [cell.replace("-", "_") for cell in UNUSUAL]
    passed = statuses(graded(load(BASICS), basics(dict(UNUSUAL)), tmp_path, *checks))
    assert passed == dict.fromkeys(checks, "pass")


def test_distances_that_are_no_numbers_among_equal_points_are_told_with_the_smallest(
    graded: Callable[..., Graded], tmp_path: Path
) -> None:
    """What subtracts large numbers may take the root of one just below zero: only a point beside
    itself shows it.
    """
    code = """
def distances(a, b):
    with np.errstate(invalid="ignore"):
        return np.sqrt((a**2).sum(1)[:, None] + (b**2).sum(1) - 2 * a @ b.T - 1e-13)
"""
    (check,) = graded(
        load(BASICS), basics({"distances": code}), tmp_path, "distances"
    ).report.checks
    told = "no point is away from itself; for instance with points: an array of shape (1, 1)"
    assert check.status == "fail"
    assert f"`among themselves` does not hold: {told}" in check.message


def test_a_cell_that_was_deleted_is_not_put_back_with_its_answer(
    graded: Callable[..., Graded], tmp_path: Path
) -> None:
    result = graded(load(BASICS), basics({"evens": None}), tmp_path)
    assert {id_ for id_, status in statuses(result).items() if status == "fail"} == {"evens"}
    assert "def evens" not in json.dumps(result.notebooks["numpy_basics.ipynb"])


def test_the_questions_in_words_wait_for_a_person() -> None:
    questions = written_answers.questions(load(BASICS))
    assert [(question.cell, question.points) for question in questions] == [
        ("copies-answer", 2),
        ("rules-answer", 2),
    ]
    assert all("SOLUTION" not in question.untouched for question in questions)


# --- two-layer-net --------------------------------------------------------------------------------


@pytest.fixture
def net(tmp_path: Path) -> Path:
    """The reference of the network, to be changed."""
    shutil.copytree(NET / "solutions", tmp_path / "work")
    return tmp_path / "work"


def replace(path: Path, old: str, new: str) -> None:
    text = path.read_text(encoding="utf-8")
    assert text.count(old) == 1
    path.write_text(text.replace(old, new), encoding="utf-8")


@pytest.mark.parametrize(
    ("file", "old", "new"),
    [
        ("layers.py", "out = x @ W + b", "out = np.einsum('nd,dh->nh', x, W); out += b"),
        ("layers.py", "out, cache = np.maximum(x, 0), x", "out, cache = x * (x > 0), {'mask': x}"),
        ("net.py", "range(500)", "range(400)"),
        ("net.py", "hidden=40", "hidden=90"),
    ],
)
def test_a_network_that_is_right_in_another_way_passes(
    graded: Callable[..., Graded], net: Path, file: str, old: str, new: str
) -> None:
    replace(net / "twolayer" / file, old, new)
    if "mask" in new:
        replace(
            net / "twolayer" / file, "np.where(cache > 0, dout, 0.0)", "dout * (cache['mask'] > 0)"
        )
    report = graded(load(NET), {}, net).report
    assert report.score == report.max_score, [check.message for check in report.checks]


def test_data_that_the_student_changed_is_laid_down_afresh(
    graded: Callable[..., Graded], net: Path
) -> None:
    (net / "data").mkdir()
    (net / "data" / "spiral.csv").write_text("0 0 0\n1 1 1\n2 2 2\n")
    report = graded(load(NET), {}, net).report
    assert report.score == report.max_score
    assert any("spiral.csv" in note for note in report.notes)


def test_a_training_that_takes_too_long_is_told_so(net: Path, tmp_path: Path) -> None:
    shutil.copytree(NET, tmp_path / "assignment")
    path = tmp_path / "assignment" / "expectations" / "hidden.h5"
    stored = Expectations.read(path)
    # as if the reference had been so fast: the least limit counts
    stored.cases["spiral", "all"].call_seconds = 0.001
    stored.write(path)
    replace(
        net / "twolayer" / "net.py",
        "    x, y = load_spiral()\n",
        "    x, y = load_spiral()\n    __import__('time').sleep(1.2)\n",
    )
    (check,) = grade(
        load(path.parents[1]), net, Options(isolation="none", only=frozenset({"spiral"}))
    ).report.checks
    assert check.status == "fail"
    assert "s are allowed" in check.message


UNTRAINED = """

TwoLayerNet.predict = lambda self, x: np.repeat(np.arange(3), len(x) // 3)


def train_on_spiral():
    return TwoLayerNet(2, 1, 3)
"""


def test_labels_in_order_are_no_training(graded: Callable[..., Graded], net: Path) -> None:
    path = net / "twolayer" / "net.py"
    path.write_text(path.read_text() + UNTRAINED)
    report = graded(load(NET), {}, net, "spiral").report
    assert (report.score, report.checks[0].status.value) == (0, "fail")


def test_a_network_that_is_not_trained_is_told_its_accuracy(
    graded: Callable[..., Graded], net: Path
) -> None:
    replace(net / "twolayer" / "net.py", "range(500)", "range(0)")
    report = graded(load(NET), {}, net, "spiral").report
    assert "`accuracy` (the share of new points that are right) is 0." in report.checks[0].message
