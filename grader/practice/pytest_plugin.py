"""The same checks under plain ``pytest``: a handout's ``pytest.ini`` names this plugin.

Nothing is graded here. The checks run against the files beside the handout's ``assignment`` folder,
in a plain subprocess, and pytest reports each case in its own way. Tests that a student adds are
left to pytest.
"""

from __future__ import annotations

import time
from collections.abc import Generator

import msgspec
import pytest

from grader.assignment.expectations import Expectations
from grader.assignment.spec import Assignment, load
from grader.checking.explain.diagnosis import KnownMistakes
from grader.checking.run.boxes import Boxes
from grader.checking.run.plan import Plan
from grader.checking.session.case_runs import CaseRuns
from grader.checking.session.collection import case_id, check_id
from grader.checking.session.plugin import ChecksPlugin
from grader.errors import GraderError
from grader.model import CaseResult, Status
from grader.sandbox.plain import PlainSandbox

FOLDER = "assignment"


class PracticePlugin(ChecksPlugin):
    """Runs the checks and lets pytest report them."""

    def is_check(self, item: pytest.Item) -> bool:
        """Return whether an item is a case of a check, not a test of the student's own."""
        return item.path.is_relative_to(self.runs.plan.assignment.checks_folder)

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        """Leave modules that can't be collected to pytest."""

    @pytest.hookimpl(trylast=True)
    def pytest_collection_modifyitems(
        self, config: pytest.Config, items: list[pytest.Item]
    ) -> None:
        """Prepare the checks among the items that pytest selected, and put them first."""
        checks: list[pytest.Item] = []
        others: list[pytest.Item] = []
        for item in items:
            (checks if self.is_check(item) else others).append(item)
        runs = self.runs
        runs.plan = msgspec.structs.replace(
            runs.plan, only=frozenset(map(check_id, checks)) or frozenset({""})
        )
        super().pytest_collection_modifyitems(config, checks)
        if runs.problem is not None:
            raise pytest.UsageError(str(runs.problem))
        runs.boxes.begin(runs.plan.checks)
        items[:] = checks + others

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_protocol(
        self, item: pytest.Item, nextitem: pytest.Item | None
    ) -> Generator[None, object, object]:
        """Let pytest run a case in its own way, then keep its result."""
        start = self.runs.begin()
        done = yield
        if self.is_check(item):
            self.runs.finish(item, time.perf_counter() - start)
        return done

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(
        self, item: pytest.Item, call: pytest.CallInfo[None]
    ) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        """Keep what a fixture raised."""
        if call.excinfo is not None and self.is_check(item):
            self.runs.raised(call.excinfo.value)
        return (yield)

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_setup(self, item: pytest.Item) -> Generator[None, object, object]:
        """Make a case's own student."""
        return (yield from super().pytest_runtest_setup(item)) if self.is_check(item) else (yield)

    @pytest.hookimpl(wrapper=True)
    def pytest_pyfunc_call(self, pyfuncitem: pytest.Function) -> Generator[None, object, object]:
        """Run a case, then end it as pytest expects a test to end."""
        if not self.is_check(pyfuncitem):
            return (yield)
        done = yield from super().pytest_pyfunc_call(pyfuncitem)
        case = self.runs.result(case_id(pyfuncitem), 0.0)
        if case.output:
            pyfuncitem.add_report_section("call", "stdout", case.output)
        if case.status is Status.SKIP:
            pytest.skip(case.message)
        if case.status is not Status.PASS:
            pytest.fail(_told(check_id(pyfuncitem), case), pytrace=False)
        return done

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """Print the hints: each is about all cases of a check together."""
        hints: list[str] = []
        for id_, outcome in self.runs.outcome.checks.items():
            if outcome.mistake.hint:
                hints.append(f"{id_}: {outcome.mistake.hint}")
        if hints:
            terminalreporter.section("hints")
        for hint in hints:
            terminalreporter.write_line(hint)

    def pytest_unconfigure(self) -> None:
        """End the workers."""
        self.runs.boxes.close()


def _told(check: str, case: CaseResult) -> str:
    """Return what pytest prints of a case that did not pass: message and traceback."""
    return "\n".join(filter(None, (f"{check}: {case.message}", case.trace)))


def files_here(assignment: Assignment) -> dict[str, bytes]:
    """Return the student's files and notebooks beside the handout's assignment folder."""
    files: dict[str, bytes] = {}
    for name in assignment.spec.student_paths:
        path = assignment.folder.parent / name
        if path.is_file():
            files[name] = path.read_bytes()
    return files


def pytest_configure(config: pytest.Config) -> None:
    """Set up the checks of the assignment in pytest's root folder."""
    try:
        assignment = load(config.rootpath / FOLDER)
        expectations = Expectations.read(assignment.expectations_path("public"))
    except GraderError as error:
        raise pytest.UsageError(str(error)) from None
    plan = Plan(
        assignment=assignment,
        sandbox=PlainSandbox(),
        files=files_here(assignment),
        expectations=expectations,
        known=lambda: KnownMistakes.of(assignment, "public"),
    )
    runs = CaseRuns(plan, Boxes(plan))
    config.pluginmanager.register(PracticePlugin(runs), "grader-practice")
