"""A Jupyter kernel client, as nbclient asks for one, whose kernel is the worker in a box.

Theory of operation. The messages of the kernel come over the wire like everything else. A message
that is not of a known kind and form is dropped. Outputs beyond the limit are not sent: the worker
keeps to the room that each request names, and a box that sends far more all the same is ended.
"""

from __future__ import annotations

import asyncio
import itertools
import re
from queue import Empty
from typing import Any, Protocol

from grader.checking.run.box_accounts import listed, texts, told_text
from grader.checking.run.remote import Remote
from grader.errors import GraderError, GraderFault, SubmissionFailed
from grader.limits import Limits
from grader.sandbox.wire import Frame
from grader.sandbox.wire_outputs import LOST, OutputRoom, Unasked

MAX_NESTING = 32  # of what a cell displays: what reads and writes it later recurses
JSON_TYPE = re.compile(r"application/(.*\+)?json")  # what may be displayed as data, says nbformat
LONGEST_NAME = 100
MOST_TOLD = 20  # names that a cell took away
GRACE_SECONDS = 3.0  # for a cell to end after it was interrupted; then its process is ended


class RunClock(Protocol):
    """The limits of a notebook's runs, and how many seconds are left of its whole time."""

    @property
    def limits(self) -> Limits: ...

    @property
    def left(self) -> float: ...


class _Queue:
    """One channel of a kernel client, as nbclient reads it."""

    def __init__(self) -> None:
        self.queue: asyncio.Queue[dict[str, Any]] = asyncio.Queue()

    async def get_msg(self, timeout: float | None = None) -> dict[str, Any]:
        """Return the next message, or raise `queue.Empty`."""
        try:
            return await asyncio.wait_for(self.queue.get(), timeout)
        except TimeoutError:
            raise Empty from None


class WireKernelClient:
    """A Jupyter kernel client, as far as nbclient asks for one, whose kernel is the worker in a
    box.
    """

    allow_stdin = False

    def __init__(self, remote: Remote, clock: RunClock) -> None:
        self._remote = remote
        self.clock = clock
        self._limits = clock.limits
        self._loop = asyncio.get_running_loop()
        self._room = OutputRoom(int(clock.limits.output_mb * (1 << 20)))
        self._unasked = Unasked()
        self._count = itertools.count(1)
        self.shell_channel, self.iopub_channel = _Queue(), _Queue()
        self.failure: GraderError | None = None  # of the last cell, if that ended the box
        self.reply: dict[str, Any] = {}  # to the last cell
        self.seconds = 0.0  # that the last cell had
        # names that the next cell defines and later ones may not take away
        self.keep: list[str] = []
        self.provided = False  # whether the next cell is the assignment's own
        self.defines = False  # whether only the next cell's definitions are made
        self.reserve = 0.0  # seconds of the whole time that the next cell may not use
        self.pending: asyncio.Future[None] | None = None
        self._told_of_lost = False

    async def is_alive(self) -> bool:
        """Return True: a death shows as the reply of the cell that it ended."""
        return True

    def execute(self, code: str, **_: Any) -> str:
        """Start a cell and return the id of its message."""
        id_ = f"cell-{next(self._count)}"
        self.pending = self._loop.run_in_executor(None, self._execute, id_, code)
        return id_

    def _execute(self, id_: str, code: str) -> None:
        """Run a cell to its end, in a thread: messages and the reply are handed to the event
        loop.
        """
        self.failure, self.reply = None, {}
        self.seconds = max(0.1, min(self._limits.cell_seconds, self.clock.left - self.reserve))
        content: dict[str, Any]
        try:
            body = {"op": "execute", "code": code, "seconds": self.seconds, "keep": self.keep}
            body |= {"provided": self.provided, "defines": self.defines}
            body["room"] = [self._room.size, self._room.updates]
            reply = self._remote.request(
                "the cell",
                body,
                seconds=self.seconds,
                grace=GRACE_SECONDS,
                message=lambda frame: self._message(id_, frame),
            )
            content = self.reply = _reply(reply.body)
        except (SubmissionFailed, GraderFault) as error:
            self.failure = error
            content = {"status": "error", "ename": "Stopped", "evalue": str(error), "traceback": []}
        except Exception as error:
            self.failure = GraderFault(f"running a cell failed: {error!r}")
            content = {"status": "error", "ename": "GraderFault", "evalue": "", "traceback": []}
        self._put(self.shell_channel, id_, "execute_reply", content)
        self._put(self.iopub_channel, id_, "status", {"execution_state": "idle"})

    def _message(self, id_: str, frame: Frame) -> None:
        """Take what a cell shows; raise `WireError` for a box that sends without end what is not
        kept.
        """
        kind, content = frame.body.get("type"), frame.body.get("content")
        if (
            self._room.is_left()
            and isinstance(kind, str)
            and isinstance(content, dict)
            and _valid(kind, content)
            and self._room.takes(kind, content)
        ):
            self._put(self.iopub_channel, id_, kind, content)
            return
        full = kind == LOST or self._room.lost or not self._room.is_left()
        if full and not self._told_of_lost:
            self._told_of_lost = True
            text = f"\n… outputs beyond {self._limits.output_mb:g} MB were not kept\n"
            self._put(self.iopub_channel, id_, "stream", {"name": "stderr", "text": text})
        self._unasked.count(frame)

    def _put(self, channel: _Queue, id_: str, kind: str, content: dict[str, Any]) -> None:
        message = {
            "header": {"msg_type": kind, "msg_id": f"{id_}-{kind}"},
            "msg_type": kind,
            "parent_header": {"msg_id": id_},
            "metadata": {},
            "content": content,
            "buffers": [],
        }
        self._loop.call_soon_threadsafe(channel.queue.put_nowait, message)


def _reply(body: dict[str, Any]) -> dict[str, Any]:
    """Return the content of an execute reply, with the expected keys only."""
    lines = listed(body.get("traceback"), 100)
    return {
        "status": "ok" if body.get("status") == "ok" else "error",
        "execution_count": _counted(body.get("execution_count")),
        "ename": told_text(body.get("ename"), 100),
        "evalue": told_text(body.get("evalue"), 500),
        "traceback": [told_text(line, 4000) for line in lines],
        "interrupted": body.get("interrupted") is True,
        "missing": told_text(body.get("missing"), 200),
        "denied": told_text(body.get("denied"), 20),
        "mended": names_told(body.get("mended")),
        "again": names_told(body.get("again")),
    }


def names_told(told: Any) -> list[str]:
    """Return the first of the names that the box tells of, with dots or without; what is not a name
    is left out.
    """
    return list(filter(_is_name, texts(listed(told, MOST_TOLD))))


def _is_name(text: str) -> bool:
    return len(text) <= LONGEST_NAME and all(map(str.isidentifier, text.split(".")))


def _shallow(value: Any, levels: int = MAX_NESTING) -> bool:
    """Return whether JSON data is nested no deeper than that."""
    items = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return levels > 0 and all(_shallow(item, levels - 1) for item in items)


def _valid(kind: str, content: dict[str, Any]) -> bool:
    """Return whether a message has the form that nbformat's outputs need."""
    if not _shallow(content):
        return False
    if kind == "stream":
        return content.get("name") in ("stdout", "stderr") and isinstance(content.get("text"), str)
    if kind == "clear_output":
        return isinstance(content.get("wait"), bool)
    if kind == "error":
        lines = content.get("traceback")
        said = [content.get("ename"), content.get("evalue")]
        return isinstance(lines, list) and len(texts([*said, *lines])) == len(lines) + 2
    if kind not in ("display_data", "update_display_data", "execute_result"):
        return False
    data, transient = content.get("data"), content.get("transient", {})
    if not isinstance(data, dict) or not isinstance(transient, dict):
        return False
    if not isinstance(content.get("metadata"), dict) or not isinstance(
        transient.get("display_id", ""), str
    ):
        return False
    if kind == "execute_result" and _counted(content.get("execution_count")) is None:
        return False
    return all(isinstance(value, str) or JSON_TYPE.fullmatch(key) for key, value in data.items())


def _counted(number: Any) -> int | None:
    """Return the number of a cell's execution, None for what is none to nbformat."""
    return number if type(number) is int and number >= 0 else None
