"""What a command prints to: a standard output that may be full, closed or read by nobody any more
(``| head``).

A grading takes minutes and writes files, so it never stops for want of somebody to listen to it.
"""

from __future__ import annotations

import contextlib
import io
import os
import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, TextIO

if TYPE_CHECKING:
    from rich.console import Console

STANDARD = 3  # descriptors: input, output, errors


class Patient(io.TextIOBase):
    """A text stream that falls silent where the one beneath it can't be written."""

    def __init__(self, stream: TextIO | None) -> None:
        super().__init__()
        self._stream = stream

    @property
    def encoding(self) -> str:  # type: ignore[override]
        """The encoding of the stream beneath."""
        return getattr(self._stream, "encoding", None) or "utf-8"

    def writable(self) -> bool:
        """Return True, whatever becomes of it."""
        return True

    def isatty(self) -> bool:
        """Tell whether somebody looks on at a terminal."""
        return self._stream is not None and self._stream.isatty()

    def fileno(self) -> int:
        """Return the descriptor beneath."""
        if self._stream is None:
            raise io.UnsupportedOperation("there is no stream")
        return self._stream.fileno()

    def write(self, text: str) -> int:
        """Write, as long as somebody reads."""
        with self._falling_silent():
            if self._stream is not None:
                self._stream.write(text)
        return len(text)

    def flush(self) -> None:
        """Send what was written, as long as somebody reads."""
        with self._falling_silent():
            if self._stream is not None:
                self._stream.flush()

    @contextlib.contextmanager
    def _falling_silent(self) -> Iterator[None]:
        try:
            yield
        except OSError:  # a pipe without a reader, a full disk, a terminal that is gone
            assert self._stream is not None
            # what is still held back goes nowhere, instead of failing at the end
            with contextlib.suppress(OSError):
                os.dup2(os.open(os.devnull, os.O_WRONLY), self._stream.fileno())
            self._stream = None


@contextlib.contextmanager
def patience() -> Iterator[None]:
    """Let all that is printed meanwhile go to streams that fall silent instead of failing."""
    while (number := os.open(os.devnull, os.O_RDWR)) < STANDARD:
        # one that was closed is given to nothing else: a socket of ours would be taken for standard
        # output
        pass
    os.close(number)
    kept = sys.stdout, sys.stderr
    sys.stdout, sys.stderr = Patient(sys.stdout), Patient(sys.stderr)
    try:
        yield
    finally:
        sys.stdout.flush()
        sys.stdout, sys.stderr = kept


def console(quiet: bool = False, **options: Any) -> Console:
    """Return a console that goes on silently where standard output is full, closed or read by
    nobody any more.
    """
    from rich.console import Console

    file: Any = sys.stdout if isinstance(sys.stdout, Patient) else Patient(sys.stdout)
    return Console(**{"file": file, "quiet": quiet, "highlight": False, **options})
