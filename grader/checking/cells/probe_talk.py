"""What is said between the trusted side and a test in the box while it runs.

Theory of operation. The box asks (`want`): for the `next` piece of code, with what came of the last
one; for a comparison to be made (`decide`). It says what came of a comparison that it had to make
itself (`noted`), and which line that adds to the points it has passed (`added`). Whoever runs the
box can ask anything at any time. So only this is answered: pieces of code in their order, truth
values, and the literals of a comparison whose values aren't plain data. Guesses can't be tried one
after the other: a comparison that must hold fails the check if it comes out false, and one outside
of loops and functions is made once. None is made with plain values after its literals were sent.
"""

from __future__ import annotations

import re
from typing import Any

from grader.checking.cells.rewritten_tests import WatchedCode
from grader.checking.cells.watched_tests import Program
from grader.checking.run.box_accounts import texts
from grader.errors import LimitExceeded
from grader.sandbox.wire import Encoder, Frame, WireError

MOST_ASKED = 100_000  # questions of one test
MESSAGE = 500  # characters of an exception's message


class Conversation:
    """Answers what a test in the box asks, and remembers what came of it."""

    def __init__(self, sent: Program) -> None:
        self._sent = sent
        self.results: list[dict[str, Any]] = []  # of the pieces that have been run
        self.liars: list[str] = []
        self._given = 0  # pieces that were sent
        self._asked = 0
        self._false: set[int] = set()  # comparisons that must hold and came out false
        self._held: set[int] = set()
        self._passed: dict[int, int] = {}  # additions to the points, with how often each
        self._shown: set[int] = set()  # comparisons whose literals were sent
        self._decided_before: set[int] = set()
        self._again = False  # whether a comparison was asked for more often than the test does
        self._said = ""  # by the last assertion that failed here

    def answer(self, frame: Frame) -> Frame:
        """Return the answer to a question; raise `WireError` for one that no honest box asks."""
        self._asked += 1
        if self._asked > MOST_ASKED:
            raise LimitExceeded("a test in the box makes too many comparisons")
        want = frame.body.get("want")
        if want == "next":
            return self._next(frame.body.get("result"))
        if self._given - 1 != self._sent.test:
            raise WireError("a question at the wrong time")
        index = frame.body.get("index")
        if want == "added" and type(index) is int:
            self._passed[index] = self._passed.get(index, 0) + 1
            return Frame({"op": "answer"})
        if type(index) is not int or not 0 <= index < len(self._piece.comparisons):
            raise WireError("a comparison that the test does not make")
        if want == "noted":
            if index in self._shown:
                self._note(index, frame.body.get("holds") is True)
            return Frame({"op": "answer"})
        return self._decided(index, frame)

    def wrong(self) -> str:
        """Return what is wrong with the comparisons of a test that says it has passed."""
        if self._again:
            return "a comparison was made more often than the test makes it"
        if self._false:
            return "a comparison came out false, but the test went on"
        for index, one in enumerate(self._piece.comparisons):
            if one.decided.required and index not in self._held:
                return "not all of its comparisons were made"
        return ""

    def points(self, told: object) -> object:
        """Return the number that the test ends with: the sum if this side counts it, otherwise the
        number that the box reported.
        """
        count = self._piece.tally
        return told if count is None else count.total(self._passed, self._held)

    def in_words(self, message: str) -> str:
        """Return a message of the test with what was not sent of it, or what failed here."""
        told = self._piece.told

        def text(found: re.Match[str]) -> str:
            number = int(found[1])
            return told[number] if number < len(told) else ""

        whole = re.sub(rf"{self._sent.guard}:(\d{{1,6}});", text, message)
        return whole or self._said

    @property
    def _piece(self) -> WatchedCode:
        return self._sent.pieces[self._sent.test]

    def _next(self, result: Any) -> Frame:
        """Note what came of a piece and send the next one; none behind the last."""
        told: dict[str, Any] = result if isinstance(result, dict) else {}
        if self._given:
            self.results.append(told)
        if self._given in (0, self._sent.test + 1, len(self._sent.pieces)):
            self.liars += texts(told.get("liars"))
        if self._given >= len(self._sent.pieces):
            self._given += 1
            return Frame({"op": "answer"})
        piece = self._sent.pieces[self._given]
        self._given += 1
        last = self._given == len(self._sent.pieces)
        body = {"op": "answer", "code": piece.code, "literals": list(piece.literals), "last": last}
        return Frame(body)

    def _decided(self, index: int, frame: Frame) -> Frame:
        """Make a comparison, or send what the box needs to make it."""
        compared = self._piece.comparisons[index]
        self._again |= compared.decided.once and index in self._decided_before
        self._decided_before.add(index)
        if "values" in frame.body:
            self._again |= index in self._shown
            try:
                value = compared.decided.decide(frame.body["values"], frame.blobs)
                if value is not NotImplemented:
                    encoder = Encoder()
                    answer = {"op": "answer", "value": encoder.encode(value)}
                    self._note(index, _holds(value))
                    return Frame(answer, tuple(encoder.blobs))
            except WireError:
                raise
            except Exception as error:
                return self._failed(index, error)
        self._shown.add(index)
        body = {"op": "answer", "code": compared.code, "literals": list(compared.literals)}
        return Frame(body)

    def _failed(self, index: int, error: Exception) -> Frame:
        self._note(index, False)
        kind = type(error).__name__
        if isinstance(error, AssertionError):
            # the message of NumPy or unittest says what was expected
            self._said = str(error).strip().partition("\n")[0][:MESSAGE]
            return Frame({"op": "answer", "raises": "AssertionError"})
        return Frame({"op": "answer", "raises": kind, "message": str(error)[:MESSAGE]})

    def _note(self, index: int, holds: bool) -> None:
        if holds:
            self._held.add(index)
        elif self._piece.comparisons[index].decided.must_hold:
            self._false.add(index)


def _holds(value: Any) -> bool:
    """Return whether an assertion of what came of a comparison holds."""
    try:
        return value is None or bool(value)
    except ValueError:  # of an array
        return False
