"""A sandbox whose box says the fuzzer's bytes."""

from __future__ import annotations

import socket

from grader.model import Tier
from grader.sandbox import wire
from grader.sandbox.box import Box, Exit, Sandbox
from grader.sandbox.wire import Channel, Frame

SECONDS = 10.0  # never waited for: the far end has said all and closed


class OnceBox(Box):
    """A box that stands ready, says what it is given, and closes."""

    def __init__(self, data: bytes) -> None:
        ours, self._far = socket.socketpair()
        self.channel = Channel(ours)
        self._far.sendall(wire.pack(Frame({"ok": True})) + data[: 1 << 16])
        self._far.shutdown(socket.SHUT_WR)

    def kill(self) -> Exit:
        """Close both ends."""
        self.channel.close()
        self._far.close()
        return Exit(0)


class OnceSandbox(Sandbox):
    """Opens such boxes."""

    tier = Tier.NONE

    def __init__(self, data: bytes) -> None:
        self._data = data

    def open(self, notebook: bool = False) -> Box:
        return OnceBox(self._data)

    def close(self) -> None:
        """Nothing is left open."""
