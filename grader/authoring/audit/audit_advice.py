"""What an author should do about an audit's findings, in sentences. Pure."""

from __future__ import annotations

import itertools
import math
from collections import Counter
from collections.abc import Iterator, Sequence

from grader.authoring.audit.findings import (
    EQUIVALENT,
    FragileCheck,
    LazyResult,
    MisconceptionResult,
    MutantResult,
    MutantState,
    RightResult,
)
from grader.text import quoted


def advice(
    checks: Sequence[str],
    mutants_: Sequence[MutantResult],
    misconceptions: Sequence[MisconceptionResult],
    right: Sequence[RightResult],
) -> Iterator[str]:
    """Yield what an author should do, the gravest first."""
    yield from _on_right_solutions(right)
    yield from _on_known_mistakes(misconceptions)
    yield from _on_survivors(mutants_)
    yield from _without_hint(misconceptions)
    noticed: set[str] = set()
    for mutant in mutants_:
        noticed.update(mutant.failed)
    for check in checks if mutants_ else ():
        if check not in noticed:
            yield (
                f"`{check}` fails for no mutant at all: does it judge anything that students write?"
            )


def _on_right_solutions(right: Sequence[RightResult]) -> Iterator[str]:
    for one in right:
        messages: dict[str, str] = {}
        for lost in one.lost.values():
            messages |= lost
        for check, message in itertools.islice(messages.items(), 1):
            yield (
                f"{names(list(messages))} {'is' if len(messages) == 1 else 'are'} too strict: the"
                f" right solution `{one.name}` loses marks with the seeds {', '.join(one.lost)}"
                f" (`{check}`, {message}). Widen what is accepted, or see whether the solution is"
                " right."
            )


def _on_known_mistakes(misconceptions: Sequence[MisconceptionResult]) -> Iterator[str]:
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
                f"`{check}` gives the known mistake `{known.id}` ({known.name}) the hint of"
                f" another, {other}: give it a case in which the two differ, or write one hint that"
                " is right for both and put both into one `group`."
            )


def _on_survivors(mutants_: Sequence[MutantResult]) -> Iterator[str]:
    survivors: dict[str, list[MutantResult]] = {}
    for mutant in mutants_:
        if mutant.state is MutantState.SURVIVED:
            survivors.setdefault(mutant.place, []).append(mutant)
    for place, own in survivors.items():
        killers: Counter[str] = Counter()
        for mutant in mutants_:
            if mutant.place == place:
                killers.update(mutant.failed)
        advised = "no check judges it: write one"
        for judge, _ in killers.most_common(1):
            advised = f"strengthen `{judge}`, which judges it most often"
        count = "a mutant survives" if len(own) == 1 else f"{len(own)} mutants survive"
        shown = f"`{place}`" if own[0].function else place
        yield (
            f"{shown}: {count}. For each, {advised}, with a case in which the changed line"
            f" matters; or, if the mutant is as right as the reference, list it in {EQUIVALENT}"
            " with the reason."
        )


def lazy_advice(results: Sequence[LazyResult]) -> Iterator[str]:
    """Yield what an author should do about checks that give points for answers without work."""
    earned: dict[str, list[LazyResult]] = {}
    for one in results:
        for check in one.allowed:
            earned.setdefault(check, []).append(one)
    for check, own in earned.items():
        most = max(one.won[check] for one in own)
        more = f"; and {len(own) - 3} more" if len(own) > 3 else ""
        examples = "; ".join(one.id for one in own[:3]) + more
        mend = "Give it cases in which these are wrong"
        if most < 1:
            mend += f", or allow them with `lazy_share = {math.ceil(most * 100) / 100:g}`"
        given = f"`{check}` gives up to {most:.0%} of its points for answers without work"
        yield f"{given} ({examples}). {mend}."


def fragile_advice(fragile: Sequence[FragileCheck]) -> Iterator[str]:
    """Yield what an author should do about checks that break on wrong answers."""
    for one in fragile:
        tried = f"`{one.trials[0]}`" + (
            f" and {len(one.trials) - 1} more" if len(one.trials) > 1 else ""
        )
        yield (
            f"`{one.id}` is fragile: it breaks on the answers of {tried}, so a student who answers"
            f" the same gets no verdict, but an error of the grader ({one.message})."
            " Compare an answer with `expect` before you calculate with it."
        )


def _without_hint(misconceptions: Sequence[MisconceptionResult]) -> Iterator[str]:
    """Yield why known mistakes do not get their own hint, and what would help."""
    mute = [one for one in misconceptions if not (one.own_hint or one.misled or one.passes_wrongly)]
    for known in mute:
        for check, others in known.rivals.items():
            yield (
                f"`{check}` gives the known mistake `{known.id}` ({known.name}) no hint, since"
                f" {names(others)} {'gives' if len(others) == 1 else 'give'} the same numbers in"
                " all of its cases: add a case in which they differ, or write one hint that is"
                " right for all and put them into one `group`."
            )
    silent = [known.id for known in mute if not known.rivals]
    if silent:
        yield (
            f"No check knows {names(silent)} by {'its' if len(silent) == 1 else 'their'} numbers,"
            " so no student gets the hint. The usual reason is a mistake that raises an exception,"
            " or returns too few values, in every case: then see that the message says enough."
        )


def names(ids: Sequence[str]) -> str:
    """Return ids as a phrase."""
    head, _, last = quoted(ids).rpartition(", ")
    return f"{head} and {last}" if head else last
