"""What is true of a check's failing cases together, if no known mistake fits: every sentence says
of which it holds.

Nothing here is a guess: an exception is the student's own, and an observation was held against
every case.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from grader.checking.explain import sum_symptoms
from grader.checking.explain.axes_of_one import NAMED, fail_with_ones, pass_with_ones, shape_of
from grader.checking.explain.evidence import Evidence, failing, pairs
from grader.checking.explain.fingerprints import parts
from grader.checking.explain.symptoms import Pair, observe
from grader.checking.judge.compare import compare
from grader.text import quoted

LARGE = 4.0  # how much larger than all others' the inputs of a case must be to be called large
NUMBERS = "iuf"  # kinds of arrays whose entries are real numbers
MOST_KEYS, LONGEST_KEY = 100, 40  # of a dictionary, which is a student's
SEVERAL = 3  # wrong values that are likelier to have a cause in common than one each
OVERFLOW = (
    "is NaN or infinite only where the inputs are large. Look for the exponential of a large"
    " number, or the logarithm of what has become zero: what is the same on paper can be written so"
    " that it stays finite."
)


@np.errstate(all="ignore")  # of whatever numbers come
def told(evidence: Sequence[Evidence]) -> str:
    """Return the sentences for the failing cases of a check, or nothing if nothing is known to be
    true of them.
    """
    wrong = failing(evidence)
    exception, cases = _exception(wrong)
    sentences = [fail_with_ones(evidence), exception]
    if not sentences[0] and 2 * cases < len(wrong):
        # what is true of most cases goes ahead of what ended a few
        sentences.insert(
            0,
            _overflow(evidence)
            or _summed(wrong, direct=False)
            or _observation(wrong)
            or _summed(wrong, direct=True),
        )
    if any(sentences):
        return " ".join(filter(None, sentences))
    less = [pass_with_ones(evidence), _one_alone(wrong), _lacking(wrong), _no_keys(wrong)]
    return " ".join(filter(None, less)) or _all_alike(wrong)


def _one_alone(wrong: Sequence[Evidence]) -> str:
    """Return whether one and the same value is wrong in all failing cases, and those beside it are
    right.
    """
    found: set[str] = set()
    names: set[str] = set()
    for one in wrong:
        for pair in pairs(one):
            names.add(pair.name)
            if not _is_right(pair):
                found.add(pair.name)
    if len(found) != 1 or len(names) < 2 or any(one.raised for one in wrong):
        return ""
    (name,) = found
    return (
        f"Of what is compared, `{name}` alone is wrong, in every case that fails: look at the lines"
        " that make it and nothing else."
    )


def _all_alike(wrong: Sequence[Evidence]) -> str:
    """Return whether several arrays of the right shapes are wrong, all of them in all failing
    cases.
    """
    names: dict[str, None] = {}
    for one in wrong:
        held = list(pairs(one))
        if one.raised or len(held) < SEVERAL:
            return ""
        for pair in held:
            shape = shape_of(pair.expected)
            if shape is None or shape_of(pair.got) != shape or _is_right(pair):
                return ""
            names[pair.name] = None
    if not names:
        return ""
    return (
        f"Each of {quoted(list(names))} has its shape, and each is wrong in every case that fails."
        " Before you look at them one by one, look at what all of them are made of."
    )


def _lacking(wrong: Sequence[Evidence]) -> str:
    """Return which key a dictionary lacks in all failing cases, and that another one is there."""
    lacking: list[set[str]] = []
    more: set[str] = set()
    for one in wrong:
        for name, got in one.got.items():
            expected = one.record.values[name][0] if name in one.record.values else None
            if isinstance(expected, Mapping) and isinstance(got.value, Mapping):
                lacking.append({key for key in expected if key not in got.value})
                keys = itertools.islice(got.value, MOST_KEYS)
                more.update(key for key in keys if _is_key(key) and key not in expected)
    common = set.intersection(*lacking) if len(lacking) == len(wrong) > 0 else set()
    if not common:
        return ""
    names = quoted(sorted(map(str, common))[:NAMED])
    there = f" (there is {quoted(sorted(map(str, more))[:NAMED])})" if more else ""
    return (
        f"Nothing stands under {names} in the dictionary that is returned{there}: each key has to"
        " be set, under the very name that is asked for."
    )


def _no_keys(wrong: Sequence[Evidence]) -> str:
    """Return what stands in a dictionary's place in all failing cases."""
    found: list[str] = []
    for one in wrong:
        for name, got in one.got.items():
            expected = one.record.values[name][0] if name in one.record.values else None
            if isinstance(expected, Mapping) and isinstance(got.value, list | tuple):
                found.append(name)
    if not wrong or len(found) != len(wrong) or len(set(found)) > 1:
        return ""
    return (
        f"`{found[0]}` is a list or a tuple, and a dictionary is expected: each value has to stand"
        " under the name that is asked for."
    )


def _is_key(key: object) -> bool:
    """Return whether a dictionary's key may stand in a sentence."""
    return isinstance(key, str) and key.isidentifier() and len(key) <= LONGEST_KEY


def _is_right(pair: Pair) -> bool:
    """Return whether a value passes beside what is expected, by the comparison that decides."""
    return all(found.ok for found in compare(pair.name, pair.expected, pair.got, pair.tolerance))


def _nothing(pair: Pair) -> Iterator[str]:
    """Yield what stands in an array's place."""
    if not isinstance(pair.expected, np.ndarray):
        return
    if pair.got is None:
        yield (
            f"`{pair.name}` is None. A function gives None if it ends without a `return`, and so do"
            " methods and functions that change an array in place, such as `np.add.at`: return the"
            " array itself."
        )
    elif isinstance(pair.got, list | tuple):
        yield (
            f"`{pair.name}` is a list or a tuple where an array is expected: compare the order of"
            " what you return with the docstring, and make an array of a list."
        )


def _exception(wrong: Sequence[Evidence]) -> tuple[str, int]:
    """Return what is to be said of the exception that ended most of the failing cases, of which it
    holds, and of how many; nothing if none was ended by one.
    """
    votes: dict[str, list[str]] = {}
    for one in wrong:
        if one.raised:
            votes.setdefault(one.raised, []).append(one.case)
    best, cases = _most(votes)
    return f"{best}{_of_which(cases, wrong)}" if best else "", len(cases)


def _most(votes: Mapping[str, list[str]]) -> tuple[str, list[str]]:
    """Return the sentence that holds in the most cases, the first of several, and these cases."""
    best = max(votes, key=lambda sentence: len(votes[sentence]), default="")
    return best, votes.get(best, [])


def _of_which(cases: Sequence[str], wrong: Sequence[Evidence]) -> str:
    """Return in how many of the failing cases a sentence holds, and in which, unless it holds in
    all.
    """
    if len(cases) == len(wrong):
        return ""
    names = f": {'; '.join(cases)}" if len(cases) <= NAMED else ""
    return f" That holds in {len(cases)} of the {len(wrong)} cases that fail{names}."


def _observation(wrong: Sequence[Evidence]) -> str:
    """Return the sentence that is true in the most failing cases, if that is more than half of
    those with values.
    """
    votes: dict[str, list[str]] = {}
    for one in wrong:
        sentences: dict[str, None] = {}
        for pair in pairs(one):
            sentences |= dict.fromkeys((*_nothing(pair), *_mixed_up(pair, one), *observe(pair)))
        for sentence in sentences:
            votes.setdefault(sentence, []).append(one.case)
    best, cases = _most(votes)
    if not best or len(cases) * 2 <= sum(bool(one.got) for one in wrong):
        return ""
    return f"{best}{_of_which(cases, wrong)}"


def _summed(wrong: Sequence[Evidence], *, direct: bool) -> str:
    """Return which parts of a sum have a wrong factor, and of which cases that is true."""
    sentence, cases = sum_symptoms.summed(wrong, direct=direct)
    return f"{sentence}{_of_which(cases, wrong)}" if sentence else ""


def _mixed_up(pair: Pair, one: Evidence) -> Iterator[str]:
    """Yield whether a wrong array is one that the function was given, or one that is expected under
    another name.
    """
    have = pair.got
    if not isinstance(have, np.ndarray) or have.dtype.kind not in NUMBERS or have.size < 2:
        return
    if not have.any() or _equal(have, pair.expected):
        return
    if any(_equal(have, value) for value in _flat(one.inputs)):
        yield f"`{pair.name}` is one of the arrays that the function was given, as it was given."
    yield from _with_an_argument(pair, one)
    for name, value in one.record.expected().items():
        for key, expected in parts(name, value):
            if key != pair.name and _equal(have, expected):
                yield (
                    f"`{pair.name}` is what is expected of `{key}`: is it returned, or kept, in the"
                    " right place?"
                )


def _with_an_argument(pair: Pair, one: Evidence) -> Iterator[str]:
    """Yield whether an array is what is expected, with an argument added to it or multiplied by
    it.
    """
    have, want = pair.got, pair.expected
    if not isinstance(want, np.ndarray) or want.dtype.kind != "f" or want.shape != have.shape:
        return
    for value, called in zip(one.inputs, one.called, strict=False):
        if not isinstance(value, np.ndarray) or value.shape != want.shape or not value.any():
            continue
        if _equal(have, want + value):
            yield (
                f"`{pair.name}` is what is expected with {called} added to it: does a sum start"
                " from that, in place of zeros?"
            )
        if _equal(have, want * value):
            yield f"`{pair.name}` is what is expected, multiplied by {called}."


def _equal(have: np.ndarray, other: Any) -> bool:
    """Return whether an array has the shape and, up to rounding, the numbers of another."""
    if not isinstance(other, np.ndarray) or other.shape != have.shape:
        return False
    if have.dtype.kind not in NUMBERS or other.dtype.kind not in NUMBERS:
        return False
    return bool(np.allclose(have, other, rtol=1e-5, atol=1e-9))


def _overflow(evidence: Sequence[Evidence]) -> str:
    """Return whether a value is a number in the cases with small inputs, and none in those with
    large ones.
    """
    split: dict[str, tuple[list[Evidence], list[Evidence]]] = {}  # by the value's name
    for one in evidence:
        for pair in pairs(one):
            is_number = isinstance(pair.got, np.ndarray | np.generic | float)
            if is_number and np.asarray(pair.got).dtype.kind == "f":
                finite, others = split.setdefault(pair.name, ([], []))
                (finite if np.isfinite(pair.got).all() else others).append(one)
    for name, (finite, others) in split.items():
        if finite and others:
            small = max(largest(one.inputs) for one in finite)
            large = min(largest(one.inputs) for one in others)
            if large > LARGE * small:
                return f"`{name}` {OVERFLOW}"
    return ""


def largest(values: Iterable[Any]) -> float:
    """Return the largest magnitude among arrays, numbers and what containers hold of them."""
    size = 0.0
    for value in _flat(values):
        is_number = isinstance(value, np.ndarray | np.generic | int | float)
        if is_number and np.asarray(value).dtype.kind in NUMBERS:
            with np.errstate(all="ignore"):
                magnitudes = np.abs(np.asarray(value, dtype=np.float64))
            size = max(size, float(magnitudes[np.isfinite(magnitudes)].max(initial=0.0)))
    return size


def _flat(values: Iterable[Any]) -> Iterator[Any]:
    for value in values:
        if isinstance(value, Mapping | list | tuple):
            yield from _flat(value.values() if isinstance(value, Mapping) else value)
        else:
            yield value
