"""The trusted end of a box: requests with deadlines, and every way in which a box can fail turned
into a sentence.

Theory of operation. Whatever the box says is data. A reply is checked for its form; text is cleaned
and bounded before anybody sees it; a broken protocol, a death or a passed deadline ends the box and
costs the call at hand, and the next call is served by a fresh one.
"""

from __future__ import annotations

import math
import signal
import time
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple, Self

from grader.checking.run.box_accounts import BoxAccounts, listed, told_text
from grader.checking.run.fatal_statements import FatalStatements, Place, place_told
from grader.errors import (
    AssignmentError,
    GraderError,
    GraderFault,
    LimitExceeded,
    StudentException,
    SubmissionFailed,
    WorkerDied,
)
from grader.limits import Limits
from grader.sandbox.box import Box, Sandbox, Staging
from grader.sandbox.untrusted import Budget
from grader.sandbox.wire import (
    MAX_BLOBS,
    MAX_BYTES,
    Frame,
    WireClosed,
    WireError,
    WireTimeout,
)
from grader.sandbox.wire_outputs import Unasked

SEND_SECONDS = 30.0
STAGE_SECONDS = 60.0
IMPORT_GRACE = 3.0  # for what stands behind a statement that was interrupted
MOST_UNUSED = 3  # names of one function that a report lists
MOST_PASSED_OVER = 20  # parts of files that a report lists
KILLED = -9  # the exit code of what SIGKILL ended; Windows has no such signal
PRINTED_CHARACTERS = 100_000  # of what a case has printed that are kept for the report
HEADER_BYTES = 256  # of an array that crosses, far more than a usual header has
HELD_BYTES = 1 << 20  # of requests that wait for the next one


class Request(NamedTuple):
    """What is asked of a box, and what it is called in messages, for instance "`forward`"."""

    what: str
    body: dict[str, Any]
    blobs: tuple[bytes, ...] = ()


class Remote:
    """One submission's worker: opened when first needed, ended when it misbehaves, then opened
    afresh.
    """

    def __init__(
        self,
        sandbox: Sandbox,
        staging: Staging,
        limits: Limits,
        *,
        hide_numbers: bool,
        notebook: bool = False,
    ) -> None:
        self._sandbox = sandbox
        self._staging = staging
        self.limits = limits
        self._notebook = notebook
        self.hide_numbers = hide_numbers  # of messages, where the inputs are hidden ones
        self._box: Box | None = None
        self._held: list[Request] = []  # to be sent with the next one: they answer nothing
        self._imported: set[str] = set()
        # modules whose import killed or outlasted a worker
        self._broken: dict[str, SubmissionFailed] = {}
        self._cancelled = False
        self.printed = ""
        # what was passed over when modules were loaded, each once: file and line, and a sentence
        self.passed_over: dict[tuple[str, int], str] = {}
        self.fatal = FatalStatements()  # which every box leaves out of the student's modules
        self._left_out = 0  # how many of them the box leaves out
        # looks for such statements in a module, "" for all, after a box that left out so many has
        # ended by itself; returns whether there are more. Without it none are looked for.
        self.search: Callable[[str, int], bool] | None = None
        # whether boxes say which statement of a module they are about to run, and that statement
        self.says_places = False
        self.at: Place | None = None
        self.budget = Budget()  # of what was decoded of its values
        self._unasked = Unasked()  # of all its boxes
        # answers what stand-ins ask; without it nothing does
        self.asked: Callable[[Frame], Frame] | None = None
        # answers calls of a check's functions
        self.called_back: Callable[[Frame, str, float], Frame] | None = None
        # of the arrays of one such call; none are expected as long as no function went in
        self.callback_bytes = 0
        # by which nested requests have to be answered, by the monotonic clock
        self._until = math.inf
        self.first: Request | None = None  # what every fresh box is asked before anything else

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """End the box, if there is one."""
        self._held.clear()
        if self._box is not None:
            self._box.kill()
            self._box = None

    @property
    def is_open(self) -> bool:
        """Whether there is a box whose process still listens."""
        return self._box is not None and not self._box.channel.is_closed()

    def cancel(self) -> None:
        """Let the request at hand, in whatever thread, and all later ones fail at once. The box is
        not ended yet.
        """
        self._cancelled = True
        if (box := self._box) is not None:
            box.channel.hang_up()

    def request(
        self,
        what: str,
        body: dict[str, Any],
        blobs: tuple[bytes, ...] = (),
        *,
        seconds: float | None = None,
        grace: float = 0.0,
        message: Callable[[Frame], None] | None = None,
        probed: Callable[[Frame], Frame] | None = None,
    ) -> Frame:
        """Send a request, and those that were held back before it, and return its reply.

        ``what`` names the request in messages, for instance "`forward`". ``message`` is called for
        each frame that goes ahead of the reply (a notebook's outputs), ``probed`` answers what a
        check in the box asks. ``grace`` is how much longer
        than ``seconds`` a far end may take that interrupts its own work in time. Raises a
        `SubmissionFailed` for all that the far end does wrong.
        """
        limit = self.limits.call_seconds if seconds is None else seconds
        limit = min(limit, max(self._until - time.monotonic(), 0.0))
        held, self._held = self._held, []
        box = self._open()
        if self._cancelled:
            raise WorkerDied(f"{what} was not waited for")
        requests = [*held, Request(what, body, blobs)]
        reply = self._exchanged(box, requests, limit, grace, message, probed)
        if len(self.printed) < PRINTED_CHARACTERS:
            self.printed += told_text(reply.body.get("printed"), 20_100)
        for told in listed(reply.body.get("passed_over"), MOST_PASSED_OVER):
            self._note_passed_over(told)
        if reply.body["ok"]:
            return reply
        if reply.body.get("interrupted") is True:
            raise LimitExceeded(f"{what} was still running after the limit of {limit:g} seconds")
        raise self._failure_of(reply, requests)

    def _exchanged(
        self,
        box: Box,
        requests: list[Request],
        limit: float,
        grace: float,
        message: Callable[[Frame], None] | None,
        probed: Callable[[Frame], Frame] | None,
    ) -> Frame:
        """Send requests as one message and return the reply of the last one, which says whether it
        went well. A box that breaks the rules is ended.
        """
        what, body, _ = requests[-1]
        try:
            box.channel.send(_joined(requests), SEND_SECONDS)
            most = _most_bytes(body.get("most"))
            reply = self._reply(box, limit + grace, message, most, what, probed)
            if not isinstance(reply.body.get("ok"), bool):
                raise WireError("a reply without an outcome")
        except WireTimeout:
            self.close()
            raise LimitExceeded(
                f"{what} was still running after the limit of {limit:g} seconds"
            ) from None
        except WireClosed:
            raise self._death(what) from None
        # while a function of the check's was called: the box waits for it
        except (SubmissionFailed, AssignmentError):
            self.close()
            raise
        except WireError as error:
            self.close()
            raise WorkerDied(f"{what} disturbed the connection to the grader: {error}") from None
        return reply

    def _failure_of(self, reply: Frame, requests: list[Request]) -> SubmissionFailed:
        """Return why a reply has no result; it may be that of an earlier request."""
        done = reply.body.get("done")
        failed = requests[-1]
        if isinstance(done, int) and 0 <= done < len(requests):
            failed = requests[done]
        failure = self._accounts.failure(failed.what, reply.body.get("error"))
        if isinstance(failure, StudentException):
            error = reply.body.get("error")
            ended = self.fatal.sentence(error.get("ended")) if isinstance(error, dict) else ""
            if ended and not failure.frames:  # there is nothing to call
                return WorkerDied(ended)
            if ended:
                failure = StudentException(ended, failure.trace, failure.frames, failure.kinds)
            failure.reply = reply.body
        return failure

    def reset(self, seed: int) -> None:
        """Begin a new case, in the worker that is there or in a fresh one."""
        self.printed = ""
        self.budget.new_case()
        self._held.clear()
        if self._box is not None and self._box.channel.is_closed():  # it died between two cases
            self._death("the submission")
        self._held.append(Request("beginning a new case", {"op": "reset", "seed": seed}))

    def hold(self, request: Request) -> None:
        """Send a request that answers nothing together with the next one, whose failure its own
        then is.
        """
        self._held.append(request)
        size = 0
        for held in self._held:
            size += sum(map(len, held.blobs))
        if size > HELD_BYTES:
            last = self._held.pop()
            self.request(last.what, last.body, last.blobs)

    def call_in(
        self, module: str, what: str, body: dict[str, Any], blobs: tuple[bytes, ...]
    ) -> Frame:
        """Send a request that may import a student's module first; an import that hung or died is
        not tried again, unless it was killed from outside or fails for a single statement."""
        self.import_module(module)
        return self.request(what, body, blobs)

    def import_module(self, module: str) -> None:
        """Let the box import a student's module, unless it has; raise why it can't be imported."""
        if module in self._broken:
            raise self._broken[module]
        if module in self._imported or not module:
            return
        try:
            self._import(module)
        except (LimitExceeded, WorkerDied) as error:
            if not (isinstance(error, WorkerDied) and (error.unexplained or error.again)):
                self._broken[module] = error
            raise
        self._imported.add(module)

    def _import(self, module: str) -> None:
        """Let the box import a module; if that ends it, a fresh one without the statement that
        does.
        """
        held = self._held.copy()
        begins = any(one.body["op"] == "reset" for one in held) and not self._notebook
        has_state = self._box is not None and not begins  # of the case, or of a notebook's cells
        try:
            self._ask_to_import(module)
        except WorkerDied as error:
            if not self.may_come_further(error, module):
                raise
            if has_state:
                raise WorkerDied(str(error), again=True) from None
            self._held = held
            self._ask_to_import(module)

    def _ask_to_import(self, module: str) -> None:
        path, seconds = [["module", module], ["attr", "__name__"]], self.limits.import_seconds
        self.request(
            f"importing `{module}`",
            {"op": "fetch", "target": path, "seconds": seconds},
            seconds=seconds,
            grace=IMPORT_GRACE,
        )

    def may_come_further(self, error: GraderError | None, module: str = "") -> bool:
        """Return whether a fresh box would leave out more of the student's statements than the one
        that an error has ended; looks for them in a module, or in all.
        """
        if self.search is None or not isinstance(error, WorkerDied) or not error.how:
            return False
        return self.search(module, self._left_out)

    def unused(self, module: str, function: str) -> list[str]:
        """Return the names that a function of the submission is given or sets and never reads, as
        far as the box tells.
        """
        path = [["module", module], *(["attr", part] for part in function.split("."))]
        try:
            reply = self.call_in(module, f"`{function}`", {"op": "unused", "target": path}, ())
        except SubmissionFailed:
            return []
        told = listed(reply.body.get("names"), MOST_UNUSED)
        names = [self._accounts.told(name, 40) for name in told]
        return list(filter(str.isidentifier, names))

    def lacks(self, module: str, failure: SubmissionFailed) -> None:
        """Let every call into a module fail so, without asking the box."""
        self._broken[module] = failure

    @property
    def _accounts(self) -> BoxAccounts:
        return BoxAccounts(self.hide_numbers)

    def _note_passed_over(self, told: Any) -> None:
        """Note a part of a file that can't be read, or that raised when it was loaded."""
        if len(self.passed_over) < MOST_PASSED_OVER and (found := self._accounts.passed_over(told)):
            place, said = found
            self.passed_over.setdefault(place, said)

    # --- the box ----------------------------------------------------------------------------------

    def _open(self) -> Box:
        if self._box is None:
            self._box = self._sandbox.open(self._notebook)
            self._imported.clear()
            self._left_out, self.at = len(self.fatal.found), None
            try:
                self._stage(self._staging.links, self._staging.files)
            except SubmissionFailed as error:  # nothing of the student's has run yet
                self.close()
                raise GraderFault(f"a box could not be made ready: {error}") from error
            # which runs student code: what fails here is the submission's
            if self.first is not None:
                self.request(*self.first, seconds=self.limits.import_seconds)
            assert self._box is not None
        return self._box

    def _reply(
        self,
        box: Box,
        limit: float,
        message: Callable[[Frame], None] | None,
        most: int = MAX_BYTES,
        what: str = "",
        probed: Callable[[Frame], Frame] | None = None,
    ) -> Frame:
        """Receive a reply and deal with what comes before it.

        That is what a function displays, what stand-ins ask, and calls of the check's own
        functions.
        """
        deadline = time.monotonic() + limit
        allowed = max(most, self.callback_bytes)  # decoding bounds a reply once more
        frame = box.channel.receive(limit, allowed)
        while (kind := frame.body.get("op")) is not None:
            if kind == "ask" and self.asked is not None:
                box.channel.send(self.asked(frame), SEND_SECONDS)
            elif kind == "callback" and self.called_back is not None:
                box.channel.send(self._answer_callback(frame, what, deadline), SEND_SECONDS)
            elif kind == "probed" and probed is not None:
                box.channel.send(probed(frame), SEND_SECONDS)
            elif kind == "message" and message is not None:
                message(frame)
            elif kind == "message" or (kind == "place" and self.says_places):
                self._unasked.count(frame)
                if kind == "place":
                    self.at = place_told(frame.body)
            else:
                break
            frame = box.channel.receive(max(0.0, deadline - time.monotonic()), allowed)
        return frame

    def _answer_callback(self, frame: Frame, what: str, deadline: float) -> Frame:
        assert self.called_back is not None
        before, self._until = self._until, deadline
        try:
            left = deadline - time.monotonic()
            if left <= 0:
                raise WireTimeout("no answer within the time limit")
            return self.called_back(frame, what, left)
        finally:
            self._until = before

    def _stage(self, links: Mapping[str, Any], files: Mapping[str, bytes]) -> None:
        body = {
            "op": "stage",
            "links": [[place, str(source)] for place, source in links.items()],
            "files": [[place, index] for index, place in enumerate(files)],
            "notebook": self._notebook,
        }
        if self.says_places:
            body["says_places"] = True
        if self._left_out:
            body["left_out"] = [list(place) for place in self.fatal.found[: self._left_out]]
        self.request("preparing it", body, tuple(files.values()), seconds=STAGE_SECONDS)

    def _death(self, what: str) -> SubmissionFailed:
        assert self._box is not None
        ended = self._box.kill()
        self._box = None
        if ended.fault:
            raise GraderFault(f"the sandbox failed during {what}: {ended.fault}")
        if ended.limit:
            return LimitExceeded(f"{what} hit a limit: {ended.limit}")
        how = _how(ended.code)
        by_itself = ended.code is not None and ended.code != KILLED
        return WorkerDied(
            f"{what} ended its process: {how}",
            unexplained=ended.code == KILLED,
            how=how if by_itself else "",
        )


def _joined(requests: list[Request]) -> Frame:
    """Return one message of one or more requests, whose arrays follow one another."""
    if len(requests) == 1:
        return Frame(requests[0].body, requests[0].blobs)
    steps: list[list[Any]] = []
    blobs: list[bytes] = []
    for request in requests:
        steps.append([request.body, len(request.blobs)])
        blobs += request.blobs
    return Frame({"op": "several", "steps": steps}, tuple(blobs))


def _most_bytes(most: int | None) -> int:
    """Return the bytes that the arrays of a reply may have, with their headers, for values of a
    size.
    """
    return MAX_BYTES if most is None else most + MAX_BLOBS * HEADER_BYTES


def _how(code: int | None) -> str:
    if code is None:
        return "it is gone"
    if code >= 0:
        return f"exit code {code}, as os._exit would give"
    try:
        name = signal.Signals(-code).name
    except ValueError:
        name = f"signal {-code}"
    words = {
        "SIGSEGV": "a segmentation fault",
        "SIGABRT": "an abort",
        "SIGKILL": "killed",
        "SIGXCPU": "the CPU time limit",
    }
    return f"{words[name]} ({name})" if name in words else name
