"""What an audit found, as data, and what its author should do about it, in words. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from enum import StrEnum

import msgspec

EQUIVALENT = "equivalent_mutants.toml"


class State(StrEnum):
    """What became of a mutant."""

    KILLED = "killed"
    SURVIVED = "survived"
    EQUIVALENT = "equivalent"  # judged so by hand, with a reason: no check can tell it from the reference


class MutantResult(msgspec.Struct, frozen=True):
    """One mutant's fate."""

    id: str
    file: str
    function: str
    description: str
    diff: str
    state: State
    failed: tuple[str, ...]  # checks that noticed it
    reason: str = ""  # why it is equivalent


class MisconceptionResult(msgspec.Struct, frozen=True):
    """Whether a known mistake fails where its author says, and nowhere else."""

    id: str
    name: str
    fails: tuple[str, ...]
    passes_wrongly: tuple[str, ...]
    fails_wrongly: dict[str, str]  # check -> message

    @property
    def good(self) -> bool:
        """Whether it is as its author says."""
        return not self.passes_wrongly and not self.fails_wrongly


class RightResult(msgspec.Struct, frozen=True):
    """Whether a right solution passes everything."""

    name: str
    seeds: tuple[str, ...]
    lost: dict[str, dict[str, str]]  # seed -> check -> message

    @property
    def good(self) -> bool:
        """Whether it has full marks with every seed."""
        return not self.lost


class CheckRow(msgspec.Struct, frozen=True):
    """What a check is good for."""

    id: str
    kills: int  # mutants that it fails for
    alone: int  # of these, those that no other check fails for
    misconceptions: int  # known mistakes that it fails for


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
    checks: tuple[CheckRow, ...]
    problems: tuple[str, ...]  # of the lists that the author keeps by hand
    advice: tuple[str, ...] = ()

    @property
    def good(self) -> bool:
        """Whether nothing survived, nothing failed wrongly, and no right solution lost a mark."""
        return not self.problems and all(
            [
                all(mutant.state is not State.SURVIVED for mutant in self.mutants),
                all(misconception.good for misconception in self.misconceptions),
                all(right.good for right in self.right),
            ]
        )


def rows(
    checks: Sequence[str], mutants_: Sequence[MutantResult], misconceptions: Sequence[MisconceptionResult]
) -> Iterator[CheckRow]:
    """Yield what each check is good for."""
    for id_ in checks:
        kills = [mutant for mutant in mutants_ if id_ in mutant.failed]
        alone = sum(len(mutant.failed) == 1 for mutant in kills)
        known = sum(id_ in one.fails and id_ not in one.passes_wrongly for one in misconceptions)
        yield CheckRow(id_, len(kills), alone, known)


def advice(
    checks: Sequence[str],
    mutants_: Sequence[MutantResult],
    misconceptions: Sequence[MisconceptionResult],
    right: Sequence[RightResult],
) -> Iterator[str]:
    """Yield what an author should do, the gravest first."""
    for one in right:
        if one.lost:
            messages = {check: message for lost in one.lost.values() for check, message in lost.items()}
            check, message = next(iter(messages.items()))
            yield (
                f"{names(list(messages))} {'is' if len(messages) == 1 else 'are'} too strict: the right solution "
                f"`{one.name}` loses marks with the seeds {', '.join(one.lost)} (`{check}`, {message}). Widen what is "
                "accepted, or see whether the solution is right."
            )
    for known in misconceptions:
        if known.passes_wrongly:
            yield (
                f"{names(known.passes_wrongly)} should fail the known mistake `{known.id}` ({known.name}) and does "
                "not: give it a case in which the mistake changes a number."
            )
        for check, message in known.fails_wrongly.items():
            yield (
                f"`{check}` fails the known mistake `{known.id}` ({known.name}), which does not say so: {message}. "
                "Add it to `fails`, or find out what the check blames it for."
            )
    survivors: dict[str, list[MutantResult]] = {}
    for mutant in mutants_:
        if mutant.state is State.SURVIVED:
            survivors.setdefault(mutant.function, []).append(mutant)
    for function, own in survivors.items():
        killers = [id_ for mutant in mutants_ if mutant.function == function for id_ in mutant.failed]
        judge = max(dict.fromkeys(killers), key=killers.count, default="")
        where = f"strengthen `{judge}`, which judges it most often" if judge else "no check judges it: write one"
        count = "a mutant survives" if len(own) == 1 else f"{len(own)} mutants survive"
        yield (
            f"`{function}`: {count}. For each, {where}, with a case in which the changed line matters; or, where the "
            f"mutant is as right as the reference, list it in {EQUIVALENT} with the reason."
        )
    if mutants_:
        for check in checks:
            if not any(check in mutant.failed for mutant in mutants_):
                yield f"`{check}` fails for no mutant at all: does it judge anything that students write?"


def names(ids: Sequence[str]) -> str:
    """Return ids as a phrase."""
    quoted = [f"`{id_}`" for id_ in ids]
    return " and ".join([", ".join(quoted[:-1]), quoted[-1]] if len(quoted) > 1 else quoted)
