"""The audit: are the checks themselves right? They must fail what is wrong and pass what is right,
however written.

Five kinds of submission go through the real checks: the known mistakes, mutants of the reference,
solutions that answer without work, right solutions that are written in unusual ways, and notebooks
in which one cell is wrong. What comes out is data and sentences for the assignment's author.
"""

from __future__ import annotations

import tempfile
import time
import tomllib
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

import msgspec

from grader.assignment.exposure import refuse_readable
from grader.assignment.misconceptions import FOLDER, Misconception, apply, load_all
from grader.assignment.spec import Assignment
from grader.authoring.audit import lazy_solutions
from grader.authoring.audit.findings import (
    EQUIVALENT,
    Audit,
    FragileCheck,
    LazyResult,
    MisconceptionResult,
    MutantResult,
    RightResult,
    State,
    advice,
    fragile_advice,
    lazy_advice,
    names,
    rows,
)
from grader.authoring.audit.in_box_advice import in_box_advice
from grader.authoring.audit.mutants import Mutant, mutants
from grader.authoring.audit.notebook_trials import (
    notebook_advice,
    notebook_results,
    notebook_trials,
)
from grader.authoring.audit.trial_runs import Bench, Trial, Verdict, run_all, settle
from grader.authoring.record import reference_files
from grader.checking.explain.diagnosis import KnownMistakes, Mistake, rivals
from grader.errors import AssignmentError, UsageError

SCHEMA = 1
OTHER_SEEDS = ("1", "2", "3")
# the seed with which known mistakes are tried too: nothing was recorded with it
FRESH = OTHER_SEEDS[0]
PARTS = ("misconceptions", "mutants", "right", "lazy", "notebooks")


class Equivalent(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """``[[equivalent]]`` of ``equivalent_mutants.toml``: a mutant that is right as well, and
    why.
    """

    function: str
    diff: str  # as the audit prints it
    reason: str

    @property
    def key(self) -> tuple[str, str]:
        """What it has in common with its mutant, wherever in the file that stands."""
        return key_of(self.function, self.diff)


def key_of(function: str, diff: str) -> tuple[str, str]:
    """Return a function and a diff without the spaces around its lines."""
    return function, "\n".join(line.strip() for line in diff.strip().splitlines())


class Options(msgspec.Struct, frozen=True):
    """What is to be audited, and how."""

    isolation: str = "auto"
    workers: int | None = None
    right: Path | None = None
    parts: tuple[str, ...] = PARTS
    full: bool = False  # whether right solutions also have their notebooks run
    on_start: Callable[[int], None] = lambda count: None
    on_done: Callable[[Trial, Verdict], None] = lambda trial, verdict: None


def audit(assignment: Assignment, options: Options) -> Audit:
    """Run everything and judge it; raises `AssignmentError` where the assignment or one of its
    lists is broken.
    """
    refuse_readable(assignment)
    start = time.perf_counter()
    plan = _Plan(assignment, options)
    observed = list(plan.observed_trials())
    wrong = [*plan.misconception_trials(), *plan.lazy_trials(), *plan.mutant_trials()]
    trials = [*plan.right_trials(), *wrong, *plan.notebook_trials()]
    options.on_start(len(observed) + len(trials))
    bench = Bench(str(assignment.folder), settle(assignment, options.isolation))
    plan.learn(run_all(bench, observed, options.workers, options.on_done))
    with tempfile.TemporaryDirectory(prefix="grader-audit-") as folder:
        path = Path(folder) / "known-mistakes.json"
        plan.known.write(path)
        bench = msgspec.structs.replace(bench, known=((FRESH, str(path)),))
        verdicts = run_all(bench, trials, options.workers, options.on_done)
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
        isolation=bench.isolation,
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
    """Yield the checks that broke, each with all on which it did."""
    broke: dict[str, dict[str, str]] = {}
    # they came in the order in which they were done
    for (id_, _), verdict in sorted(verdicts.items()):
        for check, message in verdict.faults.items():
            broke.setdefault(check, {}).setdefault(id_, message)
    for check, messages in sorted(broke.items()):
        yield FragileCheck(check, next(iter(messages.values())), tuple(messages))


class _Plan:
    """What is tried, and how the verdicts are to be read."""

    def __init__(self, assignment: Assignment, options: Options) -> None:
        self.assignment = assignment
        self.options = options
        self.all = tuple(check.id for check in assignment.spec.checks)
        self.quick = tuple(check.id for check in assignment.spec.checks if not check.notebook)
        self.reference = reference_files(assignment)
        self.seed = "hidden" if assignment.expectations_path("hidden").is_file() else "public"
        parts = options.parts
        self.misconceptions = (
            load_all(assignment.folder / FOLDER) if "misconceptions" in parts else ()
        )
        self.mutants = mutants(self.reference) if "mutants" in parts else ()
        self.equivalent = (
            read_equivalent(assignment.folder / EQUIVALENT) if "mutants" in parts else {}
        )
        self.right = right_solutions(assignment, options.right) if "right" in parts else {}
        self.lazy = lazy_solutions.solutions(assignment, self.reference) if "lazy" in parts else ()
        # what known mistakes answer to the fresh seed
        self.known = KnownMistakes(assignment.digest, {}, {})
        for misconception in self.misconceptions:
            for id_ in misconception.fails:
                if id_ not in self.all:
                    raise AssignmentError(
                        f"{assignment.folder / FOLDER / misconception.id}.toml: `fails` names"
                        f" {id_!r}, which is no check (there are: {', '.join(self.all)})"
                    )

    # --- trials -----------------------------------------------------------------------------------

    def observed_trials(self) -> Iterator[Trial]:
        """Yield the known mistakes, to be seen what they answer to the fresh seed, as recording
        does.
        """
        for one in self.misconceptions:
            yield Trial(one.id, self._changed(one), FRESH, (frozenset(one.fails),), observed=True)

    def learn(self, verdicts: dict[tuple[str, str], Verdict]) -> None:
        """Keep what was observed."""
        for one in self.misconceptions:
            self.known.answers[one.id] = verdicts[one.id, FRESH].answers
            self.known.mistakes[one.id] = Mistake(one.name, one.hint, one.share)

    def notebook_trials(self) -> Iterator[Trial]:
        """Yield notebooks with one thing wrong in them, if they were asked for."""
        if "notebooks" in self.options.parts:
            yield from notebook_trials(self.assignment, self.reference, self.seed)

    def misconception_trials(self) -> Iterator[Trial]:
        """Yield the known mistakes, with the seed that grades and with a fresh one."""
        for one in self.misconceptions:
            for seed in (self.seed, FRESH):
                yield Trial(
                    f"misconception:{one.id}", self._changed(one), seed, (self._asked(one),)
                )

    def right_trials(self) -> Iterator[Trial]:
        """Yield the right solutions, with every seed there is and some more."""
        seeds = [
            seed
            for seed in ("hidden", "public")
            if self.assignment.expectations_path(seed).is_file()
        ]
        for name, files in self.right.items():
            for seed in (*seeds, *OTHER_SEEDS):
                notebooks = any(path.endswith(".ipynb") for path in files) or (
                    self.options.full and seed == self.seed
                )
                checks = self.all if notebooks or not self.quick else self.quick
                yield Trial(f"right:{name}", files, seed, (frozenset(checks),), hurry=False)

    def mutant_trials(self) -> Iterator[Trial]:
        """Yield the mutants: held against the notebooks only where all else has let them
        through.
        """
        slow = frozenset(self.all) - frozenset(self.quick)
        for mutant in self.mutants:
            stages = (
                (frozenset(self.quick),)
                if self._reason(mutant) and self.quick
                else (frozenset(self.quick), slow)
            )
            yield Trial(
                f"mutant:{mutant.id}", {mutant.file: mutant.text.encode()}, self.seed, stages
            )

    def lazy_trials(self) -> Iterator[Trial]:
        """Yield the lazy solutions; one function alone is not held against notebooks of others."""
        for one in self.lazy:
            every = self.assignment.spec.checks if one.file else ()
            own = tuple(check.id for check in every if check.notebook == one.file)
            checks = (
                self.all
                if one.function == lazy_solutions.ALL or not self.quick
                else own or self.quick
            )
            yield Trial(f"lazy:{one.id}", one.files, self.seed, (frozenset(checks),))

    def _changed(self, misconception: Misconception) -> dict[str, bytes]:
        return _different(apply(misconception, self.reference), self.reference)

    def _asked(self, misconception: Misconception) -> frozenset[str]:
        slow = set(misconception.fails) - set(self.quick)
        return frozenset(self.all if slow else self.quick)

    def _reason(self, mutant: Mutant) -> str:
        found = self.equivalent.get(key_of(mutant.function, mutant.diff))
        return found.reason if found is not None else ""

    # --- results ----------------------------------------------------------------------------------

    def mutant_results(self, verdicts: dict[tuple[str, str], Verdict]) -> Iterator[MutantResult]:
        """Yield what became of the mutants."""
        for mutant in self.mutants:
            failed = tuple(verdicts[f"mutant:{mutant.id}", self.seed].noticed)
            reason = self._reason(mutant)
            state = State.KILLED if failed else State.EQUIVALENT if reason else State.SURVIVED
            yield MutantResult(
                mutant.id,
                mutant.file,
                mutant.function,
                mutant.description,
                mutant.diff,
                state,
                failed,
                reason,
            )

    def misconception_results(
        self, verdicts: dict[tuple[str, str], Verdict]
    ) -> Iterator[MisconceptionResult]:
        """Yield how the known mistakes fared."""
        for one in self.misconceptions:
            own = {seed: verdicts[f"misconception:{one.id}", seed] for seed in (self.seed, FRESH)}
            told = own[FRESH].hints
            yield MisconceptionResult(
                id=one.id,
                name=one.name,
                fails=one.fails,
                seeds=tuple(own),
                passes_wrongly=tuple(
                    id_ for id_ in one.fails if any(id_ not in v.noticed for v in own.values())
                ),
                fails_wrongly={
                    id_: message
                    for v in own.values()
                    for id_, message in v.noticed.items()
                    if id_ not in one.fails
                },
                hinted=tuple(id_ for id_, mistake in told.items() if mistake.hint == one.hint),
                misled={
                    id_: mistake.name
                    for id_, mistake in told.items()
                    if mistake.name and mistake.hint != one.hint
                },
                rivals=rivals(self.known, one.id),
            )

    def right_results(self, verdicts: dict[tuple[str, str], Verdict]) -> Iterator[RightResult]:
        """Yield how the right solutions fared."""
        for name in self.right:
            own = {
                seed: verdict for (id_, seed), verdict in verdicts.items() if id_ == f"right:{name}"
            }
            lost = {seed: verdict.noticed for seed, verdict in own.items() if verdict.noticed}
            yield RightResult(
                name, tuple(own), lost, any(verdict.hints for verdict in own.values())
            )

    def lazy_results(self, verdicts: dict[tuple[str, str], Verdict]) -> Iterator[LazyResult]:
        """Yield what the lazy solutions have won.

        That is all of it if every function is lazy, else what a check gives that calls the lazy one
        last: an earlier one may hand on what the right answer of a later one is made of.
        """
        bounds = {check.id: check.lazy_share for check in self.assignment.spec.checks}
        for one in self.lazy:
            verdict = verdicts[f"lazy:{one.id}", self.seed]
            won: dict[str, float] = {}
            for id_, share in verdict.won.items():
                judged = {name.rpartition(".")[2] for name in verdict.judged[id_]}
                if share > 0 and (not one.function or one.function.rpartition(".")[2] in judged):
                    won[id_] = round(share, 4)
            over = {id_: bounds[id_] for id_, share in won.items() if share > bounds[id_] + 1e-4}
            yield LazyResult(one.id, one.function, won, over)

    def problems(self, results: Sequence[MutantResult]) -> Iterator[str]:
        """Yield what is wrong with the list of equivalent mutants."""
        known = {key_of(mutant.function, mutant.diff) for mutant in self.mutants}
        for key, one in self.equivalent.items():
            if key not in known:
                yield (
                    f"{EQUIVALENT}: no mutant of `{one.function}` has this diff any"
                    f" more:\n{one.diff.strip()}"
                )
        alive = {
            (result.function, result.diff) for result in results if result.state is not State.KILLED
        }
        for result in results:
            if result.reason and (result.function, result.diff) not in alive:
                yield (
                    f"{EQUIVALENT}: {result.id} is listed, but {names(result.failed)} can tell it"
                    " from the reference"
                )


# --- what lies on disk ----------------------------------------------------------------------------


def read_equivalent(path: Path) -> dict[tuple[str, str], Equivalent]:
    """Read the mutants that were judged equivalent by hand, by function and diff; none where there
    is no file.
    """
    if not path.is_file():
        return {}
    try:
        raw = tomllib.loads(path.read_text(encoding="utf-8"))
        found = msgspec.convert(raw, dict[str, tuple[Equivalent, ...]]).get("equivalent", ())
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError, msgspec.ValidationError) as error:
        raise AssignmentError(f"{path}: {error}") from error
    for one in found:
        if not one.reason.strip():
            raise AssignmentError(
                f"{path}: the mutant of `{one.function}` has no `reason`: say why it is right"
            )
    return {one.key: one for one in found}


def right_solutions(assignment: Assignment, folder: Path | None) -> dict[str, dict[str, bytes]]:
    """Return the right but unusual solutions by name: the files in which each differs from the
    reference.
    """
    if folder is None:
        places = assignment.folder / "right", assignment.folder.parent / "tests" / "right"
        found_at = [place for place in places if place.is_dir()]
        if not found_at:
            return {}
        folder = found_at[0]
    elif not folder.is_dir():
        raise UsageError(f"there is no folder {folder} with right solutions")
    asked = [
        *(file.path for file in assignment.spec.files),
        *(book.path for book in assignment.spec.notebooks),
    ]
    found: dict[str, dict[str, bytes]] = {}
    for solution in sorted(
        path for path in folder.iterdir() if path.is_dir() and not path.name.startswith(("_", "."))
    ):
        files = {
            path: (solution / path).read_bytes() for path in asked if (solution / path).is_file()
        }
        if not files:
            raise UsageError(
                f"{solution} holds none of the files that students write ({', '.join(asked)})"
            )
        for pattern in assignment.spec.own_modules:
            for path in solution.glob(pattern):
                files[path.relative_to(solution).as_posix()] = path.read_bytes()
        found[solution.name] = files
    return found


def _different(files: dict[str, bytes], reference: dict[str, bytes]) -> dict[str, bytes]:
    return {path: data for path, data in files.items() if data != reference.get(path)}
