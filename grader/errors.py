"""The error tree: two verbs that are never mixed, *the submission failed* and *the grader failed*.

    GraderError
    ├── CannotGrade            exit 2: nothing was graded, and the message says what to do
    │   ├── UsageError           the command line asks for something that does not exist
    │   ├── AssignmentError      the assignment on disk is broken
    │   ├── SubmissionError      the submission can't be taken in
    │   │   └── SubmissionTooLarge it has more bytes or files than a submission may
    │   ├── Outdated             somebody else has changed meanwhile what was to be changed
    │   └── IsolationError       no isolation tier is available for untrusted code
    ├── SubmissionFailed       a mark: the student's matter, never ours
    │   ├── NotImplementedYet    a stub was called
    │   ├── StudentException     the student's code raised
    │   │   └── CellStopped        what a check asks for is missing, since a notebook's cell stopped
    │   ├── WrongReturn          the student's code returned something that can't be used
    │   ├── PartlyRight          a check gave a part of its points
    │   ├── LimitExceeded        time, memory, output: a limit of the assignment was hit
    │   └── WorkerDied           the student's process ended, or spoke out of turn
    └── GraderFault            exit 3: ours; no mark is given, regrade

Library code raises; only ``grader.cli`` prints and exits.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


class GraderError(Exception):
    """The root of everything that this package raises on purpose."""


class CannotGrade(GraderError):
    """Nothing can be graded: usage, an unreadable submission, a broken assignment (exit code 2)."""


class UsageError(CannotGrade):
    """The command line names something that does not exist or does not fit."""


class AssignmentError(CannotGrade):
    """The assignment is broken; the message names the file and the key."""


class SubmissionError(CannotGrade):
    """The submission can't be taken in; the message says which entry and why."""


class SubmissionTooLarge(SubmissionError):
    """The submission has more bytes or files than a limit allows."""


class IsolationError(CannotGrade):
    """No isolation tier that was asked for works on this machine."""


class Outdated(CannotGrade):
    """A decision was made on what has changed since: ``who`` changed it. Nothing was written."""

    def __init__(self, who: str, kind: str, key: str) -> None:
        super().__init__(
            f"{who or 'somebody'} has changed this meanwhile: nothing was written, look at it again"
        )
        self.who = who
        self.kind = kind
        self.key = key


class SubmissionFailed(GraderError):
    """The submission's own failure: it costs marks and never stops the run."""


class NotImplementedYet(SubmissionFailed):
    """A function of the student raised ``NotImplementedError``: its stub is untouched."""

    def __init__(self, function: str) -> None:
        super().__init__(f"`{function}` is not implemented yet")
        self.function = function


class StudentException(SubmissionFailed):
    """The student's code raised.

    ``trace`` is the student's part of the traceback as plain text, ``frames`` the same as (file,
    line, function), and ``kinds`` the names of the exception's type and its bases. All three are
    empty if no code of the student's was called. ``hint`` says what to look at, if there is general
    advice on such an exception.
    """

    def __init__(
        self,
        message: str,
        trace: str = "",
        frames: tuple[tuple[str, int, str], ...] = (),
        kinds: tuple[str, ...] = (),
        hint: str = "",
    ) -> None:
        super().__init__(message)
        self.reply: Mapping[str, Any] = {}  # what the far end sent besides
        self.hint = hint
        self.trace = trace
        self.frames = frames
        self.kinds = kinds


class CellStopped(StudentException):
    """A name is missing because the cell that defines it stopped; ``cell`` names that cell."""

    def __init__(self, message: str, trace: str = "", cell: str = "") -> None:
        super().__init__(message, trace)
        self.cell = cell


class WrongReturn(SubmissionFailed):
    """The student's code returned the wrong number or kind of values."""


class PartlyRight(SubmissionFailed):
    """A check gave a part of its points: ``share``, from 0 to 1."""

    def __init__(self, message: str, share: float) -> None:
        super().__init__(message)
        self.share = share


class LimitExceeded(SubmissionFailed):
    """A limit of the assignment was hit; the message names the limit."""


class WorkerDied(SubmissionFailed):
    """The student's process ended by itself or broke the protocol.

    ``unexplained``: it was killed or is gone, and not by a limit of the assignment; other processes
    of the machine may be the cause. ``how``: how the process ended, if it ended by itself: by an
    exit or a signal, not by a limit of ours and not for what it had sent. ``again``: the case at
    hand may come further in a fresh process.
    """

    def __init__(
        self, message: str, *, unexplained: bool = False, how: str = "", again: bool = False
    ) -> None:
        super().__init__(message)
        self.unexplained = unexplained
        self.how = how
        self.again = again


class GraderFault(GraderError):
    """The grader itself failed: no verdict, exit code 3."""
