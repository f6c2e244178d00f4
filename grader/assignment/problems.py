"""Finds mistakes in a spec that types do not catch, such as unknown names and bad numbers."""

from __future__ import annotations

import difflib
import math
import operator
import re
import sys
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path, PurePosixPath

from grader.assignment.schema import CheckSpec, LateSpec, Spec
from grader.files import leads_out
from grader.limits import Limits

SCHEMA = 1
# The most for any limit: 11 days in seconds, a terabyte in MB. Far more overflows system calls.
MOST = 1_000_000
# Modules that the box imports: a student's file of the same name would hide them or be hidden.
TAKEN = (sys.stdlib_module_names - {"code", "test"}) | {
    "grader",
    "h5py",
    "hypothesis",
    "IPython",
    "matplotlib",
    "msgspec",
    "numpy",
    "pandas",
    "pytest",
    "scipy",
}


def problems(spec: Spec, folder: Path) -> Iterator[str]:
    """Yield a sentence for each mistake."""
    yield from _head(spec)
    yield from _doubles(spec)
    yield from _late(spec.late)
    questions = [question.id for question in spec.questions]
    checks = list(spec.check_ids)
    for check in spec.checks:
        if check.question not in questions:
            yield (
                f"check `{check.id}` belongs to the question {check.question!r}, but the questions"
                f" are {', '.join(questions)}"
            )
        yield from _numbers(check)
        yield from _in_box(check, folder, bool(spec.files))
        yield from _requires(check, checks)
        if check.notebook and check.notebook not in spec.notebook_paths:
            yield (
                f"check `{check.id}` belongs to the notebook {check.notebook!r}, but the notebooks"
                f" are {', '.join(spec.notebook_paths)}"
            )
    yield from _manual(spec)
    yield from _rubric(spec)
    yield from _limits(spec.limits)
    yield from _places(spec)
    yield from _sources(spec, folder)
    yield from _beside(spec, folder)


_REQUIREMENT = re.compile(
    r"[A-Za-z0-9][A-Za-z0-9._-]*(?:\[[A-Za-z0-9._,-]+\])?"
    r"(?: *(?:==|>=|<=|~=|!=|<|>) *[A-Za-z0-9.*+!-]+(?: *, *(?:==|>=|<=|~=|!=|<|>)"
    r" *[A-Za-z0-9.*+!-]+)*)?"
)


def _beside(spec: Spec, folder: Path) -> Iterator[str]:
    """Yield mistakes in the keys `box`, `own_modules` and `requires`."""
    box = PurePosixPath(spec.box)
    if spec.box and (box.is_absolute() or ".." in box.parts or box.suffix != ".py"):
        yield (
            f"`box` is {spec.box!r}: give the path of a Python file within the assignment, such as"
            " checks/box.py"
        )
    elif spec.box and not (folder / spec.box).is_file():
        yield f"`box` names {spec.box!r}, and there is no such file"
    for pattern in spec.own_modules:
        if not pattern.endswith(".py") or leads_out(pattern):
            yield (
                f"`own_modules` has {pattern!r}: give a pattern of Python files within the folder,"
                " such as utils*.py"
            )
    for package in spec.requires:
        if _REQUIREMENT.fullmatch(package) is None:
            yield f"`requires` has {package!r}: write a package as pip does, such as pandas>=2"


def closest(word: str, words: list[str]) -> str:
    """Return the word that was probably meant, or nothing."""
    return "".join(difflib.get_close_matches(word, words, n=1))


def _meant(word: str, words: list[str]) -> str:
    """Return a question with the word that was probably meant, or nothing."""
    close = closest(word, words)
    return f": did you mean `{close}`?" if close else ""


def _head(spec: Spec) -> Iterator[str]:
    if spec.schema != SCHEMA:
        yield f"`schema` is {spec.schema}, this grader reads {SCHEMA}"
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}", spec.name):
        yield f"`name` is {spec.name!r}: use letters, digits, '.', '_' and '-'"


def _doubles(spec: Spec) -> Iterator[str]:
    provided: list[str] = []
    for one in spec.files:
        provided += one.provides
    for book in spec.notebooks:
        provided += book.provides
    yield from _named_twice("questions", map(operator.attrgetter("id"), spec.questions))
    yield from _named_twice("checks", spec.check_ids)
    yield from _named_twice("files", spec.file_paths)
    yield from _named_twice("notebooks", spec.notebook_paths)
    yield from _named_twice("manual", map(operator.attrgetter("id"), spec.manual))
    yield from _named_twice("provides", provided)
    if twice := _double(PurePosixPath(path).name for path in spec.notebook_paths):
        yield (
            f"two `notebooks` have the file name {twice!r}: reports keep notebooks by that name, so"
            " rename one"
        )


def _named_twice(what: str, names: Iterable[str]) -> Iterator[str]:
    if twice := _double(names):
        yield f"`{what}` names {twice!r} twice"


def _double(names: Iterable[str]) -> str:
    """Return the first in the alphabet of the names that are there more than once, or nothing."""
    counts = Counter(names)
    return min((name for name in counts if counts[name] > 1), default="")


def _late(late: LateSpec | None) -> Iterator[str]:
    if late is None:
        return
    if late.due is not None and late.due.tzinfo is None:
        yield "`late.due` needs an offset from UTC, such as 2026-05-01T23:59:00+02:00"
    if min(late.grace_minutes, late.free_days, late.percent_per_day, late.max_days or 0) < 0:
        yield "`late` holds a negative number"


def _numbers(check: CheckSpec) -> Iterator[str]:
    if not 0 <= check.points < math.inf:  # TOML has nan and inf
        yield f"check `{check.id}` has {check.points:g} points: give it 0 or more"
    for case, weight in (check.weights or {}).items():
        if not 0 < weight < math.inf:
            yield (
                f"check `{check.id}` gives its case {case!r} the weight {weight:g}: it must be"
                " more than 0"
            )
    if not 0 <= check.lazy_share < 1:
        said = f"`lazy_share` of check `{check.id}` is {check.lazy_share:g}"
        yield f"{said}: it must be 0 or more, and less than 1"
    if check.times_reference is not None and not 1 < check.times_reference < math.inf:
        yield (
            f"`times_reference` of check `{check.id}` is {check.times_reference:g}: it must be more"
            " than 1"
        )


def _manual(spec: Spec) -> Iterator[str]:
    """Yield mistakes in the parts that a person grades."""
    functions: set[str] = set()
    for file in spec.files:
        functions.update(file.provides)
    for part in spec.manual:
        name = f"the part `{part.id}` under [[manual]]"
        if not re.fullmatch(r"[\w.-]{1,80}", part.id):
            yield f"{name}: use letters, digits, '.', '_' and '-' in its id"
        if part.id in spec.check_ids:
            yield f"{name} has the id of a check: give it another one"
        if not 0 < part.points < math.inf:
            yield f"{name} has {part.points:g} points: give it more than 0"
        if bool(part.function) == bool(part.cell) or (part.cell and not part.notebook):
            yield (
                f"{name} needs either a `function`, with its `notebook` if a cell defines it,"
                " or a `notebook` and a `cell`"
            )
        if part.function and not part.notebook and part.function.split(".")[0] not in functions:
            hint = _meant(part.function, sorted(functions))
            yield (
                f"{name} names the function {part.function!r}, which no entry of [[files]]"
                f" provides{hint}; if a cell defines it, name its `notebook`"
            )
        if part.notebook and part.notebook not in spec.notebook_paths:
            yield f"{name} names the notebook {part.notebook!r}, which is not under [[notebooks]]"


def _rubric(spec: Spec) -> Iterator[str]:
    """Yield mistakes in a rubric's items; the cell of an answer is checked later."""
    known = [*spec.check_ids, *map(operator.attrgetter("id"), spec.manual)]
    stems = [PurePosixPath(path).stem for path in spec.notebook_paths]
    for number, item in enumerate(spec.rubric, start=1):
        name = f"[[rubric]] number {number}"
        if not item.text.strip():
            yield f"{name} has no text: students read it"
        if not math.isfinite(item.points):
            yield f"{name} has {item.points:g} points: give it a number"
        stem, _, cell = item.part.rpartition("/")
        if item.part not in known and not (cell and stem in stems):
            yield (
                f"{name} is of the part {item.part!r}, which is not an answer, a part or a check"
                f"{_meant(item.part, known)}"
            )


def _in_box(check: CheckSpec, folder: Path, files: bool) -> Iterator[str]:
    """Yield mistakes in a check that runs in the box."""
    if not check.in_box:
        if check.after:
            yield f"check `{check.id}` says `after`, which is for checks with `in_box = true`"
        if check.reference_points is not None:
            yield (
                f"check `{check.id}` says `reference_points`, which is for checks with"
                " `in_box = true`"
            )
        return
    if check.reference_points is not None and not 0 <= check.reference_points < check.points:
        yield (
            f"check `{check.id}` says that the reference has {check.reference_points:g} of its"
            f" {check.points:g} points: give a smaller number"
        )
    if not check.notebook and (check.after or not files):
        yield (
            f"check `{check.id}` runs in the box, so it needs the `notebook` beside whose objects"
            " it runs"
        )
    if not re.fullmatch(r"\w+", check.id):
        yield (
            f"check `{check.id}` runs in the box, so its id names a file: use letters, digits"
            " and '_'"
        )
    elif not (folder / "checks" / "in_box" / f"{check.id}.py").is_file():
        yield (
            f"check `{check.id}` runs in the box, but its code, checks/in_box/{check.id}.py, is not"
            " there"
        )


def _requires(check: CheckSpec, checks: list[str]) -> Iterator[str]:
    for needed in check.requires:
        if needed not in checks:
            hint = _meant(needed, checks)
            yield f"check `{check.id}` requires {needed!r}, which is not a check{hint}"
        elif checks.index(needed) >= checks.index(check.id):
            yield (
                f"check `{check.id}` requires `{needed}`, which is not run before it: list that one"
                " first"
            )


def _limits(limits: Limits) -> Iterator[str]:
    for name in Limits.__struct_fields__:
        value = getattr(limits, name)
        if not value > 0:
            yield f"`limits.{name}` is {value:g}: it must be more than 0"
        elif value > MOST:
            yield f"`limits.{name}` is {value:g}: it must be at most {MOST}"


def _places(spec: Spec) -> Iterator[str]:
    """Yield mistakes in paths of a student's folder."""
    for path in (*spec.student_paths, *spec.provided.values()):
        if leads_out(path):
            yield f"the path {path!r} must be relative, with '/' and without '..'"
        yield from _plain(path)
    for file in spec.files:
        top = file.module.split(".")[0]
        if file.path.endswith(".py") and top in TAKEN:
            yield (
                f"the file {file.path!r} would be imported as `{top}`, which is a module of"
                " Python's or of the libraries': give it another name"
            )


def _sources(spec: Spec, folder: Path) -> Iterator[str]:
    """Yield mistakes in paths of the assignment; those of a handout may lead out by one folder."""
    sources = map(operator.attrgetter("source"), spec.notebooks)
    for source in (*sources, *spec.provided):
        within = source.removeprefix("../") if spec.handout_of else source
        if leads_out(within):
            yield (
                f"the source {source!r} leads out of the assignment's folder: put a copy into the"
                " folder, and name that"
            )
        yield from _plain(within)
        if not (folder / source).exists():
            yield f"{source!r} does not exist in {folder}"


def _plain(path: str) -> Iterator[str]:
    if (plain := PurePosixPath(path).as_posix()) != path:
        yield f"the path {path!r} should be written {plain!r}"
