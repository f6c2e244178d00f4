"""Fixtures of the desk's tests."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import made
import pytest
from seats import Sat

from grader.classroom.run.result_store import Store


@pytest.fixture
def sat(tmp_path: Path) -> Iterator[Callable[..., Sat]]:
    """Return a function that opens a desk on a class of some students."""
    opened: list[Sat] = []

    def sit(students: int = 6, graders: tuple[str, ...] = ("ta1", "ta2"), **how: Any) -> Sat:
        store = made.build(tmp_path / f"class{len(opened)}", students, **how)
        opened.append(Sat(store, graders))
        return opened[-1]

    yield sit
    for one in opened:
        one.journal.close()


@pytest.fixture
def sit_at() -> Iterator[Callable[[Store], Sat]]:
    """Return a function that opens a desk on a class that is there."""
    opened: list[Sat] = []

    def sit(store: Store) -> Sat:
        opened.append(Sat(store, ("ta1", "ta2")))
        return opened[-1]

    yield sit
    for one in opened:
        one.journal.close()
