"""Second runs of failed checks: which, in what boxes, and for how long."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from grader.checking.api.expect import Mode
from grader.checking.api.notebook import NotebookRun
from grader.checking.run.boxes import Boxes
from grader.checking.run.plan import Plan
from grader.checking.run.substitution import (
    Built,
    Reference,
    ReferenceAnswers,
    Substitution,
    request,
)
from grader.checking.run.timing import ClockedRemote
from grader.checking.run.verdicts import CheckOutcome
from grader.machine import slowdown

# On a quiet machine; on a busy one longer, so that nobody loses points by what else it does.
SECONDS = 30.0  # that all second runs of a submission's function checks may take
NOTEBOOK_SECONDS = 60.0  # that the second run of one notebook may take
CALLS = 5_000  # of stand-ins, in one case
NOTEBOOK_CALLS = 200_000  # a model is trained with them


class Place:
    """A box with stand-ins in it, in which a check's cases are run again."""

    def __init__(
        self,
        what: Substitution,
        own_caches: bool,
        remote: ClockedRemote,
        stand_ins: ReferenceAnswers,
    ) -> None:
        self.what = what
        # whether the student's own caches are handed out, or the reference's
        self.own_caches = own_caches
        self.remote = remote
        self.stand_ins = stand_ins
        self.run: NotebookRun | None = None  # of a notebook's check
        self.spent = False  # whether its box hung or died


class SecondRuns:
    """Prepares the second runs of one submission's checks; a check's places are ended when it is
    done.
    """

    def __init__(
        self, plan: Plan, boxes: Boxes, built: Built, checks: Mapping[str, CheckOutcome]
    ) -> None:
        self._plan = plan
        self._boxes = boxes
        self._built = built
        self._checks = checks
        self._slowdown = slowdown()
        self._patience = SECONDS * self._slowdown
        self._own_caches_first = True  # what went well last
        self._places: dict[bool, Place] = {}  # of the check at hand
        self._reference: Reference | None = None

    def places(self, check: str) -> Iterator[Place]:
        """Yield where a failed case of a check is to be run again, one after the other while it
        does not pass.
        """
        if self._plan.mode is not Mode.COMPARE or self._plan.reference is None:
            return
        what = self._built.substitution(check, self._checks)
        if what is None:
            return
        spec = self._plan.assignment.check(check)
        notebook = spec.notebook if spec is not None else ""
        first = self._own_caches_first and not what.stubs
        for own_caches in (first,) if what.stubs or notebook else (first, not first):
            place = self._place(what, own_caches, notebook)
            if not place.spent and (notebook or self._patience > 0):
                yield place

    def _place(self, what: Substitution, own_caches: bool, notebook: str) -> Place:
        if own_caches in self._places:
            return self._places[own_caches]
        if self._reference is None:
            files = self._plan.reference or {}
            self._reference = Reference(self._plan.assignment, self._plan.sandbox, files)
        stand_ins = ReferenceAnswers(self._reference, what, NOTEBOOK_CALLS if notebook else CALLS)
        first = request(self._plan.assignment, what, own_caches=own_caches)
        if self._plan.boxes == 1:
            self._boxes.close_second()
            self._places.clear()
        remote = self._boxes.second(first, stand_ins, notebook=bool(notebook))
        place = self._places[own_caches] = Place(what, own_caches, remote, stand_ins)
        if notebook:
            stand_ins.begin(self._notebook_seconds)
            place.run = self._boxes.second_notebook(notebook, remote, self._notebook_seconds)
        return place

    @property
    def _notebook_seconds(self) -> float:
        return NOTEBOOK_SECONDS * self._slowdown

    @contextmanager
    def timed(self, place: Place) -> Iterator[None]:
        """Let a second run take no longer than what is left for all of them."""
        if place.run is not None:
            with place.remote.hurried(self._notebook_seconds):
                yield
            return
        start = time.perf_counter()
        place.stand_ins.begin(self._patience)
        try:
            with place.remote.hurried(self._patience):
                yield
        finally:
            self._patience -= time.perf_counter() - start

    def passed(self, place: Place) -> None:
        """Note that a case passed, so that the next one is tried in the same way first."""
        self._own_caches_first = place.own_caches

    def end(self) -> None:
        """End the places of a check: nothing in them is known to the next one."""
        if self._places:
            self._boxes.close_second()
            self._places.clear()

    def close(self) -> None:
        """End everything, the reference's box too."""
        self.end()
        if self._reference is not None:
            self._reference.close()
