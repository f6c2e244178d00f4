"""The search for the statements that end the process while a student's module is imported.

Theory of operation. It begins when a box of the submission has ended by itself: by an exit or a
signal, never by one of our limits and never for what it has sent. It opens boxes of its own. They
are given the submission's files and asked to import one module, and nothing else, so no box that
the search believes has seen an input or an answer. The first of them runs the module as any box
does. Only if that one ends by itself as well, others run it statement by statement and say before
each which one that is. The last that is named is left out of every box from then on.

What a box names is its own word. It must be a statement of the submission's own files, and it can
gain nothing but that this statement is not run. Each module is searched once, in so much time and
for so few statements; boxes of second runs never begin a search.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Collection, Sequence
from typing import NamedTuple

from grader.checking.run.fatal_statements import FatalStatements, Place
from grader.checking.run.remote import Remote
from grader.errors import SubmissionFailed, WorkerDied

TIMES_IMPORT_SECONDS = 3  # for all boxes of one search
SEED = 2016  # that of every case: the first box is to be as any other


class _End(NamedTuple):
    """How a box of the search ended by itself."""

    at: Place | None
    how: str


class FatalSearch:
    """Looks once in each module for statements that end the process.

    opened: returns a box that may take so many seconds for an import
    own: the files of the submission
    """

    def __init__(
        self,
        fatal: FatalStatements,
        modules: Sequence[str],
        own: Collection[str],
        import_seconds: float,
        opened: Callable[[float], Remote],
    ) -> None:
        self._fatal = fatal
        self._modules = modules
        self._own = own
        self._import_seconds = import_seconds
        self._opened = opened
        self._searched: set[str] = set()
        self._lock = threading.Lock()  # a notebook may end while a module is searched
        self._remote: Remote | None = None
        self._cancelled = False

    def __call__(self, module: str, left_out: int) -> bool:
        """Look into a module, or without a name into all of them; return whether there are more
        statements to leave out than a box has done that ended.
        """
        with self._lock:
            for name in [module] if module else self._modules:
                if name not in self._searched:
                    self._searched.add(name)
                    self._search(name)
            return len(self._fatal.found) > left_out

    def cancel(self) -> None:
        """Let the search at hand, in whatever thread, and all later ones find nothing."""
        self._cancelled = True
        if (remote := self._remote) is not None:
            remote.cancel()

    def _search(self, module: str) -> None:
        until = time.monotonic() + TIMES_IMPORT_SECONDS * self._import_seconds
        if self._end_of(module, until, says_places=False) is None:
            return
        while (end := self._end_of(module, until, says_places=True)) is not None:
            at = end.at
            if at is None or at.file not in self._own or not self._fatal.add(at, end.how):
                return

    def _end_of(self, module: str, until: float, *, says_places: bool) -> _End | None:
        """Let a fresh box import a module; return how it ended, or None if it did not end by
        itself.
        """
        left = until - time.monotonic()
        if left <= 0 or self._cancelled:
            return None
        with self._opened(min(self._import_seconds, left)) as remote:
            remote.says_places = says_places
            self._remote = remote
            try:
                remote.reset(SEED)
                remote.import_module(module)
            except WorkerDied as error:
                return _End(remote.at, error.how) if error.how else None
            except SubmissionFailed:
                return None
            finally:
                self._remote = None
        return None
