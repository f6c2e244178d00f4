"""Diagnosis: which known mistake gives exactly a submission's wrong numbers, or else what is true of the arrays.

What each known mistake answers is kept as fingerprints: a few fixed random projections of every value, enough to tell
equal from different and of no use for anything else. They belong to the hidden seed and are never handed out.
"""

from __future__ import annotations

import json
import zlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from grader.assignment.expectations import CaseRecord
from grader.checking.expect import Got
from grader.checking.observe import observe
from grader.errors import AssignmentError
from grader.files import write_atomically

PROJECTIONS = 4
CLOSE = 1e-4  # relative to the value's size: float32 within a right-but-for-the-mistake solution still matches

Fingerprint = list[Any]  # shape and dtype kind in words, the value's size (its 1-norm), its projections


class Evidence(msgspec.Struct, frozen=True):
    """One failing case: what was got and what was recorded."""

    case: str
    got: Mapping[str, Got]
    record: CaseRecord


class Mistake(msgspec.Struct, frozen=True):
    """What is said of a submission that makes a known mistake, and what of a check's points it still earns."""

    name: str
    hint: str
    share: float = 0.0


class KnownMistakes(msgspec.Struct):
    """What each known mistake answers: mistake -> check -> case -> name -> fingerprint. Written by `grader record`."""

    assignment: str  # the digest that the answers belong to
    answers: dict[str, dict[str, dict[str, dict[str, Fingerprint]]]]
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


def diagnose(check: str, evidence: Sequence[Evidence], known: KnownMistakes | None) -> Mistake:
    """Return what a check's failing cases show: a known mistake, or a hint without a name, or neither.

    Where several known mistakes fit, they must agree in their hint; the least share is then taken.
    """
    if evidence and known is not None:
        fits = [
            known.mistakes[id_] for id_, answers in known.answers.items() if _fits(answers.get(check, {}), evidence)
        ]
        if len({mistake.hint for mistake in fits}) == 1:
            return min(fits, key=lambda mistake: mistake.share)
    return Mistake("", _observation(evidence))


def _fits(answers: Mapping[str, Mapping[str, Fingerprint]], evidence: Sequence[Evidence]) -> bool:
    """Return whether a mistake's answers are those of every failing case."""
    for one in evidence:
        recorded = answers.get(one.case)
        if not recorded or recorded.keys() != one.got.keys():
            return False
        if not all(_same(recorded[name], fingerprint(name, got.value)) for name, got in one.got.items()):
            return False
    return True


def _observation(evidence: Sequence[Evidence]) -> str:
    """Return the sentence that is true of a value in every failing case in which it can be looked at."""
    votes: dict[str, int] = {}
    for one in evidence:
        for name, got in one.got.items():
            if name in one.record.values:
                expected, tolerance = one.record.values[name]
                for key, want, have in _pairs(name, expected, got.value):
                    sentence = observe(key, want, have, got.axes, tolerance)
                    votes[sentence] = votes.get(sentence, 0) + bool(sentence)
    best = max(votes.items(), key=lambda item: item[1], default=("", 0))
    return best[0] if best[1] * 2 > len(evidence) else ""


def _pairs(name: str, expected: Any, got: Any) -> list[tuple[str, Any, Any]]:
    if isinstance(expected, dict) and isinstance(got, dict):
        return [(f"{name}[{key}]", expected[key], got.get(key)) for key in expected]
    return [(name, expected, got)]


def fingerprint(name: str, value: Any) -> Fingerprint:
    """Return a value's fingerprint: equal for equal values up to rounding, different for different ones."""
    if isinstance(value, dict):
        keys = sorted(value, key=str)
        return ["dict", 0.0, *(part for key in keys for part in (str(key), *fingerprint(str(key), value[key])))]
    if not isinstance(value, np.ndarray | np.generic | int | float) or isinstance(value, bool):
        return [type(value).__name__, 0.0]
    array = np.asarray(value)
    if array.dtype.kind not in "biuf":
        return [str(array.dtype.kind), 0.0]
    flat = array.astype(np.float64).ravel()
    if not np.isfinite(flat).all():
        return [f"{array.shape} not finite", 0.0]
    rng = np.random.default_rng(zlib.crc32(name.encode()))
    signs = rng.choice((-1.0, 1.0), size=(PROJECTIONS, flat.size))
    kind = "f" if array.dtype.kind == "f" else "i"
    return [f"{array.shape} {kind}", *(float(f"{number:.7g}") for number in (np.abs(flat).sum(), *(signs @ flat)))]


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
