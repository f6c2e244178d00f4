"""The pytest plugin of the checks: the steps that it takes over from pytest, and the fixtures for
authors.

A check is the test function ``test_<id>``; its cases are pytest's parametrised items. Pytest's own
outcome of them is not looked at.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Generator, Hashable, Iterator, Mapping
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from grader.checking.api.expect import Expect
from grader.checking.api.notebook import Notebook
from grader.checking.api.student import Student
from grader.checking.session.case_runs import CaseRuns
from grader.checking.session.check_modules import modules_in
from grader.checking.session.direct_cases import direct
from grader.checking.session.module_values import values


class NotDirect(Exception):
    """There are cases that need pytest's own steps, and so a session of their own."""


class ChecksPlugin:
    """Lets pytest collect what lies in ``checks/``, and runs it by `CaseRuns` against a submission.

    notes_values: whether the cases may be run again, for another submission (`run_again`)
    """

    def __init__(self, runs: CaseRuns, *, notes_values: bool = False) -> None:
        self.runs = runs
        self._notes_values = notes_values
        self._collected: tuple[pytest.Item, ...] = ()
        self._direct: frozenset[pytest.Item] = frozenset()
        self._values: Hashable = None  # what the check files held when they had been collected

    # --- collection -------------------------------------------------------------------------------

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        """Turn a check file that can't be imported into one error of the assignment's."""
        if report.failed:
            self.runs.collection_failed(report)

    @pytest.hookimpl(trylast=True)
    def pytest_collection_modifyitems(
        self, config: pytest.Config, items: list[pytest.Item]
    ) -> None:
        """Bring the items into order, and leave out what was not asked for."""
        self._collected = tuple(items)
        self._direct = direct(config, items, self)
        items[:] = self.runs.arrange(items, self._direct)
        if self._notes_values and self._direct.issuperset(items):
            folder = self.runs.plan.assignment.checks_folder
            self._values = values(modules_in(folder, list(sys.modules)), self._collected)

    def is_as_collected(self, modules: Mapping[str, ModuleType]) -> bool:
        """Return whether nothing of the check files has changed since they were collected."""
        return self._values is not None and self._values == values(modules, self._collected)

    def run_again(self, runs: CaseRuns) -> None:
        """Run the collected cases as those of another submission, without pytest's session."""
        self.runs = runs
        try:
            items = runs.arrange(self._collected, self._direct)
            if not self._direct.issuperset(items):
                raise NotDirect
            for item in items:
                item.config.hook.pytest_runtest_protocol(item=item, nextitem=None)
        finally:
            runs.close()

    # --- running ----------------------------------------------------------------------------------

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_protocol(self, item: pytest.Item, nextitem: pytest.Item | None) -> object:
        """Run one case. What pytest would report of it takes as long, and nobody would read it."""
        self.runs.run(item)
        return True

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_setup(self, item: pytest.Item) -> Generator[None, object, object]:
        """Make what is a case's own before its fixtures are asked for."""
        self.runs.setup.prepare(item)
        self.runs.setup.hand(item)
        return (yield)

    @pytest.hookimpl(wrapper=True)
    def pytest_pyfunc_call(self, pyfuncitem: pytest.Function) -> Generator[None, object, object]:
        """Run the test function; whatever it raises is kept as the case's end and goes no
        further.
        """
        with self.runs.kept_end(pyfuncitem):
            yield
        return True

    def pytest_sessionfinish(self) -> None:
        """End what second runs have used."""
        self.runs.close()

    # --- fixtures ---------------------------------------------------------------------------------

    @pytest.fixture
    def student(self, request: pytest.FixtureRequest) -> Student:
        """The submission: its functions and classes by their names."""
        made: Student = self.runs.setup.made(request.node, "student")
        return made

    @pytest.fixture
    def expect(self) -> Expect:
        """Records or compares a named value."""
        return self.runs.setup.expect

    @pytest.fixture
    def rng(self, request: pytest.FixtureRequest) -> np.random.Generator:
        """A generator seeded by the seed of the expectations, the check and the case."""
        made: np.random.Generator = self.runs.setup.made(request.node, "rng")
        return made

    @pytest.fixture
    def tmp_path(self) -> Iterator[Path]:
        """A folder of the check's own, which no box can see."""
        with self.runs.setup.folder() as folder:
            yield folder

    @pytest.fixture
    def notebook(self, request: pytest.FixtureRequest) -> Notebook:
        """The finished notebook that the spec names for the check."""
        made: Notebook = self.runs.setup.made(request.node, "notebook")
        return made

    @pytest.fixture
    def in_box(self, request: pytest.FixtureRequest) -> Callable[[], None]:
        """Runs, or has run, the author's code of this check in the box: call it, it raises what
        went wrong there.
        """
        return self.runs.setup.in_box(request.node)
