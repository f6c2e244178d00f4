"""What an audit found, as data. Pure; the advice on it is in `audit_advice`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from enum import StrEnum

import msgspec

from grader.authoring.audit.notebook_trials import NotebookResult

EQUIVALENT = "equivalent_mutants.toml"


class MutantState(StrEnum):
    """A mutant's outcome."""

    KILLED = "killed"
    SURVIVED = "survived"
    EQUIVALENT = "equivalent"  # listed by the author with a reason: as right as the reference


class MutantResult(msgspec.Struct, frozen=True):
    """One mutant and its outcome."""

    id: str
    file: str
    function: str
    place: str  # the function, or the notebook's cell or module
    description: str
    diff: str
    state: MutantState
    failed: tuple[str, ...]  # checks that noticed it
    reason: str = ""  # why it is equivalent


class MisconceptionResult(msgspec.Struct, frozen=True):
    """Whether a known mistake fails exactly the checks it should, and gets its own hint."""

    id: str
    name: str
    fails: tuple[str, ...]
    passes_wrongly: tuple[str, ...]
    fails_wrongly: dict[str, str]  # check -> message
    seeds: tuple[str, ...]
    hinted: tuple[str, ...] = ()  # checks that give it its own hint
    misled: dict[str, str] = {}  # check -> the other known mistake whose hint it gets
    # check -> known mistakes of another hint with the same numbers
    rivals: dict[str, tuple[str, ...]] = {}

    @property
    def own_hint(self) -> bool:
        """Whether it gets its own hint and no other."""
        return bool(self.hinted) and not self.misled

    @property
    def good(self) -> bool:
        """Whether it fails as its author says, and gets no other mistake's hint."""
        return not self.passes_wrongly and not self.fails_wrongly and not self.misled


class RightResult(msgspec.Struct, frozen=True):
    """Whether a right solution passes everything."""

    name: str
    seeds: tuple[str, ...]
    lost: dict[str, dict[str, str]]  # seed -> check -> message
    hinted: bool = False  # whether it gets a hint of a known mistake

    @property
    def good(self) -> bool:
        """Whether it has full marks with every seed and gets no hint."""
        return not self.lost and not self.hinted


class LazyResult(msgspec.Struct, frozen=True):
    """What a lazy solution has won."""

    id: str
    function: str  # the one that is lazy; "" for all
    won: dict[str, float]  # check -> the share of its points that it earns without work
    allowed: dict[str, float] = {}  # check -> the share that the author allows, if that is less

    @property
    def good(self) -> bool:
        """Whether it earns no more than the author allows."""
        return not self.allowed


class Hints(msgspec.Struct, frozen=True):
    """How many known mistakes get their own hint with a seed that was not recorded before."""

    all: int
    own: int
    without: tuple[str, ...]  # ids of the others

    @property
    def share(self) -> float:
        """The same as a share of 1."""
        return self.own / self.all if self.all else 1.0


class CheckFinding(msgspec.Struct, frozen=True):
    """What a check notices."""

    id: str
    kills: int  # mutants that it fails for
    alone: int  # of these, those that no other check fails for
    misconceptions: int  # known mistakes that it fails for


class FragileCheck(msgspec.Struct, frozen=True):
    """A check that raises on a possible answer, so that it has no verdict."""

    id: str
    message: str  # of the first trial on which it broke
    trials: tuple[str, ...]


class Audit(msgspec.Struct, frozen=True):
    """All that was found."""

    schema: int
    assignment: str
    title: str
    seed: str
    isolation: str
    seconds: float
    parts: tuple[str, ...]
    mutants: tuple[MutantResult, ...]
    misconceptions: tuple[MisconceptionResult, ...]
    right: tuple[RightResult, ...]
    checks: tuple[CheckFinding, ...]
    problems: tuple[str, ...]  # of the lists that the author keeps by hand
    advice: tuple[str, ...] = ()
    fragile: tuple[FragileCheck, ...] = ()
    notebooks: tuple[NotebookResult, ...] = ()
    lazy: tuple[LazyResult, ...] = ()

    @property
    def hints(self) -> Hints:
        """How many of the known mistakes get their own hint."""
        without = tuple(one.id for one in self.misconceptions if not one.own_hint)
        return Hints(len(self.misconceptions), len(self.misconceptions) - len(without), without)

    @property
    def good(self) -> bool:
        """Whether nothing wrong was let through, nothing right was failed, and no check broke."""
        if self.problems or self.fragile or any(one.lost for one in self.notebooks):
            return False
        if any(mutant.state is MutantState.SURVIVED for mutant in self.mutants):
            return False
        tried: list[MisconceptionResult | RightResult | LazyResult] = [
            *self.misconceptions,
            *self.right,
            *self.lazy,
        ]
        return all(one.good for one in tried)


def rows(
    checks: Sequence[str],
    mutants_: Sequence[MutantResult],
    misconceptions: Sequence[MisconceptionResult],
) -> Iterator[CheckFinding]:
    """Yield a row for each check."""
    for id_ in checks:
        kills = alone = known = 0
        for mutant in mutants_:
            kills += id_ in mutant.failed
            alone += mutant.failed == (id_,)
        for one in misconceptions:
            known += id_ in one.fails and id_ not in one.passes_wrongly
        yield CheckFinding(id_, kills, alone, known)
