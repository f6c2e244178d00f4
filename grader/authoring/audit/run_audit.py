"""Tests an assignment's checks: they must fail wrong solutions and pass right ones.

Five kinds of submission are run with the real checks: known mistakes, mutants of the reference,
solutions that answer without work, right solutions that are written in unusual ways, and notebooks
in which one cell is wrong. The result is data, and advice for the assignment's author.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

import msgspec

from grader.assignment.exposure import refuse_readable
from grader.assignment.misconceptions import FOLDER, Misconception, apply, load_all
from grader.assignment.spec import Assignment
from grader.authoring.audit import lazy_solutions
from grader.authoring.audit.audit_advice import advice, fragile_advice, lazy_advice, names
from grader.authoring.audit.audit_inputs import (
    Equivalent,
    key_of,
    read_equivalent,
    right_solutions,
)
from grader.authoring.audit.findings import (
    EQUIVALENT,
    Audit,
    FragileCheck,
    LazyResult,
    MisconceptionResult,
    MutantResult,
    MutantState,
    RightResult,
    rows,
)
from grader.authoring.audit.in_box_advice import in_box_advice
from grader.authoring.audit.mutants import Mutant, mutants
from grader.authoring.audit.notebook_trials import (
    notebook_advice,
    notebook_results,
    notebook_trials,
)
from grader.authoring.audit.trial_runs import Bench, TrialRun, Verdict, Workers, settle
from grader.authoring.record import reference_files
from grader.checking.explain.diagnosis import KnownMistakes, Mistake, rivals
from grader.errors import AssignmentError

SCHEMA = 1
OTHER_SEEDS = ("1", "2", "3")
# Known mistakes are also tried with this seed, for which nothing was recorded.
FRESH = OTHER_SEEDS[0]
PARTS = ("misconceptions", "mutants", "right", "lazy", "notebooks")


class AuditOptions(msgspec.Struct, frozen=True):
    """Options of an audit, and functions that are called as it proceeds."""

    isolation: str = "auto"
    workers: int | None = None
    right: Path | None = None
    parts: tuple[str, ...] = PARTS
    full: bool = False  # whether the notebooks of right solutions are run too
    on_start: Callable[[int], None] = lambda count: None
    on_done: Callable[[TrialRun, Verdict], None] = lambda trial, verdict: None


def audit(assignment: Assignment, options: AuditOptions) -> Audit:
    """Run all trials and judge them; raise `AssignmentError` if the assignment is broken."""
    refuse_readable(assignment)
    start = time.perf_counter()
    plan = _AuditPlan(assignment, options)
    observed = list(plan.observed_trials())
    wrong = [*plan.misconception_trials(), *plan.lazy_trials(), *plan.mutant_trials()]
    trials = [*plan.right_trials(), *wrong, *plan.notebook_trials()]
    options.on_start(len(observed) + len(trials))
    isolation = settle(assignment, options.isolation)
    with tempfile.TemporaryDirectory(prefix="grader-audit-") as folder:
        path = Path(folder) / "known-mistakes.json"
        bench = Bench(str(assignment.folder), isolation, known=((FRESH, str(path)),))
        with Workers(bench, options.workers, max(len(observed), len(trials))) as workers:
            plan.learn(workers.run(observed, options.on_done))
            plan.known.write(path)
            verdicts = workers.run(trials, options.on_done)
    fragile = tuple(_fragile(verdicts))
    mutant_results = tuple(plan.mutant_results(verdicts))
    misconception_results = tuple(plan.misconception_results(verdicts))
    right_results = tuple(plan.right_results(verdicts))
    notebooks = tuple(notebook_results(assignment, plan.reference, verdicts))
    lazy_results = tuple(plan.lazy_results(verdicts))
    return Audit(
        schema=SCHEMA,
        assignment=assignment.spec.name,
        title=assignment.spec.title,
        seed=plan.seed,
        isolation=isolation,
        seconds=round(time.perf_counter() - start, 1),
        parts=options.parts,
        mutants=mutant_results,
        misconceptions=misconception_results,
        right=right_results,
        checks=tuple(rows(plan.quick or plan.all, mutant_results, misconception_results)),
        problems=tuple(plan.problems(mutant_results)),
        advice=(
            *fragile_advice(fragile),
            *notebook_advice(notebooks),
            *lazy_advice(lazy_results),
            *advice(plan.quick or plan.all, mutant_results, misconception_results, right_results),
            *in_box_advice(assignment),
        ),
        fragile=fragile,
        notebooks=notebooks,
        lazy=lazy_results,
    )


def _fragile(verdicts: Mapping[tuple[str, str], Verdict]) -> Iterator[FragileCheck]:
    """Yield the checks that broke, each with the trials on which it did."""
    broke: dict[str, dict[str, str]] = {}
    for (id_, _), verdict in sorted(verdicts.items()):  # the order of arrival is random
        for check, message in verdict.faults.items():
            broke.setdefault(check, {}).setdefault(id_, message)
    for check, messages in sorted(broke.items()):
        yield FragileCheck(check, next(iter(messages.values())), tuple(messages))


class _AuditPlan:
    """The trials of an audit, and what their verdicts mean."""

    def __init__(self, assignment: Assignment, options: AuditOptions) -> None:
        self.assignment = assignment
        self.options = options
        self.all = assignment.spec.check_ids
        self.quick = tuple(check.id for check in assignment.spec.checks if not check.notebook)
        self.reference = reference_files(assignment)
        self.seed = "hidden" if assignment.expectations_path("hidden").is_file() else "public"
        self.misconceptions: tuple[Misconception, ...] = ()
        self.mutants: tuple[Mutant, ...] = ()
        self.equivalent: dict[tuple[str, str], Equivalent] = {}
        self.right: dict[str, dict[str, bytes]] = {}
        self.lazy: tuple[lazy_solutions.Lazy, ...] = ()
        if "misconceptions" in options.parts:
            self.misconceptions = load_all(assignment.folder / FOLDER)
        if "mutants" in options.parts:
            self.mutants = mutants(self.reference)
            self.equivalent = read_equivalent(assignment.folder / EQUIVALENT)
        if "right" in options.parts:
            self.right = right_solutions(assignment, options.right)
        if "lazy" in options.parts:
            self.lazy = lazy_solutions.solutions(assignment, self.reference)
        self.known = KnownMistakes(assignment.digest, {}, {})  # with their answers to FRESH
        for misconception in self.misconceptions:
            for id_ in misconception.fails:
                if id_ not in self.all:
                    raise AssignmentError(
                        f"{assignment.folder / FOLDER / misconception.id}.toml: `fails` names"
                        f" {id_!r}, which is not a check (there are: {', '.join(self.all)})"
                    )

    # --- trials -----------------------------------------------------------------------------------

    def observed_trials(self) -> Iterator[TrialRun]:
        """Yield the known mistakes, to observe their answers to the fresh seed."""
        for one in self.misconceptions:
            yield TrialRun(
                one.id, self._changed(one), FRESH, (frozenset(one.fails),), observed=True
            )

    def learn(self, verdicts: dict[tuple[str, str], Verdict]) -> None:
        """Keep the observed answers."""
        for one in self.misconceptions:
            self.known.answers[one.id] = verdicts[one.id, FRESH].answers
            self.known.mistakes[one.id] = Mistake(one.name, one.hint, one.share)

    def notebook_trials(self) -> Iterator[TrialRun]:
        """Yield notebooks with one mistake each, if they were asked for."""
        if "notebooks" in self.options.parts:
            yield from notebook_trials(self.assignment, self.reference, self.seed)

    def misconception_trials(self) -> Iterator[TrialRun]:
        """Yield the known mistakes with the grading seed and with a fresh one."""
        for one in self.misconceptions:
            for seed in (self.seed, FRESH):
                yield TrialRun(
                    f"misconception:{one.id}", self._changed(one), seed, (self._asked(one),)
                )

    def right_trials(self) -> Iterator[TrialRun]:
        """Yield the right solutions with every recorded seed and some others."""
        seeds = list(OTHER_SEEDS)
        for seed in ("public", "hidden"):
            if self.assignment.expectations_path(seed).is_file():
                seeds.insert(0, seed)
        for name, files in self.right.items():
            own_notebook = any(path.endswith(".ipynb") for path in files)
            for seed in seeds:
                notebooks = own_notebook or (self.options.full and seed == self.seed)
                checks = self.all if notebooks or not self.quick else self.quick
                yield TrialRun(f"right:{name}", files, seed, (frozenset(checks),), hurry=False)

    def mutant_trials(self) -> Iterator[TrialRun]:
        """Yield the mutants; the notebooks' checks run only if no other check fails."""
        quick = frozenset(self.quick)
        for mutant in self.mutants:
            stages = (quick, frozenset(self.all) - quick)
            if self._reason(mutant) and quick:
                stages = (quick, frozenset())
            files = {mutant.file: mutant.text.encode()}
            yield TrialRun(f"mutant:{mutant.id}", files, self.seed, stages)

    def lazy_trials(self) -> Iterator[TrialRun]:
        """Yield the lazy solutions; a single lazy function is run with the checks of its file."""
        for one in self.lazy:
            checks = self.all
            if one.function != lazy_solutions.ALL and self.quick:
                every = self.assignment.spec.checks
                own = [check.id for check in every if check.notebook == one.file]
                checks = tuple(own) or self.quick
            yield TrialRun(f"lazy:{one.id}", one.files, self.seed, (frozenset(checks),))

    def _changed(self, misconception: Misconception) -> dict[str, bytes]:
        """Return the files of a known mistake that differ from the reference's."""
        files = apply(misconception, self.reference)
        return dict(files.items() - self.reference.items())

    def _asked(self, misconception: Misconception) -> frozenset[str]:
        slow = set(misconception.fails) - set(self.quick)
        return frozenset(self.all if slow else self.quick)

    def _reason(self, mutant: Mutant) -> str:
        found = self.equivalent.get(key_of(mutant.function, mutant.diff))
        return found.reason if found is not None else ""

    # --- results ----------------------------------------------------------------------------------

    def mutant_results(self, verdicts: dict[tuple[str, str], Verdict]) -> Iterator[MutantResult]:
        """Yield the mutants' outcomes."""
        for mutant in self.mutants:
            failed = tuple(verdicts[f"mutant:{mutant.id}", self.seed].noticed)
            reason = self._reason(mutant)
            state = (
                MutantState.KILLED
                if failed
                else MutantState.EQUIVALENT
                if reason
                else MutantState.SURVIVED
            )
            yield MutantResult(
                mutant.id,
                mutant.file,
                mutant.function,
                mutant.place,
                mutant.description,
                mutant.diff,
                state,
                failed,
                reason,
            )

    def misconception_results(
        self, verdicts: dict[tuple[str, str], Verdict]
    ) -> Iterator[MisconceptionResult]:
        """Yield the known mistakes' outcomes."""
        for one in self.misconceptions:
            passes_wrongly = dict.fromkeys(one.fails, False)
            fails_wrongly: dict[str, str] = {}
            seeds = dict.fromkeys((self.seed, FRESH))
            for seed in seeds:
                noticed = verdicts[f"misconception:{one.id}", seed].noticed
                for id_ in one.fails:
                    passes_wrongly[id_] |= id_ not in noticed
                for id_, message in noticed.items():
                    if id_ not in one.fails:
                        fails_wrongly[id_] = message
            hinted: list[str] = []
            misled: dict[str, str] = {}
            for id_, mistake in verdicts[f"misconception:{one.id}", FRESH].hints.items():
                if mistake.hint == one.hint:
                    hinted.append(id_)
                elif mistake.name:
                    misled[id_] = mistake.name
            yield MisconceptionResult(
                id=one.id,
                name=one.name,
                fails=one.fails,
                seeds=tuple(seeds),
                passes_wrongly=tuple(filter(passes_wrongly.get, one.fails)),
                fails_wrongly=fails_wrongly,
                hinted=tuple(hinted),
                misled=misled,
                rivals=rivals(self.known, one.id),
            )

    def right_results(self, verdicts: dict[tuple[str, str], Verdict]) -> Iterator[RightResult]:
        """Yield the right solutions' outcomes."""
        for name in self.right:
            seeds: list[str] = []
            lost: dict[str, dict[str, str]] = {}
            hinted = False
            for (id_, seed), verdict in verdicts.items():
                if id_ == f"right:{name}":
                    seeds.append(seed)
                    hinted = hinted or bool(verdict.hints)
                    if verdict.noticed:
                        lost[seed] = verdict.noticed
            yield RightResult(name, tuple(seeds), lost, hinted)

    def lazy_results(self, verdicts: dict[tuple[str, str], Verdict]) -> Iterator[LazyResult]:
        """Yield the shares of points that the lazy solutions have won.

        If one function is lazy, only checks that call it last count: what an earlier call returns
        may be a part of a later call's right answer.
        """
        bounds = {check.id: check.lazy_share for check in self.assignment.spec.checks}
        for one in self.lazy:
            verdict = verdicts[f"lazy:{one.id}", self.seed]
            won: dict[str, float] = {}
            over: dict[str, float] = {}
            for id_, share in verdict.won.items():
                judged = [name.rpartition(".")[2] for name in verdict.judged[id_]]
                if share > 0 and (not one.function or one.function.rpartition(".")[2] in judged):
                    won[id_] = round(share, 4)
                    if won[id_] > bounds[id_] + 1e-4:
                        over[id_] = bounds[id_]
            yield LazyResult(one.id, one.function, won, over)

    def problems(self, results: Sequence[MutantResult]) -> Iterator[str]:
        """Yield what is wrong with the list of equivalent mutants."""
        known = {key_of(mutant.function, mutant.diff) for mutant in self.mutants}
        for key, one in self.equivalent.items():
            if key not in known:
                yield (
                    f"{EQUIVALENT}: no mutant {one.place} has this diff any more:"
                    f"\n{one.diff.strip()}"
                )
        alive = set()
        for result in results:
            if result.state is not MutantState.KILLED:
                alive.add((result.function, result.diff))
        for result in results:
            if result.reason and (result.function, result.diff) not in alive:
                yield (
                    f"{EQUIVALENT}: {result.id} is listed, but {names(result.failed)} can"
                    " distinguish it from the reference"
                )
