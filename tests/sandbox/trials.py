"""Runs hostile code in a box, and looks at what is left of it."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import Any, NoReturn

import pytest

from grader.limits import Limits
from grader.sandbox.box import Box, Exit, Sandbox
from grader.sandbox.inside.walls import process_tree
from grader.sandbox.warm import WarmBox, WarmSandbox
from grader.sandbox.wire import Decoder, Encoder, Frame, WireClosed

SMALL = Limits(memory_mb=256, scratch_mb=8, file_mb=4, processes=8, cpu_seconds=20, open_files=64)
SECONDS = 60.0  # a deadline for the test's own sake


class Outcome:
    """What became of a piece of code in a box."""

    def __init__(self) -> None:
        self.value: Any = None
        self.error = ""  # of the code, as told by the worker
        self.closed = False  # the box ended, or broke the protocol, before it answered
        self.exit = Exit()


class Trial:
    """Runs pieces of code, each in a fresh box of one sandbox."""

    def __init__(self, sandbox: Sandbox) -> None:
        self.sandbox = sandbox

    def run(self, code: str, *arguments: Any, links: dict[str, Path] | None = None) -> Outcome:
        """Call ``attack(*arguments)`` of a module with this code, end the box, and see that nothing
        of it is left.
        """
        before = left_below(self.sandbox)
        with self.sandbox.open() as box:
            outcome = call(box, code, *arguments, links=links or {})
            outcome.exit = box.kill()
        self.assert_nothing_left(box, before)
        return outcome

    def assert_nothing_left(self, box: Box, before: int) -> None:
        """Fail if a process or a file of a box that has ended is still there."""
        if not isinstance(self.sandbox, WarmSandbox):
            return
        assert isinstance(box, WarmBox)
        deadline = time.monotonic() + SECONDS  # the warden itself may be on its way out
        while left_below(self.sandbox) > before and time.monotonic() < deadline:
            time.sleep(0.005)
        assert left_below(self.sandbox) <= before
        assert not members(box.group) or self.sandbox.tier == "bubblewrap"
        assert scratch_folders(self.sandbox) == []


def call(box: Box, code: str, *arguments: Any, links: dict[str, Path] | None = None) -> Outcome:
    """Stage a module and call its ``attack``."""
    outcome = Outcome()
    encoder = Encoder()
    target = [["module", "hostile"], ["attr", "attack"]]
    body = {
        "op": "call",
        "target": target,
        "args": encoder.encode(arguments),
        "kwargs": encoder.encode({}),
    }
    placed = [[place, str(source)] for place, source in (links or {}).items()]
    stage = Frame({"op": "stage", "links": placed, "files": [["hostile.py", 0]]}, (code.encode(),))
    try:
        box.channel.send(stage, SECONDS)
        assert box.channel.receive(SECONDS).body["ok"]
        box.channel.send(Frame(body, tuple(encoder.blobs)), SECONDS)
        reply = box.channel.receive(SECONDS)
    except WireClosed:
        outcome.closed = True
        return outcome
    if reply.body["ok"]:
        decoder = Decoder(reply.blobs)
        outcome.value = decoder.decode(reply.body["values"][0])
    else:
        outcome.error = f"{reply.body['error']['type']}: {reply.body['error']['message']}"
    return outcome


def left_below(sandbox: Sandbox) -> int:
    """Return how many processes there are in a sandbox, zygote and all."""
    if not isinstance(sandbox, WarmSandbox) or sandbox._process is None:
        return 0
    return len(
        [
            process
            for process in process_tree.below(sandbox._process.pid)
            if not is_zombie(process.pid)
        ]
    )


def is_zombie(pid: int) -> bool:
    """Tell whether a process is dead and merely not buried yet."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return True
    return text[text.rindex(")") + 2] in "ZX"


def members(group: int) -> list[int]:
    """Return the living members of a process group."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and not is_zombie(int(entry.name)):
            try:
                text = (entry / "stat").read_text()
            except OSError:
                continue
            if int(text[text.rindex(")") + 2 :].split()[2]) == group and int(entry.name) != group:
                found.append(int(entry.name))
    return found


def scratch_folders(sandbox: WarmSandbox) -> list[str]:
    """Return the scratch folders that are there, seen from outside."""
    assert sandbox._process is not None
    inside = [
        process.pid
        for process in process_tree.below(sandbox._process.pid)
        if not is_zombie(process.pid)
    ]
    base = (
        f"/proc/{inside[-1]}/root{sandbox.base}"
        if sandbox.tier == "bubblewrap"
        else str(sandbox.base)
    )
    return [path.name for path in Path(base).iterdir()]


def not_here(reason: str) -> NoReturn:
    """Skip what this machine can't do; on the CI's machine, which can do all, that is a failure."""
    if os.environ.get("CI") == "true":
        pytest.fail(reason)
    pytest.skip(reason)
