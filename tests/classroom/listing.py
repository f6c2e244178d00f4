"""A download that is names alone: nothing lies on the disk."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from grader.classroom.download.download_tree import Child, Tree


class Listing(Tree):
    """The tree of these paths; one with a slash at its end is a folder."""

    def __init__(self, paths: Iterable[str], texts: dict[str, bytes] | None = None) -> None:
        self.name, self.aside, self._texts = "download", {}, texts or {}
        self._folders: dict[str, dict[str, bool]] = {"": {}}
        for path in (*paths, *self._texts):
            *above, name = path.rstrip("/").split("/")
            here = ""
            for part in above:
                self._folders[here][part] = True
                here = f"{here}/{part}" if here else part
                self._folders.setdefault(here, {})
            self._folders[here].setdefault(name, path.endswith("/"))

    def children(self, folder: str = "") -> list[Child]:
        return [
            Child(name, is_folder)
            for name, is_folder in sorted(self._folders.get(folder, {}).items())
        ]

    def read(self, path: str) -> bytes:
        return self._texts[path]

    @contextlib.contextmanager
    def opened(self, paths: Sequence[str], files: Sequence[str] = ()) -> Iterator[Path]:
        raise AssertionError("these tests open nothing")
        yield Path()
