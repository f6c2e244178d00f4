"""What a run over a class is asked to do, by whom it is done, and what it says of it."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future
from pathlib import Path
from typing import Protocol

import msgspec

from grader.classroom.marks.course_marks import Marks
from grader.classroom.run.results import Row


class Workers(Protocol):
    """An executor that says how much it takes at once, and that can be left at once."""

    capacity: int

    def submit(self, fn: Callable[[bytes], bytes], /, *args: bytes) -> Future[bytes]: ...
    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None: ...
    def abort(self) -> None: ...


class BatchOptions(msgspec.Struct, frozen=True, kw_only=True):
    """How to grade a class."""

    submissions: Path
    out: Path
    roster: Path | None = None
    groups: Path | None = None  # who is of which group
    overrides: Path | None = None  # default: overrides.toml in the output folder
    isolation: str = "auto"
    regrade: tuple[str, ...] = ()
    shard: tuple[int, int] = (1, 1)  # this one of so many
    remote: bool = False  # whether workers see this machine's files


class Event(msgspec.Struct, frozen=True, kw_only=True):
    """One submission is done, or a step is begun."""

    student: str = ""
    row: Row | None = None
    marks: Marks | None = None
    done: int = 0
    total: int = 0
    reused: bool = False
    asked: str = ""  # why whose it is, is not known
    text: str = ""


class Totals(msgspec.Struct, kw_only=True):
    """What a run did."""

    students: int = 0
    graded: int = 0
    reused: int = 0
    rendered: int = 0
    missing: int = 0
    asked: int = 0  # rows without a mark, as whose a hand-in is, is not known
    strangers: int = 0  # not on the roster
    refused: int = 0
    faults: int = 0
    all_passed: bool = True
