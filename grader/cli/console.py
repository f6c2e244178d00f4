"""A console for commands whose work counts whether or not somebody reads what they say of it."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, cast

if TYPE_CHECKING:
    from rich.console import Console


def console(quiet: bool = False, **options: Any) -> Console:
    """Return a console on standard output that falls silent where that is closed, full, or read by nobody any more."""
    from rich.console import Console

    if sys.stdout is None:  # closed before we began: `grader … >&-`
        sys.stdout = Path(os.devnull).open("w", encoding="utf-8")  # noqa: SIM115 - it stays open to the end
    return Console(file=cast("IO[str]", _Outlived(sys.stdout)), quiet=quiet, **options)


class _Outlived:
    """A stream as long as it takes something; from then on, what is written to it leads nowhere."""

    def __init__(self, stream: IO[str]) -> None:
        self._stream = stream

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)

    def write(self, text: str) -> int:
        try:
            return self._stream.write(text)
        except OSError:
            self._lead_nowhere()
            return len(text)

    def flush(self) -> None:
        try:
            self._stream.flush()
        except OSError:
            self._lead_nowhere()

    def _lead_nowhere(self) -> None:
        """Put the null device in the stream's place, for what is still held back in it, too."""
        nowhere = os.open(os.devnull, os.O_WRONLY)
        try:
            os.dup2(nowhere, self._stream.fileno())
        finally:
            os.close(nowhere)
