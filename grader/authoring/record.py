"""Records the reference's answers to the public and the hidden seed, twice; refuses differences.

The second time, the checks run from the last to the first. Students may run one check alone, so its
result must not depend on earlier checks.
"""

from __future__ import annotations

import ast
import hashlib
import itertools
import platform
import secrets
from collections.abc import Callable, Iterator
from collections.abc import Set as AbstractSet
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from grader import __version__
from grader.assignment.expectations import (
    SCHEMA,
    CaseRecord,
    Expectations,
    Provenance,
    read_provenance,
)
from grader.assignment.exposure import refuse_readable
from grader.assignment.misconceptions import FOLDER, Misconception, apply, load_all
from grader.assignment.spec import SPEC_NAME, Assignment
from grader.authoring.missing_requires import missing_requires
from grader.authoring.strip import unowned_solutions
from grader.checking.api.changed_arguments import UNTOUCHED
from grader.checking.api.held_values import Mode
from grader.checking.explain.diagnosis import KnownMistakes, Mistake, answers
from grader.checking.judge.judgements import NAN
from grader.checking.judge.values.distances import FLOOR
from grader.checking.run.plan import Plan
from grader.checking.session.run_checks import run_checks
from grader.errors import AssignmentError
from grader.model import CaseResult, Status
from grader.sandbox.ladder import open_sandbox
from grader.sandbox.wire_types import taken_apart
from grader.text import counted

PUBLIC_SEED = "2016"  # not a secret: the handout has its expectations
SEEDS = ("public", "hidden")


def record(
    assignment: Assignment,
    *,
    reseed: bool,
    progress: Callable[[str], None],
    again: bool = True,
) -> dict[str, Expectations]:
    """Run the checks on the reference and write ``expectations/*.h5``; return them by seed's name.

    reseed: whether to draw a new hidden seed and not to keep the recorded one
    again: whether to run the reference a second time, from the last check to the first, and to
        raise `AssignmentError` if a value differs
    """
    refuse_readable(assignment)
    written = {}
    for name in SEEDS:
        seed = PUBLIC_SEED if name == "public" else hidden_seed(assignment, reseed=reseed)
        progress(f"{name} seed: recording")
        first = run_reference(assignment, seed, progress if name == "public" else None)
        if again:
            progress(f"{name} seed: recording again")
            _must_be_reproducible(assignment, first)
        written[name] = first
    for sentence in missing_requires(assignment, written["public"]):
        progress(f"warning: {sentence}")
    known = {}
    for name, one in written.items():
        known[name] = observe(assignment, one, name, progress)
    known["public"] = known["public"].digested(written["public"])
    # Nothing is written before all seeds have been recorded without an error.
    for name, expectations in written.items():
        expectations.write(assignment.expectations_path(name))
        known[name].write(assignment.mistakes_path(name))
    return written


def _must_be_reproducible(assignment: Assignment, first: Expectations) -> None:
    """Raise `AssignmentError` if another run, in this order or backwards, gives other values."""
    seed = first.provenance.seed
    backwards = Assignment(
        assignment.folder,
        msgspec.structs.replace(assignment.spec, checks=assignment.spec.checks[::-1]),
    )
    second = None
    found = ""
    try:
        second = run_reference(backwards, seed)
        for difference in itertools.islice(differences(first, second), 1):
            found = f"{difference} is not what it was"
    except AssignmentError as error:
        found = str(error).partition("\n")[0]
    if not found:
        return
    again = [*differences(first, run_reference(assignment, seed))]
    if second is not None:
        again += differences(second, run_reference(backwards, seed))
    if again:
        raise AssignmentError(
            f"the reference is not reproducible: {again[0]} differs between two runs; seed every"
            " random draw"
        )
    raise AssignmentError(
        f"a check depends on the order: when the checks run from the last to the first, {found}; "
        "let no check use what another left behind, such as a generator or a list of the file"
    )


def check(assignment: Assignment, progress: Callable[[str], None]) -> Iterator[str]:
    """Yield a sentence for each way in which the recorded expectations are stale."""
    refuse_readable(assignment)
    mistakes = {}
    for mistake in _mistakes(assignment):
        mistakes[mistake.id] = Mistake(mistake.name, mistake.hint, mistake.share)
    for name in SEEDS:
        path = assignment.mistakes_path(name)
        known = KnownMistakes.read(path)
        if known is None or known.assignment != assignment.digest or known.mistakes != mistakes:
            yield f"{path.name}: the answers of known mistakes are not those of this assignment"
        path = assignment.expectations_path(name)
        stored = Expectations.read(path)
        if stored.provenance.assignment != assignment.digest:
            yield (
                f"{path.name}: the spec, a check, a notebook or a provided file has changed since"
                " it was recorded"
            )
        if stored.provenance.reference != reference_digest(assignment):
            yield f"{path.name}: the reference has changed since it was recorded"
        progress(f"{name} seed: running the reference against it")
        for problem in compare_reference(assignment, stored):
            yield f"{path.name}: {problem}"


def hidden_seed(assignment: Assignment, *, reseed: bool) -> str:
    """Return the hidden seed: the recorded one, or a new one of 128 bits."""
    path = assignment.expectations_path("hidden")
    if reseed or not path.is_file():
        return str(secrets.randbits(128))
    return read_provenance(path).seed


def reference_files(assignment: Assignment) -> dict[str, bytes]:
    """Return the reference as a submission: the student's files and notebooks."""
    folder = assignment.reference
    if folder is None:
        if assignment.spec.handout_of:
            raise AssignmentError(
                "this is a handout, which has no `reference`: nothing can be recorded from it"
            )
        raise AssignmentError(
            f"{assignment.folder / SPEC_NAME} names no `reference`: give the folder of your"
            ' solution, such as `reference = "../solutions"`, or `reference = "."` if a'
            " notebook is its own reference"
        )
    files = {}
    for file in assignment.spec.files:
        path = folder / file.path
        if not path.is_file():
            raise AssignmentError(f"the reference lacks {file.path}: it should stand at {path}")
        files[file.path] = path.read_bytes()
    for notebook in assignment.spec.notebooks:
        path, source = folder / notebook.path, assignment.folder / notebook.source
        for problem in unowned_solutions(source.read_bytes(), notebook.source):
            raise AssignmentError(problem)
        files[notebook.path] = (path if path.is_file() else source).read_bytes()
    return files


def reference_digest(assignment: Assignment) -> str:
    """SHA-256 over the reference's files."""
    digest = hashlib.sha256()
    for path, data in sorted(reference_files(assignment).items()):
        digest.update(path.encode() + b"\0" + hashlib.sha256(data).digest())
    return digest.hexdigest()


def run_reference(
    assignment: Assignment, seed: str, warn: Callable[[str], None] | None = None
) -> Expectations:
    """Record every check's values from the reference; warn of each case that expects nothing."""
    versions = {"python": platform.python_version(), "numpy": np.__version__, "grader": __version__}
    provenance = Provenance(SCHEMA, seed, assignment.digest, reference_digest(assignment), versions)
    expectations = Expectations(provenance)
    ran = _run(assignment, expectations, mode=Mode.RECORD)
    if failed := list(_failures(assignment, ran)):
        raise AssignmentError("\n".join(failed))
    if warn is None:
        return expectations
    for id_, case in ran:
        for note in case.notes:
            if note.endswith((UNTOUCHED, NAN)):
                warn(f"warning: `{id_}` ({case.id}): {note}")
        compares = case.values or expectations.cases[id_, case.id].values
        if not compares and not asserts(assignment, id_):
            warn(
                f"warning: `{id_}` ({case.id}) expects nothing, so every answer would pass: call"
                " `expect` in it"
            )
        for name in tiny(expectations.cases[id_, case.id]):
            warn(
                f"warning: every entry of `{name}` of `{id_}` ({case.id}) is below {FLOOR:g}, which"
                " counts as rounding, so zero would pass: give `expect` an rtol"
            )
    return expectations


def tiny(case: CaseRecord) -> Iterator[str]:
    """Yield the names of recorded arrays that are not zero, but so small that zero would pass."""
    for name, (value, tolerance) in case.values.items():
        numbers = np.asarray(value) if isinstance(value, np.ndarray | float) else np.zeros(0)
        if (
            numbers.dtype.kind in "fc"
            and tolerance.scaled
            and 0 < np.abs(numbers).max(initial=0.0) < FLOOR
        ):
            yield name


def asserts(assignment: Assignment, id_: str) -> bool:
    """Return whether a check's test asserts something by other means than `expect`."""
    for path in sorted(assignment.checks_folder.rglob("test_*.py")):
        for node in ast.walk(ast.parse(path.read_bytes())):
            if isinstance(node, ast.FunctionDef) and node.name == f"test_{id_}":
                return any(map(_asserts, ast.walk(node)))
    return False


def _asserts(node: ast.AST) -> bool:
    if isinstance(node, ast.Attribute):
        name = node.attr
    elif isinstance(node, ast.Name):
        name = node.id
    else:
        return isinstance(node, ast.Assert)
    return name.startswith("assert") or name in ("must_run", "in_box")


def compare_reference(assignment: Assignment, stored: Expectations) -> Iterator[str]:
    """Yield a sentence for each case that the reference fails with stored expectations."""
    return _failures(assignment, _run(assignment, stored, mode=Mode.COMPARE))


def earns_what_is_said(assignment: Assignment, id_: str, case: CaseResult) -> bool:
    """Return whether the reference has the part of a check's points that the spec says it has."""
    spec = assignment.check(id_)
    if spec is None or spec.reference_points is None:
        return False
    return abs(case.share * spec.points - spec.reference_points) < 0.005


def _failures(assignment: Assignment, ran: list[tuple[str, CaseResult]]) -> Iterator[str]:
    for id_, case in ran:
        if case.status is not Status.PASS and not earns_what_is_said(assignment, id_, case):
            yield f"the reference fails `{id_}` ({case.id}): {case.message}"


def _mistakes(assignment: Assignment) -> tuple[Misconception, ...]:
    return load_all(assignment.folder / FOLDER)


def observe(
    assignment: Assignment, right: Expectations, name: str, progress: Callable[[str], None]
) -> KnownMistakes:
    """Run every known mistake's own checks, and return fingerprints of its answers."""
    reference = reference_files(assignment)
    known = KnownMistakes(assignment.digest, {}, {})
    mistakes = _mistakes(assignment)
    for count, mistake in enumerate(mistakes, start=1):
        if count % 10 == 0 or count == len(mistakes):
            progress(f"{name} seed: known mistakes: {count} of {len(mistakes)}")
        expectations = Expectations(Provenance(SCHEMA, right.provenance.seed, "", "", {}))
        _run(
            assignment,
            expectations,
            mode=Mode.OBSERVE,
            files=apply(mistake, reference),
            only=frozenset(mistake.fails),
        )
        known.answers[mistake.id] = answers(expectations, right)
        known.mistakes[mistake.id] = Mistake(mistake.name, mistake.hint, mistake.share)
    return known


def _run(
    assignment: Assignment,
    expectations: Expectations,
    *,
    mode: Mode,
    files: dict[str, bytes] | None = None,
    only: frozenset[str] = frozenset(),
) -> list[tuple[str, CaseResult]]:
    """Run checks and return their cases; the reference is trusted, so it runs without a box."""
    with open_sandbox("none", assignment.spec.limits, []) as sandbox:
        plan = Plan(
            assignment=assignment,
            sandbox=sandbox,
            files=reference_files(assignment) if files is None else files,
            expectations=expectations,
            mode=mode,
            only=only,
        )
        outcome = run_checks(plan)
    if files is None and outcome.passed_over:
        raise AssignmentError("the reference has a fault: " + "\n".join(outcome.passed_over))
    cases = []
    for id_, check in outcome.checks.items():
        for case in check.cases:
            cases.append((id_, case))
    return cases


def differences(first: Expectations, second: Expectations) -> Iterator[str]:
    """Yield the name of each value that is not the same to the last bit in both."""
    for key in {**first.cases, **second.cases}:
        one = first.cases.get(key, CaseRecord()).values
        other = second.cases.get(key, CaseRecord()).values
        for name in {**one, **other}:
            if name not in one or name not in other or not same(one[name][0], other[name][0]):
                yield f"`{name}` of {key[0]} ({key[1]})"


def same(a: Any, b: Any) -> bool:
    """Return whether two recorded values are equal to the last bit."""
    if isinstance(a, dict):
        if not isinstance(b, dict) or len(a) != len(b):
            return False
        return all(key in b and same(value, b[key]) for key, value in a.items())
    if isinstance(a, list | tuple):
        return type(a) is type(b) and len(a) == len(b) and all(map(same, a, b))
    if isinstance(a, AbstractSet):
        return bool(a == b)
    if isinstance(a, str) or a is None:
        return bool(a == b)
    one, other = taken_apart(a), taken_apart(b)
    if one is not None and other is not None:
        return one.kind == other.kind and same(one.items, other.items)
    floats = np.asarray(a).dtype.kind in "fc"
    return bool(np.array_equal(a, b, equal_nan=floats and np.asarray(b).dtype.kind in "fc"))


def summary(expectations: Expectations, path: Path) -> str:
    """Return a line with the number of cases and values in a written file, and its size."""
    values = sum(len(record_.values) for record_ in expectations.cases.values())
    held = f"{counted(len(expectations.cases), 'case')}, {counted(values, 'value')}"
    return f"{path}: {held}, {path.stat().st_size / 1024:.0f} KiB"
