"""Files of one case: those that a check lays down for it, and those that the student's code writes
meanwhile.

When the next case begins, the folder is as it was before the first of them.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

MOST_FILES = 2_000  # that are looked at
MOST_BYTES = 16 << 20  # of a file that is sent


class CaseFiles:
    """The files of the case at hand, below the student's folder."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._before: set[str] | None = None  # what was there; None if the case asks for no files
        self._saved: dict[str, bytes | None] = {}  # what a check's file lies in the place of

    def put(self, name: str, content: bytes) -> None:
        """Lay down a file for this case."""
        self.watch()
        path = self._root / name
        if name not in self._saved:
            self._saved[name] = path.read_bytes() if path.is_file() else None
        path.parent.mkdir(parents=True, exist_ok=True)
        path.unlink(missing_ok=True)
        path.write_bytes(content)

    def read(self, name: str) -> bytes | None:
        """Return what is in a file, None if there is none or if it is larger than may be sent."""
        self.watch()
        path = self._root / name
        if not path.is_file() or path.stat().st_size > MOST_BYTES:
            return None
        return path.read_bytes()

    def written(self) -> list[str]:
        """Return the names of the files that have come since this case asked for files first."""
        self.watch()
        assert self._before is not None
        return sorted(set(self._names()) - self._before - self._saved.keys())

    def watch(self) -> None:
        """Note what is there before the case writes anything."""
        if self._before is None:
            self._before = set(self._names())

    def forget(self) -> None:
        """Take away what the case has left, and put back what it lay in the place of."""
        if self._before is None:
            return
        for name in set(self._names()) - self._before:
            (self._root / name).unlink(missing_ok=True)
        for name, content in self._saved.items():
            if content is not None:
                (self._root / name).write_bytes(content)
        self._before, self._saved = None, {}

    def _names(self) -> Iterator[str]:
        count = 0
        for folder, inner, files in os.walk(self._root):
            if "__pycache__" in inner:
                inner.remove("__pycache__")
            for name in files:
                count += 1
                if count > MOST_FILES:
                    return
                yield Path(folder, name).relative_to(self._root).as_posix()
