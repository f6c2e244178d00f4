"""A worker's open graders: used again while they are asked for, closed when others replace them."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from toy import Toy

from grader.classroom.run import worker
from grader.sandbox.plain import PlainSandbox


@pytest.fixture
def closed(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[PlainSandbox]]:
    """The sandboxes that were closed so far."""
    worker.close()
    found: list[PlainSandbox] = []
    monkeypatch.setattr(PlainSandbox, "close", lambda sandbox: found.append(sandbox))
    yield found
    worker.close()


def test_many_sets_of_checks_leave_few_sandboxes_open(toy: Toy, closed: list[PlainSandbox]) -> None:
    sets = [frozenset({check.id}) for check in toy.assignment.spec.checks]
    assert len(sets) > worker.MOST_OPEN
    folder, digest = toy.assignment.folder, toy.assignment.digest
    graders = [worker._grader(folder, digest, "none", only) for only in sets]
    assert closed == [grader._sandbox for grader in graders[: -worker.MOST_OPEN]]
    worker.close()
    assert len(closed) == len(sets)


def test_a_set_that_is_asked_for_again_keeps_its_grader(
    toy: Toy, closed: list[PlainSandbox]
) -> None:
    folder, digest = toy.assignment.folder, toy.assignment.digest
    first = worker._grader(folder, digest, "none", frozenset({"center"}))
    worker._grader(folder, digest, "none", frozenset({"count"}))
    assert worker._grader(folder, digest, "none", frozenset({"center"})) is first
    worker._grader(folder, digest, "none", frozenset({"noise"}))
    assert first._sandbox not in closed
