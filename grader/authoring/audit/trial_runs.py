"""Runs trials on all cores: versions of a submission, each with an assignment's checks.

Every worker process has one sandbox for all of its trials. The trials are the author's own code
with small changes. So plain processes are used if this machine has no sandbox.
"""

from __future__ import annotations

import functools
import multiprocessing
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from multiprocessing.util import Finalize
from pathlib import Path
from typing import Self

import msgspec

from grader.assignment.expectations import SCHEMA, Expectations, Provenance
from grader.assignment.spec import Assignment, load
from grader.authoring.record import earns_what_is_said, reference_files
from grader.checking.api.held_values import Mode
from grader.checking.explain.diagnosis import Answers, KnownMistakes, Mistake, answers
from grader.checking.run.plan import Plan
from grader.checking.run.verdicts import CheckOutcome
from grader.checking.session.run_checks import run_checks
from grader.errors import AssignmentError, IsolationError
from grader.finished_tasks import FinishedTasks
from grader.machine import cores, slowdown
from grader.model import CaseResult, Status
from grader.sandbox.ladder import open_sandbox

RECORDED = ("hidden", "public")  # seeds with recorded expectations
HURRY = 3.0  # seconds for one call of code that may never return
HURRY_NOTEBOOK = 60.0


class Bench(msgspec.Struct, frozen=True):
    """The assignment and sandbox with which trials are run."""

    folder: str  # of the assignment
    isolation: str  # a tier; `settle` turns "auto" into one
    # pairs of a seed and the file of the known mistakes' answers to it, written by the time that a
    # trial is judged
    known: tuple[tuple[str, str], ...] = ()


class TrialRun(msgspec.Struct, frozen=True):
    """One version of a submission, and the checks and seed to run it with."""

    id: str
    files: dict[str, bytes]  # those that differ from the reference's
    seed: str  # "hidden", "public", or the digits of another one
    stages: tuple[frozenset[str], ...]  # checks; a stage is run if all before it passed
    hurry: bool = True  # whether calls have less time than the assignment gives
    observed: bool = False  # whether only the answers are wanted, as for `grader record`


class Verdict(msgspec.Struct, frozen=True):
    """The outcome of a trial."""

    ran: tuple[str, ...]  # ids of checks
    failed: dict[str, str]  # check -> the first message of a case that did not pass
    # check -> why it has no verdict: the check's own fault, not the submission's
    faults: dict[str, str]
    seconds: float
    hints: dict[str, Mistake] = {}  # check -> the known mistake whose hint a student would get
    answers: Answers = {}  # of a trial that was only observed
    won: dict[str, float] = {}  # check -> the share of its points that its passed cases are worth
    judged: dict[str, tuple[str, ...]] = {}  # check -> the function that its last case called last

    @property
    def noticed(self) -> dict[str, str]:
        """Checks that failed or broke, each with its message."""
        return {**self.faults, **self.failed}


def settle(assignment: Assignment, isolation: str) -> str:
    """Return the tier to use: for "auto", the strongest that works here, or plain processes."""
    if isolation != "auto":
        return isolation
    try:
        with open_sandbox(
            "auto", assignment.spec.limits, _readable(assignment), notebooks=False
        ) as sandbox:
            return str(sandbox.tier)
    except IsolationError:
        return "none"


class Workers:
    """Run trials on several processes, or in this one if one is enough. A context manager.

    The workers stay from one call of `run` to the next, with their sandboxes and with what they
    recorded.
    """

    def __init__(self, bench: Bench, workers: int | None, most: int) -> None:
        """``most``: how many trials a call of `run` will have at most."""
        self._bench = bench
        self._pool: ProcessPoolExecutor | None = None
        self._here: TrialWorker | None = None
        count = min(workers or cores(), most)
        if count > 1:
            spawn = multiprocessing.get_context("spawn")
            self._pool = ProcessPoolExecutor(count, mp_context=spawn)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._pool is not None:
            self._pool.shutdown()
        if self._here is not None:
            self._here.close()

    def run(
        self, trials: Sequence[TrialRun], on_done: Callable[[TrialRun, Verdict], None]
    ) -> dict[tuple[str, str], Verdict]:
        """Run trials; return the verdicts by id and seed, and report each."""
        verdicts: dict[tuple[str, str], Verdict] = {}
        if self._pool is None:
            for trial in trials:
                if self._here is None:
                    self._here = TrialWorker(self._bench)
                verdicts[trial.id, trial.seed] = verdict = self._here.run(trial)
                on_done(trial, verdict)
            return verdicts
        with FinishedTasks() as finished:
            try:
                left = dict[Future[Verdict], TrialRun]()
                for trial in trials:
                    future = self._pool.submit(run_one, self._bench, trial)
                    left[future] = trial
                    finished.add(future)
                while left:
                    for future in finished.get():
                        trial = left.pop(future)
                        verdicts[trial.id, trial.seed] = verdict = future.result()
                        on_done(trial, verdict)
            except BaseException:
                self._pool.shutdown(wait=False, cancel_futures=True)
                raise
        return verdicts


# --- in a worker ----------------------------------------------------------------------------------


def run_one(bench: Bench, trial: TrialRun) -> Verdict:
    """Run a trial in this process."""
    return _worker(bench).run(trial)


@functools.cache
def _worker(bench: Bench) -> TrialWorker:
    """Return this process's worker, made when first asked for and closed when the process ends."""
    worker = TrialWorker(bench)
    Finalize(worker, worker.close, exitpriority=10)
    return worker


class TrialWorker:
    """An assignment, its reference, a sandbox, and the expectations of the seeds used so far."""

    def __init__(self, bench: Bench) -> None:
        self._patient = load(Path(bench.folder))
        self._reference = reference_files(self._patient)
        self._expectations: dict[str, Expectations] = {}  # by seed
        self._recorded: dict[str, set[str]] = {}  # the checks that they are of, if not all
        self._known_paths = dict(bench.known)
        self._known: dict[str, KnownMistakes | None] = {}
        self._sandbox = open_sandbox(
            bench.isolation,
            self._patient.spec.limits,
            _readable(self._patient),
            notebooks=bool(self._patient.spec.notebooks),
        )

    def close(self) -> None:
        """End the sandbox."""
        self._sandbox.close()

    def run(self, trial: TrialRun) -> Verdict:
        """Run a trial's stages until one fails."""
        start = time.perf_counter()
        if trial.observed:
            seen = self._observed(trial)
            return Verdict((), {}, {}, round(time.perf_counter() - start, 3), answers=seen)
        ran: list[str] = []
        failed: dict[str, str] = {}
        faults: dict[str, str] = {}
        hints: dict[str, Mistake] = {}
        won: dict[str, float] = {}
        judged: dict[str, tuple[str, ...]] = {}
        for stage in filter(None, trial.stages):
            if failed or faults:
                break
            for id_, check in self._stage(trial, stage).items():
                ran.append(id_)
                won[id_], judged[id_] = self._share(id_, check), check.functions
                if check.mistake.hint:
                    hints[id_] = check.mistake
                for case in check.cases:
                    if case.status is Status.ERROR:
                        faults.setdefault(id_, f"{case.id}: {case.message}")
                    elif not self._is_right(id_, case):
                        failed.setdefault(id_, f"{case.id}: {case.message}")
        seconds = round(time.perf_counter() - start, 3)
        return Verdict(tuple(ran), failed, faults, seconds, hints, won=won, judged=judged)

    def _share(self, id_: str, check: CheckOutcome) -> float:
        """Return the share of a check's points that the cases which passed are worth."""
        spec = self._patient.check(id_)
        weights = (spec.weights if spec is not None else None) or {}
        passed, total = 0.0, 1e-12
        for case in check.cases:
            weight = weights.get(case.id, 1.0)
            total += weight
            passed += weight if self._is_right(id_, case) else 0.0
        return passed / total

    def _is_right(self, id_: str, case: CaseResult) -> bool:
        """Return whether a case passed, or earned all that the reference earns."""
        passed = case.status is Status.PASS
        return passed or earns_what_is_said(self._patient, id_, case)

    def _stage(self, trial: TrialRun, stage: frozenset[str]) -> dict[str, CheckOutcome]:
        return run_checks(
            Plan(
                assignment=timed(self._patient, hurry=trial.hurry),
                sandbox=self._sandbox,
                files={**self._reference, **trial.files},
                expectations=self._expected(trial.seed, stage),
                only=stage,
                known=functools.partial(self._known_with, trial.seed),
            )
        ).checks

    def _known_with(self, seed: str) -> KnownMistakes | None:
        """Return the known mistakes' answers to a seed, if a file of them was named; the file is
        read when it is first asked for.
        """
        if seed not in self._known:
            path = self._known_paths.get(seed)
            self._known[seed] = None if path is None else KnownMistakes.read(Path(path))
        return self._known[seed]

    def _observed(self, trial: TrialRun) -> Answers:
        expectations = Expectations(Provenance(SCHEMA, trial.seed, "", "", {}))
        run_checks(
            Plan(
                assignment=timed(self._patient, hurry=False),
                sandbox=self._sandbox,
                files={**self._reference, **trial.files},
                expectations=expectations,
                mode=Mode.OBSERVE,
                only=frozenset().union(*trial.stages),
            )
        )
        return answers(expectations, self._expected(trial.seed, frozenset().union(*trial.stages)))

    def _expected(self, seed: str, checks: frozenset[str]) -> Expectations:
        """Return what is expected with a seed, by these checks and by all that were asked before:
        the reference is run once by each.
        """
        if seed in RECORDED:
            if seed not in self._expectations:
                self._expectations[seed] = self._read(seed)
            return self._expectations[seed]
        own = Expectations(Provenance(SCHEMA, seed, self._patient.digest, "", {}))
        expectations = self._expectations.setdefault(seed, own)
        done = self._recorded.setdefault(seed, set())
        if missing := checks - done:
            expectations.cases.update(self._record(seed, missing).cases)
            done |= missing
        return expectations

    def _read(self, seed: str) -> Expectations:
        path = self._patient.expectations_path(seed)
        expectations = Expectations.read(path)
        if expectations.provenance.assignment != self._patient.digest:
            raise AssignmentError(
                f"{path} is stale: the assignment has changed since; run `grader record`"
            )
        return expectations

    def _record(self, seed: str, checks: frozenset[str]) -> Expectations:
        expectations = Expectations(Provenance(SCHEMA, seed, self._patient.digest, "", {}))
        outcome = run_checks(
            Plan(
                assignment=timed(self._patient, hurry=False),
                sandbox=self._sandbox,
                files=self._reference,
                expectations=expectations,
                mode=Mode.RECORD,
                only=checks,
            )
        )
        for id_, check in outcome.checks.items():
            for case in check.cases:
                if not self._is_right(id_, case):
                    raise AssignmentError(
                        f"the reference fails `{id_}` ({case.id}) with seed {seed}: {case.message}"
                    )
        return expectations


def timed(assignment: Assignment, *, hurry: bool) -> Assignment:
    """Return an assignment with the limits of a trial.

    On a busy machine all take longer: no mutant may seem to be noticed by that.
    """
    limits, longer = assignment.spec.limits, slowdown()
    call, cell, notebook = limits.call_seconds, limits.cell_seconds, limits.notebook_seconds
    if hurry:  # imports are not hurried: libraries take their time in every trial
        call = min(call, HURRY)
        cell, notebook = min(cell, HURRY_NOTEBOOK), min(notebook, HURRY_NOTEBOOK)
    longer_limits = msgspec.structs.replace(
        limits,
        call_seconds=call * longer,
        import_seconds=limits.import_seconds * longer,
        cell_seconds=cell * longer,
        notebook_seconds=notebook * longer,
    )
    return Assignment(
        assignment.folder, msgspec.structs.replace(assignment.spec, limits=longer_limits)
    )


def _readable(assignment: Assignment) -> list[Path]:
    return sorted(set(assignment.links.values()))
