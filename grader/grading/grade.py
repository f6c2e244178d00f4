"""Grades one submission: intake, checks in this process, the student's code in a box, a `Report`.

NumPy and pytest are imported only when they are first needed: a class that has not changed since
its last run needs neither.
"""

from __future__ import annotations

import gc
import hashlib
import importlib
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, Self

import msgspec

from grader.assignment import exposure
from grader.assignment.spec import SPEC_NAME, Assignment
from grader.errors import AssignmentError, UsageError
from grader.grading.intake.candidates import TemplateFile, draft_of, listed_cells
from grader.grading.intake.submitted_files import MIB, IntakeLimits, Wanted
from grader.grading.intake.take import Taken
from grader.grading.intake.text_notebooks import take_in
from grader.grading.scoring import questions, score_check
from grader.grading.startup import Opening, runs_notebooks
from grader.markers import released
from grader.model import REPORT_SCHEMA, CheckResult, Report, sums
from grader.notebooks.advice import remarks
from grader.notebooks.cells import is_students, text_of
from grader.notebooks.definitions import definitions
from grader.text import quoted

if TYPE_CHECKING:
    from grader.assignment.expectations import Expectations
    from grader.checking.explain.diagnosis import KnownMistakes
    from grader.checking.run.plan import Outcome
    from grader.checking.session.run_checks import KeptChecks
    from grader.sandbox.box import Sandbox

HANDOUT_PAGES = ("README.md", "tox.ini", "toxfile.py", "pytest.ini", ".gitignore")
# the folders that a handout brings or that its tools make
HANDOUT_FOLDERS = ("assignment", "wheels", "report")
# what may stand beside a solution in the same folder: what an author writes, and what the commands
# make of it
ASSIGNMENT_ITSELF = (
    SPEC_NAME,
    "equivalent_mutants.toml",
    *exposure.FOLDERS,
    "student_template",
    "dist",
    "report",
)
Progress = Callable[[CheckResult], None]


class Graded(msgspec.Struct, frozen=True):
    """A report, and what is written beside it."""

    report: Report
    # name -> the executed notebook, a NotebookNode that the student's code made: hostile
    notebooks: dict[str, Any]
    sources: dict[str, str]  # the student's files as text, for the report


class Options(msgspec.Struct, frozen=True):
    """How to grade."""

    isolation: str = "auto"
    only: frozenset[str] = frozenset()
    on_check: Progress = lambda check: None
    # called when only a notebook is still running
    on_wait: Callable[[], None] = lambda: None
    boxes: int = 8  # how many may run at a time
    seed: str = ""  # "public": the hidden seed is not read; empty: the hidden one if it is there
    # notebooks whose running kernel is judged: path -> the `Sandbox` that opens it
    live: Mapping[str, Any] = {}


class HasSandbox(Protocol):
    """An object that has a sandbox, or is opening one."""

    def sandbox(self) -> Sandbox: ...


def wanted(assignment: Assignment) -> Wanted:
    """Return what the intake takes from a submission, and the provided files it compares."""
    spec = assignment.spec
    digests: dict[str, str] = {}
    for place, path in assignment.provided.items():
        digests[place] = hashlib.sha256(path.read_bytes()).hexdigest()
    passed_over: frozenset[str] = frozenset()
    if spec.handout_of:  # practice: the handout's own files are in the same folder
        archive = f"{spec.name}-submission.zip"
        passed_over = frozenset({*HANDOUT_PAGES, *HANDOUT_FOLDERS, archive})
    return Wanted(
        files=spec.file_paths,
        notebooks=spec.notebook_paths,
        provided=frozenset(digests),
        digests=digests,
        drafts=_drafts(assignment),
        passed_over=passed_over,
        own_modules=spec.own_modules,
        limits=IntakeLimits(
            max_bytes=spec.limits.submission_mb * MIB, max_entries=spec.limits.submission_files
        ),
    )


def _drafts(assignment: Assignment) -> dict[str, TemplateFile]:
    """Return of each wanted file what students get, by which renamed files are recognised."""
    drafts: dict[str, TemplateFile] = {}
    for file in assignment.spec.files:
        drafts[file.path] = draft_of((), file.provides)
    for notebook in assignment.spec.notebooks:
        cells = listed_cells((assignment.folder / notebook.source).read_bytes())
        names: set[str] = set()
        for cell in cells:
            if is_students(cell) and cell.get("cell_type") == "code":
                names |= definitions(text_of(cell))
        drafts[notebook.path] = draft_of(map(released, map(text_of, cells)), names)
    return drafts


def load_expectations(assignment: Assignment, seed: str = "") -> tuple[Expectations, bool]:
    """Return the expectations to grade with, and whether they are of the hidden seed.

    seed: "public" for those that students have; empty for the hidden ones if they are there

    Raises `AssignmentError` if they were recorded from another state of the assignment.
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
    """Grades submissions of one assignment one after another; what they share is read once.

    A context manager. It opens a sandbox on entry and ends it on exit; a sandbox that was given
    (``opening``) is left to its owner.
    """

    def __init__(
        self, assignment: Assignment, options: Options, opening: HasSandbox | None = None
    ) -> None:
        _check_only(assignment, options.only)
        self.assignment = assignment
        self.options = options
        self.expectations, self.hidden = load_expectations(assignment, options.seed)
        self._wanted = wanted(assignment)
        self._reference = None if options.seed == "public" else assignment.reference_work()
        self._known: KnownMistakes | None = None
        self._known_read = False
        self._given = opening
        self._own: Opening | None = None
        self._begun = 0  # submissions
        self._checks: KeptChecks | None = None

    def __enter__(self) -> Self:
        opening: HasSandbox
        if self._given is None:
            isolation, only = self.options.isolation, self.options.only
            opening = self._own = Opening(self.assignment, isolation, only=only)
        else:
            opening = self._given
        # what takes long is imported while the sandbox starts: NumPy, and nbformat if it is needed
        from grader.checking.session.run_checks import KeptChecks

        self._checks = KeptChecks()
        if runs_notebooks(self.assignment, self.options.only):
            importlib.import_module("grader.notebooks.jupyter_format")
        self._sandbox = opening.sandbox()
        return self

    def __exit__(self, *_: object) -> None:
        if self._own is not None:
            self._own.close()

    def grade(self, submission: Path) -> Graded:
        """Grade a submission; raises `CannotGrade` if nothing in it can be graded."""
        wanted = self._wanted
        if submission.resolve() == self.assignment.folder.resolve():
            # an author's solution, beside the files that make it an assignment
            passed_over = wanted.passed_over.union(ASSIGNMENT_ITSELF)
            wanted = msgspec.structs.replace(wanted, passed_over=passed_over)
        return self.grade_taken(take_in(submission, wanted))

    def grade_taken(self, taken: Taken) -> Graded:
        """Grade a submission that was taken in before."""
        self._begun += 1
        # a class: keep what exists by now out of later garbage collections
        if self._begun == 2:
            gc.collect()
            gc.freeze()
        started, start = datetime.now(UTC), time.perf_counter()
        results, outcome = self._run(taken)
        notebooks: dict[str, Any] = {}
        for name, node in outcome.notebooks.items():
            if node is not None:
                notebooks[name] = node
        spec = self.assignment.spec
        score, max_score = sums(results)
        report = Report(
            schema=REPORT_SCHEMA,
            assignment=spec.name,
            version=spec.version,
            title=spec.title,
            submission=taken.name,
            score=score,
            max_score=max_score,
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
        return Graded(report, notebooks, _sources(taken))

    def _is_asked(self, check: str) -> bool:
        return not self.options.only or check in self.options.only

    def _practice_notes(self, taken: Taken) -> list[str]:
        """Return what a student should know of their notebooks before the deadline."""
        notes: list[str] = []
        spec = self.assignment.spec
        if not spec.handout_of:
            return notes
        asked = {check.notebook for check in spec.checks if self._is_asked(check.id)}
        for book in spec.notebooks:
            if book.path not in asked or book.path in self.options.live:
                continue
            author = listed_cells((self.assignment.folder / book.source).read_bytes())
            for remark in remarks(author, listed_cells(taken.files.get(book.path, b""))):
                notes.append(f"{book.path}: {remark}")
        return notes

    def _known_mistakes(self) -> KnownMistakes | None:
        """Return the known mistakes' answers; they are read when the first check fails."""
        if not self._known_read:
            self._known, self._known_read = known_mistakes(self.assignment, self.hidden), True
        return self._known

    def _run(self, taken: Taken) -> tuple[list[CheckResult], Outcome]:
        from grader.checking.run.plan import Plan  # late: only when something is graded
        from grader.checking.run.verdicts import CheckOutcome
        from grader.checking.session.run_checks import run_checks

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
        outcome = run_checks(plan, self._checks)
        ids = self.assignment.spec.check_ids
        return [results[id_] for id_ in ids if id_ in results], outcome


def _sources(taken: Taken) -> dict[str, str]:
    """Return the text of the Python files, for the report."""
    sources: dict[str, str] = {}
    for path, data in taken.files.items():
        if path.endswith(".py"):
            sources[path] = data.decode("utf-8", "replace")
    return sources


def _stopped(checks: list[CheckResult]) -> list[str]:
    """Return a sentence for each cell of a notebook that stopped and that checks need."""
    stopped: dict[str, dict[str, None]] = {}
    for check in checks:
        for case in check.cases:
            if case.stopped_by:
                stopped.setdefault(case.stopped_by, {})[check.id] = None
    sentences: list[str] = []
    for cell, ids in stopped.items():
        need = "needs" if len(ids) == 1 else "need"
        sentences.append(f"{cell} stopped, and {quoted(ids)} {need} it")
    return sentences


def grade(
    assignment: Assignment, submission: Path, options: Options, opening: Opening | None = None
) -> Graded:
    """Grade one submission; raises `CannotGrade` if nothing in it can be graded."""
    with Grader(assignment, options, opening) as grader:
        return grader.grade(submission)


def known_mistakes(assignment: Assignment, hidden: bool) -> KnownMistakes | None:
    """Return the known mistakes' answers for the seed in use, or None if none are recorded."""
    from grader.checking.explain.diagnosis import KnownMistakes

    return KnownMistakes.of(assignment, "hidden" if hidden else "public")


def _check_only(assignment: Assignment, only: frozenset[str]) -> None:
    known = assignment.spec.check_ids
    for id_ in sorted(only.difference(known)):
        raise UsageError(f"--only {id_}: there is no such check (there are: {', '.join(known)})")
