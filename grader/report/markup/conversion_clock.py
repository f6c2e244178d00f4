"""Libraries that convert untrusted text, under a clock: slow text is shown plain.

Theory of operation. Pygments, mistune, latex2mathml and nh3 are safe on hostile text but may be
slow: some take time that grows with a high power of its length, and none can be interrupted. So
each text has a worst case, computed from its length by the rates below, which were measured with
texts made to be slow. A text whose worst case fits into what is left of the page's seconds is
converted here, and the CPU time that it really took is subtracted: honest text takes little, on a
busy machine too, so the same work makes the same page. Every other text is converted in a process
of its own, which is ended when the seconds for such processes are used up. What was converted is
kept for the next page of the same submission: it shows the same cells.
"""

from __future__ import annotations

import json
import math
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from grader.machine import slowdown

HERE_SECONDS = 1.0  # of CPU time for one page, in this process
APART_SECONDS = 6.0  # of one page, in processes of their own; more on a busy machine
MOST_BYTES = 8_000_000  # of the result of one
Converted = dict[tuple[str, str], str]  # by kind and text, the markup
_BOOT = (
    "import sys; sys.path.append(sys.argv[1]); from grader.report.markup.converting import main;"
    " main()"
)


class TooSlow(Exception):
    """A text that no library converted in time."""


def worst_seconds(kind: str, text: str) -> float:
    """Return the seconds that converting a text takes at most, on a slow machine."""
    size = len(text)
    return {
        "code": 1e-8 * size**2,
        "markdown": 3e-11 * size**3 + 2e-8 * size**2,
        "math": 2e-7 * size**2,
        "html": 1e-8 * text.count("<") ** 2 + 1e-6 * size,
    }[kind]


class Apart(Protocol):
    """Converts a text in a process of its own; raises `TooSlow` after some seconds."""

    def __call__(self, kind: str, text: str, seconds: float) -> str: ...


def in_a_process(kind: str, text: str, seconds: float) -> str:
    """Convert a text in a process that is ended after some seconds."""
    root = Path(__file__).resolve().parents[3]
    try:
        done = subprocess.run(
            [sys.executable, "-I", "-c", _BOOT, str(root)],
            input=json.dumps([kind, text]).encode(),
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            timeout=seconds,
            check=True,
        )
        return done.stdout[:MOST_BYTES].decode()
    except (OSError, ValueError, subprocess.SubprocessError):
        raise TooSlow from None


@dataclass
class ConversionClock:
    """The seconds that are left for the conversions of one page."""

    here: float = HERE_SECONDS
    apart: float = APART_SECONDS
    process: Apart = field(default=in_a_process)
    # what was converted for this page or for one before it
    known: Converted = field(default_factory=dict)

    def convert(self, kind: str, text: str, converted: Callable[[str], str]) -> str:
        """Return a text as markup, by ``converted`` here or by the same in another process.

        Raises `TooSlow`, and whatever ``converted`` raises.
        """
        if (kind, text) in self.known:
            return self.known[kind, text]
        if worst_seconds(kind, text) <= self.here:
            start = time.thread_time()
            try:
                markup = self.known[kind, text] = converted(text)
                return markup
            finally:
                self.here -= time.thread_time() - start
        if self.apart <= 0:
            raise TooSlow
        start, longer = time.perf_counter(), slowdown()
        try:
            markup = self.known[kind, text] = self.process(kind, text, self.apart * longer)
            return markup
        finally:
            self.apart -= (time.perf_counter() - start) / longer


def patient() -> ConversionClock:
    """Return a clock for text of the assignment's author, which is converted here."""
    return ConversionClock(here=math.inf)
