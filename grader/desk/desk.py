"""The desk itself: a class, the decisions on it, and who sits at it. Threads share one desk."""

from __future__ import annotations

import threading
from pathlib import Path

import msgspec

from grader.classroom.marks import overrides
from grader.classroom.marks.decisions import ITEM, Change, Journal, item_id
from grader.classroom.run.result_store import Store
from grader.desk import snapshot
from grader.desk.given import GivenMarks
from grader.desk.snapshot import Snapshot
from grader.desk.view import View
from grader.desk.web.presence import Presence

BROUGHT = "the assignment"  # who wrote the items that the assignment brings


class Desk:
    """Everything that pages show and actions change."""

    def __init__(
        self,
        store: Store,
        journal: Journal,
        graders: tuple[str, ...] = (),
        overrides_path: Path | None = None,
    ) -> None:
        self.store = store
        self.graders = graders
        self.overrides_path = overrides_path or store.out / overrides.NAME
        self.journal = journal
        self.lock = threading.RLock()
        self.presence = Presence()
        self._snapshot = snapshot.take(store)
        self._view: View | None = None
        self._bring_rubric()

    # --- what there is --------------------------------------------------------------------------

    @property
    def class_now(self) -> Snapshot:
        """The class, read again if it was graded since."""
        with self.lock:
            if snapshot.stamp(self.store) != self._snapshot.stamp:
                self._snapshot = snapshot.take(self.store)
                self._bring_rubric()
            return self._snapshot

    def view(self) -> View:
        """Return class and decisions as they are now."""
        with self.lock:
            class_, last = self.class_now, self.journal.last
            view = self._view
            if view is None or view.snapshot is not class_:
                view = View(class_, self.journal, GivenMarks.of(self.journal), last)
            elif view.last != last:
                view = view.after(self.journal.since(view.last), last)
            self._view = view
            return view

    def _bring_rubric(self) -> None:
        """Write the items that the assignment brings into the journal, each once."""
        changes = []
        for item in self._snapshot.class_.rubric:
            key = item_id(item.part, item.text)
            if self.journal.record(ITEM, key).version == 0:
                changes.append(
                    Change(kind=ITEM, key=key, value=msgspec.json.encode(item), version=0)
                )
        self.journal.write(BROUGHT, "rubric of the assignment", changes)
