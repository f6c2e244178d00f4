"""Diagnosis: which known mistake gives exactly a submission's wrong numbers, or else what is true
of the arrays.

What each known mistake answers is kept as fingerprints. Those of the hidden seed are never handed
out; of the public seed's a handout holds digests, so that practice tells what grading tells.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from itertools import chain
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from grader.assignment.expectations import Expectations
from grader.assignment.spec import Assignment
from grader.checking.explain import shared_symptoms
from grader.checking.explain.evidence import Evidence, failing, pairs, prints
from grader.checking.explain.fingerprints import Fingerprint, agree, digests, same, sample
from grader.checking.judge.values.conversions import in_kind
from grader.errors import AssignmentError
from grader.files import write_atomically
from grader.text import counted, quoted

LEAST = 4  # entries of an array whose likeness to another says something
LIKENESS = 0.2  # the least mean correlation of an attempt with a mistake in it
TELLING = 3  # values without fractions that say as much as one value with them
TOGETHER = 2  # mistakes that are named together

Prints = Mapping[str, Fingerprint]
Cases = Mapping[str, Prints]  # case -> name -> fingerprint
Answers = dict[str, dict[str, dict[str, Fingerprint]]]  # check -> its cases


class Mistake(msgspec.Struct, frozen=True):
    """What is said of a submission that makes a known mistake, and what of a check's points it
    still earns.
    """

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
        """Return what was recorded, or None if nothing was."""
        if not path.is_file():
            return None
        try:
            return msgspec.json.decode(path.read_bytes(), type=cls)
        except (OSError, msgspec.MsgspecError) as error:
            raise AssignmentError(f"{path} can't be read ({error}): run `grader record`") from error

    @classmethod
    def of(cls, assignment: Assignment, seed: str) -> KnownMistakes | None:
        """Return what was recorded for a seed of this very assignment, or None."""
        known = cls.read(assignment.mistakes_path(seed))
        return known if known is not None and known.assignment == assignment.digest else None

    def write(self, path: Path) -> None:
        """Write the file, whole or not at all."""
        write_atomically(path, self.to_bytes())

    def to_bytes(self) -> bytes:
        """Return the file's content."""
        text = json.dumps(msgspec.to_builtins(self), separators=(",", ":"), sort_keys=True)
        return text.replace("},", "},\n").encode() + b"\n"

    def digested(self, expected: Expectations) -> KnownMistakes:
        """Return what may be handed out: digests in place of numbers, which need the expected
        values' fingerprints.
        """
        found = KnownMistakes(self.assignment, {}, dict(self.mistakes))
        right = answers(expected, expected)
        for id_, checks in self.answers.items():
            for check, cases in checks.items():
                theirs = found.answers.setdefault(id_, {}).setdefault(check, {})
                for case, values in cases.items():
                    kept = theirs.setdefault(case, {})
                    for name, print_ in values.items():
                        wanted = right.get(check, {}).get(case, {}).get(name, [])
                        kept[name] = digests(print_, wanted, _salt(check, case, name))
        return found

    def of_checks(self, kept: Collection[str]) -> KnownMistakes:
        """Return what concerns some checks alone."""
        found = KnownMistakes(self.assignment, {}, {})
        for id_, checks in self.answers.items():
            own = {check: cases for check, cases in checks.items() if check in kept}
            if own:
                found.answers[id_], found.mistakes[id_] = own, self.mistakes[id_]
        return found

    def not_failing(
        self, mistakes: Mapping[str, Mistake], passed: Collection[str]
    ) -> dict[str, Mistake]:
        """Return those of some mistakes that fail none of the checks that have passed."""
        found = {}
        for id_, mistake in mistakes.items():
            # What a mistake answers is kept of the checks alone that it fails.
            if self.answers[id_].keys().isdisjoint(passed):
                found[id_] = mistake
        return found


def hints(mistakes: Iterable[Mistake]) -> frozenset[str]:
    """Return the hints of some mistakes, each once."""
    return frozenset(mistake.hint for mistake in mistakes)


def resembles(evidence: Sequence[Evidence]) -> bool:
    """Return whether what a check got has anything of what was expected, by the mean correlation of
    its arrays.

    Something as good as constant, or unrelated, is not an attempt with a mistake in it, and nothing
    follows from it.
    """
    measured = []
    for pair in chain.from_iterable(map(pairs, evidence)):
        likeness = correlation(pair.expected, pair.got)
        if likeness is not None:
            measured.append(likeness)
    return bool(measured) and abs(sum(measured) / len(measured)) >= LIKENESS


def correlation(expected: Any, got: Any) -> float | None:
    """Return how two arrays of one shape go together, from -1 to 1; None if that says nothing."""
    if not isinstance(expected, np.ndarray) or not isinstance(got, np.ndarray):
        return None
    if expected.shape != got.shape or expected.size < LEAST:
        return None
    if not {expected.dtype.kind, got.dtype.kind} <= set("iuf"):
        return None
    with np.errstate(all="ignore"):
        one, other = sample(np.asarray(expected)), sample(np.asarray(got))
        if np.allclose(one, other, rtol=1e-3, atol=1e-6):
            return None  # a right value does not show which mistake was made
        one, other = one - one.mean(), other - other.mean()
        size = float(np.sqrt((one * one).sum() * (other * other).sum()))
        if not float((one * one).sum()) > 0:
            return None
        likeness = float((one * other).sum()) / size if 0 < size < np.inf else 0.0
    return likeness if np.isfinite(likeness) else 0.0


def answers(observed: Expectations, right: Expectations | None = None) -> Answers:
    """Return the fingerprints of what was observed, in the kinds of what is right; a case that
    raised before it had a value has none.
    """
    found: Answers = {}
    for (check, case), record in observed.cases.items():
        known = None if right is None else right.cases.get((check, case))
        wanted = {} if known is None else known.expected()
        values = {}
        for name, value in record.expected().items():
            values[name] = in_kind(wanted[name], value) if name in wanted else value
        found.setdefault(check, {})[case] = prints(values)
    return found


def fitting(
    check: str, evidence: Sequence[Evidence], known: KnownMistakes | None
) -> dict[str, Mistake]:
    """Return the known mistakes that answer as the submission does, in cases that fail and in
    cases that pass.
    """
    if known is None or not any(one.got for one in failing(evidence)):
        return {}
    own = [_Case(check, one) for one in evidence]
    found = {}
    for id_, theirs in known.answers.items():
        if all(one.is_that_of(theirs.get(check, {})) for one in own):
            found[id_] = known.mistakes[id_]
    return found


def explaining(
    check: str, evidence: Sequence[Evidence], known: KnownMistakes | None
) -> tuple[Mistake, ...]:
    """Return the known mistakes that are in the submission beside something else, each saying what
    it explains.

    Every value that such a mistake gets wrong is wrong here in the same way; what is wrong besides
    has other causes. Two are named if they explain different values; if that is not clear, none is.
    """
    if known is None:
        return ()
    own = [_Case(check, one) for one in evidence]
    # what ended most cases is told in place of what explains the others
    if 2 * sum(one.is_silent for one in own) > len(failing(evidence)):
        return ()
    covers: dict[str, frozenset[tuple[str, str]]] = {}
    for id_, theirs in known.answers.items():
        if check in theirs and (covered := _covered(own, theirs[check])):
            covers[id_] = covered
    best: dict[str, str] = {}  # by hint
    for id_, cover in covers.items():
        if not any(cover < other for other in covers.values()):
            best[known.mistakes[id_].hint] = id_
    if not best or len(best) > TOGETHER:
        return ()
    chosen = [covers[id_] for id_ in best.values()]
    if sum(map(len, chosen)) > len(frozenset().union(*chosen)):
        return ()
    wrong = frozenset(chain.from_iterable(map(_Case.wrong, own)))
    return tuple(_partly(known.mistakes[id_], covers[id_], wrong, own) for id_ in best.values())


class _Case:
    """One case, ready to be held against what known mistakes answer to it."""

    def __init__(self, check: str, evidence: Evidence) -> None:
        self.check, self.case = check, evidence.case
        self.own, self.right = evidence.own_prints(), evidence.right_prints()
        # whether it raised before it had a value, for whatever cause
        self.is_silent = not self.own and not evidence.passed

    def agrees(self, theirs: Prints, name: str) -> bool:
        """Return whether the submission's value is that of a mistake."""
        return agree(
            theirs[name],
            self.own[name],
            self.right.get(name, []),
            _salt(self.check, self.case, name),
        )

    def is_right(self, theirs: Prints, name: str) -> bool:
        """Return whether a mistake's value is what is expected."""
        right = self.right.get(name, [])
        return bool(right) and agree(theirs[name], right, right, _salt(self.check, self.case, name))

    def is_that_of(self, theirs: Cases) -> bool:
        """Return whether a mistake answers to this case with the same values, or none."""
        there = theirs.get(self.case)
        if there is None or there.keys() != self.own.keys():
            return False
        return all(self.agrees(there, name) for name in there)

    def wrong(self) -> Iterator[tuple[str, str]]:
        """Yield the values that are wrong, by case and name."""
        for name, print_ in self.own.items():
            if not same(print_, self.right.get(name, [])):
                yield self.case, name


def _covered(own: Sequence[_Case], theirs: Cases) -> frozenset[tuple[str, str]]:
    """Return the wrong values, by case and name, that a mistake explains; none if it would get
    another one wrong.
    """
    found: set[tuple[str, str]] = set()
    weight = 0
    for one in own:
        there = theirs.get(one.case, {})
        if one.is_silent:
            continue
        if there.keys() != one.own.keys():
            return frozenset()
        for name in there:
            if one.is_right(there, name):
                continue
            if not one.agrees(there, name):
                return frozenset()
            found.add((one.case, name))
            weight += _weight(one.own[name])
    return frozenset(found) if weight >= TELLING else frozenset()


def _weight(print_: Fingerprint) -> int:
    """Return how much it says that two values with this fingerprint are equal."""
    words, size = str(print_[0]), print_[1] if len(print_) > 1 else 0.0
    if not size:
        return 0
    return TELLING if words.split(" not finite")[0].endswith(" f") else 1


def _partly(
    mistake: Mistake,
    cover: frozenset[tuple[str, str]],
    wrong: frozenset[tuple[str, str]],
    own: Sequence[_Case],
) -> Mistake:
    """Return a mistake with a sentence on what it does not explain."""
    others = sorted(_names(wrong) - _names(cover))
    silent = sum(one.is_silent for one in own)
    left = []
    if others:
        left.append(f"what is wrong in {quoted(others)}")
    elif wrong - cover:
        cases = sorted({case for case, _ in wrong - cover})
        left.append(f"what is wrong in {', '.join(cases)}")
    if silent:
        left.append(f"why {counted(silent, 'case')} ended before there was a value")
    if not left:
        return msgspec.structs.replace(mistake, share=0.0)
    return Mistake(mistake.name, f"{mistake.hint} That does not explain {' nor '.join(left)}.")


def _names(values: Iterable[tuple[str, str]]) -> set[str]:
    return {name for _, name in values}


def _salt(check: str, case: str, name: str) -> str:
    return f"{check}/{case}/{name}"


def sparing(
    fits: Mapping[str, Mistake], passed: Collection[str], known: KnownMistakes | None
) -> Mapping[str, Mistake]:
    """Return those of several mistakes that would not have failed what has passed, or all if that
    leaves none.
    """
    if known is None or len(hints(fits.values())) < 2:
        return fits
    return known.not_failing(fits, passed) or fits


def diagnose(
    evidence: Sequence[Evidence], fits: Collection[Mistake], partly: Collection[Mistake] = ()
) -> Mistake:
    """Return what all cases of a failing check show: a known mistake, or a hint without a name, or
    neither.

    If several mistakes fit, they must agree in their hint; the least share is then taken.
    ``partly``: the mistakes that explain a part of what is wrong.
    """
    if len(hints(fits)) == 1:
        return min(fits, key=lambda mistake: mistake.share)
    if not fits and partly:
        said = dict.fromkeys(one.hint for one in partly)
        return Mistake("; ".join(one.name for one in partly), " ".join(said))
    return Mistake("", shared_symptoms.told(evidence))


def rivals(known: KnownMistakes, id_: str) -> dict[str, tuple[str, ...]]:
    """Return, by check, the known mistakes of another hint with the same answers as this one."""
    found: dict[str, tuple[str, ...]] = {}
    for check, cases in known.answers.get(id_, {}).items():
        if not any(cases.values()):
            continue
        for other, theirs in known.answers.items():
            is_told_apart = known.mistakes[other].hint != known.mistakes[id_].hint
            if is_told_apart and _alike(theirs.get(check, {}), cases):
                found[check] = (*found.get(check, ()), other)
    return found


def _alike(theirs: Cases, own: Cases) -> bool:
    """Return whether two mistakes answer alike in each case of the second."""
    for case, values in own.items():
        if case not in theirs or theirs[case].keys() != values.keys():
            return False
        if not all(same(theirs[case][name], print_) for name, print_ in values.items()):
            return False
    return True
