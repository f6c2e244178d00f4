"""What is read of a submission, and how much of it: the one budget that archives and folders are read against.

Theory of operation. Everything about a submission is a stranger's: names, sizes, order, the claims of an archive's
headers. The readers (`archives`, `zips`, `folders`) hand each entry to a `Collector`, which counts it before anything
else happens, refuses what may not be, keeps the bytes of those files alone whose names the spec may mean, and lets all
other bytes pass by. Nothing is ever written to disk, no link is followed, and no number that the submission states
about itself is believed before it was counted.
"""

from __future__ import annotations

import enum
import hashlib
from collections.abc import Collection, Iterable, Mapping

import msgspec

from grader.errors import SubmissionError
from grader.grading.candidates import MOST_CANDIDATES, Draft
from grader.grading.names import (
    EXECUTED,
    REPORTS,
    fault_of,
    fold,
    has_control,
    is_litter,
    original_names,
    parts_of,
    shown,
)

CHUNK = 1 << 16
MIB = 1 << 20
CHECKPOINTS = ".ipynb_checkpoints"


class Wanted(msgspec.Struct, frozen=True):
    """What the spec names. Paths are posix, relative to the assignment's root."""

    files: tuple[str, ...] = ()
    notebooks: tuple[str, ...] = ()
    provided: frozenset[str] = frozenset()  # files that are laid down afresh, whatever the submission holds
    digests: Mapping[str, str] = {}  # path of a provided file -> its SHA-256 in hex
    drafts: Mapping[str, Draft] = {}  # path -> the file as students get it
    passed_over: frozenset[str] = frozenset()  # files and folders at the top of a folder that nobody need hear of

    @property
    def paths(self) -> tuple[str, ...]:
        """The files and notebooks that the intake looks for."""
        return self.files + self.notebooks


class IntakeLimits(msgspec.Struct, frozen=True):
    """How much of a submission is read before it is refused."""

    max_bytes: int = 512 * MIB  # unpacked, in all; of a folder, only what is read
    max_kept_bytes: int = 128 * MIB  # of files whose names the spec may mean, held in memory at once
    max_file_bytes: int = 32 * MIB  # of one such file
    max_entries: int = 20_000
    max_depth: int = 32  # folders within folders
    max_name: int = 1024  # characters of a whole path
    max_ratio: int = 200  # unpacked over packed, once more than ratio_floor is unpacked: deflate reaches 1032
    ratio_floor: int = 8 * MIB


DEFAULT_LIMITS = IntakeLimits()


class Kind(enum.Enum):
    """What an entry is; the value completes the sentence 'the entry is ...'."""

    FILE = "a file"
    FOLDER = "a folder"
    SYMLINK = "a symbolic link"
    HARDLINK = "a hard link"
    DEVICE = "a device"
    FIFO = "a named pipe (FIFO)"
    SOCKET = "a socket"
    OTHER = "of a kind that is neither file nor folder"


class Entry(msgspec.Struct, frozen=True):
    """A file that was seen. ``digest`` is empty where its bytes were of no interest."""

    path: str
    size: int = 0
    digest: str = ""
    unix_digest: str = ""  # with CRLF taken as LF: a provided file with Windows' line ends was not changed
    oversize: bool = False  # longer than a wanted file may be, and not kept
    trouble: str = ""  # why it can't be read: '... is a symbolic link'


class Collector:
    """Gathers the entries of one submission and holds it to the limits."""

    def __init__(
        self, source: str, wanted: Wanted, limits: IntakeLimits, packed: int = 0, also: Collection[str] = ()
    ) -> None:
        """Of an archive, ``packed`` is the number of bytes that it takes as it lies there.

        also: the paths of files that are read whatever their names
        """
        self._also = also
        self.source = source
        self.limits = limits
        self.packed = packed
        self.entries: list[Entry] = []
        self.checkpoints: list[Entry] = []  # that Jupyter made of notebooks; not read unless asked for
        self.contents: dict[str, bytes] = {}  # digest -> bytes, so that copies are held once
        self._wanted_names = frozenset(fold(path.rpartition("/")[2]) for path in wanted.paths)
        self._wanted_stems = frozenset(name.rpartition(".")[0] or name for name in self._wanted_names)
        self._provided_names = frozenset(fold(path.rpartition("/")[2]) for path in wanted.provided)
        self._wanted_parts = frozenset(part for path in wanted.paths for part in path.split("/"))
        self._seen: dict[str, tuple[str, bool]] = {}  # folded path -> as it was spelt, whether it is a folder
        self._files: set[str] = set()
        self.passed_over = wanted.passed_over
        self._count = self._bytes = self._kept = 0

    def refusal(self, why: str) -> SubmissionError:
        """Return the error that refuses the submission; ``why`` is the rest of a sentence and says what to do."""
        return SubmissionError(f"{shown(self.source)} can't be taken in: {why}.")

    def count(self) -> None:
        """Count one entry, of whatever kind."""
        self._count += 1
        if self._count > self.limits.max_entries:
            raise self.refusal(
                f"it has more than {self.limits.max_entries} entries; hand in only the files that you were asked for"
            )

    def grow(self, size: int) -> None:
        """Count bytes that were unpacked or read."""
        self._bytes += size
        if self._bytes > self.limits.max_bytes:
            raise self.too_large()
        limit = self.limits.max_ratio * self.packed
        if self.packed and self._bytes > max(limit, self.limits.ratio_floor):
            raise self.refusal(
                f"it unpacks to more than {self.limits.max_ratio} times its size, as a zip bomb does; "
                "hand in only the files that you were asked for"
            )

    def too_large(self) -> SubmissionError:
        """Return the error of a submission that is too large in all."""
        return self.refusal(
            f"it holds more than {_mib(self.limits.max_bytes)}; leave out data sets and hand in only the files that "
            "you were asked for"
        )

    def litter(self, parts: list[str]) -> bool:
        """Tell whether tools left this behind unasked."""
        return is_litter(parts, self._wanted_parts)

    def checkpoint(self, parts: list[str]) -> bool:
        """Note a checkpoint that Jupyter made of a notebook, and tell whether it is to be read."""
        path = "/".join(parts)
        is_one = path.lower().endswith(".ipynb") and parts[-2:-1] == [CHECKPOINTS] and not self.litter(parts[:-2])
        if is_one and path not in self._also and len(self.checkpoints) < MOST_CANDIDATES:
            self.checkpoints.append(Entry(path))
        return is_one and path in self._also

    def ours(self, name: str, beside: Collection[str]) -> bool:
        """Tell whether it holds the notebooks that an earlier check has run, which are no student's work."""
        return name == EXECUTED and name not in self._wanted_parts and REPORTS.issubset(beside)

    def admit(self, name: str, kind: Kind) -> str | None:
        """Return the path of an archive's entry where its bytes are to be read: None for folders and litter.

        Raises SubmissionError for a name or a kind that no honest archive holds.
        """
        self.count()
        if len(name) > self.limits.max_name:
            raise self.refusal(f"the name {shown(name)} is longer than {self.limits.max_name} characters; shorten it")
        if fault := fault_of(name):
            raise self.refusal(f"the entry {shown(name)} {fault}; pack the folder again with your system's own zip")
        parts = parts_of(name)
        if not parts or self.litter(parts):
            return "/".join(parts) if kind is Kind.FILE and self.checkpoint(parts) else None
        path = "/".join(parts)
        if has_control(path):
            raise self.refusal(f"the name {shown(name)} holds a control character; rename it")
        self.descend(path, len(parts) - 1)
        if kind not in (Kind.FILE, Kind.FOLDER):
            raise self.refusal(
                f"the entry {shown(name)} is {kind.value}; pack the file itself in its place, or leave it out"
            )
        self._no_collision(parts, kind is Kind.FOLDER)
        return path if kind is Kind.FILE else None

    def descend(self, path: str, depth: int) -> None:
        """Hold a path of ``depth`` folders to the limit."""
        if depth > self.limits.max_depth:
            raise self.refusal(
                f"{shown(path)} lies more than {self.limits.max_depth} folders deep; hand in a flatter folder"
            )

    def reads(self, path: str) -> bool:
        """Tell whether the bytes of a file matter at all: the spec may mean it, or it is a provided one."""
        return self._keeps(path) or fold(path.rpartition("/")[2]) in self._provided_names

    def note(self, path: str, size: int = 0, *, trouble: str = "", oversize: bool = False) -> None:
        """Record a file that is not read."""
        self.entries.append(Entry(path, size, trouble=trouble, oversize=oversize))

    def absorb(self, path: str, chunks: Iterable[bytes]) -> None:
        """Read a file to its end; keep it where the spec may mean it, digest it where it matters."""
        keep, digested = self._keeps(path), self.reads(path)
        kept: list[bytes] = []
        size, sha = 0, hashlib.sha256()
        for chunk in chunks:
            size += len(chunk)
            if digested:
                sha.update(chunk)
            if digested and size <= self.limits.max_file_bytes:
                kept.append(chunk)
            else:
                kept.clear()
        oversize = size > self.limits.max_file_bytes
        data = b"".join(kept)
        digest = sha.hexdigest() if digested else ""
        unix = hashlib.sha256(data.replace(b"\r\n", b"\n")).hexdigest() if digested and not (keep or oversize) else ""
        if keep and not oversize and digest not in self.contents:
            self._keep(digest, data)
        self.entries.append(Entry(path, size, digest, unix, oversize=oversize))

    def _keep(self, digest: str, data: bytes) -> None:
        self._kept += len(data)
        if self._kept > self.limits.max_kept_bytes:
            raise self.refusal(
                f"its files named like the assignment's take more than {_mib(self.limits.max_kept_bytes)}; clear the "
                "notebooks' outputs and leave out old copies"
            )
        self.contents[digest] = data

    def _keeps(self, path: str) -> bool:
        basename = path.rpartition("/")[2]
        folded = fold(basename)
        if path in self._also:
            return True
        if not any(name in folded for name in self._wanted_stems):  # most names need no closer look
            return False
        return any(fold(name) in self._wanted_names for name in original_names(basename))

    def _no_collision(self, parts: list[str], folder: bool) -> None:
        for end in range(1, len(parts) + 1):
            path = "/".join(parts[:end])
            is_folder = folder or end < len(parts)
            earlier, was_folder = self._seen.setdefault(fold(path), (path, is_folder))
            if earlier != path:
                raise self.refusal(
                    f"{shown(earlier)} and {shown(path)} differ only in case or in Unicode form; "
                    "rename or remove one of them"
                )
            if was_folder != is_folder:
                raise self.refusal(f"{shown(path)} is both a file and a folder; pack it again")
        if not folder:
            key = fold("/".join(parts))
            if key in self._files:
                raise self.refusal(f"it holds two entries of the name {shown('/'.join(parts))}; pack it again with one")
            self._files.add(key)


def _mib(size: int) -> str:
    return f"{size / MIB:.0f} MiB" if size >= MIB else f"{size} bytes"
