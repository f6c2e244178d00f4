"""A class's download as a tree of names, whether it lies there as a folder or as one bulk zip.

Theory of operation. The tree's shape is the LMS's, the names and bytes in it are students'. Names
are listed and compared, and become paths only in `parts`, where each component is looked at. A
folder's links are not followed. Of a bulk zip one student's part at a time is laid into a temporary
folder, with its bytes and entries counted as they come; what is wrong with one part is a
`SubmissionError` of that student's, and the others are not touched.
"""

from __future__ import annotations

import contextlib
import os
import stat
import tempfile
import zipfile
import zlib
from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from operator import attrgetter
from pathlib import Path

import msgspec

from grader.classroom.download.unpack import PartWriter, Readable, component, regular
from grader.classroom.run.result_store import CLASS, LOCK
from grader.errors import GraderFault, SubmissionError, UsageError
from grader.files import UNREADABLE
from grader.grading.intake.reading.entry_names import (
    as_written,
    fault_of,
    is_litter,
    parts_of,
    shown,
)
from grader.grading.intake.submitted_files import DEFAULT_LIMITS, IntakeLimits

MAX_BULK_ENTRIES = 500_000
MAX_SMALL_FILE = 64 << 20  # of a metadata file: Gradescope's grows with the class
LOOSE = "submission"  # what a folder of loose files is called in messages


class Child(msgspec.Struct, frozen=True):
    """What lies in a folder of the tree."""

    name: str
    is_folder: bool


class Tree(ABC):
    """The names of a download, and one student's part of it as a path that the intake can take."""

    name: str
    aside: dict[str, None]  # folders of results that lie among the submissions: nobody's
    # sentences on entries of what was opened last that are not there
    left_out: tuple[str, ...] = ()

    @abstractmethod
    def children(self, folder: str = "") -> list[Child]:
        """Return what lies in a folder, in the order of the names, without what tools leave
        behind.
        """

    def readable(self, folder: str) -> bool:
        """Tell whether a folder of the tree can be listed at all."""
        return True

    @abstractmethod
    def read(self, path: str) -> bytes:
        """Return a small file of the LMS's own; raise `UsageError` if it can't be read."""

    @abstractmethod
    @contextlib.contextmanager
    def opened(self, paths: Sequence[str], files: Sequence[str] = ()) -> Iterator[Path]:
        """Give a path where one student's folder, archive or loose files lie; raise
        `SubmissionError` for bad ones.

        files: what each is called there, if not as in the tree
        """
        yield Path()

    def names(self, folder: str = "") -> list[str]:
        """Return the names of what lies in a folder."""
        return list(map(attrgetter("name"), self.children(folder)))

    def folders(self, folder: str = "") -> list[str]:
        """Return the names of the folders in a folder."""
        return [child.name for child in self.children(folder) if child.is_folder]

    def holds(self, path: str) -> bool:
        """Tell whether something of this path is there."""
        folder, _, name = path.rpartition("/")
        return name in self.names(folder)


class FolderTree(Tree):
    """A download that was unpacked, or clones."""

    def __init__(self, root: Path, limits: IntakeLimits, out: Path | None = None) -> None:
        self.root = root
        self._limits = limits
        self.name = root.resolve().name
        self.aside = {}
        self._children: dict[str, list[Child]] = {}  # of folders that were listed
        self._out = out.name if out is not None and out.resolve().parent == root.resolve() else None

    def children(self, folder: str = "") -> list[Child]:
        """List a folder of the disk, once; links count as files, so that nothing is entered
        through one.
        """
        if folder not in self._children:
            self._children[folder] = self._listed(folder)
        return self._children[folder]

    def _listed(self, folder: str) -> list[Child]:
        children: list[Child] = []
        try:
            with os.scandir(self.root / folder) as found:
                for entry in found:
                    child = Child(entry.name, entry.is_dir(follow_symlinks=False))
                    if not is_litter([child.name]) and not self._is_ours(folder, child):
                        children.append(child)
        except OSError as error:
            if folder:  # one student's: the intake refuses it with the reason
                return []
            raise UsageError(f"{self.root / folder} can't be read: {error.strerror}") from error
        return sorted(children, key=attrgetter("name"))

    def _is_ours(self, folder: str, child: Child) -> bool:
        """Tell whether results of a class lie here: this run's, or another's by what each
        leaves.
        """
        if not child.is_folder:
            return False
        whole = f"{self.root}/{folder}/{child.name}"
        ours = (child.name == self._out and not folder) or all(
            os.path.lexists(f"{whole}/{name}") for name in (CLASS, LOCK)
        )
        if ours:
            self.aside[child.name] = None
        return ours

    def readable(self, folder: str) -> bool:
        """Try to list it."""
        try:
            with os.scandir(self.root / folder):
                return True
        except OSError:
            return False

    def holds(self, path: str) -> bool:
        """Look for one path, litter or not: a clone is known by its `.git`."""
        return os.path.lexists(self.root / path)

    def read(self, path: str) -> bytes:
        """Read a regular file of the disk."""
        whole = self.root / path
        try:
            with regular(whole) as file:
                return _bounded(file, whole)
        except OSError as error:
            raise UsageError(f"{whole} can't be read: {error.strerror or error}") from error

    @contextlib.contextmanager
    def opened(self, paths: Sequence[str], files: Sequence[str] = ()) -> Iterator[Path]:
        """Give the path itself; several loose files are copied into one folder first."""
        if len(paths) == 1:
            yield self.root / paths[0]
            return
        with tempfile.TemporaryDirectory(prefix="grader-part-") as folder:
            root = Path(folder, LOOSE)
            part = PartWriter(shown(paths[0]), self._limits)
            for path, name in zip(paths, files or _names(paths), strict=True):
                whole = self.root / path
                try:
                    with regular(whole) as file:
                        part.lay(root, name, file)
                except OSError as error:
                    if error.errno in UNREADABLE:
                        raise GraderFault(
                            f"{shown(path)} can't be read: {error.strerror}"
                        ) from error
                    raise SubmissionError(
                        f"{shown(path)} can't be taken in: it can't be read ({error})."
                    ) from error
            yield root


class ZipTree(Tree):
    """A bulk zip, of which one student's part is unpacked at a time."""

    def __init__(self, path: Path, archive: zipfile.ZipFile, limits: IntakeLimits) -> None:
        self.name = path.stem
        self._limits = limits
        self.aside = {}
        self._archive = archive
        infos = archive.infolist()
        if len(infos) > MAX_BULK_ENTRIES:
            raise UsageError(
                f"{path} holds {len(infos)} entries, more than the {MAX_BULK_ENTRIES} that are read"
            )
        self._members: dict[str, zipfile.ZipInfo] = {}
        self._folders: dict[str, dict[str, bool]] = {"": {}}
        for info in infos:
            parts = parts_of(_name(info))
            if not parts or is_litter(parts[:1]):
                continue
            for end in range(1, len(parts)):
                self._folders.setdefault("/".join(parts[:end]), {})
                self._folders["/".join(parts[: end - 1])][parts[end - 1]] = True
            whole = "/".join(parts)
            if info.is_dir():
                self._folders.setdefault(whole, {})
            else:
                self._members.setdefault(whole, info)
            self._folders["/".join(parts[:-1])].setdefault(parts[-1], info.is_dir())

    def children(self, folder: str = "") -> list[Child]:
        """List a folder of the archive."""
        found = self._folders.get(folder, {})
        return [
            Child(name, is_folder)
            for name, is_folder in sorted(found.items())
            if not is_litter([name])
        ]

    def holds(self, path: str) -> bool:
        """Look for one path, litter or not."""
        return path in self._members or path in self._folders

    def read(self, path: str) -> bytes:
        """Read a member of the archive."""
        try:
            with self._archive.open(self._members[path]) as file:
                return _bounded(file, path)
        except (KeyError, *_ZIP_FAULTS) as error:
            raise UsageError(f"{path} in the archive can't be read: {error}") from error

    @contextlib.contextmanager
    def opened(self, paths: Sequence[str], files: Sequence[str] = ()) -> Iterator[Path]:
        """Lay one student's part into a temporary folder and give its path there."""
        with tempfile.TemporaryDirectory(prefix="grader-part-") as folder:
            root = Path(folder, LOOSE)
            root.mkdir()
            part = PartWriter(shown(paths[0]), self._limits)
            names = []
            for path, own in zip(paths, files or _names(paths), strict=True):
                for member in self._below(path):
                    self._lay(part, root, own + member[len(path) :], self._members[member])
                names.append(own)
            one = len(names) == 1
            self.left_out = tuple(part.left_out)
            yield root / component(names[0], shown(names[0])) if one else root

    def _below(self, path: str) -> Iterator[str]:
        """Yield the members at or below a path."""
        if path in self._members:
            yield path
        for name in self._folders.get(path, ()):
            yield from self._below(f"{path}/{name}")

    def _lay(self, part: PartWriter, root: Path, place: str, info: zipfile.ZipInfo) -> None:
        kind = stat.S_IFMT(info.external_attr >> 16)
        if kind not in (0, stat.S_IFREG):
            part.leave(place.partition("/")[2] or place, "is a link or no regular file")
            return
        if place.count("/") > self._limits.max_depth and not fault_of(place):
            part.leave(place, f"lies more than {self._limits.max_depth} folders deep")
            return
        if is_litter(place.split("/")[1:]):
            return
        try:
            with self._archive.open(info) as file:
                laid = part.lay(root, place, file)
            if (when := _timestamp(info)) is not None:
                os.utime(laid, (when, when))  # the newest of several archives counts
        except _ZIP_FAULTS as error:
            if isinstance(error, OSError) and error.errno in UNREADABLE:
                what = f"{shown(info.filename)} of the download can't be read"
                raise GraderFault(f"{what}: {error.strerror}") from error
            raise part.refusal(
                f"the entry {shown(info.filename)} can't be unpacked ({error})"
            ) from error


_UTF8 = 0x800  # the flag of a name whose encoding is said


def _name(info: zipfile.ZipInfo) -> str:
    if info.flag_bits & _UTF8 or "\\" not in info.filename:
        return info.filename
    return as_written(info.filename, info.filename.encode("cp437", "replace"))


def _names(paths: Sequence[str]) -> list[str]:
    return [path.rpartition("/")[2] for path in paths]


_ZIP_FAULTS = (
    zipfile.BadZipFile,
    zlib.error,
    EOFError,
    NotImplementedError,
    RuntimeError,
    ValueError,
    OSError,
)


def _timestamp(info: zipfile.ZipInfo) -> float | None:
    try:
        return datetime(*info.date_time, tzinfo=UTC).timestamp()
    except ValueError:
        return None


def _bounded(file: Readable, path: object) -> bytes:
    data = file.read(MAX_SMALL_FILE + 1)
    if len(data) > MAX_SMALL_FILE:
        raise UsageError(f"{path} is longer than {MAX_SMALL_FILE >> 20} MiB")
    return data


@contextlib.contextmanager
def open_tree(
    path: Path, out: Path | None = None, limits: IntakeLimits = DEFAULT_LIMITS
) -> Iterator[Tree]:
    """Open a download: a folder, or a zip; raise `UsageError` if it is neither.

    out: where results are written, perhaps among the submissions
    limits: how much of one student's part is unpacked
    """
    if path.is_dir():
        yield FolderTree(path, limits, out)
        return
    if not path.is_file():
        raise UsageError(
            f"{path} does not exist: give the folder or the zip of the class's submissions"
        )
    try:
        archive = zipfile.ZipFile(path)
    except (zipfile.BadZipFile, OSError, NotImplementedError) as error:
        raise UsageError(
            f"{path} is neither a folder nor a zip that can be read ({error})"
        ) from error
    with archive:
        yield ZipTree(path, archive, limits)
