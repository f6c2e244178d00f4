"""Second runs of failed checks: which, in what boxes, and for how long."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from grader.checking.api.held_values import Mode
from grader.checking.api.notebook import NotebookRun
from grader.checking.run.boxes import Boxes
from grader.checking.run.plan import Plan
from grader.checking.run.substitution import (
    Built,
    Reference,
    ReferenceAnswers,
    Substitution,
    request,
    request_behind_cells,
)
from grader.checking.run.timing import ClockedRemote
from grader.checking.run.verdicts import CheckOutcome
from grader.machine import slowdown

# On a quiet machine; on a busy one longer, so that nobody loses points by what else it does.
SECONDS = 30.0  # that all second runs of a submission's function checks may take
# that the second run of one notebook may take; of one whose functions are called, all of them
NOTEBOOK_SECONDS = 60.0
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

    A place in which a notebook's cells have run is kept for later checks, as long as all that it
    has answered may be answered to them, too.
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
        self._kept: dict[str, Place] = {}  # by the notebook
        self._cells_patience: dict[str, float] = {}  # seconds left for a notebook's cells
        self._references: dict[str, Reference] = {}  # by the notebook whose cells it has run

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
        runs_whole = bool(notebook) and not what.calls
        for own_caches in (first,) if what.stubs or runs_whole else (first, not first):
            if what.calls:
                place = self._behind_cells(what, own_caches, notebook)
            else:
                place = self._place(what, own_caches, notebook)
            if place is not None and not place.spent and (runs_whole or self._patience > 0):
                yield place

    def _place(self, what: Substitution, own_caches: bool, notebook: str) -> Place:
        if own_caches in self._places:
            return self._places[own_caches]
        if self._plan.boxes == 1:
            self._end_all()
        calls = NOTEBOOK_CALLS if notebook else CALLS
        reference = self._reference(notebook if what.cells else "")
        reference.wait()
        place = self._opened(what, own_caches, reference, calls, notebook)
        self._places[own_caches] = place
        if notebook:
            place.stand_ins.begin(self._notebook_seconds)
            place.run = self._boxes.second_notebook(notebook, place.remote, self._notebook_seconds)
        return place

    def _behind_cells(self, what: Substitution, own_caches: bool, notebook: str) -> Place | None:
        """Return a place in which the notebook's cells have run, with stand-ins for functions that
        they define; None if there is no time left for these cells.
        """
        place = self._kept.get(notebook)
        if place is None or place.spent or not what.allows(place.what):
            if place is not None:
                self._end(place)
            left = self._cells_patience.setdefault(notebook, self._notebook_seconds)
            if left <= 0:
                self._kept.pop(notebook, None)
                return None
            if self._plan.boxes == 1:
                self._end_all()
            reference = self._reference(notebook if what.cells else "")
            place = self._opened(what, own_caches, reference, CALLS, notebook)
            self._kept[notebook] = place
            reference.wait()
            start = time.monotonic()
            place.stand_ins.begin(left)
            place.run = self._boxes.second_notebook(notebook, place.remote, left)
            place.run.failure()
            self._cells_patience[notebook] -= time.monotonic() - start
        place.what, place.own_caches = what, own_caches
        place.stand_ins.allow(what)
        place.stand_ins.begin(self._patience)
        assert place.run is not None
        assignment = self._plan.assignment
        place.run.substitute(request_behind_cells(assignment, what, own_caches=own_caches))
        return place

    def _opened(
        self,
        what: Substitution,
        own_caches: bool,
        reference: Reference,
        calls: int,
        notebook: str,
    ) -> Place:
        stand_ins = ReferenceAnswers(reference, what, calls)
        first = request(self._plan.assignment, what, own_caches=own_caches)
        remote = self._boxes.second(first, stand_ins, notebook=bool(notebook))
        return Place(what, own_caches, remote, stand_ins)

    def _reference(self, notebook: str) -> Reference:
        """Return the reference, without a notebook its files alone."""
        if notebook not in self._references:
            remote, run = self._boxes.reference(notebook)
            self._references[notebook] = Reference(self._plan.assignment, remote, run)
        return self._references[notebook]

    @property
    def _notebook_seconds(self) -> float:
        return NOTEBOOK_SECONDS * self._slowdown

    @contextmanager
    def timed(self, place: Place) -> Iterator[None]:
        """Let a second run take no longer than what is left for all of them."""
        if place.run is not None and not place.what.calls:
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
        for place in self._places.values():
            self._end(place)
        self._places.clear()
        if self._plan.boxes == 1:
            self._end_all()

    def close(self) -> None:
        """End everything, the references' boxes too."""
        self._end_all()
        self._boxes.close_second()

    def _end_all(self) -> None:
        for place in (*self._places.values(), *self._kept.values()):
            self._end(place)
        self._places.clear()
        self._kept.clear()

    def _end(self, place: Place) -> None:
        self._boxes.end_second(place.remote, place.run)
