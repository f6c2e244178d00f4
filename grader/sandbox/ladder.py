"""The ladder of isolation tiers: what each can do on this machine, and the strongest that works."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from grader.errors import IsolationError
from grader.model import Tier
from grader.sandbox.box import Sandbox
from grader.sandbox.limits import Limits


def open_sandbox(isolation: str, limits: Limits, readable: Sequence[Path], notebooks: bool = True) -> Sandbox:
    """Return a sandbox of the tier asked for; ``auto`` is the strongest that works and never ``none``."""
    if isolation == Tier.NONE:
        from grader.sandbox.plain import PlainSandbox

        return PlainSandbox()
    if isolation in ("auto", Tier.LANDLOCK):
        from grader.sandbox.landlock import LandlockSandbox

        return LandlockSandbox(limits, readable, notebooks)
    if isolation == Tier.BUBBLEWRAP:
        from grader.sandbox.bubblewrap import BubblewrapSandbox

        return BubblewrapSandbox(limits, readable, notebooks)
    raise IsolationError("no isolation tier works here; `--isolation none` is for code you trust")
