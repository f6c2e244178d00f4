"""The boxes that a plan needs: one for the functions that checks call, and one for each notebook.

Notebooks take longest, so their boxes are asked for before pytest is even imported: this file
imports none of it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor

import msgspec

from grader.assignment.schema import CheckSpec
from grader.checking.api.held_values import Mode
from grader.checking.api.live_notebook import LiveRun
from grader.checking.api.notebook import NotebookRun
from grader.checking.cells.in_box import BesideFiles, InBox, in_box_of
from grader.checking.run.fatal_search import FatalSearch
from grader.checking.run.fatal_statements import FatalStatements
from grader.checking.run.plan import Plan
from grader.checking.run.remote import Remote, Request
from grader.checking.run.timing import ClockedRemote
from grader.errors import StudentException
from grader.limits import Limits
from grader.notebooks.format import provided
from grader.sandbox.box import Sandbox, Staging
from grader.sandbox.wire import Frame


class Boxes:
    """A submission's boxes, each opened when it is first needed."""

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self._passed_over: dict[tuple[str, int], str] = {}
        self._fatal = FatalStatements()
        spec = plan.assignment.spec
        own = {path for path in plan.files if path.endswith(".py")}
        modules = [file.module for file in spec.files if file.path in own]
        self._search = FatalSearch(
            self._fatal, modules, own, spec.limits.import_seconds, self._for_an_import
        )
        self.functions = self.fresh()
        self.runs: dict[str, NotebookRun] = {}
        self._notebooks: dict[str, ClockedRemote] = {}
        self._second: list[Remote] = []  # for second runs
        self._second_runs: list[NotebookRun] = []
        self._beside_files: BesideFiles | None = None
        self._pool = ThreadPoolExecutor(
            max_workers=max(1, plan.boxes - 1), thread_name_prefix="notebook"
        )

    def fresh(self, *, notebook: bool = False, live: Sandbox | None = None) -> ClockedRemote:
        """Return a box of its own for the submission, which is opened when it is first needed.

        live: what opens a kernel that runs already
        """
        remote = self._made(notebook=notebook, live=live)
        if self._plan.mode is Mode.COMPARE:  # a reference that ends its process is not recorded
            remote.search = self._search
        return remote

    def _for_an_import(self, seconds: float) -> ClockedRemote:
        """Return a box that may take so long for an import."""
        limits = self._plan.assignment.spec.limits
        return self._made(limits=msgspec.structs.replace(limits, import_seconds=seconds))

    def _made(
        self,
        *,
        notebook: bool = False,
        live: Sandbox | None = None,
        limits: Limits | None = None,
    ) -> ClockedRemote:
        """Return a box that leaves out the statements that end the process, and looks for none."""
        assignment, files = self._plan.assignment, self._plan.files
        notebooks = assignment.spec.notebook_paths
        laid = {path: data for path, data in files.items() if path not in notebooks}
        staging = Staging(assignment.links, {**laid, **assignment.box_files})
        # What a notebook's own cells work on is no secret; only the checks' inputs may be.
        hide = self._plan.hidden and not notebook
        remote = ClockedRemote(
            live or self._plan.sandbox,
            staging,
            limits or assignment.spec.limits,
            hide_numbers=hide,
            notebook=notebook,
        )
        for file in assignment.spec.files:
            if file.path not in files:
                remote.lacks(
                    file.module, StudentException(f"`{file.path}` is not in the submission")
                )
        remote.passed_over = self._passed_over  # each box tells the same
        remote.fatal = self._fatal
        return remote

    def begin(self, checks: Iterable[CheckSpec]) -> None:
        """Begin every notebook that these checks ask for, where more than one box may be at
        work.
        """
        if self._plan.boxes > 1:
            for check in checks:
                self.begin_notebook(check.notebook)

    def begin_notebook(self, path: str) -> None:
        """Begin a notebook that has not been begun."""
        if not path or path in self.runs:
            return
        if self._plan.boxes == 1:
            self.functions.close()  # what is called in it later is called in a fresh one
        remote = self.fresh(notebook=True, live=self._plan.live.get(path))
        self._notebooks[path] = remote
        limits = self._plan.assignment.spec.limits
        tests = in_box_of(self._plan.assignment, path, self._plan.checks)
        self.runs[path] = self._run(path, remote, limits, self._plan.files, tests)

    def _run(
        self,
        path: str,
        remote: Remote,
        limits: Limits,
        files: Mapping[str, bytes],
        tests: tuple[InBox, ...] = (),
    ) -> NotebookRun:
        assignment = self._plan.assignment
        spec = assignment.notebook(path)
        author = provided(assignment.folder / spec.source)
        kind = LiveRun if path in self._plan.live else NotebookRun
        run = kind(spec, author, files.get(path), remote, limits, tests)
        run.start(self._pool)
        return run

    @property
    def beside_files(self) -> BesideFiles:
        """The checks in the box that stand beside no notebook."""
        if self._beside_files is None:
            if self._plan.boxes == 1:
                self.functions.close()
            assignment = self._plan.assignment
            tests = in_box_of(assignment, "", self._plan.checks)
            seconds = assignment.spec.limits.call_seconds + assignment.spec.limits.import_seconds
            self._beside_files = BesideFiles(tests, self.fresh(), seconds)
        return self._beside_files

    @property
    def look(self) -> list[str]:
        """What a person should decide of checks in the box that stand beside no notebook."""
        return self._beside_files.look if self._beside_files is not None else []

    @property
    def passed_over(self) -> list[str]:
        """What was passed over in the submission's files, in the order of their lines."""
        return [said for _, said in sorted(self._passed_over.items())]

    @property
    def passed_over_look(self) -> list[str]:
        """A sentence for each file that does not load as handed in."""
        lines: dict[str, list[str]] = {}
        for file, line in sorted(self._passed_over):
            lines.setdefault(file, []).append(str(line))
        sentences: list[str] = []
        for file, numbers in lines.items():
            what = f"line{'' if len(numbers) == 1 else 's'} {', '.join(numbers)}"
            sentences.append(f"{file} does not load as it was handed in: see {what}")
        return sentences

    def restart_notebook(self, path: str) -> None:
        """Run a notebook anew whose box was killed from outside."""
        if path in self.runs:
            self.end(path)
            del self.runs[path], self._notebooks[path]
            self.begin_notebook(path)

    def second(
        self,
        first: Request | None,
        asked: Callable[[Frame], Frame],
        *,
        notebook: bool = False,
    ) -> ClockedRemote:
        """Return a box for a second run: what it is asked first, and what answers its questions.

        It is lent right answers, so nothing is made of how it ends.
        """
        if self._plan.boxes == 1:
            self.functions.close()
        remote = self._made(notebook=notebook)
        remote.first, remote.asked = first, asked
        self._second.append(remote)
        return remote

    def second_notebook(self, path: str, remote: Remote, seconds: float) -> NotebookRun:
        """Begin a second run of a notebook, in a box made for it, which may take so long."""
        limits = self._plan.assignment.spec.limits
        short = min(limits.notebook_seconds, seconds)
        limits = msgspec.structs.replace(limits, notebook_seconds=short)
        run = self._run(path, remote, limits, self._plan.files)
        self._second_runs.append(run)
        return run

    def reference(self, path: str) -> tuple[Remote, NotebookRun | None]:
        """Return a box with the reference in it, and the run of its notebook if there is a path."""
        assignment, work = self._plan.assignment, self._plan.reference or {}
        notebooks = assignment.spec.notebook_paths
        files = {place: data for place, data in work.items() if place not in notebooks}
        limits = assignment.spec.limits
        remote = Remote(
            self._plan.sandbox,
            Staging(assignment.links, {**files, **(assignment.box_files if path else {})}),
            limits,
            hide_numbers=True,
            notebook=bool(path),
        )
        self._second.append(remote)
        run = self._run(path, remote, limits, work) if path else None
        if run is not None:
            self._second_runs.append(run)
        return remote, run

    def end_second(self, remote: Remote, run: NotebookRun | None) -> None:
        """End one box of second runs."""
        if run is not None:
            run.stop()
        remote.close()
        self._second = [one for one in self._second if one is not remote]
        self._second_runs = [one for one in self._second_runs if one is not run]

    def close_second(self) -> None:
        """End the boxes of second runs, and the references' boxes."""
        for run in self._second_runs:
            run.stop()
        for remote in self._second:
            remote.close()
        self._second.clear()
        self._second_runs.clear()

    def end(self, path: str) -> None:
        """End the box of a notebook, and its run with it, which nobody may have waited for."""
        self.runs[path].stop()
        self._notebooks[path].close()

    def of(self, path: str) -> ClockedRemote:
        """Return the box of a notebook, or where there is no path that of the functions."""
        return self._notebooks[path] if path else self.functions

    def close(self) -> None:
        """End every box and thread, notebooks that nobody waited for included."""
        self._search.cancel()
        self.close_second()
        for path in self.runs:
            self.end(path)
        self.functions.close()
        if self._beside_files is not None:
            self._beside_files.close()
        self._pool.shutdown()
