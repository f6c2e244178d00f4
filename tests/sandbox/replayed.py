"""A real worker's side of the wire, recorded byte by byte, and boxes that replay it with one fault
at one byte.

What is recorded is what the worker sent in answer to each request. A replaying box answers the same
requests with the same bytes, up to the byte at which its fault strikes: there it ends, falls
silent, or sends other bytes and goes on.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import grader
from grader.model import Tier
from grader.sandbox.box import Box, Exit, Sandbox
from grader.sandbox.wire import Channel, Frame, pack

SECONDS = 120.0  # a deadline for the tests' own sake
UNKNOWN = pack(
    Frame(
        {
            "ok": False,
            "error": {"type": "WireError", "message": "a handle of an earlier case", "frames": []},
        }
    )
)


class Piece(NamedTuple):
    """One frame as it lies in a stream of bytes: where its JSON begins and ends, and where the
    whole of it ends.
    """

    text: int
    blobs: int
    end: int


def piece_at(stream: bytes, start: int) -> Piece:
    """Return the frame that begins there."""
    size, count = struct.unpack_from("!II", stream, start)
    text = start + 8 + 8 * count
    sizes = struct.unpack_from(f"!{count}Q", stream, start + 8)
    return Piece(text, text + size, text + size + sum(sizes))


def key_of(request: bytes) -> str:
    """Return what tells a request from others: of several that are asked at once, the last one
    answers for all.
    """
    piece = piece_at(request, 0)
    body, blobs = json.loads(request[piece.text : piece.blobs]), request[piece.blobs :]
    if body["op"] == "several":
        body = body["steps"][-1][0]
    body.pop("seconds", None)  # what is left of a notebook's time
    return json.dumps(body) + str(hashlib.sha256(blobs).digest())


def read_frame(sock: socket.socket) -> bytes:
    """Return the bytes of the next frame; raise EOFError where there is none."""
    data = b""

    def upto(count: int) -> None:
        nonlocal data
        while len(data) < count:
            more = sock.recv(count - len(data))
            if not more:
                raise EOFError
            data += more

    upto(8)
    upto(8 + 8 * struct.unpack_from("!II", data)[1])
    upto(piece_at(data, 0).end)
    return data


class Recording:
    """What a worker answered, in its order and by request."""

    def __init__(self) -> None:
        self.answers: list[bytes] = []
        self.by_request: dict[str, bytes] = {}

    @property
    def stream(self) -> bytes:
        """All answers, one behind the other."""
        return b"".join(self.answers)

    @property
    def staged(self) -> int:
        """Where the answer to the first request ends, before which no code of a student has run."""
        return len(self.answers[0])

    @property
    def imported(self) -> int:
        """Where the answer to the second request ends, which is the import."""
        return self.staged + len(self.answers[1])

    def spots(self, every: int = 16) -> list[int]:
        """Return where the bytes of headers and JSON lie, and some of the arrays'; the first answer
        is left out.
        """
        stream, found, start = self.stream, [], self.staged
        while start < len(stream):
            piece = piece_at(stream, start)
            found += [*range(start, piece.blobs), *range(piece.blobs, piece.end, every)]
            start = piece.end
        return found


class RecordingBox(Box):
    """A plain worker behind a relay that writes down what the worker answers."""

    def __init__(self, recording: Recording) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="recorded-")
        ours, self._near = socket.socketpair()
        self._far, theirs = socket.socketpair()
        self.channel = Channel(ours)
        package = str(Path(grader.__file__).parents[1])
        main = f"import sys; sys.path.insert(0, {package!r}); from grader.sandbox.inside.work.worker import main; main()"
        with theirs:
            self._process = subprocess.Popen(
                [sys.executable, "-I", "-c", main, str(theirs.fileno())],
                cwd=self._folder.name, pass_fds=[theirs.fileno()], stdin=subprocess.DEVNULL,
            )  # fmt: skip
        self._recording = recording
        self._thread = threading.Thread(target=self._relay)
        self._thread.start()

    def _relay(self) -> None:
        """Hand on request and answer in turn; an answer ends with the first frame that is no
        message.
        """
        with self._near, self._far, contextlib.suppress(EOFError, OSError):
            while True:
                request = read_frame(self._near)
                self._far.sendall(request)
                answer = b""
                while True:
                    frame = read_frame(self._far)
                    answer += frame
                    if not is_message(frame):
                        break
                self._recording.answers.append(answer)
                self._recording.by_request.setdefault(key_of(request), answer)
                self._near.sendall(answer)

    def kill(self) -> Exit:
        """End relay and worker."""
        self.channel.close()
        self._thread.join()
        code = self._process.wait(SECONDS)
        self._folder.cleanup()
        return Exit(code)


def is_message(frame: bytes) -> bool:
    """Tell whether a frame goes ahead of an answer, as a notebook's outputs do."""
    piece = piece_at(frame, 0)
    return bool(json.loads(frame[piece.text : piece.blobs]).get("op") == "message")


class Fault(NamedTuple):
    """What goes wrong at one byte of the stream; ``spoil`` gives what is sent instead of the rest
    of the answer.
    """

    spot: int
    ending: str  # "cut": the far end is gone; "still": it says no more; "garbled": it goes on
    spoil: Callable[[bytes], bytes] = lambda rest: b""


class ReplayingBox(Box):
    """Answers as the worker did, with at most one fault."""

    def __init__(self, recording: Recording, fault: Fault | None) -> None:
        ours, self._far = socket.socketpair()
        self.channel = Channel(ours)
        self._recording, self._fault = recording, fault
        self._thread = threading.Thread(target=self._serve)
        self._thread.start()

    def _serve(self) -> None:
        sent = 0
        with self._far, contextlib.suppress(EOFError, OSError):
            while True:
                request = read_frame(self._far)
                answer = self._recording.by_request.get(key_of(request), UNKNOWN)
                fault = self._fault
                if fault is None or not sent <= fault.spot < sent + len(answer):
                    self._far.sendall(answer)
                    sent += len(answer)
                    continue
                self._fault = None
                good = fault.spot - sent
                self._far.sendall(answer[:good] + fault.spoil(answer[good:]))
                if fault.ending == "cut":
                    return
                while fault.ending == "still":
                    read_frame(self._far)

    def kill(self) -> Exit:
        """Close this end, which ends the other, and tell it as the kernel tells of a process that
        was killed.
        """
        self.channel.close()
        self._thread.join()
        return Exit(-signal.SIGKILL)


class ReplayingSandbox(Sandbox):
    """Opens boxes that replay a recording; the first of them has the fault."""

    tier = Tier.NONE

    def __init__(self, recording: Recording, fault: Fault | None = None) -> None:
        self.recording, self.fault = recording, fault

    def open(self, notebook: bool = False) -> Box:
        fault, self.fault = self.fault, None
        return ReplayingBox(self.recording, fault)

    def close(self) -> None:
        """Nothing is left open: whoever opened a box ends it."""


class RecordingSandbox(Sandbox):
    """Opens boxes that are recorded, one after the other, into one recording."""

    tier = Tier.NONE

    def __init__(self) -> None:
        self.recording = Recording()

    def open(self, notebook: bool = False) -> Box:
        return RecordingBox(self.recording)

    def close(self) -> None:
        """Nothing is left open: whoever opened a box ends it."""
