"""The trusted end of a box: requests with deadlines, and every way in which a box can fail turned into a sentence.

Theory of operation. Whatever the box says is data. A reply is checked for its form; text is cleaned and bounded before
anybody sees it; a broken protocol, a death or a passed deadline ends the box and costs the call at hand, and the next
call is served by a fresh one.
"""

from __future__ import annotations

import contextlib
import signal
import time
from collections.abc import Callable, Mapping
from types import TracebackType
from typing import Any, Self

from grader.errors import LimitExceeded, NotImplementedYet, StudentException, SubmissionFailed, WorkerDied
from grader.sandbox.box import Box, Sandbox, Staging
from grader.sandbox.limits import Limits
from grader.sandbox.wire import Frame, WireClosed, WireError, WireTimeout
from grader.text import clean, without_numbers

SEND_SECONDS = 30.0
STAGE_SECONDS = 60.0


class Remote:
    """One submission's worker: opened when first needed, ended when it misbehaves, then opened afresh."""

    def __init__(self, sandbox: Sandbox, staging: Staging, limits: Limits, *, hide_numbers: bool) -> None:
        self._sandbox = sandbox
        self._staging = staging
        self._limits = limits
        self._hide_numbers = hide_numbers  # of messages, where the inputs are hidden ones
        self._box: Box | None = None
        self._imported: set[str] = set()
        self._broken: dict[str, SubmissionFailed] = {}  # modules whose import killed or outlasted a worker
        self.printed = ""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """End the box, if there is one."""
        if self._box is not None:
            self._box.kill()
            self._box = None

    def request(
        self, what: str, body: dict[str, Any], blobs: tuple[bytes, ...] = (), *,
        seconds: float | None = None, message: Callable[[Frame], None] | None = None,
    ) -> Frame:  # fmt: skip
        """Send a request and return its reply.

        ``what`` names the request in messages, for instance "`rnn_forward`". ``message`` is called for each frame that
        goes ahead of the reply (a notebook's outputs). Raises a `SubmissionFailed` for all that the far end does wrong.
        """
        limit = self._limits.call_seconds if seconds is None else seconds
        box = self._open()
        try:
            box.channel.send(Frame(body, blobs), SEND_SECONDS)
            reply = box.channel.receive(limit)
            if message is not None:
                reply = self._drain(box, reply, limit, message)
            ok = reply.body.get("ok")
            if not isinstance(ok, bool):
                raise WireError("a reply without an outcome")
        except WireTimeout:
            self.close()
            raise LimitExceeded(f"{what} was still running after the limit of {limit:g} seconds") from None
        except WireClosed:
            raise self._death(what) from None
        except WireError as error:
            self.close()
            raise WorkerDied(f"{what} disturbed the connection to the grader: {error}") from None
        self.printed += clean(str(reply.body.get("printed", "")), 20_100)
        if not ok:
            raise self._failure(what, reply.body.get("error"))
        return reply

    def reset(self, seed: int) -> None:
        """Begin a new case in the worker that is there; a fresh one needs none."""
        self.printed = ""
        if self._box is not None:
            with contextlib.suppress(SubmissionFailed):  # it died between two cases: the next call opens a fresh one
                self.request("beginning a new case", {"op": "reset", "seed": seed})

    def call_in(self, module: str, what: str, body: dict[str, Any], blobs: tuple[bytes, ...]) -> Frame:
        """Send a request that may import a student's module first; an import that hung or died is not tried again."""
        if module in self._broken:
            raise self._broken[module]
        if module in self._imported or not module:
            return self.request(what, body, blobs)
        try:
            path = [["module", module], ["attr", "__name__"]]
            self.request(f"importing `{module}`", {"op": "fetch", "target": path}, seconds=self._limits.import_seconds)
        except (LimitExceeded, WorkerDied) as error:
            self._broken[module] = error
            raise
        self._imported.add(module)
        return self.request(what, body, blobs)

    # --- the box ----------------------------------------------------------------------------------------------------

    def _open(self) -> Box:
        if self._box is None:
            self._box = self._sandbox.open()
            self._imported.clear()
            self._stage(self._staging.links, self._staging.files)
        return self._box

    def _stage(self, links: Mapping[str, Any], files: Mapping[str, bytes]) -> None:
        body = {
            "op": "stage",
            "links": [[place, str(source)] for place, source in links.items()],
            "files": [[place, index] for index, place in enumerate(files)],
        }
        self.request("laying down the files", body, tuple(files.values()), seconds=STAGE_SECONDS)

    def _drain(self, box: Box, frame: Frame, limit: float, message: Callable[[Frame], None]) -> Frame:
        deadline = time.monotonic() + limit
        while frame.body.get("op") == "message":
            message(frame)
            frame = box.channel.receive(max(0.0, deadline - time.monotonic()))
        return frame

    def _death(self, what: str) -> SubmissionFailed:
        assert self._box is not None
        ended = self._box.kill()
        self._box = None
        if ended.limit:
            return LimitExceeded(f"{what} hit a limit: {ended.limit}")
        return WorkerDied(f"{what} ended its process: {_how(ended.code)}")

    def _failure(self, what: str, told: Any) -> SubmissionFailed:
        """Turn the far end's account of an exception into ours; every part of it may be a lie, none may do harm."""
        error = told if isinstance(told, dict) else {}
        kind = clean(str(error.get("type", "an exception")), 80)
        kinds = error.get("kinds") if isinstance(error.get("kinds"), list) else []
        if "NotImplementedError" in (kinds or []):
            return NotImplementedYet(what.strip("`"))
        text = clean(str(error.get("message", "")), 500)
        if self._hide_numbers:
            text = without_numbers(text)
        frames = error.get("frames") if isinstance(error.get("frames"), list) else []
        lines = [_frame(frame) for frame in (frames or [])[-12:] if isinstance(frame, dict)]
        place = f" ({lines[-1][0]})" if lines else ""
        ending = f": {text}" if text else ""
        if kind == "SystemExit":
            return StudentException(f"{what} tried to end the program (sys.exit){place}", _trace(lines, kind, text))
        return StudentException(f"{what} raised {kind}{ending}{place}", _trace(lines, kind, text))


def _frame(frame: dict[str, Any]) -> tuple[str, str, str]:
    line = frame.get("line")
    number = line if isinstance(line, int) and 0 <= line < 1 << 31 else 0
    place = f"{clean(str(frame.get('file', '?')), 200)}, line {number}"
    return place, clean(str(frame.get("name", "")), 100), clean(str(frame.get("text", "")), 300)


def _trace(lines: list[tuple[str, str, str]], kind: str, text: str) -> str:
    told = [f"{place}, in {name}\n    {code}" if name else place for place, name, code in lines]
    return "\n".join([*told, f"{kind}: {text}" if text else kind])


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
