"""The sandbox that starts ahead: what it costs, how it ends, and how many boxes stand at a time."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from toy import REFERENCE, Toy

from grader.errors import IsolationError
from grader.grading.grade import Grader, Options
from grader.grading.startup import Opening
from grader.sandbox.box import Box, Sandbox
from grader.sandbox.plain import PlainBox, PlainSandbox

HEAVY = ("numpy", "pytest", "nbclient", "h5py", "jinja2", "rich")


class CountingBox(PlainBox):
    """A plain box that is counted while it stands."""

    def __init__(self, sandbox: CountingSandbox) -> None:
        super().__init__()
        self._counted = sandbox
        sandbox.standing.add(self)
        sandbox.most = max(sandbox.most, len(sandbox.standing))

    def kill(self):  # type: ignore[no-untyped-def]
        self._counted.standing.discard(self)
        return super().kill()


class CountingSandbox(PlainSandbox):
    """A plain sandbox that knows how many of its boxes stood at a time."""

    def __init__(self) -> None:
        super().__init__()
        self.standing: set[Box] = set()
        self.most = 0

    def open(self, notebook: bool = False) -> Box:
        box = CountingBox(self)
        self._boxes.append(box)
        return box


@pytest.fixture
def counting(monkeypatch: pytest.MonkeyPatch) -> CountingSandbox:
    """The sandbox that every grading of the test opens."""
    sandbox = CountingSandbox()
    monkeypatch.setattr("grader.grading.startup.open_sandbox", lambda *_, **__: sandbox)
    return sandbox


@pytest.mark.parametrize(("boxes", "most"), [(1, 1), (2, 2), (8, 2)])
def test_no_more_boxes_stand_than_are_allowed(
    toy: Toy, counting: CountingSandbox, boxes: int, most: int
) -> None:
    with Grader(toy.assignment, Options(boxes=boxes)) as grader:
        report = grader.grade(toy.submission()).report
    assert {check.status for check in report.checks} == {"pass"}
    assert counting.most == most


def test_with_one_box_verdicts_are_the_same(toy: Toy) -> None:
    code = REFERENCE.replace("np.bincount(ids, minlength=n)", "np.zeros(n, dtype=int)")
    reports = []
    for boxes in (1, 8):
        with Grader(toy.assignment, Options(isolation="none", boxes=boxes)) as grader:
            reports.append(grader.grade(toy.submission(code)).report)
    first, second = (
        [(check.id, check.points, check.message) for check in report.checks] for report in reports
    )
    assert first == second
    assert any(points == 0 for _, points, _ in first)


def test_a_box_ends_with_its_notebooks_last_check(toy: Toy, counting: CountingSandbox) -> None:
    left: dict[str, int] = {}
    options = Options(on_check=lambda check: left.update({check.id: len(counting.standing)}))
    with Grader(toy.assignment, options) as grader:
        grader.grade(toy.submission())
    assert left["notebook"] == left["count"] - 1 == 1  # the functions' own box still stands


@pytest.mark.parametrize(
    ("only", "loads"), [((), True), (("count",), False), (("notebook",), True)]
)
def test_a_notebooks_libraries_are_loaded_for_checks_of_notebooks_alone(
    toy: Toy, monkeypatch: pytest.MonkeyPatch, only: tuple[str, ...], loads: bool
) -> None:
    asked: list[bool] = []

    def note(*_: object, notebooks: bool, **__: object) -> Sandbox:
        asked.append(notebooks)
        return PlainSandbox()

    monkeypatch.setattr("grader.grading.startup.open_sandbox", note)
    with Grader(toy.assignment, Options(only=frozenset(only))):
        pass
    with Opening(toy.assignment, "auto", only=only):
        pass
    assert asked == [loads, loads]


def test_what_is_imported_before_the_sandbox_starts_is_light() -> None:
    code = f"import sys, grader.grading.startup, grader.cli\nprint([n for n in {HEAVY!r} if n in sys.modules])"
    told = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    ).stdout
    assert told.strip() == "[]"


def test_a_refusal_is_told_where_the_sandbox_is_asked_for(
    toy: Toy, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object, **__: object) -> Sandbox:
        raise IsolationError("none holds")

    monkeypatch.setattr("grader.grading.startup.open_sandbox", refuse)
    with (
        Opening(toy.assignment, "auto") as opening,
        pytest.raises(IsolationError, match="none holds"),
    ):
        opening.sandbox()


def test_it_ends_though_nobody_asked_for_it(
    toy: Toy, counting: CountingSandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    closed: list[str] = []
    monkeypatch.setattr(CountingSandbox, "close", lambda self: closed.append("closed"))
    with Opening(toy.assignment, "auto"):
        pass
    assert closed == ["closed"]
    with Opening(toy.assignment, "auto") as opening:
        opening.begin_to_end()
    assert closed == ["closed", "closed"]


def test_a_process_that_ends_may_end_its_sandbox_then(toy: Toy, tmp_path: Path) -> None:
    submission = toy.submission()
    code = (
        "import atexit, sys\nfrom pathlib import Path\n"
        "from grader.assignment.spec import load\nfrom grader.grading.grade import Grader, Options\n"
        f"grader = Grader(load(Path({str(toy.assignment.folder)!r})), Options(isolation='none'))\n"
        "grader.__enter__()\n"
        "atexit.register(lambda: (grader.__exit__(None, None, None), print('ended')))\n"
        f"print(grader.grade(Path({str(submission)!r})).report.score)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, cwd=tmp_path
    )
    assert done.stderr == ""
    assert done.stdout.splitlines()[-1] == "ended"
