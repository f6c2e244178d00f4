"""Runs an assignment's checks against one submission: a pytest session in the trusted process.

pytest is imported when the notebooks have been begun: most of a start is imports, and they need
none of it.
"""

from __future__ import annotations

import contextlib
import os
import sys
import warnings
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

from grader.checking.api.held_values import Mode
from grader.checking.run.boxes import Boxes
from grader.checking.run.plan import Outcome, Plan
from grader.errors import AssignmentError, GraderFault

OPTIONS = ("--import-mode=importlib", "--disable-plugin-autoload")
# pytest's own plugins that a check has no use for; each costs at every start or at every case
UNUSED = (
    *(
        "terminal",
        "cacheprovider",
        "logging",
        "capture",
        "unraisableexception",
        "threadexception",
        "faulthandler",
    ),
    *(
        "doctest",
        "junitxml",
        "pastebin",
        "stepwise",
        "setuponly",
        "setupplan",
        "recwarn",
        "warnings",
        "debugging",
    ),
    *("unittest", "legacypath", "subtests", "reports"),
)
PARSED_AGAIN = 4
PARSED_AT_ONCE = "SystemError: AST constructor recursion depth mismatch"


class PytestFailed(GraderFault):
    """Pytest ended by an exception of its own, or of ours in one of its steps."""


@contextlib.contextmanager
def _apart(folder: Path) -> Iterator[None]:
    """Let nothing of the environment's settings into pytest, and no module of the checks stay when
    it is done.

    Another assignment in the same process may have check files of the same names, and so may
    whoever runs us.
    """
    others: dict[str, ModuleType] = {}
    for path in folder.rglob("*.py"):
        if path.stem in sys.modules:
            others[path.stem] = sys.modules.pop(path.stem)
    before = set(sys.modules)
    kept: dict[str, str] = {}
    for name in {"PYTEST_ADDOPTS", "PYTEST_PLUGINS"} & os.environ.keys():
        kept[name] = os.environ.pop(name)
    try:
        yield
    finally:
        os.environ.update(kept)
        for name in sys.modules.keys() - before:
            if Path(getattr(sys.modules[name], "__file__", None) or "").is_relative_to(folder):
                del sys.modules[name]
        sys.modules.update(others)


def run_checks(plan: Plan) -> Outcome:
    """Run a plan's checks in this process and return what came of them; raise `AssignmentError` for
    broken checks.
    """
    folder = plan.assignment.checks_folder
    if not plan.assignment.spec.checks:
        return Outcome()
    if not folder.is_dir():
        raise AssignmentError(
            f"{folder} does not exist: the checks lie there, in files named test_*.py"
        )
    boxes = Boxes(plan)
    try:
        boxes.begin(plan.checks)
        outcome = _collected(plan, boxes)
    finally:
        boxes.close()
    outcome.passed_over = boxes.passed_over
    outcome.notes += outcome.passed_over
    outcome.look += [*boxes.passed_over_look, *boxes.look]
    for name, run in boxes.runs.items():
        outcome.notebooks[name] = run.executed
        outcome.notes += [f"{name}: {note}" for note in run.notes]
        outcome.look += [f"{name}: {reason}" for reason in run.look]
    return outcome


def _collected(plan: Plan, boxes: Boxes) -> Outcome:
    """Let pytest run the checks, again if Python failed to parse them or pytest itself failed.

    On Python 3.11, threads that parse at the same time share a counter of depth, and the notebooks'
    threads parse while pytest does. What pytest fails in twice is a fault of ours.
    """
    failed = False
    for _ in range(PARSED_AGAIN):
        try:
            return _session(plan, boxes)
        except PytestFailed:
            if failed:
                raise
            failed = True
        except AssignmentError as error:
            if PARSED_AT_ONCE not in str(error):
                raise
    return _session(plan, boxes)


def _session(plan: Plan, boxes: Boxes) -> Outcome:
    """Let pytest run the checks."""
    import pytest

    from grader.checking.run.plugin import ChecksPlugin

    plugin = ChecksPlugin(plan, boxes)
    folder = plan.assignment.checks_folder
    ini = Path(__file__).with_name("checks.ini")
    # Without the cut, pytest looks through every folder between the checks and the root of the file
    # system.
    options = [
        str(folder),
        f"--rootdir={folder}",
        f"--confcutdir={folder}",
        "-c",
        str(ini),
        *OPTIONS,
    ]
    # which shows values: on the public seed alone
    options += ["--assert=plain" if plan.hidden else "--assert=rewrite"]
    for plugin_name in UNUSED:
        options += ["-p", f"no:{plugin_name}"]
    with _apart(folder), warnings.catch_warnings():
        # a warning shows a line of ours; an author sees their own while recording
        if plan.mode is Mode.COMPARE:
            warnings.simplefilter("ignore")
        code = pytest.main(options, plugins=[plugin])
    if plugin.problem is not None:
        raise plugin.problem
    if code not in (pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED):
        if code == pytest.ExitCode.INTERRUPTED:
            raise KeyboardInterrupt
        if code == pytest.ExitCode.INTERNAL_ERROR:
            raise PytestFailed(
                f"pytest failed while it ran the checks in {folder} (its lines above say where)"
            )
        raise AssignmentError(
            f"pytest could not run the checks in {folder} ({pytest.ExitCode(code).name.lower()})"
        )
    return plugin.outcome
