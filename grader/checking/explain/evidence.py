"""What the cases of a failing check show: what each was given, what came of it, and what was
recorded. Pure.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import msgspec
import numpy as np

from grader.assignment.expectations import CaseRecord
from grader.checking.explain.fingerprints import Fingerprint, fingerprint, parts
from grader.checking.explain.symptoms import Pair
from grader.checking.judge.got import Got
from grader.checking.judge.values.conversions import named

ORDINALS = ("first", "second", "third", "fourth", "fifth", "sixth")


class Evidence(msgspec.Struct, frozen=True):
    """One case of a check: its values until it raised, if it did, and the recorded ones."""

    case: str
    got: Mapping[str, Got]
    record: CaseRecord
    passed: bool = False
    inputs: Sequence[Any] = ()  # what its calls were given
    raised: str = ""  # what is to be said of the exception that ended it; nothing if none did
    called: Sequence[str] = ()  # what each of the inputs is called in a sentence

    def own_prints(self) -> dict[str, Fingerprint]:
        """Return the fingerprints of what was got, the entries of dicts one by one."""
        return prints({name: got.value for name, got in self.got.items()})

    def right_prints(self) -> dict[str, Fingerprint]:
        """Return the fingerprints of what was recorded of the reference."""
        return prints(self.record.expected())


def failing(evidence: Iterable[Evidence]) -> list[Evidence]:
    """Return the cases that did not pass."""
    return [one for one in evidence if not one.passed]


def prints(values: Mapping[str, Any]) -> dict[str, Fingerprint]:
    """Return the fingerprints of named values, the entries of dicts one by one."""
    found = {}
    for name, value in values.items():
        for key, item in parts(name, value):
            found[key] = fingerprint(key, item)
    return found


def pairs(one: Evidence) -> Iterator[Pair]:
    """Yield the values of a case beside what was recorded, the entries of dicts and sequences one
    by one.
    """
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
        for (inner, want), key in zip(named(name, expected), expected, strict=True):
            if isinstance(got, Mapping) and key in got:
                yield inner, want, got[key]
    elif isinstance(expected, list | tuple):
        items = got if isinstance(got, list | tuple) and len(got) == len(expected) else ()
        for index, (want, have) in enumerate(zip(expected, items, strict=False)):
            yield f"{name}[{index}]", want, have
    else:
        yield name, expected, got
