"""What a case is run with, and what its test function is given."""

from __future__ import annotations

import contextlib
import functools
import tempfile
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from grader.assignment.expectations import CaseRecord
from grader.checking.api.cell_outputs import shown_by
from grader.checking.api.expect import Expect
from grader.checking.api.held_values import Mode, Scene
from grader.checking.api.notebook import Notebook, NotebookRun
from grader.checking.api.student import Student
from grader.checking.api.value import let_call_back
from grader.checking.case.call_log import CallLog
from grader.checking.case.case import Case
from grader.checking.judge.credit import Credit
from grader.checking.run.boxes import Boxes
from grader.checking.run.plan import Plan
from grader.checking.run.second_runs import Place
from grader.checking.run.timing import ClockedRemote
from grader.checking.session.collection import Collection, case_id, check_id
from grader.checking.session.direct_cases import parameters
from grader.errors import AssignmentError
from grader.model import Visibility


def no_credit() -> Credit:
    """Return the credit of a case that earns nothing."""
    return Credit({})


class Running:
    """What belongs to one run of a case, and how it ended."""

    remote: ClockedRemote  # the case's worker
    before: float  # what stood on its clock when the case began
    case: Case
    expect: Expect
    given: dict[str, Any]  # what the case's fixtures are, by their names

    def __init__(self) -> None:
        self.error: BaseException | None = None
        self.credit: Callable[[], Credit] = no_credit  # is worked out if the case fails
        self.follows: tuple[str, ...] = ()
        self.share = 0.0
        self.second: Running | None = None  # the last second run, if there was one


class CaseSetup:
    """Makes what the cases of a plan are run with: each has its own log, student and expectations.

    now: what belongs to the run of a case that is on
    place: of the second run that is on
    """

    now: Running

    def __init__(self, plan: Plan, boxes: Boxes, collection: Collection) -> None:
        self.plan = plan
        self.boxes = boxes
        self.collection = collection
        self.place: Place | None = None

    def prepare(self, item: pytest.Item) -> None:
        """Make the case's own log and expectations."""
        check, case = check_id(item), case_id(item)
        if self.plan.mode is Mode.COMPARE:
            record = self.plan.expectations.cases.get((check, case), CaseRecord())
        else:
            record = self.plan.expectations.cases[check, case] = CaseRecord()
        path = self.collection.notebook_of(check)
        self.boxes.begin_notebook(path)
        remote = self.boxes.of(path) if self.place is None else self.place.remote
        comparing = self.plan.mode is Mode.COMPARE
        log = CallLog(record.calls, record.fetched) if comparing else CallLog(None)
        if not comparing:
            record.calls, record.fetched = log.made, log.fetched
        now = self.now
        now.remote, now.before = remote, remote.seconds
        now.case = Case(remote, log)
        let_call_back(now.case)
        now.expect = Expect(record, self.plan.mode, now.case, self._scene(check, case))
        now.given = {"expect": now.expect}

    def _scene(self, check: str, case: str) -> Scene:
        """Return what a case's `expect` knows of its surroundings."""
        path, spec = self.collection.notebook_of(check), self.plan.assignment.check(check)
        shown = not self.plan.hidden and spec is not None and spec.visibility is Visibility.VISIBLE
        values = shown and spec is not None and spec.show_expected
        seed = f"{self.plan.expectations.provenance.seed}/{check}/{case}"
        notebook = functools.partial(shown_by, self.notebook_run(path)) if path else None
        return Scene(seed, shown, notebook, show_expected=values)

    def notebook_run(self, path: str) -> NotebookRun:
        second = None if self.place is None else self.place.run
        return self.boxes.runs[path] if second is None else second

    def hand(self, item: pytest.Item) -> None:
        """Give a test function what nearly all ask for: pytest's own way takes longer than many a
        call into the box.

        Where an author has a fixture of the same name, it is left to pytest.
        """
        if isinstance(item, pytest.Function):
            own = parameters(item)
            for name in ("student", "expect", "rng"):
                known = item._fixtureinfo.name2fixturedefs.get(name, ())
                if len(known) == 1 and name not in own:
                    item.funcargs[name] = self.made(item, name)

    def made(self, item: pytest.Item, name: str) -> Any:
        """Return a case's own object of a name, the same however often it is asked for."""
        given = self.now.given
        if name not in given:
            if name == "student":
                given[name] = Student(self.plan.assignment, self._fresh_case())
            elif name == "notebook":
                given[name] = self._notebook(item)
            else:
                seeds = [int(self.plan.expectations.provenance.seed)]
                for part in (check_id(item), case_id(item)):
                    seeds.append(zlib.crc32(part.encode()))
                given[name] = np.random.default_rng(seeds)
        return given[name]

    def _notebook(self, item: pytest.Item) -> Notebook:
        path = self.collection.notebook_of(check_id(item))
        if not path:
            raise AssignmentError(
                "a check uses `notebook`, but its [[checks]] entry names no `notebook`"
            )
        run = self.notebook_run(path)
        if run.running:
            self.plan.on_wait()
        run.revive()
        # the cells are done: what is asked from here on is the check's
        run.remote.hide_numbers = self.plan.hidden
        return Notebook(run, self._fresh_case())

    def _fresh_case(self) -> Case:
        self.now.case.remote.reset(seed=2016)
        return self.now.case

    def in_box(self, item: pytest.Item) -> Callable[[], None]:
        """Return what runs, or has run, the author's code of a check in the box."""
        id_ = check_id(item)
        check = self.plan.assignment.check(id_)
        if check is None or not check.in_box:
            raise AssignmentError(
                f"`{id_}` uses `in_box`, but its [[checks]] entry has no `in_box = true`"
            )
        if not check.notebook:
            return functools.partial(self.boxes.beside_files.passed_in_box, id_)
        run = self.boxes.runs[check.notebook]
        if run.running:
            self.plan.on_wait()
        return functools.partial(run.passed_in_box, id_)

    @contextlib.contextmanager
    def folder(self) -> Iterator[Path]:
        """Make a folder of the case's own, which no box can see."""
        with tempfile.TemporaryDirectory(prefix="grader-check-") as folder:
            self.now.case.folder = folder
            yield Path(folder)

    @property
    def expect(self) -> Expect:
        """What the case records or compares with."""
        return self.now.expect
