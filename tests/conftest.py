"""Fixtures for all tests: the command line in a process of its own, and a toy assignment."""

from __future__ import annotations

import contextlib
import os
import random
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any, NamedTuple

import hypothesis
import plain_forks
import pytest
from browsers import CHROMIUM
from toy import Graders, Toy, build

from grader import cli as commands
from grader.assignment.spec import load
from grader.authoring import record as recording
from grader.authoring.record import record
from grader.checking.judge import properties
from grader.grading.grade import Grader, Options
from grader.grading.startup import Opening

ROOT = Path(__file__).resolve().parents[1]

# The same examples in every run, and none fails for being slow on a busy machine.
hypothesis.settings.register_profile("grader", deadline=None, derandomize=True, database=None)
hypothesis.settings.load_profile("grader")

# These take longest, so they begin first: with several processes no core waits for one of them at
# the end.
LONGEST = (
    "test_submissions.py",
    "flagship/test_flagship_handout.py",
    "sandbox/test_as_user.py",
    "report/test_real_reports.py",
    "classroom/test_dask.py",
    "authoring/test_audit.py",
    "flagship/test_known_mistakes.py",
    "flagship/test_follow_through.py",
    "report/test_browser.py",
    "right/test_right.py",
    "desk/test_desk_browser.py",
)

# What `tox -e fast` leaves out, by the reason: files, and folders with all that is in them.
SLOW = {
    "a browser": (
        "report/test_browser.py",
        "report/test_real_reports.py",
        "classroom/test_pages.py",
        "desk/test_desk_browser.py",
        "practice/test_jupyterlab.py",
    ),
    "a class, or processes that are killed": (
        "classroom/test_formats.py",
        "classroom/test_batch.py",
        "classroom/test_unchanged.py",
        "classroom/test_regrades.py",
        "classroom/test_places.py",
        "classroom/test_dask.py",
        "classroom/test_kills.py",
        "classroom/test_merge_similar.py",
        "classroom/test_troubled_notebooks.py",
        "classroom/test_exports.py",
        "classroom/test_faults.py",
        "classroom/test_identity.py",
        "classroom/test_similar_class.py",
        "classroom/test_told.py",
        "classroom/test_uploads.py",
        "desk/test_grading.py",
        "desk/test_safety.py",
        "practice/test_watch.py",
    ),
    "an audit": (
        "authoring/test_audit.py",
        "authoring/test_lazy.py",
        "authoring/test_small.py",
        "right",
    ),
    "much grading, or many boxes": (
        "flagship",
        "examples",
        "test_submissions.py",
        "test_release.py",
        "authoring/test_from_real.py",
        "authoring/test_from_notebook.py",
        "authoring/test_from_nbgrader.py",
        "authoring/test_from_course.py",
        "authoring/test_from_gradescope.py",
        "authoring/test_import_cases.py",
        "authoring/test_handout.py",
        "authoring/test_record.py",
        "authoring/test_requires.py",
        "checking/test_border_types.py",
        "checking/test_handed_in.py",
        "checking/test_no_collateral_loss.py",
        "checking/test_border.py",
        "checking/test_notebook_stand_ins.py",
        "checking/test_properties.py",
        "checking/test_recipes.py",
        "checking/test_second_runs.py",
        "checking/test_standalone.py",
        "checking/test_student_code.py",
        "cli/test_check_output.py",
        "cli/test_record_command.py",
        "fuzz/test_kept_corpus.py",
        "practice/test_notebook_check.py",
        "sandbox/test_as_user.py",
        "sandbox/test_ladder.py",
        "sandbox/test_limits.py",
        "sandbox/test_endings.py",
        "sandbox/test_walls.py",
        "sandbox/test_protocol.py",
        "sandbox/test_without_a_home.py",
        "report/test_clock.py",
        "report/test_same_bytes.py",
        "test_docs.py",
    ),
}


plain_forks.use_forks()


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what is slow, and bring the longest files to the front; all else stays in its order."""
    slow = {ROOT / "tests" / name for names in SLOW.values() for name in names}
    order = {ROOT / "tests" / name: place for place, name in enumerate(LONGEST)}
    files = {item.path for item in items}
    marked = {path for path in files if not slow.isdisjoint((path, *path.parents))}
    for item in items:
        if item.path in marked:
            item.add_marker("slow")
    items.sort(key=lambda item: order.get(item.path, len(order)))


class Run(NamedTuple):
    """A finished command."""

    code: int
    out: str
    err: str


@pytest.fixture(scope="session", autouse=True)
def seed_of_fixtures() -> Iterator[None]:
    """What a fixture records has the same hidden seed in every run: no verdict rests on the draw."""
    with pytest.MonkeyPatch.context() as patch:
        draw = SimpleNamespace(randbits=lambda bits: random.Random("fixtures").getrandbits(bits))
        patch.setattr(recording, "secrets", draw)
        yield


@pytest.fixture(autouse=True)
def seeds_of_a_test(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """What a test records has hidden seeds of its own, the same in every run."""
    draw = SimpleNamespace(randbits=random.Random(request.node.nodeid).getrandbits)
    monkeypatch.setattr(recording, "secrets", draw)


@pytest.fixture(scope="session")
def cli() -> Callable[..., Run]:
    """Return a function that runs ``grader ARGUMENTS`` from the repository's root, as its README
    says.
    """
    environment = {
        **os.environ,
        "OPENBLAS_NUM_THREADS": "1",
        "PYTHONDONTWRITEBYTECODE": "1",
        "COLUMNS": "200",
    }

    def run(*arguments: str | Path, cwd: Path = ROOT) -> Run:
        done = subprocess.run(
            [sys.executable, "-m", "grader", *map(str, arguments)],
            cwd=cwd, env=environment, capture_output=True, text=True, encoding="utf-8", timeout=300, check=False,
        )  # fmt: skip
        return Run(done.returncode, done.stdout, done.stderr)

    return run


@pytest.fixture
def inline(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Callable[..., Run]:
    """Return a function that runs ``grader ARGUMENTS`` in this process: what `cli` does, without a
    start of Python.
    """

    def run(*arguments: str | Path, cwd: Path = ROOT) -> Run:
        monkeypatch.setenv("COLUMNS", "200")
        monkeypatch.chdir(cwd)
        capsys.readouterr()
        code = commands.run(list(map(str, arguments)))
        return Run(code, *capsys.readouterr())

    return run


@pytest.fixture
def real_starts() -> Iterator[None]:
    """Plain workers are started as the product does it, each with a Python of its own."""
    with plain_forks.as_the_product_does():
        yield


@pytest.fixture
def few_examples(monkeypatch: pytest.MonkeyPatch) -> None:
    """A property is tried on three examples, not on fifty: for tests that are not about properties
    and grade by checks that have some.
    """
    falsify = properties.falsify

    def hurried(holds: Any, inputs: Any, draws: properties.Draws) -> properties.Failure | None:
        return falsify(holds, inputs, draws._replace(examples=min(3, draws.examples)))

    monkeypatch.setattr(properties, "falsify", hurried)


@pytest.fixture(scope="session")
def graders() -> Iterator[Graders]:
    """Return a function that gives the one grader of an assignment, on the strongest tier that this
    machine has: behind walls if there are any, since a fork costs less than a start.

    Assignments that ask for the same limits, data and packages share a sandbox.
    """
    opened: dict[Path, Grader] = {}
    sandboxes: dict[tuple[object, ...], Opening] = {}
    with contextlib.ExitStack() as stack:

        def grader(folder: Path) -> Grader:
            if folder not in opened:
                assignment = load(folder)
                spec, links = assignment.spec, frozenset(assignment.links.values())
                alike = (spec.limits, spec.withheld, links)
                if alike not in sandboxes:
                    sandboxes[alike] = stack.enter_context(Opening(assignment, "auto", own=True))
                opening = sandboxes[alike]
                opened[folder] = stack.enter_context(Grader(assignment, Options(), opening))
            return opened[folder]

        yield grader


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    """A Chromium for a module's tests. It ends with them: Playwright's event loop is in the way of
    nbclient's.
    """
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def toy(tmp_path_factory: pytest.TempPathFactory, graders: Graders) -> Toy:
    """The toy assignment, recorded. Tests share it and write nothing into it."""
    assignment = build(tmp_path_factory.mktemp("toy") / "assignment")
    record(assignment, reseed=False, again=False, progress=lambda line: None)
    return Toy(assignment, tmp_path_factory.mktemp("submissions"), graders)
