"""What an audit found, as data, and what its author should do about it, in words. Pure."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from enum import StrEnum

import msgspec

from grader.authoring.audit.notebook_trials import NotebookResult

EQUIVALENT = "equivalent_mutants.toml"


class State(StrEnum):
    """What became of a mutant."""

    KILLED = "killed"
    SURVIVED = "survived"
    # judged so by hand, with a reason: no check can tell it from the reference
    EQUIVALENT = "equivalent"


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
    """Whether a known mistake fails where its author says and nowhere else, and is told its own
    hint.
    """

    id: str
    name: str
    fails: tuple[str, ...]
    passes_wrongly: tuple[str, ...]
    fails_wrongly: dict[str, str]  # check -> message
    seeds: tuple[str, ...]
    hinted: tuple[str, ...] = ()  # checks that tell it its own hint
    misled: dict[str, str] = {}  # check -> the other known mistake whose hint it is told
    # check -> known mistakes of another hint with the same numbers
    rivals: dict[str, tuple[str, ...]] = {}

    @property
    def own_hint(self) -> bool:
        """Whether it is told its own hint, and that of no other mistake."""
        return bool(self.hinted) and not self.misled

    @property
    def good(self) -> bool:
        """Whether it is as its author says, and nobody is told what is wrong with another's
        code.
        """
        return not self.passes_wrongly and not self.fails_wrongly and not self.misled


class RightResult(msgspec.Struct, frozen=True):
    """Whether a right solution passes everything."""

    name: str
    seeds: tuple[str, ...]
    lost: dict[str, dict[str, str]]  # seed -> check -> message
    hinted: bool = False  # whether it is told to mend something

    @property
    def good(self) -> bool:
        """Whether it has full marks with every seed and is told of no mistake."""
        return not self.lost and not self.hinted


class LazyResult(msgspec.Struct, frozen=True):
    """What a lazy solution has won."""

    id: str
    function: str  # the one that is lazy; "" for all
    won: dict[str, float]  # check -> the share of its points that it is paid for nothing
    allowed: dict[str, float] = {}  # check -> the share that the author allows, if that is less

    @property
    def good(self) -> bool:
        """Whether no check pays it more than its author allows."""
        return not self.allowed


class Hints(msgspec.Struct, frozen=True):
    """How many known mistakes are told their own hint, submitted whole and with a seed that was not
    recorded before.
    """

    all: int
    own: int
    without: tuple[str, ...]  # ids of the others

    @property
    def share(self) -> float:
        """The share that is, of 1."""
        return self.own / self.all if self.all else 1.0


class CheckRow(msgspec.Struct, frozen=True):
    """What a check is good for."""

    id: str
    kills: int  # mutants that it fails for
    alone: int  # of these, those that no other check fails for
    misconceptions: int  # known mistakes that it fails for


class FragileCheck(msgspec.Struct, frozen=True):
    """A check that breaks on answers that a student may give: it fails as the grader's fault and
    has no verdict.
    """

    id: str
    message: str  # of the first
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
    checks: tuple[CheckRow, ...]
    problems: tuple[str, ...]  # of the lists that the author keeps by hand
    advice: tuple[str, ...] = ()
    fragile: tuple[FragileCheck, ...] = ()
    notebooks: tuple[NotebookResult, ...] = ()
    lazy: tuple[LazyResult, ...] = ()

    @property
    def hints(self) -> Hints:
        """How many of the known mistakes are told their own hint."""
        without = tuple(one.id for one in self.misconceptions if not one.own_hint)
        return Hints(len(self.misconceptions), len(self.misconceptions) - len(without), without)

    @property
    def good(self) -> bool:
        """Whether nothing wrong was let through, nothing right was failed, and no check broke."""
        return not (self.problems or self.fragile) and all(
            [
                all(mutant.state is not State.SURVIVED for mutant in self.mutants),
                all(misconception.good for misconception in self.misconceptions),
                all(right.good for right in self.right),
                not any(notebook.lost for notebook in self.notebooks),
                all(lazy.good for lazy in self.lazy),
            ]
        )


def rows(
    checks: Sequence[str],
    mutants_: Sequence[MutantResult],
    misconceptions: Sequence[MisconceptionResult],
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
            messages = {
                check: message for lost in one.lost.values() for check, message in lost.items()
            }
            check, message = next(iter(messages.items()))
            yield (
                f"{names(list(messages))} {'is' if len(messages) == 1 else 'are'} too strict: the"
                f" right solution `{one.name}` loses marks with the seeds {', '.join(one.lost)}"
                f" (`{check}`, {message}). Widen what is accepted, or see whether the solution is"
                " right."
            )
    for known in misconceptions:
        if known.passes_wrongly:
            yield (
                f"{names(known.passes_wrongly)} should fail the known mistake `{known.id}`"
                f" ({known.name}) and does not: give it a case in which the mistake changes a"
                " number."
            )
        for check, message in known.fails_wrongly.items():
            yield (
                f"`{check}` fails the known mistake `{known.id}` ({known.name}), which does not say"
                f" so: {message}. Add it to `fails`, or find out what the check blames it for."
            )
        for check, other in known.misled.items():
            yield (
                f"`{check}` tells the known mistake `{known.id}` ({known.name}) the hint of"
                f" another, {other}: give it a case in which the two differ, or write one hint that"
                " is right for both and put both into one `group`."
            )
    survivors: dict[str, list[MutantResult]] = {}
    for mutant in mutants_:
        if mutant.state is State.SURVIVED:
            survivors.setdefault(mutant.function, []).append(mutant)
    for function, own in survivors.items():
        killers = [
            id_ for mutant in mutants_ if mutant.function == function for id_ in mutant.failed
        ]
        judge = max(dict.fromkeys(killers), key=killers.count, default="")
        where = (
            f"strengthen `{judge}`, which judges it most often"
            if judge
            else "no check judges it: write one"
        )
        count = "a mutant survives" if len(own) == 1 else f"{len(own)} mutants survive"
        yield (
            f"`{function}`: {count}. For each, {where}, with a case in which the changed line"
            f" matters; or, where the mutant is as right as the reference, list it in {EQUIVALENT}"
            " with the reason."
        )
    yield from _without_hint(misconceptions)
    if mutants_:
        for check in checks:
            if not any(check in mutant.failed for mutant in mutants_):
                yield (
                    f"`{check}` fails for no mutant at all: does it judge anything that students"
                    " write?"
                )


def lazy_advice(results: Sequence[LazyResult]) -> Iterator[str]:
    """Yield what an author should do about checks that pay for answers without work."""
    paid: dict[str, list[LazyResult]] = {}
    for one in results:
        for check in one.allowed:
            paid.setdefault(check, []).append(one)
    for check, own in paid.items():
        most = max(one.won[check] for one in own)
        more = f"; and {len(own) - 3} more" if len(own) > 3 else ""
        told = "; ".join(one.id for one in own[:3]) + more
        mend = "Give it cases in which these are wrong"
        if most < 1:
            mend += f", or allow them with `lazy_share = {math.ceil(most * 100) / 100:g}`"
        paid_for = f"`{check}` pays up to {most:.0%} of its points for answers without work"
        yield f"{paid_for} ({told}). {mend}."


def fragile_advice(fragile: Sequence[FragileCheck]) -> Iterator[str]:
    """Yield what an author should do about checks that break on wrong answers."""
    for one in fragile:
        tried = f"`{one.trials[0]}`" + (
            f" and {len(one.trials) - 1} more" if len(one.trials) > 1 else ""
        )
        yield (
            f"`{one.id}` is fragile: it breaks on the answers of {tried}, so that a student who"
            f" answers the same gets no verdict but a fault of the grader's ({one.message})."
            " Compare an answer with `expect` before you calculate with it."
        )


def _without_hint(misconceptions: Sequence[MisconceptionResult]) -> Iterator[str]:
    """Yield what keeps known mistakes from being told their own hint, and what would help."""
    mute = [one for one in misconceptions if not (one.own_hint or one.misled or one.passes_wrongly)]
    for known in mute:
        for check, others in known.rivals.items():
            yield (
                f"`{check}` tells the known mistake `{known.id}` ({known.name}) no hint, since"
                f" {names(others)} {'gives' if len(others) == 1 else 'give'} the same numbers in"
                " all of its cases: add a case in which they differ, or write one hint that is"
                " right for all and put them into one `group`."
            )
    silent = [known.id for known in mute if not known.rivals]
    if silent:
        yield (
            f"No check knows {names(silent)} by {'its' if len(silent) == 1 else 'their'} numbers,"
            " so that no student is told the hint. The usual reason is a mistake that raises an"
            " exception, or returns too few values, in every case: then see that the message says"
            " enough."
        )


def names(ids: Sequence[str]) -> str:
    """Return ids as a phrase."""
    quoted = [f"`{id_}`" for id_ in ids]
    return " and ".join([", ".join(quoted[:-1]), quoted[-1]] if len(quoted) > 1 else quoted)
