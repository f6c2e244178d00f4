"""The boxes that a plan needs: one for the functions that checks call, and one for each notebook.

Notebooks take longest, so their boxes are asked for before pytest is even imported: this file imports none of it.
"""

from __future__ import annotations

from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor

from grader.assignment.schema import CheckSpec
from grader.checking.in_box import in_box_of
from grader.checking.notebook import NotebookRun
from grader.checking.pace import ClockedRemote
from grader.checking.plan import Plan
from grader.errors import StudentException
from grader.notebooks.format import provided
from grader.sandbox.box import Staging


class Boxes:
    """A submission's boxes, each opened when it is first needed."""

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self.functions = self._remote()
        self.runs: dict[str, NotebookRun] = {}
        self._notebooks: dict[str, ClockedRemote] = {}
        self._pool = ThreadPoolExecutor(max_workers=max(1, plan.boxes - 1), thread_name_prefix="notebook")

    def _remote(self, *, notebook: bool = False) -> ClockedRemote:
        assignment, files = self._plan.assignment, self._plan.files
        own = {file.path for file in assignment.spec.files}
        staging = Staging(assignment.links, {path: data for path, data in files.items() if path in own})
        # What a notebook's own cells work on is no secret; only the checks' inputs may be.
        hide = self._plan.hidden and not notebook
        remote = ClockedRemote(
            self._plan.sandbox, staging, assignment.spec.limits, hide_numbers=hide, notebook=notebook
        )
        for file in assignment.spec.files:
            if file.path not in files:
                remote.lacks(file.module, StudentException(f"`{file.path}` is not in the submission"))
        return remote

    def begin(self, checks: Iterable[CheckSpec]) -> None:
        """Begin every notebook that these checks ask for, where more than one box may be at work."""
        if self._plan.boxes > 1:
            for check in checks:
                self.begin_notebook(check.notebook)

    def begin_notebook(self, path: str) -> None:
        """Begin a notebook that has not been begun."""
        if not path or path in self.runs:
            return
        if self._plan.boxes == 1:
            self.functions.close()  # what is called in it later is called in a fresh one
        assignment = self._plan.assignment
        spec = assignment.notebook(path)
        author = provided(assignment.folder / spec.source)
        remote = self._notebooks[path] = self._remote(notebook=True)
        tests = in_box_of(assignment, path, self._plan.checks)
        submitted = self._plan.files.get(path)
        run = self.runs[path] = NotebookRun(spec, author, submitted, remote, assignment.spec.limits, tests)
        run.start(self._pool)

    def of(self, path: str) -> ClockedRemote:
        """Return the box of a notebook, or where there is no path that of the functions."""
        return self._notebooks[path] if path else self.functions

    def close(self) -> None:
        """End every box and thread, notebooks that nobody waited for included."""
        for run in self.runs.values():
            run.stop()
            run.remote.close()
        self.functions.close()
        self._pool.shutdown()
