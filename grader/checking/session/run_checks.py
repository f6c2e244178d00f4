"""Runs an assignment's checks against one submission: a pytest session in the trusted process.

pytest is imported when the notebooks have been begun: most of a start is imports, and they need
none of it.
"""

from __future__ import annotations

import contextlib
import sys
import warnings
from collections.abc import Hashable, Iterator
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING

from grader.checking.api.held_values import Mode
from grader.checking.run.boxes import Boxes
from grader.checking.run.plan import Outcome, Plan
from grader.checking.session.check_modules import apart, modules_in
from grader.errors import AssignmentError, GraderError, GraderFault

if TYPE_CHECKING:
    from grader.checking.session.case_runs import CaseRuns
    from grader.checking.session.plugin import ChecksPlugin

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
def _quiet(plan: Plan) -> Iterator[None]:
    """Let warnings pass unseen: one shows a line of ours. An author sees their own while
    recording.
    """
    with warnings.catch_warnings():
        if plan.mode is Mode.COMPARE:
            warnings.simplefilter("ignore")
        yield


class KeptChecks:
    """An assignment's checks as pytest collected them, kept from one submission to the next.

    They are kept only if the next submission can't meet what this one has left: if every case is
    run without pytest's own steps, and if nothing that the check files hold has changed.
    """

    def __init__(self) -> None:
        self._session: _Session | None = None

    def session(self, plan: Plan) -> _Session:
        """Return a session for a plan: one that has collected its checks, if there is one."""
        kept, self._session = self._session, None
        depends = _depends_on(plan)
        if kept is None or kept.depends != depends:
            return _Session(depends)
        return kept

    def keep(self, session: _Session) -> None:
        """Keep a session that has run a plan, if it can run another."""
        if session.can_go_on():
            self._session = session


def _depends_on(plan: Plan) -> Hashable:
    """Return all that the collecting of a plan's checks depends on."""
    files: list[Hashable] = []
    for path in sorted(plan.assignment.checks_folder.rglob("*.py")):
        told = path.stat()
        files.append((str(path), told.st_mtime_ns, told.st_size))
    return plan.assignment.checks_folder, plan.hidden, plan.mode, tuple(files)


class _Session:
    """A session of pytest's: it collects checks, and runs them against one submission after the
    other.
    """

    def __init__(self, depends: Hashable) -> None:
        self.depends = depends
        self._plugin: ChecksPlugin | None = None  # with the cases, if pytest has collected them
        self._modules: dict[str, ModuleType] = {}

    def run(self, plan: Plan, boxes: Boxes) -> Outcome:
        """Run the cases of a plan; raise `AssignmentError` for broken checks."""
        from grader.checking.session.case_runs import CaseRuns

        if self._plugin is not None:
            try:
                return self._go_on(CaseRuns(plan, boxes))
            except (GraderError, KeyboardInterrupt):
                raise
            except Exception:  # of pytest's, or of ours: as if nothing had been kept
                self._plugin = None
        return self._begin(CaseRuns(plan, boxes))

    def can_go_on(self) -> bool:
        """Return whether the cases can be run once more."""
        return self._plugin is not None and self._plugin.is_as_collected(self._modules)

    def _go_on(self, runs: CaseRuns) -> Outcome:
        assert self._plugin is not None
        folder = runs.plan.assignment.checks_folder
        with apart(folder, self._modules), _quiet(runs.plan):
            self._plugin.run_again(runs)
            self._modules = modules_in(folder, list(sys.modules))
        if runs.problem is not None:
            raise runs.problem
        return runs.outcome

    def _begin(self, runs: CaseRuns) -> Outcome:
        """Let pytest collect and run the checks."""
        import pytest

        from grader.checking.session.plugin import ChecksPlugin

        plugin = ChecksPlugin(runs, notes_values=True)
        folder = runs.plan.assignment.checks_folder
        with apart(folder, {}), _quiet(runs.plan):
            code = pytest.main(_options(runs.plan), plugins=[plugin])
            self._modules = modules_in(folder, list(sys.modules))
        if runs.problem is not None:
            raise runs.problem
        if code not in (pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED):
            if code == pytest.ExitCode.INTERRUPTED:
                raise KeyboardInterrupt
            if code == pytest.ExitCode.INTERNAL_ERROR:
                raise PytestFailed(
                    f"pytest failed while it ran the checks in {folder} (its lines above say where)"
                )
            raise AssignmentError(
                f"pytest could not run the checks in {folder}"
                f" ({pytest.ExitCode(code).name.lower()})"
            )
        self._plugin = plugin
        return runs.outcome


def _options(plan: Plan) -> list[str]:
    """Return pytest's options."""
    folder = plan.assignment.checks_folder
    ini = Path(__file__).with_name("checks.ini")
    # Without the cut, pytest looks through every folder between the checks and the root of the file
    # system.
    options = [str(folder), f"--rootdir={folder}", f"--confcutdir={folder}", "-c", str(ini)]
    # which shows values: on the public seed alone
    options += [*OPTIONS, "--assert=plain" if plan.hidden else "--assert=rewrite"]
    for plugin_name in UNUSED:
        options += ["-p", f"no:{plugin_name}"]
    return options


def run_checks(plan: Plan, kept: KeptChecks | None = None) -> Outcome:
    """Run a plan's checks in this process and return what came of them; raise `AssignmentError` for
    broken checks.

    kept: what the last plan's checks have left for the next
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
        outcome = _tried(plan, boxes, kept or KeptChecks())
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


def _tried(plan: Plan, boxes: Boxes, kept: KeptChecks) -> Outcome:
    """Run the checks, again if Python failed to parse them or pytest itself failed.

    On Python 3.11, threads that parse at the same time share a counter of depth, and the notebooks'
    threads parse while pytest does. What pytest fails in twice is a fault of ours.
    """
    failed = False
    for _ in range(PARSED_AGAIN):
        try:
            return _run(plan, boxes, kept)
        except PytestFailed:
            if failed:
                raise
            failed = True
        except AssignmentError as error:
            if PARSED_AT_ONCE not in str(error):
                raise
    return _run(plan, boxes, kept)


def _run(plan: Plan, boxes: Boxes, kept: KeptChecks) -> Outcome:
    session = kept.session(plan)
    outcome = session.run(plan, boxes)
    kept.keep(session)
    return outcome
