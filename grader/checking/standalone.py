"""The same checks under plain ``pytest``, for a student's own machine: ``pytest.ini`` of a handout names this plugin.

Nothing is graded here: the checks run against the files that lie beside the handout's ``assignment`` folder, in a
plain subprocess, and pytest says what came of each case in its own way.
"""

from __future__ import annotations

from collections.abc import Generator

import pytest

from grader.assignment.expectations import Expectations
from grader.assignment.spec import Assignment, load
from grader.checking.plugin import ChecksPlugin, Plan, case_id, check_id
from grader.errors import GraderError
from grader.model import Status
from grader.sandbox.plain import PlainSandbox

FOLDER = "assignment"


class PracticePlugin(ChecksPlugin):
    """Runs the checks and lets pytest report them."""

    def pytest_collection_modifyitems(self, config: pytest.Config, items: list[pytest.Item]) -> None:
        """Prepare as always; what is wrong with the assignment is a usage error here."""
        super().pytest_collection_modifyitems(config, items)
        if self.problem is not None:
            raise pytest.UsageError(str(self.problem))

    @pytest.hookimpl(wrapper=True)
    def pytest_pyfunc_call(self, pyfuncitem: pytest.Function) -> Generator[None, object, object]:
        """Run a case, then end it as pytest expects a test to end."""
        done = yield from super().pytest_pyfunc_call(pyfuncitem)
        case = self._result(case_id(pyfuncitem), 0.0)
        if case.status is Status.SKIP:
            pytest.skip(case.message)
        if case.status is not Status.PASS:
            pytest.fail(f"{check_id(pyfuncitem)}: {case.message}", pytrace=False)
        return done

    def pytest_unconfigure(self) -> None:
        """End the workers."""
        self.close()


def files_here(assignment: Assignment) -> dict[str, bytes]:
    """Return the student's files and notebooks beside the handout's assignment folder."""
    names = [file.path for file in assignment.spec.files] + [book.path for book in assignment.spec.notebooks]
    paths = {name: assignment.folder.parent / name for name in names}
    return {name: path.read_bytes() for name, path in paths.items() if path.is_file()}


def pytest_configure(config: pytest.Config) -> None:
    """Set up the checks of the assignment that lies in pytest's root folder."""
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
    )
    config.pluginmanager.register(PracticePlugin(plan), "grader-practice")
