"""The ladder of isolation tiers: what each can do on this machine, and the strongest that works.

Theory of operation. A tier is never believed, always tried: before a sandbox is handed out, its
first box attempts what the tier promises to stop (`grader.sandbox.breach_attempts`), against real
targets that stand open outside. One attempt that goes through, or a box that can't do honest work,
refuses the tier. `auto` takes the strongest that holds and never falls to `none`: where untrusted
work has no tier, it stops with a sentence on how to get one.
"""

from __future__ import annotations

import contextlib
import json
import os
import platform
import socket
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import msgspec

from grader.errors import GraderFault, IsolationError
from grader.limits import Limits
from grader.model import Tier
from grader.sandbox.box import Box, Sandbox

TRIAL_SECONDS = 20.0
PROMISES = {
    Tier.BUBBLEWRAP: (
        "submissions don't see this machine's files, network or processes, and each is walled in"
        " besides"
    ),
    Tier.LANDLOCK: (
        "the kernel denies each submission other files, all sockets, and signals and traces beyond"
        " itself"
    ),
    Tier.NONE: "practice, not sandboxed: a plain process with time limits, for code you trust",
}
SEE_DOCS = "See docs/security.md."
USUAL_REMEDIES = {
    Tier.BUBBLEWRAP: (
        "bwrap must be allowed to make namespaces, see docs/security.md; the tier landlock needs"
        " none."
    ),
    Tier.LANDLOCK: SEE_DOCS,
}


class TierReport(msgspec.Struct, frozen=True):
    """What a tier can do on this machine, or why it can't be had and what to do about that."""

    tier: Tier
    works: bool
    sentence: str
    remedy: str = ""


class Refused(Exception):
    """A tier that does not hold here, with what would help."""

    def __init__(self, sentence: str, remedy: str) -> None:
        super().__init__(sentence)
        self.remedy = remedy


def open_sandbox(
    isolation: str,
    limits: Limits,
    readable: Sequence[Path],
    notebooks: bool = True,
    withheld: Sequence[str] = (),
    launched: Callable[[], None] = lambda: None,
) -> Sandbox:
    """Return a sandbox of the tier asked for; ``auto`` is the strongest that holds here, and never
    ``none``.

    ``readable`` are the provided files and folders that boxes may read, ``withheld`` the installed
    packages that they may not import, for instance one that would do the student's work.
    ``launched`` is called when the sandbox's own process has begun to load what it needs. Raises
    `IsolationError`.
    """
    if isolation == Tier.NONE:
        from grader.sandbox.plain import PlainSandbox

        return PlainSandbox()
    wanted = (Tier.BUBBLEWRAP, Tier.LANDLOCK) if isolation == "auto" else (Tier(isolation),)
    refusals = []
    for tier in wanted:
        try:
            return open_tier(tier, limits, readable, notebooks, withheld, launched)
        except Refused as refusal:
            refusals.append(f"{tier}: {refusal}. {refusal.remedy}".strip())
    lines = "\n  ".join(refusals)
    raise IsolationError(
        f"untrusted code can't be isolated on this machine:\n  {lines}\n"
        "`--isolation none` runs it without a sandbox: only for code you trust."
    )


def probe() -> list[TierReport]:
    """Try every tier in earnest, a notebook and the limit on processes included, and tell what was
    found.
    """
    reports = []
    for tier in (Tier.BUBBLEWRAP, Tier.LANDLOCK):
        try:
            with open_tier(tier, Limits(processes=12), [], notebooks=True) as sandbox:
                try_notebook(sandbox)
                try_to_multiply(sandbox)
            reports.append(TierReport(tier, True, PROMISES[tier]))
        except Refused as refusal:
            reports.append(TierReport(tier, False, str(refusal), refusal.remedy))
    return [*reports, TierReport(Tier.NONE, True, PROMISES[Tier.NONE])]


# --- one tier -------------------------------------------------------------------------------------


def open_tier(
    tier: Tier,
    limits: Limits,
    readable: Sequence[Path],
    notebooks: bool,
    withheld: Sequence[str] = (),
    launched: Callable[[], None] = lambda: None,
) -> Sandbox:
    """Start a sandbox of one tier and try it; raise `Refused` where it can't be had or does not
    hold.
    """
    if sys.platform != "linux":
        raise Refused(
            f"it needs Linux, and this is {platform.system()}",
            "Grade on a Linux machine or in a container.",
        )
    check_kernel()
    sandbox = start(tier, limits, readable, notebooks, withheld, launched)
    from grader.sandbox.wire import WireError  # and with it NumPy, while the sandbox loads its own

    try:
        try_box(sandbox, [str(path) for path in readable if path.exists()])
    except (GraderFault, WireError) as error:
        sandbox.close()
        raise Refused(f"a box could not be opened: {error}", USUAL_REMEDIES[tier]) from error
    except BaseException:
        sandbox.close()
        raise
    return sandbox


def start(
    tier: Tier,
    limits: Limits,
    readable: Sequence[Path],
    notebooks: bool,
    withheld: Sequence[str],
    launched: Callable[[], None],
) -> Sandbox:
    """Start a sandbox of a tier that works on Linux."""
    from grader.sandbox.bubblewrap import BubblewrapSandbox
    from grader.sandbox.landlock import LandlockSandbox
    from grader.sandbox.zygote_settings import StartFailed

    kind = BubblewrapSandbox if tier == Tier.BUBBLEWRAP else LandlockSandbox
    try:
        return kind(limits, readable, notebooks, withheld, launched)
    except StartFailed as error:
        raise Refused(str(error), error.remedy or USUAL_REMEDIES[tier]) from error


def check_kernel() -> None:
    """Raise `Refused` unless Landlock and seccomp can be used: both tiers raise the inner wall."""
    try:
        import landlockpy
    except ImportError as error:
        raise Refused(
            "the package landlockpy is missing", "Install it: pip install landlockpy pyseccomp."
        ) from error
    if not landlockpy.supported():
        raise Refused(
            f"the kernel ({platform.release()}) has no Landlock",
            "It needs Linux 5.13 or later with `landlock` among its security modules (boot"
            " parameter lsm=).",
        )


# --- trials ---------------------------------------------------------------------------------------


@contextlib.contextmanager
def targets() -> Iterator[dict[str, Any]]:
    """Offer what a box must not reach: a file that all may read, sockets that all may connect to,
    this process.
    """
    with contextlib.ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="grader-trial-")))
        folder.chmod(0o777)
        canary = folder / "canary"
        canary.write_text("canary")
        canary.chmod(0o666)
        sockets: dict[str, tuple[int, int, Any]] = {
            "tcp": (socket.AF_INET, socket.SOCK_STREAM, ("127.0.0.1", 0)),
            "udp": (socket.AF_INET, socket.SOCK_DGRAM, ("127.0.0.1", 0)),
            "unix": (socket.AF_UNIX, socket.SOCK_STREAM, str(folder / "socket")),
            "abstract": (socket.AF_UNIX, socket.SOCK_STREAM, "\0" + folder.name),
        }
        offered: dict[str, Any] = {
            "canary": str(canary),
            "pid": os.getpid(),
            "abstract": folder.name,
        }
        for name, (family, kind, address) in sockets.items():
            sock = stack.enter_context(socket.socket(family, kind))
            sock.bind(address)
            if kind == socket.SOCK_STREAM:
                sock.listen()
            if name != "abstract":
                place = sock.getsockname()
                offered[name] = place[1] if family == socket.AF_INET else place
        (folder / "socket").chmod(0o666)
        yield offered
        if canary.read_text() != "canary" or {one.name for one in folder.iterdir()} != {
            "canary",
            "socket",
        }:
            raise Refused("a box changed a file outside", "Please report this.")


def try_box(sandbox: Sandbox, provided: list[str]) -> None:
    """Let a box attempt what it must not and do what it must; raise `Refused` where either goes
    wrong.
    """
    with sandbox.open() as box, targets() as offered:
        stage(box)
        went_through = json.loads(call(box, "breaches", offered))
        if went_through:
            raise Refused("tried, and it does not hold: " + "; ".join(went_through), SEE_DOCS)
        missing = json.loads(call(box, "works", provided))
        if missing:
            raise Refused("honest code would miss " + ", ".join(missing), SEE_DOCS)


def try_to_multiply(sandbox: Sandbox) -> None:
    """Let a box start more processes than allowed; raise `Refused` where nothing stops it."""
    allowed = 4 * Limits().processes
    from grader.sandbox.wire import WireError

    with sandbox.open() as box:
        stage(box)
        with contextlib.suppress(WireError):
            if int(call(box, "multiply", allowed)) < allowed:
                return
        if not box.kill().limit:
            raise Refused("tried, and processes can be multiplied without limit", SEE_DOCS)


def try_notebook(sandbox: Sandbox) -> None:
    """Let a box run a cell that draws; raise `Refused` where it can't."""
    from grader.sandbox.wire import Frame, WireError

    cell = "import matplotlib.pyplot as plt\nplt.plot([1, 2])\nplt.title('drawn')"
    try:
        with sandbox.open(notebook=True) as box:
            stage(box)
            body = {"op": "execute", "code": cell, "room": [1 << 20, 0]}
            box.channel.send(Frame(body), TRIAL_SECONDS)
            while (reply := box.channel.receive(TRIAL_SECONDS).body).get("op") == "message":
                pass
    except (GraderFault, WireError) as error:
        raise Refused(f"no notebook can be run: {error}", SEE_DOCS) from error
    if reply.get("status") != "ok":
        raise Refused(
            f"no notebook can draw: {reply.get('ename')}: {reply.get('evalue')}", SEE_DOCS
        )


def stage(box: Box) -> None:
    """Lay the trial's file into a box."""
    from grader.sandbox.wire import Frame

    source = Path(__file__).with_name("breach_attempts.py").read_bytes()
    box.channel.send(
        Frame({"op": "stage", "links": [], "files": [["trial.py", 0]]}, (source,)), TRIAL_SECONDS
    )
    box.channel.receive(TRIAL_SECONDS)


def call(box: Box, function: str, argument: Any) -> str:
    """Call a function of the trial and return what it says, as text."""
    from grader.sandbox.wire import Encoder, Frame, WireError

    encoder = Encoder()
    target = [["module", "trial"], ["attr", function]]
    body = {
        "op": "call",
        "target": target,
        "args": encoder.encode((argument,)),
        "kwargs": encoder.encode({}),
    }
    box.channel.send(Frame(body, tuple(encoder.blobs)), TRIAL_SECONDS)
    reply = box.channel.receive(TRIAL_SECONDS).body
    if not reply.get("ok"):
        raise WireError(f"the trial failed: {reply.get('error')}")
    return str(reply["values"][0])
