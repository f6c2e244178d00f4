"""What is said if just those cases fail, or pass, that have an axis of length one. Pure."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Mapping, Sequence

import numpy as np

from grader.checking.explain.evidence import ORDINALS, Evidence, failing, pairs

NAMED = 3  # cases that are named one by one
ONE = (
    "Look for what removes such an axis (`squeeze`, an index in place of a slice, a `reshape` with"
    " too few axes), and for a shape that is read off an array which has lost one."
)
ONE_VALUE = (
    "Look at what a single entry there changes: it is the first and the last, an array of length"
    " one is stretched to the lengths of others, and what is divided by a length less one is"
    " divided by zero."
)


def fail_with_ones(evidence: Sequence[Evidence]) -> str:
    """Return whether the cases fail that have an input with an axis of length one: these alone, or
    at least all of them.
    """
    failed = failing(evidence)
    wrong = _cases(failed)
    if not wrong or len(wrong) == len(evidence):
        return ""
    found = _with_ones(evidence)
    with_one = _cases(filter(_has_one, evidence))
    for called, cases in (*found.items(), ("shape of what is to come out", with_one)):
        if cases == wrong:
            which = (
                f"Only the case that fails ({min(wrong)}) has"
                if len(wrong) == 1
                else "Only the cases that fail have"
            )
            return f"{which} length one in the {called}. {_on_ones(failed)}"
    for (one, first), (other, second) in itertools.combinations(found.items(), 2):
        if first and second and first | second == wrong:
            return (
                f"Just those cases fail that have length one in the {one} or the {other}."
                f" {_on_ones(failed)}"
            )
    ended_early = not any(one.got for one in failed)  # before there was a value
    return _ones_among(found, wrong) if ended_early else ""


def pass_with_ones(evidence: Sequence[Evidence]) -> str:
    """Return whether just those cases pass that have an axis of length one."""
    right = {one.case for one in evidence if one.passed}
    if not right or not any(one.got for one in evidence if not one.passed):
        return ""
    for called, cases in _with_ones(evidence).items():
        if cases == right:
            one = f"case that passes ({min(right)}) has"
            which = one if len(right) == 1 else "cases that pass have"
            return (
                f"Only the {which} length one in the {called}. So what the function does for a"
                " single entry along it is right there: look at what changes with the second one."
            )
    return ""


def _on_ones(failed: Sequence[Evidence]) -> str:
    """Return what to look for if cases with an axis of length one fail: whether it is gone, or the
    values alone are wrong.
    """
    if any(one.raised or not one.got for one in failed):
        return ONE
    for one in failed:
        for pair in pairs(one):
            if shape_of(pair.expected) != shape_of(pair.got):
                return ONE
    return ONE_VALUE


def _ones_among(found: Mapping[str, set[str]], wrong: set[str]) -> str:
    """Return whether a few cases fail and all those are among them that have one axis of length
    one.
    """
    if len(wrong) > NAMED:
        return ""
    for called, cases in found.items():
        if cases and cases < wrong:
            names = "; ".join(sorted(cases))
            others = "; ".join(sorted(wrong - cases))
            which = "The case" if len(cases) == 1 else "The cases"
            return (
                f"{which} with length one in the {called} fail{'s' * (len(cases) == 1)} ({names})."
                f" {ONE} That may not explain {others}."
            )
    return ""


def _with_ones(evidence: Sequence[Evidence]) -> dict[str, set[str]]:
    """Return the cases in which an axis has length one, by what the axis is called."""
    found: dict[str, set[str]] = {}
    names = _axes(evidence)
    for one in evidence:
        for what, array in _arrays(one):
            for axis, length in enumerate(array.shape[: len(ORDINALS)]):
                called = names.get((what, axis)) or f"{ORDINALS[axis]} axis of {what}"
                found.setdefault(called, set()).update([one.case] if length == 1 else [])
    return found


def _has_one(one: Evidence) -> bool:
    """Return whether an array that is expected of a case has an axis of length one."""
    for value in one.record.expected().values():
        if isinstance(value, np.ndarray) and 1 in value.shape:
            return True
    return False


def _arrays(one: Evidence) -> Iterator[tuple[str, np.ndarray]]:
    """Yield the arrays that are expected of a case, and those that its calls were given, with what
    they are called.
    """
    for name, value in one.record.expected().items():
        if isinstance(value, np.ndarray):
            yield f"`{name}`", value
    for index, value in enumerate(one.inputs):
        if isinstance(value, np.ndarray):
            yield one.called[index] if index < len(one.called) else f"input {index + 1}", value


def _axes(evidence: Sequence[Evidence]) -> dict[tuple[str, int], str]:
    """Return what the axes of the values are called, if the check says so."""
    found: dict[tuple[str, int], str] = {}
    for one in evidence:
        for name, got in one.got.items():
            for axis, called in enumerate(got.axes):
                found[f"`{name}`", axis] = f"axis {called}"
    return found


def _cases(evidence: Iterable[Evidence]) -> set[str]:
    return {one.case for one in evidence}


def shape_of(value: object) -> tuple[int, ...] | None:
    """Return the shape of an array or of a NumPy scalar, None for anything else."""
    return value.shape if isinstance(value, np.ndarray | np.generic) else None
