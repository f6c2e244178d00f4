"""An audit's findings as text, as a page and as JSON."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import msgspec

from grader.authoring.audit.findings import Audit, MutantResult, MutantState
from grader.report import templating


class MutantCount(msgspec.Struct, frozen=True):
    """How many mutants of one function, or one cell outside of functions, had each outcome."""

    place: str
    total: int
    killed: int
    survived: int
    equivalent: int


def counts(found: Audit) -> list[MutantCount]:
    """Return a row for each place with mutants, in the order of the files, and their sum."""
    states: dict[str, list[MutantState]] = {}
    for mutant in found.mutants:
        states.setdefault(mutant.place, []).append(mutant.state)
    every = [mutant.state for mutant in found.mutants]
    rows = []
    for name, own in (*states.items(), ("all", every)):
        rows.append(MutantCount(name, len(own), *map(own.count, MutantState)))
    return rows


def survivors(found: Audit) -> list[MutantResult]:
    """Return the mutants that no check noticed."""
    return _of_state(found, MutantState.SURVIVED)


def _of_state(found: Audit, state: MutantState) -> list[MutantResult]:
    return [mutant for mutant in found.mutants if mutant.state is state]


def json(found: Audit) -> bytes:
    """Return the findings as JSON."""
    data = {**msgspec.to_builtins(found), "good": found.good}
    if found.misconceptions:
        share = round(found.hints.share, 4)
        data["own_hints"] = {**msgspec.to_builtins(found.hints), "share": share}
    return msgspec.json.format(msgspec.json.encode(data)) + b"\n"


def html(found: Audit) -> bytes:
    """Return the findings as a single HTML page."""
    page = templating.render(
        "grader.authoring",
        "audit.html.j2",
        style="audit.css",
        found=found,
        verdict=verdict(found),
        counts=counts(found),
        survivors=survivors(found),
        unneeded=unneeded(found),
        own_hints=own_hints(found),
        equivalent=_of_state(found, MutantState.EQUIVALENT),
    )
    return page.encode("utf-8", "replace")


def text(found: Audit) -> str:
    """Return the findings for a terminal."""
    return "\n".join(_lines(found))


def verdict(found: Audit) -> str:
    """Return a summary in one sentence."""
    said = []
    if "mutants" in found.parts:
        alive = len(survivors(found))
        said.append(
            f"{len(found.mutants)} mutants, {alive or 'none'} survive{'s' if alive < 2 else ''}"
        )
    for part, what, as_due in (
        (found.misconceptions, "known mistakes", "fail where they should"),
        (found.lazy, "lazy solutions", "earn no more than they may"),
        (found.right, "right solutions", "have full marks"),
    ):
        if part:
            bad = sum(not result.good for result in part)
            said.append(f"{len(part)} {what}, {f'all but {bad}' if bad else 'all'} {as_due}")
        if part and part is found.misconceptions:
            said.append(own_hints(found))
    if found.notebooks:
        bad = sum(bool(result.lost) for result in found.notebooks)
        done = f"{bad} of them cost" if bad else "none costs"
        said.append(
            f"{len(found.notebooks)} notebooks with one cell wrong, {done} points of another task"
        )
    if found.fragile:
        some = len(found.fragile)
        said.append(
            f"{some} of the checks break{'s' if some == 1 else ''} on answers that were tried"
        )
    return "; ".join(said) or "there was nothing to audit"


def own_hints(found: Audit) -> str:
    """Return how many known mistakes get their own hint."""
    hints = found.hints
    return f"{hints.own} of these {hints.all} ({hints.share:.0%}) get their own hint"


def unneeded(found: Audit) -> list[str]:
    """Return the checks whose noticed mutants are all noticed by another check too."""
    return [row.id for row in found.checks if not row.alone] if found.mutants else []


def _lines(found: Audit) -> Iterator[str]:
    if found.mutants:
        yield from _table(
            ["mutants of", "all", "killed", "survived", "equivalent"],
            map(msgspec.structs.astuple, counts(found)),
        )
        yield ""
    yield from _table(
        ["check", "kills", "alone", "known mistakes"],
        map(msgspec.structs.astuple, found.checks),
    )
    if unneeded(found):
        yield ""
        yield (
            "every mutant that these notice is noticed by another check too:"
            f" {', '.join(unneeded(found))}"
        )
    if found.misconceptions and found.hints.without:
        yield ""
        yield f"known mistakes that do not get their own hint: {', '.join(found.hints.without)}"
    for mutant in survivors(found):
        yield f"\nsurvived: {mutant.id}, {mutant.description}\n{mutant.diff}"
    for sentence in (*found.problems, *found.advice):
        yield f"\n{sentence}"
    yield (
        f"\n{verdict(found)} ({found.seconds:.0f} s, {found.seed} seed, isolation"
        f" {found.isolation})"
    )


def _table(head: list[str], rows: Iterable[Sequence[Any]]) -> Iterator[str]:
    """Yield the lines of a table; all columns but the first are aligned to the right."""
    table = [head]
    for row in rows:
        table.append(list(map(str, row)))
    widths = [max(map(len, column)) for column in zip(*table, strict=True)]
    for first, *rest in table:
        cells = map(str.rjust, rest, widths[1:])
        yield "  ".join([first.ljust(widths[0]), *cells])
