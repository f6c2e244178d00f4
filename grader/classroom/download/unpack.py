"""One student's part of a download, laid into a temporary folder: its names are looked at, its
bytes counted.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, Protocol

from grader.errors import GraderFault, SubmissionError
from grader.files import UNREADABLE
from grader.grading.intake.reading.entry_names import fault_of, has_control, parts_of, shown
from grader.grading.intake.reading.folders import open_regular
from grader.grading.intake.reading.intake_budget import CHUNK
from grader.grading.intake.submitted_files import IntakeLimits

MOST_NOTED = 10  # entries that are left out
CODE = (".py", ".ipynb")


class Readable(Protocol):
    """What bytes are read from: a file, or a member of an archive."""

    def read(self, size: int, /) -> bytes: ...


@contextlib.contextmanager
def regular(path: Path) -> Iterator[BinaryIO]:
    """Open a file that must be a regular one: no link is followed, no pipe waited for."""
    with (
        open_regular(os.fspath(path.parent), path.name) as descriptor,
        os.fdopen(os.dup(descriptor), "rb") as file,
    ):
        yield file


class PartWriter:
    """Counts what one student's part unpacks to, and lays its files down."""

    def __init__(self, source: str, limits: IntakeLimits) -> None:
        self._source, self._limits = source, limits
        self._bytes = self._entries = 0
        self.left_out: list[str] = []  # sentences

    def refusal(self, why: str) -> SubmissionError:
        """Return the error that refuses the part."""
        return SubmissionError(f"{self._source} can't be taken in: {why}.")

    def leave(self, name: str, why: str) -> None:
        """Note an entry that is not laid down, as nobody asked for it."""
        if len(self.left_out) < MOST_NOTED:
            self.left_out.append(f"{shown(name)} {why}, and was not read.")

    def lay(self, root: Path, name: str, file: Readable) -> Path:
        """Copy a file to its place below the root, and return that."""
        self._entries += 1
        if self._entries > self._limits.max_entries:
            raise self.refusal(f"it has more than {self._limits.max_entries} entries")
        target = _place(root, name, self)
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            with target.open("xb") as out:
                while chunk := file.read(CHUNK):
                    self._bytes += len(chunk)
                    if self._bytes > self._limits.max_bytes:
                        raise self.refusal(
                            f"it unpacks to more than {self._limits.max_bytes >> 20} MiB"
                        )
                    out.write(chunk)
        except FileExistsError as error:
            raise self.refusal(
                f"it holds two entries of the name {shown(name)}, or a file as a folder"
            ) from error
        except OSError as error:
            if error.errno in UNREADABLE:  # the machine's matter, a full disk for one
                raise GraderFault(f"{shown(name)} can't be laid down: {error.strerror}") from error
            raise self.refusal(f"{shown(name)} can't be laid down ({error.strerror})") from error
        return target


def _place(root: Path, name: str, part: PartWriter) -> Path:
    """Return where a part's file goes: below the root, whatever its name says."""
    fault = fault_of(name)
    if fault or has_control(name):
        raise part.refusal(
            f"the entry {shown(name)} {fault or 'has a control character in its name'}"
        )
    parts = parts_of(name)
    return root.joinpath(*(component(part, shown(name)) for part in parts))


def component(part: str, source: str) -> str:
    """Return one name as the file system holds it: the longest keep their ends, where the extension
    stands.
    """
    data = part.encode("utf-8", "surrogateescape")
    if part in ("", ".", ".."):
        raise SubmissionError(f"{source} can't be taken in: it has no name.")
    return (
        part
        if len(data) <= 240
        else data[:100].decode("utf-8", "ignore") + data[-100:].decode("utf-8", "ignore")
    )
