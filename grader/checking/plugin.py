"""The pytest plugin that runs checks: fixtures for their authors, verdicts for the report.

A check is the test function ``test_<id>``; its cases are pytest's parametrised items. Each case ends as a value, a
`CaseResult`; pytest's own outcome is not looked at.
"""

from __future__ import annotations

import functools
import time
import zlib
from collections import Counter
from collections.abc import Callable, Generator
from typing import Any

import numpy as np
import pytest

from grader.assignment.expectations import CaseRecord
from grader.checking.boxes import Boxes
from grader.checking.causes import Causes
from grader.checking.cells import shown_by
from grader.checking.expect import Expect, Mode, Scene
from grader.checking.notebook import Notebook
from grader.checking.pace import ClockedRemote, in_time
from grader.checking.plan import Outcome, Plan
from grader.checking.student import CallLog, Case, Student
from grader.checking.verdict import CheckOutcome, Ending, Skipped, Stopped, verdict
from grader.errors import (
    AssignmentError,
    GraderError,
    LimitExceeded,
    SubmissionFailed,
    WorkerDied,
)
from grader.model import CaseResult, Status, Visibility

ONLY_CASE = "all"  # the name of the case of a check that has but one


class ChecksPlugin:
    """Runs the items that pytest collected from ``checks/`` and turns each into a `CaseResult`."""

    def __init__(self, plan: Plan, boxes: Boxes) -> None:
        self.plan = plan
        self.boxes = boxes
        self.outcome = Outcome()
        self.problem: GraderError | None = None
        self._left: Counter[str] = Counter()  # cases to be run, of a check and of a notebook
        self._stopped: dict[str, str] = {}
        self._causes = Causes(plan, boxes.functions, self.outcome.checks)
        self._clock: tuple[ClockedRemote, float]  # the case's worker, and what stood on its clock when it began
        self._case: Case
        self._expect: Expect
        self._given: dict[str, Any]  # what the case's fixtures are, by their names

    # --- collection -------------------------------------------------------------------------------------------------

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        """Turn a check file that can't be imported into one error of the assignment's."""
        if report.failed and self.problem is None:
            self.problem = AssignmentError(
                f"{report.nodeid or 'the checks'} can't be collected:\n{report.longreprtext}"
            )

    @pytest.hookimpl(trylast=True)
    def pytest_collection_modifyitems(self, config: pytest.Config, items: list[pytest.Item]) -> None:
        """Bring the items into order, and leave out what was not asked for."""
        spec = self.plan.assignment.spec
        order = {check.id: index for index, check in enumerate(spec.checks)}
        found = {check_id(item) for item in items}
        for id_ in sorted(found - order.keys()):
            self._problem(f"the test `test_{id_}` has no [[checks]] entry with points in assignment.toml")
        for id_ in order:
            if id_ not in found and not self.plan.only:
                self._problem(
                    f"the check `{id_}` of assignment.toml has no test `test_{id_}` in "
                    f"{self.plan.assignment.checks_folder}"
                )
        wanted = self.plan.only or frozenset(order)
        kept = [item for item in items if check_id(item) in wanted and check_id(item) in order]
        # Notebooks run beside the other checks, so those that wait for one come last.
        items[:] = sorted(kept, key=lambda item: (bool(self._notebook_of(check_id(item))), order[check_id(item)]))
        self._check_weights(items)
        for item in items:
            self._left.update({check_id(item), self._notebook_of(check_id(item))})
            text = (getattr(item, "function", None).__doc__ or check_id(item)).strip()
            title = " ".join(text.split("\n\n")[0].split())
            self.outcome.checks.setdefault(check_id(item), CheckOutcome(check_id(item), title))
        if self.problem is not None:
            items.clear()

    def _check_weights(self, items: list[pytest.Item]) -> None:
        """Refuse a weight of a case that no check has."""
        for check in self.plan.assignment.spec.checks:
            if not check.weights:
                continue
            cases = [case_id(item) for item in items if check_id(item) == check.id]
            for case in check.weights:
                if cases and case not in cases:
                    self._problem(f"`{check.id}` weighs its case {case!r}, but its cases are {', '.join(cases)}")

    def _problem(self, text: str) -> None:
        if self.problem is None:
            self.problem = AssignmentError(text)

    def _notebook_of(self, id_: str) -> str:
        check = self.plan.assignment.check(id_)
        return check.notebook if check is not None else ""

    # --- running ----------------------------------------------------------------------------------------------------

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_protocol(self, item: pytest.Item, nextitem: pytest.Item | None) -> object:
        """Run one case and keep its result. What pytest would report of it takes as long, and nobody would read it."""
        start = self._begin()
        self._step(item.ihook.pytest_runtest_setup, item=item)
        if self._error is None:
            self._step(item.ihook.pytest_runtest_call, item=item)
        self._step(item.ihook.pytest_runtest_teardown, item=item, nextitem=nextitem)
        self._finish(item, time.perf_counter() - start)
        return True

    def _begin(self) -> float:
        """Forget the case before, and return when this one begins."""
        self._error: BaseException | None = None
        self._follows: tuple[str, ...] = ()
        return time.perf_counter()

    def _step(self, hook: Callable[..., object], **given: object) -> None:
        try:
            hook(**given)
        except (KeyboardInterrupt, pytest.exit.Exception):
            raise
        except BaseException as error:
            self._raised(error)

    def _raised(self, error: BaseException) -> None:
        """Keep what a fixture raised: the call itself never gets to raise."""
        if isinstance(error, pytest.FixtureLookupError):
            error = AssignmentError(f"there is no fixture `{error.argname}`")
        self._error = self._error or error

    @pytest.hookimpl(wrapper=True)
    def pytest_pyfunc_call(self, pyfuncitem: pytest.Function) -> Generator[None, object, object]:
        """Run the test function; whatever it raises is kept as the case's end and goes no further."""
        try:
            self._refuse(check_id(pyfuncitem))
            yield
        except (KeyboardInterrupt, pytest.exit.Exception):
            raise
        except BaseException as error:
            self._error = error
        self._look_at_the_clock(pyfuncitem)
        if not isinstance(self._error, SubmissionFailed):
            self._follows = self._causes.follows(check_id(pyfuncitem), self._case, self._expect)
        return True

    def _look_at_the_clock(self, item: pytest.Item) -> None:
        """Note how long the reference's functions took, or hold the submission's against it."""
        remote, before = self._clock
        took, key = remote.seconds - before, (check_id(item), case_id(item))
        record = self.plan.expectations.cases.get(key, CaseRecord())
        check = self.plan.assignment.check(key[0])
        if self.plan.mode is Mode.RECORD:
            record.call_seconds = took
        elif self.plan.mode is Mode.COMPARE and check is not None and check.times_reference is not None:
            self._expect.comparisons.append(in_time(took, record.call_seconds, check.times_reference))

    def _refuse(self, id_: str) -> None:
        """Raise where a case need not be run: its check was stopped, or needs what is not there yet."""
        if id_ in self._stopped:
            raise Stopped(self._stopped[id_])
        check = self.plan.assignment.check(id_)
        for needed in check.requires if check is not None else ():
            cases = self.outcome.checks[needed].cases if needed in self.outcome.checks else []
            if cases and all(case.unimplemented for case in cases):
                raise Skipped(f"`{cases[0].unimplemented}`, which this needs, is not implemented yet")

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_setup(self, item: pytest.Item) -> Generator[None, object, object]:
        """Make the case's own student, log and expectations before its fixtures are asked for."""
        check, case = check_id(item), case_id(item)
        if self.plan.mode is Mode.COMPARE:
            record = self.plan.expectations.cases.get((check, case), CaseRecord())
        else:
            record = self.plan.expectations.cases[check, case] = CaseRecord()
        path = self._notebook_of(check)
        self.boxes.begin_notebook(path)
        remote = self.boxes.of(path)
        comparing = self.plan.mode is Mode.COMPARE
        log = CallLog(record.calls if comparing else None)
        if not comparing:
            record.calls = log.made
        self._clock = remote, remote.seconds
        self._case = Case(remote, log)
        self._expect = Expect(record, self.plan.mode, self._case, self._scene(check, case))
        self._given = {"expect": self._expect}
        self._hand(item)
        return (yield)

    def _scene(self, check: str, case: str) -> Scene:
        """Return what a case's `expect` knows of its surroundings."""
        path, spec = self._notebook_of(check), self.plan.assignment.check(check)
        shown = not self.plan.hidden and spec is not None and spec.visibility is Visibility.VISIBLE
        seed = f"{self.plan.expectations.provenance.seed}/{check}/{case}"
        return Scene(seed, shown, functools.partial(shown_by, self.boxes.runs[path]) if path else None)

    def _finish(self, item: pytest.Item, seconds: float) -> None:
        check = check_id(item)
        result = self.result(case_id(item), seconds)
        if isinstance(self._error, LimitExceeded | WorkerDied) and result.status is Status.FAIL:
            self._stopped[check] = f"not run, since an earlier case ended so: {result.message}"
        outcome = self.outcome.checks[check]
        outcome.cases.append(result)
        record = self.plan.expectations.cases.get((check, result.id), CaseRecord())
        if self.plan.mode is Mode.RECORD:
            record.seconds = seconds
        outcome.reference_seconds += record.seconds
        if self._case.log.calls:
            outcome.functions = (self._case.log.calls[-1].function,)
        self._causes.note(check, result, self._case, self._expect)
        path = self._notebook_of(check)
        self._left.subtract({check, path})
        if path and not self._left[path]:
            self.boxes.of(path).close()
        if not self._left[check]:
            try:
                self._causes.diagnose(outcome)
            except AssignmentError as error:
                self.problem = self.problem or error
            self.plan.on_check(outcome)

    def result(self, case: str, seconds: float) -> CaseResult:
        """Return the verdict of the case that has just ended."""
        ending = Ending(
            case=case,
            seconds=seconds,
            error=self._error,
            printed=self._printed(),
            notes=tuple(self._case.notes),
            follows=self._follows,
            recording=self.plan.mode is Mode.RECORD,
            function=self._case.log.calls[-1].function if self._case.log.calls else "",
            checks=self.plan.assignment.checks_folder,
        )
        return verdict(ending, self._expect)

    def _printed(self) -> str:
        """Return what the student's code printed, unless the inputs are hidden ones that could stand in it."""
        return "" if self.plan.hidden else self._case.remote.printed

    # --- fixtures ---------------------------------------------------------------------------------------------------

    def _hand(self, item: pytest.Item) -> None:
        """Give a test function what nearly all ask for: pytest's own way takes longer than many a call into the box.

        Where an author has a fixture of the same name, it is left to pytest.
        """
        if isinstance(item, pytest.Function):
            for name in ("student", "expect", "rng"):
                if len(item._fixtureinfo.name2fixturedefs.get(name, ())) == 1:
                    item.funcargs[name] = self._made(item, name)

    def _made(self, item: pytest.Item, name: str) -> Any:
        """Return a case's own object of a name, the same however often it is asked for."""
        if name not in self._given:
            if name == "student":
                self._given[name] = Student(self.plan.assignment, self._fresh_case())
            else:
                names = (check_id(item), case_id(item))
                self._given[name] = np.random.default_rng(
                    [int(self.plan.expectations.provenance.seed), *(zlib.crc32(n.encode()) for n in names)]
                )
        return self._given[name]

    @pytest.fixture
    def student(self, request: pytest.FixtureRequest) -> Student:
        """The submission: its functions and classes by their names."""
        made: Student = self._made(request.node, "student")
        return made

    @pytest.fixture
    def expect(self) -> Expect:
        """Records or compares a named value."""
        return self._expect

    @pytest.fixture
    def rng(self, request: pytest.FixtureRequest) -> np.random.Generator:
        """A generator seeded by the seed of the expectations, the check and the case."""
        made: np.random.Generator = self._made(request.node, "rng")
        return made

    @pytest.fixture
    def notebook(self, request: pytest.FixtureRequest) -> Notebook:
        """The finished notebook that the spec names for the check."""
        path = self._notebook_of(check_id(request.node))
        if not path:
            raise AssignmentError("a check uses `notebook`, but its [[checks]] entry names no `notebook`")
        run = self.boxes.runs[path]
        if run.running:
            self.plan.on_wait()
        run.revive()
        run.remote.hide_numbers = self.plan.hidden  # the cells are done: what is asked from here on is the check's
        return Notebook(run, self._fresh_case())

    @pytest.fixture
    def in_box(self, request: pytest.FixtureRequest) -> Callable[[], None]:
        """Runs, or has run, the author's code of this check in the box: call it, it raises what went wrong there."""
        id_ = check_id(request.node)
        check = self.plan.assignment.check(id_)
        if check is None or not check.in_box:
            raise AssignmentError(f"`{id_}` uses `in_box`, but its [[checks]] entry has no `in_box = true`")
        run = self.boxes.runs[check.notebook]
        if run.running:
            self.plan.on_wait()
        return functools.partial(run.passed_in_box, id_)

    def _fresh_case(self) -> Case:
        self._case.remote.reset(seed=2016)
        return self._case


def check_id(item: pytest.Item) -> str:
    """Return the id of the check that an item is a case of."""
    return str(getattr(item, "originalname", item.name)).removeprefix("test_")


def case_id(item: pytest.Item) -> str:
    """Return the name of a case within its check."""
    callspec = getattr(item, "callspec", None)
    return str(callspec.id) if callspec is not None else ONLY_CASE
