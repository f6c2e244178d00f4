"""How a case ended, turned into its verdict: the student's failure, ours, or none."""

from __future__ import annotations

import traceback
from pathlib import Path

import msgspec

from grader.checking.api.expect import Expect
from grader.checking.explain.diagnosis import Mistake
from grader.errors import GraderError, GraderFault, NotImplementedYet, SubmissionFailed
from grader.model import CallFrame, CaseResult, Status
from grader.text import clean

SAID_CHARACTERS = 2000  # of what an assertion of a check says
PACKAGE = Path(__file__).resolve().parents[2]  # this one: what goes wrong in it is never a mark


class CheckOutcome(msgspec.Struct):
    """What came of one check: its cases, and a hint where there is one."""

    id: str
    title: str
    cases: list[CaseResult] = []
    mistake: Mistake = Mistake("", "")
    # whether what it got has anything of what was expected, or a known mistake in it
    attempted: bool = False
    # the hints of the known mistakes that give its numbers, one or several
    fits: frozenset[str] = frozenset()
    # what it called last in the submission: the function that it judges
    functions: tuple[str, ...] = ()

    # whether it shows a known mistake that has cost its points in an earlier check
    repeats: bool = False
    reference_seconds: float = 0.0

    @property
    def roots(self) -> tuple[str, ...]:
        """The failed checks that its failure goes back to: itself, unless all of it follows from
        earlier mistakes.
        """
        roots: dict[str, None] = {}
        for case in self.cases:
            if case.status is Status.FAIL:
                roots |= dict.fromkeys(case.follows or (self.id,))
        return (self.id,) if self.id in roots else tuple(roots)

    @property
    def passed(self) -> bool:
        """Whether all its cases have been run and passed."""
        return bool(self.cases) and all(case.status is Status.PASS for case in self.cases)

    @property
    def lost(self) -> bool:
        """Whether its function is wrong, or not there: what builds on it is run with a right
        one.
        """
        bad = [case for case in self.cases if case.status is not Status.PASS]
        for case in bad:
            if case.status is Status.ERROR:
                return False
        return bool(bad) and (self.repeats or not all(case.follows for case in bad))

    @property
    def is_unwritten(self) -> bool:
        """Whether each of its cases met a function that is not implemented yet."""
        return bool(self.cases) and all(case.unimplemented for case in self.cases)

    @property
    def earned(self) -> float:
        """The part of its points that its cases have, from 0 to 1, were they all worth the same."""
        return sum(case.earned for case in self.cases) / max(1, len(self.cases))

    @property
    def shows(self) -> bool:
        """Whether a case that failed has a value, which is that of a known mistake or not."""
        return any(case.status is Status.FAIL and case.values for case in self.cases)

    @property
    def failed(self) -> bool:
        """Whether a case failed with something to show, not merely for want of an
        implementation.
        """
        return any(case.status is Status.FAIL and not case.unimplemented for case in self.cases)


class Skipped(Exception):
    """A case that is not run, since what it needs is not implemented yet."""


class Stopped(SubmissionFailed):
    """A case that is not run, since an earlier one of its check hung or died."""


class Ending(msgspec.Struct, frozen=True):
    """How a case ended: what it raised, what it printed, how long it took."""

    case: str
    seconds: float
    error: BaseException | None = None
    printed: str = ""
    notes: tuple[str, ...] = ()
    follows: tuple[str, ...] = ()  # the failed checks with whose functions replaced it passes
    share: float = 0.0  # of its points that it has though it failed
    recording: bool = False  # an assertion that fails on the reference is the author's mistake
    function: str = ""  # what the check called last in the submission
    checks: Path = Path()  # the folder of the checks
    stub: str = ""  # the function that returned last, if it is a stub that returns constants
    shown: bool = False  # whether inputs and expected values may stand in messages


def verdict(ending: Ending, expect: Expect) -> CaseResult:
    """Return the result of a case from how it ended and what it expected."""
    wrong = [value.message for value in expect.comparisons if not value.ok]
    error = _of_a_stub(ending, bool(wrong)) or ending.error
    status, message = _judged(ending, error, wrong)
    earns = bool(ending.follows or ending.share)
    if status is Status.SKIP and earns:
        status = Status.FAIL  # there is something to show
    failed = status is Status.FAIL
    share = ending.share or float(getattr(error, "share", 0.0))
    unwritten = error.function if isinstance(error, NotImplementedYet) else ""
    return CaseResult(
        id=ending.case,
        status=status,
        message=message,
        seconds=round(ending.seconds, 6),
        values=tuple(expect.comparisons),
        trace=str(getattr(error, "trace", "")) if isinstance(error, SubmissionFailed) else "",
        output=ending.printed,
        notes=ending.notes,
        unimplemented="" if earns else unwritten,
        stopped_by=str(getattr(error, "cell", "")) if failed else "",
        frames=tuple(CallFrame(*frame) for frame in getattr(error, "frames", ())),
        follows=ending.follows if failed else (),
        share=share if failed and not ending.follows else 0.0,
    )


def _judged(ending: Ending, error: BaseException | None, wrong: list[str]) -> tuple[Status, str]:
    """Return a case's verdict and the sentence for it; `wrong`: what its comparisons said."""
    if isinstance(error, SubmissionFailed):
        return Status.FAIL, str(error)
    if isinstance(error, Skipped):
        return Status.SKIP, str(error)
    if wrong:  # what the check did with wrong values afterwards is nobody's fault
        return Status.FAIL, _first_sentences(wrong)
    if isinstance(error, AssertionError) and not ending.recording:
        # it may hold what came of the submission
        said = clean(str(error).partition("\n")[0], SAID_CHARACTERS)
        if said.startswith("assert ") and not ending.shown:  # pytest's own words, with both values
            said = ""
        return Status.FAIL, said or "an assertion of the check does not hold"
    if ending.function and not ending.recording and _went_wrong_in(ending.checks, error):
        # The reference's answers went through the very same lines, so it is the submission's that
        # did not.
        what = f"`{ending.function}` returned something that the check can't go on with"
        return Status.FAIL, f"{what}: {type(error).__name__}"
    if isinstance(error, GraderFault):
        return Status.ERROR, str(error)
    if error is not None:
        return Status.ERROR, f"the check itself failed: {_author_words(ending.checks, error)}"
    return Status.PASS, ""


def _of_a_stub(ending: Ending, wrong: bool) -> NotImplementedYet | None:
    """Return the failure of a stub that returned constants, if the case failed with what it
    returned.
    """
    ours = isinstance(ending.error, GraderError) and not isinstance(ending.error, SubmissionFailed)
    if not ending.stub or ending.recording or ours:
        return None
    if isinstance(ending.error, Skipped | Stopped | NotImplementedYet):
        return None
    return NotImplementedYet(ending.stub) if wrong or ending.error is not None else None


def _first_sentences(messages: list[str], most: int = 4) -> str:
    shown = messages[:most]
    if len(messages) > most:
        shown.append(f"and {len(messages) - most} more")
    return "; ".join(shown)


def _went_wrong_in(checks: Path, error: BaseException | None) -> bool:
    """Return whether a check's own lines, or a library that they called, could not work with a
    value.
    """
    if not isinstance(
        error, TypeError | ValueError | AttributeError | LookupError | ArithmeticError
    ):
        return False
    for frame in reversed(traceback.extract_tb(error.__traceback__)):
        if PACKAGE in Path(frame.filename).parents:
            return False
        if checks in Path(frame.filename).parents:
            return True
    return False


def _author_words(checks: Path, error: BaseException) -> str:
    """Return what an author reads of an error: with the line of the check, or else of the code
    that raised it.
    """
    told = str(error) if isinstance(error, GraderError) else f"{type(error).__name__}: {error}"
    frames = traceback.extract_tb(error.__traceback__)
    last = frames[-1:] if told != str(error) else []
    for frame in frames:
        if checks in Path(frame.filename).parents:
            last = [frame]
    for frame in last:
        told += f" ({Path(frame.filename).name}, line {frame.lineno})"
    return told
