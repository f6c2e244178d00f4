"""Starts the sandbox in a thread while this process imports what it needs itself.

Each of the two takes most of a second. This module imports only the sandbox and the spec, and
nothing that imports NumPy: an import before the sandbox starts delays it.
"""

from __future__ import annotations

import threading
from collections.abc import Collection
from typing import Self

from grader.assignment.exposure import refuse_readable
from grader.assignment.spec import Assignment
from grader.errors import IsolationError
from grader.model import Tier
from grader.sandbox.box import Sandbox
from grader.sandbox.ladder import open_sandbox
from grader.sandbox.plain import PlainSandbox


def runs_notebooks(assignment: Assignment, only: Collection[str]) -> bool:
    """Return whether one of the checks with these ids, or of all if there are none, is of a
    notebook.
    """
    return any(check.notebook for check in assignment.spec.checks if not only or check.id in only)


class Opening:
    """An assignment's sandbox while it starts; a context manager that ends it."""

    def __init__(
        self,
        assignment: Assignment,
        isolation: str,
        *,
        only: Collection[str] = (),
        own: bool = False,
    ) -> None:
        """Start the thread.

        only: ids of the checks that will be run, or none for all: if none of them needs a notebook,
        no libraries of notebooks are loaded
        own: the work is the user's, so `auto` may use no sandbox
        """
        self._assignment = assignment
        self._notebooks = runs_notebooks(assignment, only)
        self._isolation = isolation
        self._may_fall_back = own and isolation == "auto"
        self.unwalled = ""  # why there is no sandbox, if `auto` found none
        self._sandbox: Sandbox | None = None
        self._error: BaseException | None = None
        self._launched = threading.Event()
        self._opening = threading.Thread(target=self._open, name="sandbox-opening", daemon=True)
        self._ending: threading.Thread | None = None
        self._opening.start()
        # an import in this thread would delay the other one
        self._launched.wait()

    def _open(self) -> None:
        try:
            self._sandbox = self._strongest()
        except IsolationError as error:
            if self._may_fall_back:
                self.unwalled = str(error).partition(":\n")[0]
                self._sandbox = PlainSandbox()
            else:
                self._error = error
        except BaseException as error:  # raised by `sandbox`
            self._error = error
        finally:
            self._launched.set()

    def _strongest(self) -> Sandbox:
        readable, spec = sorted(set(self._assignment.links.values())), self._assignment.spec
        if self._isolation != Tier.NONE:
            refuse_readable(self._assignment)
        return open_sandbox(
            self._isolation,
            spec.limits,
            readable,
            notebooks=self._notebooks,
            withheld=spec.withheld,
            launched=self._launched.set,
        )

    def sandbox(self) -> Sandbox:
        """Wait for the sandbox and return it; raise `IsolationError` if there is none."""
        self._opening.join()
        if self._error is not None:
            raise self._error
        assert self._sandbox is not None
        return self._sandbox

    def begin_to_end(self) -> None:
        """Start to end the sandbox in another thread."""
        self._ending = threading.Thread(target=self._end, name="sandbox-ending", daemon=True)
        self._ending.start()

    def _end(self) -> None:
        self._opening.join()
        if self._sandbox is not None:
            self._sandbox.close()

    def close(self) -> None:
        """End the sandbox; return when all of it has ended."""
        if self._ending is not None:
            self._ending.join()
        else:  # in this thread: a process that is about to end may start no other
            self._end()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
