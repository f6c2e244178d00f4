"""Grades one submission: intake, the checks in the trusted process, the student's code in a box, a
`Report`.

What imports NumPy or pytest is imported where it is first needed: a class that has not changed
needs none of it.
"""

from __future__ import annotations

import gc
import hashlib
import importlib
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Protocol, Self

import msgspec

from grader.assignment.spec import Assignment
from grader.errors import AssignmentError, UsageError
from grader.grading.intake.candidates import Draft, draft_of, listed_cells
from grader.grading.intake.take import Taken, Wanted
from grader.grading.intake.text_notebooks import take_in
from grader.grading.scoring import questions, score_check, total
from grader.grading.startup import Opening
from grader.markers import released
from grader.model import REPORT_SCHEMA, CheckResult, Report
from grader.notebooks.advice import remarks
from grader.notebooks.cells import is_students, text_of
from grader.notebooks.definitions import definitions

if TYPE_CHECKING:
    from grader.assignment.expectations import Expectations
    from grader.checking.explain.diagnosis import KnownMistakes
    from grader.checking.run.plan import Outcome
    from grader.sandbox.box import Sandbox

HANDOUT_PAGES = ("README.md", "tox.ini", "toxfile.py", "pytest.ini", ".gitignore")
# what a handout brings, and what its tools make
HANDOUT_FOLDERS = ("assignment", "wheels", "report")
Progress = Callable[[CheckResult], None]


class Graded(msgspec.Struct, frozen=True):
    """A report, and what belongs beside it."""

    report: Report
    # name -> the executed notebook, a NotebookNode made by the student's code: hostile
    notebooks: dict[str, Any]
    sources: dict[str, str]  # the student's files as text, for the report


class Options(msgspec.Struct, frozen=True):
    """How to grade."""

    isolation: str = "auto"
    only: frozenset[str] = frozenset()
    on_check: Progress = lambda check: None
    # called when nothing is left but to wait for a notebook
    on_wait: Callable[[], None] = lambda: None
    boxes: int = 8  # that may be at work at a time
    seed: str = ""  # "public": the hidden seed is not read; empty: the hidden one if it is there
    # notebooks whose running kernel is judged: path -> the `Sandbox` that opens it
    live: Mapping[str, Any] = {}


class HasSandbox(Protocol):
    """What has a sandbox, or opens one meanwhile."""

    def sandbox(self) -> Sandbox: ...


def wanted(assignment: Assignment) -> Wanted:
    """Return what the intake takes from a submission, and which files it need not report as
    changed.
    """
    digests = {
        place: hashlib.sha256(path.read_bytes()).hexdigest()
        for place, path in assignment.provided.items()
    }
    passed_over: frozenset[str] = frozenset()
    if assignment.spec.handout_of:  # practice: the handout's own files lie beside the student's
        passed_over = frozenset(
            {*HANDOUT_PAGES, *HANDOUT_FOLDERS, f"{assignment.spec.name}-submission.zip"}
        )
    return Wanted(
        files=tuple(file.path for file in assignment.spec.files),
        notebooks=tuple(notebook.path for notebook in assignment.spec.notebooks),
        provided=frozenset(digests),
        digests=digests,
        drafts=_drafts(assignment),
        passed_over=passed_over,
        own_modules=assignment.spec.own_modules,
    )


def _drafts(assignment: Assignment) -> dict[str, Draft]:
    """Return the wanted files as students get them, as far as renamed files and copies are told
    apart by it.
    """
    drafts = {file.path: draft_of((), file.provides) for file in assignment.spec.files}
    for notebook in assignment.spec.notebooks:
        cells = listed_cells((assignment.folder / notebook.source).read_bytes())
        texts = [text_of(cell) for cell in cells]
        tasks = [
            text_of(cell) for cell in cells if is_students(cell) and cell.get("cell_type") == "code"
        ]
        names = frozenset[str]().union(*map(definitions, tasks))
        drafts[notebook.path] = draft_of(map(released, texts), names)
    return drafts


def load_expectations(assignment: Assignment, seed: str = "") -> tuple[Expectations, bool]:
    """Return the expectations to grade with, and whether they are of the hidden seed; refuse stale
    ones.

    seed: "public" for those that students have; empty for the hidden ones if they are there
    """
    from grader.assignment.expectations import Expectations

    hidden = seed != "public" and assignment.expectations_path("hidden").is_file()
    path = assignment.expectations_path("hidden" if hidden else "public")
    expectations = Expectations.read(path)
    if expectations.provenance.assignment != assignment.digest:
        raise AssignmentError(
            f"{path} is stale: the assignment has changed since; run `grader record`"
        )
    return expectations, hidden


class Grader:
    """Grades submissions of one assignment, one after the other, with everything that they share
    read once.

    A context manager: the sandbox is opened on entry and ended on exit, unless one was given, on
    its way already.
    """

    def __init__(
        self, assignment: Assignment, options: Options, opening: HasSandbox | None = None
    ) -> None:
        _check_only(assignment, options.only)
        self.assignment = assignment
        self.options = options
        self.expectations, self.hidden = load_expectations(assignment, options.seed)
        self._wanted = wanted(assignment)
        self._reference = None if options.seed == "public" else assignment.reference_modules()
        self._known: KnownMistakes | None = None
        self._known_read = False
        self._given = opening
        self._own: Opening | None = None
        self._begun = 0  # submissions

    def __enter__(self) -> Self:
        opening: HasSandbox
        if self._given is None:
            opening = self._own = Opening(self.assignment, self.options.isolation)
        else:
            opening = self._given
        # and with it NumPy and nbclient, which take a while
        importlib.import_module("grader.checking.run.session")
        self._sandbox = opening.sandbox()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._own is not None:
            self._own.close()

    def grade(self, submission: Path) -> Graded:
        """Grade a submission; raises `CannotGrade` where there is nothing to grade."""
        return self.grade_taken(take_in(submission, self._wanted))

    def grade_taken(self, taken: Taken) -> Graded:
        """Grade what was taken in already."""
        self._begun += 1
        # a class: what there is by now stays, and is not looked through for garbage again
        if self._begun == 2:
            gc.collect()
            gc.freeze()
        started, start = datetime.now(UTC), time.perf_counter()
        results, outcome = self._run(taken)
        notebooks = {name: node for name, node in outcome.notebooks.items() if node is not None}
        spec = self.assignment.spec
        report = Report(
            schema=REPORT_SCHEMA,
            assignment=spec.name,
            version=spec.version,
            title=spec.title,
            submission=taken.name,
            score=total(check.points for check in results),
            max_score=total(check.max_points for check in results),
            isolation=self._sandbox.tier,
            seconds=round(time.perf_counter() - start, 3),
            started=started.isoformat(timespec="seconds"),
            questions=questions(spec, results),
            checks=tuple(results),
            notes=(*taken.notes, *outcome.notes, *self._practice_notes(taken)),
            look=(*taken.look, *outcome.look, *_stopped(results)),
            seed="hidden" if self.hidden else "public",
            coarse=self.hidden and spec.error_maps == "coarse",
            notebooks=tuple(notebooks),
            practice=bool(spec.handout_of),
        )
        sources = {
            path: data.decode("utf-8", "replace")
            for path, data in taken.files.items()
            if path.endswith(".py")
        }
        return Graded(report, notebooks, sources)

    def _is_asked(self, check: str) -> bool:
        return not self.options.only or check in self.options.only

    def _practice_notes(self, taken: Taken) -> list[str]:
        """Return what a student would want to know of their notebooks before the deadline."""
        found: list[str] = []
        asked = {
            check.notebook for check in self.assignment.spec.checks if self._is_asked(check.id)
        }
        for book in self.assignment.spec.notebooks if self.assignment.spec.handout_of else ():
            if book.path not in asked or book.path in self.options.live:
                continue
            author = listed_cells((self.assignment.folder / book.source).read_bytes())
            said = remarks(author, listed_cells(taken.files.get(book.path, b"")))
            found += [f"{book.path}: {remark}" for remark in said]
        return found

    def _known_mistakes(self) -> KnownMistakes | None:
        """Return what known mistakes answer, which is read when the first check fails."""
        if not self._known_read:
            self._known, self._known_read = known_mistakes(self.assignment, self.hidden), True
        return self._known

    def _run(self, taken: Taken) -> tuple[list[CheckResult], Outcome]:
        from grader.checking.run.plan import Plan  # not before there is something to grade
        from grader.checking.run.session import run_checks
        from grader.checking.run.verdicts import CheckOutcome

        results: dict[str, CheckResult] = {}

        def finished(check: CheckOutcome) -> None:
            spec = self.assignment.check(check.id)
            assert spec is not None
            results[check.id] = score_check(spec, check)
            self.options.on_check(results[check.id])

        plan = Plan(
            assignment=self.assignment,
            sandbox=self._sandbox,
            files={**taken.files, **taken.more},
            expectations=self.expectations,
            hidden=self.hidden,
            only=self.options.only,
            on_check=finished,
            on_wait=self.options.on_wait,
            known=self._known_mistakes,
            reference=self._reference,
            boxes=self.options.boxes,
            live=self.options.live,
        )
        outcome = run_checks(plan)
        in_order = [
            results[check.id] for check in self.assignment.spec.checks if check.id in results
        ]
        return in_order, outcome


def _stopped(checks: list[CheckResult]) -> list[str]:
    """Return a sentence for each cell of a notebook that stopped what checks need."""
    stopped: dict[str, list[str]] = {}
    for check in checks:
        cells = dict.fromkeys(case.stopped_by for case in check.cases if case.stopped_by)
        for cell in cells:
            stopped.setdefault(cell, []).append(check.id)
    return [
        f"{cell} stopped, and {_named(ids)} need{'s' * (len(ids) == 1)} it"
        for cell, ids in stopped.items()
    ]


def _named(ids: list[str]) -> str:
    return ", ".join(f"`{id_}`" for id_ in ids)


def grade(
    assignment: Assignment, submission: Path, options: Options, opening: Opening | None = None
) -> Graded:
    """Grade one submission; raises `CannotGrade` where there is nothing to grade."""
    with Grader(assignment, options, opening) as grader:
        return grader.grade(submission)


def known_mistakes(assignment: Assignment, hidden: bool) -> KnownMistakes | None:
    """Return what known mistakes answer to the seed in use, or None if that was not recorded."""
    from grader.checking.explain.diagnosis import KnownMistakes

    return KnownMistakes.of(assignment, "hidden" if hidden else "public")


def _check_only(assignment: Assignment, only: frozenset[str]) -> None:
    known = [check.id for check in assignment.spec.checks]
    for id_ in sorted(only):
        if id_ not in known:
            raise UsageError(
                f"--only {id_}: there is no such check (there are: {', '.join(known)})"
            )
