"""An audit's findings as text, as a page and as JSON."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec

from grader.authoring.audit.findings import Audit, MutantResult, State
from grader.report import templating


class Count(msgspec.Struct, frozen=True):
    """How the mutants of one function fared."""

    function: str
    total: int
    killed: int
    survived: int
    equivalent: int


def counts(found: Audit) -> list[Count]:
    """Return the mutants' fates by function, in the order of the files, and their sum."""
    rows = []
    for function in [*dict.fromkeys(mutant.function for mutant in found.mutants), None]:
        states = [mutant.state for mutant in found.mutants if function in (mutant.function, None)]
        name = "all" if function is None else function or "outside of functions"
        rows.append(Count(name, len(states), *(states.count(state) for state in State)))
    return rows


def survivors(found: Audit) -> list[MutantResult]:
    """Return the mutants that no check noticed."""
    return [mutant for mutant in found.mutants if mutant.state is State.SURVIVED]


def json(found: Audit) -> bytes:
    """Return the findings for machines."""
    told = {**msgspec.to_builtins(found), "good": found.good}
    if found.misconceptions:
        told["own_hints"] = {
            **msgspec.to_builtins(found.hints),
            "share": round(found.hints.share, 4),
        }
    return msgspec.json.format(msgspec.json.encode(told)) + b"\n"


def html(found: Audit) -> bytes:
    """Return the findings as a page that needs nothing beside it."""
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
        equivalent=[mutant for mutant in found.mutants if mutant.state is State.EQUIVALENT],
    )
    return page.encode("utf-8", "replace")


def text(found: Audit) -> str:
    """Return the findings for a terminal."""
    return "\n".join(_lines(found))


def verdict(found: Audit) -> str:
    """Return the one sentence that says it all."""
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
    """Return how many known mistakes are told their own hint."""
    hints = found.hints
    return f"{hints.own} of these {hints.all} ({hints.share:.0%}) are told their own hint"


def unneeded(found: Audit) -> list[str]:
    """Return the checks that notice no mutant by themselves."""
    return [row.id for row in found.checks if not row.alone] if found.mutants else []


def _lines(found: Audit) -> Iterator[str]:
    if found.mutants:
        yield from _table(
            ["mutants of", "all", "killed", "survived", "equivalent"], map(_cells, counts(found))
        )
        yield ""
    yield from _table(
        ["check", "kills", "alone", "known mistakes"],
        ([row.id, row.kills, row.alone, row.misconceptions] for row in found.checks),
    )
    if unneeded(found):
        yield ""
        yield (
            "every mutant that these notice is noticed by another check too:"
            f" {', '.join(unneeded(found))}"
        )
    if found.misconceptions and found.hints.without:
        yield ""
        yield f"known mistakes that are not told their own hint: {', '.join(found.hints.without)}"
    for mutant in survivors(found):
        yield f"\nsurvived: {mutant.id}, {mutant.description}\n{mutant.diff}"
    for sentence in (*found.problems, *found.advice):
        yield f"\n{sentence}"
    yield (
        f"\n{verdict(found)} ({found.seconds:.0f} s, {found.seed} seed, isolation"
        f" {found.isolation})"
    )


def _cells(count: Count) -> list[Any]:
    return [count.function, count.total, count.killed, count.survived, count.equivalent]


def _table(head: list[str], rows: Any) -> Iterator[str]:
    table = [head, *([str(cell) for cell in row] for row in rows)]
    widths = [max(len(row[column]) for row in table) for column in range(len(head))]
    for row in table:
        first, *rest = (
            cell.ljust(width) if not column else cell.rjust(width)
            for column, (cell, width) in enumerate(zip(row, widths, strict=True))
        )
        yield "  ".join([first, *rest])
