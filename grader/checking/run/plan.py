"""What is to be run, an assignment's checks against one submission's files, and what comes of
it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import msgspec

from grader.assignment.expectations import Expectations
from grader.assignment.schema import CheckSpec
from grader.assignment.spec import Assignment
from grader.checking.api.held_values import Mode
from grader.checking.explain.diagnosis import KnownMistakes
from grader.checking.run.verdicts import CheckOutcome
from grader.sandbox.box import Sandbox


class Plan(msgspec.Struct, frozen=True):
    """What is to be run: an assignment's checks against one submission's files."""

    assignment: Assignment
    sandbox: Sandbox
    files: dict[str, bytes]  # the student's files and notebooks, by their places
    expectations: Expectations  # compared with, or filled while recording
    mode: Mode = Mode.COMPARE
    # whether the inputs are the instructor's own: numbers are kept out of messages
    hidden: bool = False
    only: frozenset[str] = frozenset()  # ids of checks; empty: all
    on_check: Callable[[CheckOutcome], None] = lambda check: None
    # what known mistakes answer, for hints
    known: Callable[[], KnownMistakes | None] = lambda: None
    # the reference's files and notebooks, for stand-ins; None: nothing is run twice
    reference: Mapping[str, bytes] | None = None
    # called when nothing is left but to wait for a notebook
    on_wait: Callable[[], None] = lambda: None
    # that may be at work at a time; with one alone, notebooks wait until the other checks are done
    boxes: int = 8
    # notebooks that are not run: path -> what opens the kernel that they run in
    live: Mapping[str, Sandbox] = {}

    @property
    def checks(self) -> tuple[CheckSpec, ...]:
        """The checks that are wanted, in the order of the spec."""
        return tuple(
            check for check in self.assignment.spec.checks if not self.only or check.id in self.only
        )


class Outcome(msgspec.Struct):
    """What came of a plan."""

    checks: dict[str, CheckOutcome] = {}
    notebooks: dict[str, Any] = {}  # name -> executed notebook
    notes: list[str] = []
    look: list[str] = []  # what a person should decide
    # parts of the files that can't be read or that raised; they stand among the notes, too
    passed_over: list[str] = []
