"""A notebook whose kernel runs already: its cells are not run here, and its file is not read.

Theory of operation. The kernel is a student's own, in practice. The box is a copy of that kernel's
process or the process itself (`grader.practice.kernel`). What is in the kernel now is what is
judged, in whatever order its cells were run.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from grader.checking.api.notebook import NotebookRun
from grader.checking.run.verdicts import Skipped
from grader.errors import GraderError, GraderFault, LimitExceeded, StudentException

if TYPE_CHECKING:
    from nbformat import NotebookNode


class LiveRun(NotebookRun):
    """The state of a running kernel, asked as a finished notebook is asked."""

    def _run(self) -> GraderError | None:
        try:
            self._names = self._ask_for_names()
            self._ask_in_box(None)
        except GraderError as error:
            return error
        except Exception as error:
            return GraderFault(f"asking the kernel of `{self.spec.path}` failed: {error!r}")
        return None

    def cells_that_ran(self) -> list[NotebookNode]:
        """Raise `Skipped`: outputs are in the notebook's page, not in its kernel."""
        raise Skipped(
            "this looks at what a cell shows, so it needs the notebook run from the top: run `tox`"
        )

    def must_define(self, name: str) -> None:
        """Raise `StudentException` if the kernel has no such name."""
        failure = self.failure()
        if failure is not None:
            raise failure
        if name in self._names:
            return
        if not self.remote.is_open:
            raise LimitExceeded(f"`{name}` can't be asked for: an earlier call ended its process")
        raise StudentException(
            f"the kernel has no `{name}`: run the cell that defines it, then check again"
        )
