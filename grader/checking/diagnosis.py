"""Diagnosis: which known mistake gives exactly a submission's wrong numbers, or else what is true of the arrays.

What each known mistake answers is kept as fingerprints: a few fixed random projections of every value, enough to tell
equal from different and of no use for anything else. They belong to the hidden seed and are never handed out.
"""

from __future__ import annotations

import json
import zlib
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from grader.assignment.expectations import CaseRecord, Expectations
from grader.checking.expect import Got
from grader.checking.observe import Pair, observe
from grader.errors import AssignmentError
from grader.files import write_atomically

PROJECTIONS = 4
SAMPLE = 1 << 17  # entries of an array that its fingerprint looks at, spread over all of it
CLOSE = 1e-4  # relative to the value's size: float32 within a right-but-for-the-mistake solution still matches
LEAST = 4  # entries of an array whose likeness to another says something
LIKENESS = 0.2  # the least mean correlation of an attempt with a mistake in it
LARGE = 4.0  # how much larger than all others' the inputs of a case must be to be called large
OVERFLOW = (
    "is NaN or infinite only where the inputs are large. Look for the exponential of a large number, or the logarithm "
    "of what has become zero: what is the same on paper can be written so that it stays finite."
)

Fingerprint = list[Any]  # shape and dtype kind in words, the value's size (its 1-norm), its projections
Cases = Mapping[str, Mapping[str, Fingerprint]]  # case -> name -> fingerprint
Answers = dict[str, dict[str, dict[str, Fingerprint]]]  # check -> its cases


class Evidence(msgspec.Struct, frozen=True):
    """One case of a check: what was got, up to where it raised if it did, and what was recorded."""

    case: str
    got: Mapping[str, Got]
    record: CaseRecord
    passed: bool = False
    inputs: Sequence[Any] = ()  # what its calls were given


class Mistake(msgspec.Struct, frozen=True):
    """What is said of a submission that makes a known mistake, and what of a check's points it still earns."""

    name: str
    hint: str
    share: float = 0.0


class KnownMistakes(msgspec.Struct):
    """What each known mistake answers, by its id. Written by `grader record`."""

    assignment: str  # the digest that the answers belong to
    answers: dict[str, Answers]
    mistakes: dict[str, Mistake]

    @classmethod
    def read(cls, path: Path) -> KnownMistakes | None:
        """Return what was recorded, or None where nothing was."""
        if not path.is_file():
            return None
        try:
            return msgspec.json.decode(path.read_bytes(), type=cls)
        except (OSError, msgspec.MsgspecError) as error:
            raise AssignmentError(f"{path} can't be read ({error}): run `grader record`") from error

    def write(self, path: Path) -> None:
        """Write the file, whole or not at all."""
        text = json.dumps(msgspec.to_builtins(self), separators=(",", ":"), sort_keys=True)
        write_atomically(path, text.replace("},", "},\n").encode() + b"\n")


def resembles(evidence: Sequence[Evidence]) -> bool:
    """Return whether what a check got has anything of what was expected, by the mean correlation of its arrays.

    Something as good as constant, or unrelated, is no attempt with a mistake in it, and nothing follows from it.
    """
    measured = [
        likeness
        for one in evidence
        for pair in _pairs(one)
        if (likeness := correlation(pair.expected, pair.got)) is not None
    ]
    return bool(measured) and abs(sum(measured) / len(measured)) >= LIKENESS


def correlation(expected: Any, got: Any) -> float | None:
    """Return how two arrays of one shape go together, from -1 to 1; None where that says nothing."""
    want, have = (np.asarray(value) if isinstance(value, np.ndarray) else np.zeros(0) for value in (expected, got))
    if want.shape != have.shape or want.size < LEAST or not {want.dtype.kind, have.dtype.kind} <= set("iuf"):
        return None
    with np.errstate(all="ignore"):
        one, other = (array.reshape(-1)[:: max(1, array.size // SAMPLE)].astype(np.float64) for array in (want, have))
        if np.allclose(one, other, rtol=1e-3, atol=1e-6):
            return None  # what is right says nothing of the mistake
        one, other = one - one.mean(), other - other.mean()
        size = float(np.sqrt((one * one).sum() * (other * other).sum()))
        if not float((one * one).sum()) > 0:
            return None
        likeness = float((one * other).sum()) / size if 0 < size < np.inf else 0.0
    return likeness if np.isfinite(likeness) else 0.0


def answers(observed: Expectations) -> Answers:
    """Return the fingerprints of what was observed; a case that raised before it had a value has none."""
    found: Answers = {}
    for (check, case), record in observed.cases.items():
        prints = {name: fingerprint(name, value) for name, (value, _) in record.values.items()}
        found.setdefault(check, {})[case] = prints
    return found


def fitting(check: str, evidence: Sequence[Evidence], known: KnownMistakes | None) -> dict[str, Mistake]:
    """Return the known mistakes that answer as the submission does, where that is wrong and where it is right."""
    if known is None or not any(one.got for one in evidence if not one.passed):
        return {}
    own = {one.case: {name: fingerprint(name, got.value) for name, got in one.got.items()} for one in evidence}
    return {id_: known.mistakes[id_] for id_, theirs in known.answers.items() if _alike(theirs.get(check, {}), own)}


def sparing(fits: Mapping[str, Mistake], passed: Collection[str], known: KnownMistakes | None) -> Mapping[str, Mistake]:
    """Return those of several mistakes that would not have failed what has passed, or all where that tells nothing."""
    if known is None or len({mistake.hint for mistake in fits.values()}) < 2:
        return fits
    # What a mistake answers is kept of the checks alone that it fails.
    return {id_: one for id_, one in fits.items() if known.answers[id_].keys().isdisjoint(passed)} or fits


def diagnose(evidence: Sequence[Evidence], fits: Collection[Mistake]) -> Mistake:
    """Return what all cases of a failing check show: a known mistake, or a hint without a name, or neither.

    Where several mistakes fit, they must agree in their hint; the least share is then taken.
    """
    if len({mistake.hint for mistake in fits}) == 1:
        return min(fits, key=lambda mistake: mistake.share)
    wrong = [one for one in evidence if not one.passed]
    return Mistake("", _overflow(evidence) or _observation(wrong))


def rivals(known: KnownMistakes, id_: str) -> dict[str, tuple[str, ...]]:
    """Return the known mistakes of another hint that answer as one does, by the check that can't tell them apart."""
    found: dict[str, tuple[str, ...]] = {}
    for check, cases in known.answers.get(id_, {}).items():
        others = tuple(
            other
            for other, theirs in known.answers.items()
            if known.mistakes[other].hint != known.mistakes[id_].hint and _alike(theirs.get(check, {}), cases)
        )
        if others and any(cases.values()):
            found[check] = others
    return found


def _alike(theirs: Cases, own: Cases) -> bool:
    """Return whether a mistake's answers are the own ones in each of the own cases, those that raised included."""
    return all(
        case in theirs
        and theirs[case].keys() == values.keys()
        and all(_same(theirs[case][name], print_) for name, print_ in values.items())
        for case, values in own.items()
    )


# --- what is true where no mistake fits -----------------------------------------------------------------------------


def _observation(wrong: Sequence[Evidence]) -> str:
    """Return the sentence that is true in the most failing cases, if that is more than half of those with values."""
    votes: dict[str, int] = {}
    for one in wrong:
        for sentence in dict.fromkeys(sentence for pair in _pairs(one) for sentence in observe(pair)):
            votes[sentence] = votes.get(sentence, 0) + 1
    best, count = max(votes.items(), key=lambda item: item[1], default=("", 0))
    if count * 2 <= sum(bool(one.got) for one in wrong):
        return ""
    return best if count == len(wrong) else f"{best} That holds in {count} of the {len(wrong)} cases that fail."


def _overflow(evidence: Sequence[Evidence]) -> str:
    """Return whether a value is a number in the cases with small inputs, and none in those with large ones."""
    finite: dict[str, list[tuple[bool, Evidence]]] = {}
    for one in evidence:
        for pair in _pairs(one):
            if isinstance(pair.got, np.ndarray | np.generic | float) and np.asarray(pair.got).dtype.kind == "f":
                finite.setdefault(pair.name, []).append((bool(np.isfinite(pair.got).all()), one))
    for name, cases in finite.items():
        if len({is_finite for is_finite, _ in cases}) == 2:
            small, large = ([_largest(one.inputs) for ok, one in cases if ok is which] for which in (True, False))
            if min(large) > LARGE * max(small):
                return f"`{name}` {OVERFLOW}"
    return ""


def _pairs(one: Evidence) -> Iterator[Pair]:
    """Yield the values of a case beside what was recorded, the entries of dicts and sequences one by one."""
    lengths: dict[str, int] = {}
    for name, got in one.got.items():
        expected = one.record.values[name][0] if name in one.record.values else None
        if isinstance(expected, np.ndarray):
            lengths |= dict(zip(got.axes, expected.shape, strict=False))
    for name, got in one.got.items():
        if name in one.record.values:
            expected, tolerance = one.record.values[name]
            for key, want, have in _entries(name, expected, got.value):
                yield Pair(key, want, have, tolerance, got.axes, lengths)


def _entries(name: str, expected: Any, got: Any) -> Iterator[tuple[str, Any, Any]]:
    if isinstance(expected, dict):
        there = [key for key in expected if key in got] if isinstance(got, Mapping) else []
        yield from ((f"{name}[{key}]", expected[key], got[key]) for key in there)
    elif isinstance(expected, list | tuple):
        items = got if isinstance(got, list | tuple) and len(got) == len(expected) else ()
        for index, (want, have) in enumerate(zip(expected, items, strict=False)):
            yield f"{name}[{index}]", want, have
    else:
        yield name, expected, got


def _largest(values: Iterable[Any]) -> float:
    """Return the largest magnitude among arrays, numbers and what containers hold of them."""
    size = 0.0
    for value in values:
        if isinstance(value, Mapping | list | tuple):
            size = max(size, _largest(value.values() if isinstance(value, Mapping) else value))
        elif isinstance(value, np.ndarray | np.generic | int | float) and np.asarray(value).dtype.kind in "iuf":
            with np.errstate(all="ignore"):
                magnitudes = np.abs(np.asarray(value, dtype=np.float64))
            size = max(size, float(magnitudes[np.isfinite(magnitudes)].max(initial=0.0)))
    return size


# --- fingerprints ---------------------------------------------------------------------------------------------------


def fingerprint(name: str, value: Any) -> Fingerprint:
    """Return a value's fingerprint: equal for equal values up to rounding, different for different ones."""
    if isinstance(value, Mapping):
        keys = sorted(value, key=str)
        return ["dict", 0.0, *(part for key in keys for part in (str(key), *fingerprint(str(key), value[key])))]
    if type(value) in (list, tuple):
        parts = (part for index, item in enumerate(value) for part in fingerprint(f"{name}[{index}]", item))
        return [f"{type(value).__name__} {len(value)}", 0.0, *parts]
    if isinstance(value, str):
        return [f"text {zlib.crc32(value.encode('utf-8', 'replace'))}", 0.0]
    if isinstance(value, bool) or not isinstance(value, np.ndarray | np.generic | int | float):
        return [f"{type(value).__name__} {value}" if isinstance(value, bool) else type(value).__name__, 0.0]
    array = np.asarray(value)
    if array.dtype.kind == "c":
        array = np.stack([array.real, array.imag])
    if array.dtype.kind not in "biuf":
        return [str(array.dtype.kind), 0.0]
    kind = "f" if array.dtype.kind == "f" else "i"
    with np.errstate(all="ignore"):  # of numbers near the end of the range the sums are infinite
        flat = array.reshape(-1)[:: max(1, array.size // SAMPLE)].astype(np.float64)
        finite = np.isfinite(flat)
        places = np.where(np.isnan(flat), 2, np.where(finite, 0, np.sign(flat))).astype(np.int8).tobytes()
        flat = np.where(finite, flat, 0.0)
        signs = np.random.default_rng(zlib.crc32(name.encode())).choice((-1.0, 1.0), size=(PROJECTIONS, flat.size))
        numbers = [float(f"{number:.7g}") for number in (np.abs(flat).sum(), *(signs @ flat))]
    words = f"{array.shape} {kind}" if finite.all() else f"{array.shape} {kind} not finite {zlib.crc32(places)}"
    return [words, *numbers] if np.isfinite(numbers).all() else [f"{words} beyond all bounds", 0.0]


def _same(a: Fingerprint, b: Fingerprint) -> bool:
    if len(a) != len(b):
        return False
    size = 0.0
    for index, (x, y) in enumerate(zip(a, b, strict=True)):
        if isinstance(x, str) or isinstance(y, str):
            if x != y:
                return False
            size = float(a[index + 1]) if index + 1 < len(a) and not isinstance(a[index + 1], str) else 0.0
        elif abs(x - y) > CLOSE * size / max(1.0, np.sqrt(PROJECTIONS)) + 1e-9:
            return False
    return True
