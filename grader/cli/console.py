"""Prints to a standard output that may be full, closed, or no longer read (``| head``).

Grading takes minutes and writes files, so it goes on if its output can't be written.
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
    """A text stream that becomes silent when the stream beneath it can't be written."""

    def __init__(self, stream: TextIO | None) -> None:
        super().__init__()
        self._stream = stream

    @property
    def encoding(self) -> str:  # type: ignore[override]
        """The encoding of the stream beneath."""
        return getattr(self._stream, "encoding", None) or "utf-8"

    def writable(self) -> bool:
        """Return True, also after the stream beneath has failed."""
        return True

    def isatty(self) -> bool:
        """Return whether the stream beneath is a terminal."""
        return self._stream is not None and self._stream.isatty()

    def fileno(self) -> int:
        """Return the descriptor beneath."""
        if self._stream is None:
            raise io.UnsupportedOperation("there is no stream")
        return self._stream.fileno()

    def write(self, text: str) -> int:
        """Write, unless the stream beneath has failed."""
        with self._falling_silent():
            if self._stream is not None:
                self._stream.write(text)
        return len(text)

    def flush(self) -> None:
        """Flush, unless the stream beneath has failed."""
        with self._falling_silent():
            if self._stream is not None:
                self._stream.flush()

    @contextlib.contextmanager
    def _falling_silent(self) -> Iterator[None]:
        try:
            yield
        except OSError:  # a pipe without a reader, a full disk, a terminal that is gone
            assert self._stream is not None
            # What is still in the buffer is dropped, so that it does not fail at the end.
            with contextlib.suppress(OSError):
                os.dup2(os.open(os.devnull, os.O_WRONLY), self._stream.fileno())
            self._stream = None


@contextlib.contextmanager
def patience() -> Iterator[None]:
    """Replace standard output and errors by streams that become silent instead of failing."""
    while (number := os.open(os.devnull, os.O_RDWR)) < STANDARD:
        # A standard stream that was closed keeps its number: otherwise one of our sockets would get
        # it, and be used as standard output.
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
    """Return a console that becomes silent if standard output can't be written any more."""
    from rich.console import Console

    file: Any = sys.stdout if isinstance(sys.stdout, Patient) else Patient(sys.stdout)
    return Console(**{"file": file, "quiet": quiet, "highlight": False, **options})
