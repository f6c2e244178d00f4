"""The cases of an assignment's checks, run against one submission: each ends as a value, a
`CaseResult`.
"""

from __future__ import annotations

import contextlib
import functools
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import msgspec
import pytest

from grader.assignment.expectations import CaseRecord
from grader.checking.api.held_values import Mode
from grader.checking.case.case import Case
from grader.checking.explain.causes import Causes, evidence
from grader.checking.explain.diagnosis import Mistake
from grader.checking.explain.try_again import lines_again
from grader.checking.judge.credit import Credit, credit, share
from grader.checking.run.boxes import Boxes
from grader.checking.run.plan import Outcome, Plan
from grader.checking.run.second_runs import SecondRuns
from grader.checking.run.substitution import Built, judged, looking
from grader.checking.run.timing import in_time
from grader.checking.run.verdicts import CheckOutcome, Ending, Skipped, Stopped, verdict
from grader.checking.session.case_setup import CaseSetup, Running, no_credit
from grader.checking.session.collection import Collection, case_id, check_id
from grader.checking.session.direct_cases import FIXTURES, parameters
from grader.errors import (
    AssignmentError,
    GraderError,
    GraderFault,
    LimitExceeded,
    NotImplementedYet,
    StudentException,
    WorkerDied,
)
from grader.model import CaseResult, Comparison, Status
from grader.text import quoted

PRINTED = ": what a student's code prints is held by `expect.printed()`"
WARNED = ": what a student's code warns of stays in the box"
INSTEAD = {  # of fixtures of pytest's, what to write
    **dict.fromkeys(("capsys", "capfd", "capsysbinary", "capfdbinary", "caplog"), PRINTED),
    "recwarn": WARNED,
}


class CaseRuns:
    """Runs the cases of one plan, one after the other, and keeps what became of them."""

    def __init__(self, plan: Plan, boxes: Boxes) -> None:
        self.plan = plan
        self.boxes = boxes
        self.outcome = Outcome()
        self._collection = Collection(plan.assignment)
        self._stopped: dict[str, GraderError] = {}  # checks of which no more cases are run, and why
        self._built = Built(
            plan.assignment,
            judged(plan.expectations),
            looking(plan.assignment, plan.expectations),
        )
        self._causes = Causes(plan, self._built, self.outcome.checks)
        self._second = SecondRuns(plan, boxes, self._built, self.outcome.checks)
        self._direct: frozenset[pytest.Item] = frozenset()  # cases that need none of pytest's steps
        # the next one that needs them, for which pytest keeps what both need
        self._following: dict[pytest.Item, pytest.Item | None] = {}
        self.setup = CaseSetup(plan, boxes, self._collection)

    @property
    def problem(self) -> GraderError | None:
        """The assignment's fault that ends the session."""
        return self._collection.problem

    # --- which cases ------------------------------------------------------------------------------

    def collection_failed(self, report: pytest.CollectReport) -> None:
        """Turn a check file that can't be imported into one error of the assignment's."""
        self._collection.fails(
            f"{report.nodeid or 'the checks'} can't be collected:\n{report.longreprtext}"
        )

    def arrange(
        self, items: Sequence[pytest.Item], direct: frozenset[pytest.Item]
    ) -> list[pytest.Item]:
        """Return the cases that were asked for, in the order in which they are to be run.

        direct: those that need none of pytest's steps
        """
        arranged = self._collection.arranged(items, self.plan.only)
        for item in arranged:
            text = (getattr(item, "function", None).__doc__ or check_id(item)).strip()
            title = " ".join(text.split("\n\n")[0].split())
            self.outcome.checks.setdefault(check_id(item), CheckOutcome(check_id(item), title))
        if self.problem is not None:
            return []
        if self.plan.mode is Mode.COMPARE:
            self._direct = direct
        following: pytest.Item | None = None
        for item in reversed(arranged):
            self._following[item] = following
            if item not in self._direct:
                following = item
        return arranged

    # --- running ----------------------------------------------------------------------------------

    def run(self, item: pytest.Item) -> None:
        """Run one case and keep its result."""
        nextitem = self._following[item]
        start = self.begin()
        self._through(item, nextitem)
        seconds = time.perf_counter() - start
        if self._killed() or self._import_goes_on():
            self._run_again(item, nextitem)
        if self.result(case_id(item), seconds).status in (Status.FAIL, Status.SKIP):
            self._look_for_credit(item, nextitem)
        self.finish(item, seconds)

    def close(self) -> None:
        """End what second runs have used."""
        self._second.close()

    def begin(self) -> float:
        """Begin a case without the state of the last one; return the time."""
        self.setup.now = Running()
        return time.perf_counter()

    def _through(self, item: pytest.Item, nextitem: pytest.Item | None) -> None:
        if item in self._direct:
            self._step(self._run_directly, item=item)
            return
        self._step(item.ihook.pytest_runtest_setup, item=item)
        if self.setup.now.error is None:
            self._step(item.ihook.pytest_runtest_call, item=item)
        self._step(item.ihook.pytest_runtest_teardown, item=item, nextitem=nextitem)

    def _run_directly(self, item: pytest.Function) -> None:
        """Run a case without pytest's steps, which take longer than many a call into the box."""
        self.setup.prepare(item)
        asked = parameters(item)
        for name in FIXTURES:
            if name in item._fixtureinfo.name2fixturedefs and name not in asked:
                asked[name] = self.setup.made(item, name)
        with self.kept_end(item):
            item.obj(**{name: asked[name] for name in item._fixtureinfo.argnames})

    def _step(self, hook: Callable[..., object], **given: object) -> None:
        try:
            hook(**given)
        except (KeyboardInterrupt, pytest.exit.Exception):
            raise
        except BaseException as error:
            self.raised(error)

    def raised(self, error: BaseException) -> None:
        """Keep what a fixture raised: the call itself never gets to raise."""
        if isinstance(error, pytest.FixtureLookupError):
            instead = INSTEAD.get(str(error.argname), "")
            error = AssignmentError(f"there is no fixture `{error.argname}`{instead}")
        self.setup.now.error = self.setup.now.error or error

    def _killed(self) -> bool:
        """Return whether the case's box was killed, and not by a limit of ours."""
        return isinstance(self.setup.now.error, WorkerDied) and self.setup.now.error.unexplained

    def _import_goes_on(self) -> bool:
        """Return whether an import has ended the case's box, and a fresh one would go on."""
        return isinstance(self.setup.now.error, WorkerDied) and self.setup.now.error.again

    def _run_again(self, item: pytest.Item, nextitem: pytest.Item | None) -> None:
        """Run a case again in a fresh box, such as after a kill from outside; a second kill is our
        fault.
        """
        if self.setup.place is None:
            self.boxes.restart_notebook(self._collection.notebook_of(check_id(item)))
        self._reset(item)
        self.begin()
        self._through(item, nextitem)
        if self._killed():
            fault = GraderFault(f"{self.setup.now.error}, twice, and none of our limits did that")
            self.setup.now.error = self._stopped[check_id(item)] = fault

    def _reset(self, item: pytest.Item) -> None:
        """Let pytest make a case's fixtures anew, for another run."""
        if isinstance(item, pytest.Function):
            item._initrequest()

    def _look_for_credit(self, item: pytest.Item, nextitem: pytest.Item | None) -> None:
        """Find out what of a failed case is right: by itself, and with right functions in the place
        of earlier ones.

        Of a second run a report has what is right in it, and which known mistake it shows: the
        answers of stand-ins may be in all the rest.
        """
        first = self.setup.now
        runs = [first.credit()]
        for place in self._second.places(check_id(item)):
            self.setup.place = place
            self._reset(item)
            self.begin()
            with self._second.timed(place):
                self._through(item, nextitem)
                if self._killed():
                    self._run_again(item, nextitem)
            first.second = second = self.setup.now
            place.spent = isinstance(second.error, LimitExceeded | WorkerDied)
            if isinstance(second.error, GraderFault):
                first.error = second.error
                break
            if self.result(case_id(item), 0.0).status is Status.PASS:
                first.follows = place.what.roots
                self._second.passed(place)
                break
            runs.append(second.credit())
        if len(runs) > 1 and not first.follows:
            self._note_what_is_needed(first, place.what.replaced)
        self.setup.place, self.setup.now = None, first
        first.share = share(runs)

    def _note_what_is_needed(self, first: Running, replaced: frozenset[str]) -> None:
        """Say of a case that an earlier function ended what its second runs have shown."""
        begun = first.case.log.begun
        if isinstance(first.error, StudentException) and begun and begun.function in replaced:
            first.case.notes.append(
                f"It was run again with a right `{begun.function}` in the place of yours, and is"
                " not right with it: either it has a mistake of its own, or it needs a cache that"
                f" only your own `{begun.function}` makes."
            )

    @contextlib.contextmanager
    def kept_end(self, item: pytest.Function) -> Iterator[None]:
        """Keep whatever a test function raises as the case's end."""
        id_ = check_id(item)
        try:
            if self.setup.place is None and id_ in self._stopped:
                raise self._stopped[id_]
            yield
        except (KeyboardInterrupt, pytest.exit.Exception):
            raise
        # `pytest.fail`, and `pytest.raises` when nothing is raised
        except pytest.fail.Exception as error:
            self.setup.now.error = AssertionError(str(error))
        except BaseException as error:
            self.setup.now.error = self._skipped(id_, error) or error
        self._look_at_the_clock(item)

    def _look_at_the_clock(self, item: pytest.Item) -> None:
        """Note how long the reference's functions took, or hold the submission's against it."""
        now = self.setup.now
        took, key = now.remote.seconds - now.before, (check_id(item), case_id(item))
        record = self.plan.expectations.cases.get(key, CaseRecord())
        check = self.plan.assignment.check(key[0])
        if self.plan.mode is Mode.RECORD:
            record.call_seconds = took
        elif self.plan.mode is Mode.COMPARE:
            held = tuple(now.expect.comparisons)
            now.credit = functools.partial(_credit, record, held, now.case)
            if check is not None and check.times_reference is not None and self.setup.place is None:
                timed = in_time(took, record.call_seconds, check.times_reference)
                now.expect.comparisons.append(timed)
                now.credit = now.credit if timed.ok else no_credit
            lost = {one.name.partition("[")[0] for one in now.expect.comparisons if not one.ok}
            # what it leaves behind is wrong, whatever it returns
            if lost & now.expect.of_arguments:
                now.credit = no_credit

    def _skipped(self, id_: str, error: BaseException) -> Skipped | None:
        """Return why a case could not be run, if a function that it builds on is not there yet, and
        not its own.
        """
        if not isinstance(error, NotImplementedYet) or error.function in self._built.own(id_):
            return None
        for needed in self._built.below(id_):
            outcome = self.outcome.checks.get(needed)
            if outcome is not None and outcome.is_unwritten:
                function = outcome.cases[0].unimplemented
                return Skipped(f"`{function}`, which this needs, is not implemented yet")
        return None

    def finish(self, item: pytest.Item, seconds: float) -> None:
        check, now = check_id(item), self.setup.now
        result = self.result(case_id(item), seconds)
        if isinstance(now.error, LimitExceeded | WorkerDied) and result.status is Status.FAIL:
            self._stopped[check] = Stopped(
                f"not run, since an earlier case ended so: {result.message}"
            )
        outcome = self.outcome.checks[check]
        outcome.cases.append(result)
        record = self.plan.expectations.cases.get((check, result.id), CaseRecord())
        if self.plan.mode is Mode.RECORD:
            record.seconds = seconds
        outcome.reference_seconds += record.seconds
        if (last := now.case.log.begun or next(reversed(now.case.log.calls), None)) is not None:
            outcome.functions = (last.function,)
        if result.status in (Status.PASS, Status.FAIL):
            passed = result.status is Status.PASS
            first = evidence(result.id, passed, now.case, now.expect, now.error)
            second = now.second
            self._causes.note(
                check,
                first,
                first
                if second is None
                else evidence(
                    result.id, bool(result.follows), second.case, second.expect, second.error
                ),
            )
        path = self._collection.notebook_of(check)
        self._collection.left.subtract({check, path})
        if path and not self._collection.left[path]:
            self.boxes.end(path)
        if not self._collection.left[check]:
            self._second.end()
            self._explain(outcome)
            self.plan.on_check(outcome)

    def _explain(self, outcome: CheckOutcome) -> None:
        """Look for the cause of a check's failure; the verdict stands, whether one is found or
        not.
        """
        try:
            self._causes.diagnose(outcome)
            if outcome.failed and not outcome.mistake.hint and outcome.id in outcome.roots:
                outcome.mistake = Mistake("", self._unused(outcome))
        except AssignmentError as error:
            self._collection.problem = self.problem or error
        except Exception as error:  # of a value that a student chose, and nobody thought of
            last = outcome.cases[-1]
            note = f"the grader failed to look for the cause of this: {type(error).__name__}"
            outcome.cases[-1] = msgspec.structs.replace(last, notes=(*last.notes, note))

    def _unused(self, outcome: CheckOutcome) -> str:
        """Return a sentence on what the function that a check judges never uses, or nothing."""
        if self._collection.notebook_of(outcome.id) or not outcome.functions:
            return ""
        (function,) = outcome.functions
        module = self.plan.assignment.module_of(function)
        own = function in self._built.own(outcome.id)
        names = self.boxes.functions.unused(module, function) if module and own else []
        if not names:
            return ""
        return (
            f"`{function}` computes nothing from {quoted(names)}: should what it returns depend on"
            f" {'that' if len(names) == 1 else 'these'}?"
        )

    def result(self, case: str, seconds: float) -> CaseResult:
        """Return the verdict of the case that has just ended."""
        now = self.setup.now
        ending = Ending(
            case=case,
            seconds=seconds,
            error=now.error,
            printed=self._printed(),
            notes=tuple(now.case.notes),
            follows=now.follows,
            share=now.share,
            recording=self.plan.mode is Mode.RECORD,
            function=now.case.log.calls[-1].function if now.case.log.calls else "",
            checks=self.plan.assignment.checks_folder,
            stub=now.case.stub,
            shown=self._may_show(),
        )
        found = verdict(ending, now.expect)
        if found.status is not Status.FAIL or found.unimplemented or not ending.shown:
            return found
        return msgspec.structs.replace(found, again=lines_again(now.case))

    def _may_show(self) -> bool:
        """Return whether a case's inputs may stand in the report, and have been the student's own
        functions' alone.
        """
        return self.plan.mode is Mode.COMPARE and not self.plan.hidden and self.setup.place is None

    def _printed(self) -> str:
        """Return what the student's code printed, unless the inputs are hidden ones that could
        stand in it.
        """
        return "" if self.plan.hidden else self.setup.now.case.remote.printed


def _credit(record: CaseRecord, held: Sequence[Comparison], case: Case) -> Credit:
    """Return what of a case is right."""
    given: list[Any] = []
    for call in case.log.calls:
        given += (*call.args, *call.kwargs.values())
    return credit(record, held, [*given, *case.log.items.values()])
