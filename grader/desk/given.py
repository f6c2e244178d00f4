"""Decisions and splits by part and student, with their versions: brought up to date row by row of
the journal."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from grader.classroom.marks.decisions import (
    DECISION,
    SPLIT,
    Decision,
    Journal,
    JournalRow,
    decoded,
    names_of,
)

Decisions = Mapping[str, Mapping[str, Decision]]  # student -> part -> decision


@dataclass(frozen=True)
class GivenMarks:
    """What was given to whom. A student of whom nothing changed has the same mapping as before."""

    decisions: Decisions
    versions: Mapping[str, Mapping[str, int]]  # part -> student -> version of the decision
    splits: Mapping[str, Mapping[str, tuple[bool, int]]]  # part -> student -> taken out, version

    @classmethod
    def of(cls, journal: Journal) -> GivenMarks:
        """Return what a journal holds now."""
        decisions: dict[str, dict[str, Decision]] = {}
        versions: dict[str, dict[str, int]] = {}
        splits: dict[str, dict[str, tuple[bool, int]]] = {}
        for key, record in journal.every_record(DECISION).items():
            part, student = names_of(key)
            versions.setdefault(part, {})[student] = record.version
            if record.value is not None:
                decisions.setdefault(student, {})[part] = decoded(record.value, Decision)
        for key, record in journal.every_record(SPLIT).items():
            part, student = names_of(key)
            splits.setdefault(part, {})[student] = (record.value is not None, record.version)
        return cls(decisions, versions, splits)

    def after(self, lines: Sequence[JournalRow]) -> GivenMarks:
        """Return the same with later rows of the journal."""
        decisions = dict(self.decisions)
        versions = {part: dict(own) for part, own in self.versions.items()}
        splits = {part: dict(own) for part, own in self.splits.items()}
        for line in lines:
            if line.kind not in (DECISION, SPLIT):
                continue
            part, student = names_of(line.key)
            if line.kind == SPLIT:
                splits.setdefault(part, {})[student] = (line.after is not None, line.seq)
                continue
            versions.setdefault(part, {})[student] = line.seq
            own = {
                name: decision
                for name, decision in decisions.get(student, {}).items()
                if name != part
            }
            if line.after is not None:
                own[part] = decoded(line.after, Decision)
            decisions[student] = own
        return GivenMarks(decisions, versions, splits)
