"""Which results stand as an earlier run found them, known without reading them again.

Theory of operation. To know that a result stands, a run takes in the submission and reads every
file of the result against its digest. That is left out if the file system says that nothing was
written since: paths, kinds, sizes, times of the last write and change, and inodes are as they
were. A stamp is kept only if its files had been at rest for some seconds, as a write in the same
tick of the clock would not show. What a disk damages without a write does not show either: without
`.unchanged.json` the next run reads everything again.
"""

from __future__ import annotations

import hashlib
import os
import stat
import time
from collections.abc import Iterator
from pathlib import Path

import msgspec

from grader.classroom.download.download_tree import FolderTree, Tree
from grader.classroom.download.students import Entry
from grader.classroom.run.result_store import ROW, WRITTEN, Store
from grader.files import write_atomically

NAME = ".unchanged.json"
RESTED = 2_000_000_000  # nanoseconds
MOST_ENTRIES = 2_000  # of one submission; a larger one is always read


class _Kept(msgspec.Struct, frozen=True):
    """The file: for one assignment and one grader."""

    of: str
    stamps: dict[str, str]  # student -> of submission and result


class Unchanged:
    """What an earlier run left, and what this one will leave."""

    def __init__(self, store: Store, of: str) -> None:
        """Read what was left; ``of``: digest of all that a verdict comes from besides."""
        self._store = store
        self._of = of
        self._before = _read(store.out / NAME, of)
        self._submissions: dict[str, str] = {}  # student -> stamp, taken before it was read
        self._untouched: set[str] = set()  # students of whom this run wrote and read nothing
        self._settled: list[Entry] = []

    def holds(self, tree: Tree, entry: Entry) -> bool:
        """Tell whether neither a submission nor its result was written since."""
        submission = _of_submission(tree, entry)
        self._submissions[entry.student] = submission
        before = self._before.get(entry.student)
        return before is not None and before == self._stamp(entry, submission)

    def settle(self, entry: Entry, *, untouched: bool = False) -> None:
        """Note that the result that lies there is the one of what was handed in.

        untouched: it holds, and this run writes nothing of it, so that its stamp stays
        """
        self._settled.append(entry)
        if untouched:
            self._untouched.add(entry.student)

    def write(self) -> None:
        """Keep what can be known without reading it in the next run."""
        stamps = {}
        for entry in self._settled:
            if entry.student in self._untouched:
                stamps[entry.student] = self._before[entry.student]
            elif stamp := self._stamp(entry, self._submissions.get(entry.student, "")):
                stamps[entry.student] = stamp
        if stamps != self._before:
            data = msgspec.json.encode(_Kept(self._of, stamps))
            write_atomically(self._store.out / NAME, data)

    def _stamp(self, entry: Entry, submission: str) -> str:
        """Return the stamp of a submission with its result; nothing if it can't be read."""
        if not submission:
            return ""
        # as text: a class asks for thousands, and a `Path` takes longer to make than to look at
        base = f"{self._store.out}/{entry.folder}"
        names = sorted({*self._store.written(entry.folder), WRITTEN, ROW})
        return _digest([(submission, f"{base}/{name}") for name in names])


def _read(path: Path, of: str) -> dict[str, str]:
    try:
        kept = msgspec.json.decode(path.read_bytes(), type=_Kept)
    except (OSError, msgspec.MsgspecError):
        return {}
    return kept.stamps if kept.of == of else {}


def _of_submission(tree: Tree, entry: Entry) -> str:
    """Return the stamp of what was handed in as one file or folder; nothing for anything else."""
    if not isinstance(tree, FolderTree) or len(entry.paths) != 1:
        return ""
    root = f"{tree.root}/{entry.paths[0]}"
    found = [(entry.paths[0], root)]
    try:
        for path in _below(root):
            found.append((path[len(root) + 1 :], path))
            if len(found) > MOST_ENTRIES:
                return ""
    except OSError:
        return ""
    return _digest(found)


def _below(folder: str) -> Iterator[str]:
    """Yield what lies below a folder; links are not followed."""
    if not stat.S_ISDIR(os.lstat(folder).st_mode):
        return
    with os.scandir(folder) as entries:
        children = sorted(entries, key=lambda entry: entry.name)
    for child in children:
        yield child.path
        if child.is_dir(follow_symlinks=False):
            yield from _below(child.path)


def _digest(files: list[tuple[str, str]]) -> str:
    """Return a digest of what the file system says of files; nothing if one is a link, is gone, or
    has not been at rest.
    """
    whole = hashlib.sha256()
    newest = 0
    for name, path in files:
        try:
            seen = os.lstat(path)
        except OSError:
            return ""
        if not (stat.S_ISREG(seen.st_mode) or stat.S_ISDIR(seen.st_mode)):
            return ""
        newest = max(newest, seen.st_mtime_ns, seen.st_ctime_ns)
        facts = (seen.st_mode, seen.st_size, seen.st_mtime_ns, seen.st_ctime_ns, seen.st_ino)
        told = f"{name}\0{path.rpartition('/')[2]}\0{facts}\0"
        whole.update(told.encode("utf-8", "surrogateescape"))
    return whole.hexdigest() if newest < time.time_ns() - RESTED else ""
