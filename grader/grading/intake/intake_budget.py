"""What is read of a submission, and how much of it: the one budget that archives and folders are
read against.

Theory of operation. Everything about a submission is a stranger's: names, sizes, order, the claims
of an archive's headers. The readers (`archives`, `zips`, `folders`) hand each entry to a
`Collector`, which counts it before anything else happens, refuses what may not be, keeps the bytes
of those files alone whose names the spec may mean, and lets all other bytes pass by. Nothing is
ever written to disk, no link is followed, and no number that the submission states about itself is
believed before it was counted.
"""

from __future__ import annotations

import enum
import fnmatch
import hashlib
import re
import sys
from collections.abc import Collection, Iterable, Mapping

import msgspec

from grader.errors import GraderFault, SubmissionError
from grader.files import UNREADABLE
from grader.grading.intake.candidates import CHECKPOINTS, MOST_CANDIDATES, Draft
from grader.grading.intake.entry_names import (
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


class Wanted(msgspec.Struct, frozen=True):
    """What the spec names. Paths are posix, relative to the assignment's root."""

    files: tuple[str, ...] = ()
    notebooks: tuple[str, ...] = ()
    # files that are laid down afresh, whatever the submission holds
    provided: frozenset[str] = frozenset()
    digests: Mapping[str, str] = {}  # path of a provided file -> its SHA-256 in hex
    drafts: Mapping[str, Draft] = {}  # path -> the file as students get it
    # files and folders at the top of a folder that nobody need hear of
    passed_over: frozenset[str] = frozenset()
    # patterns of further modules of the student's that are taken along
    own_modules: tuple[str, ...] = ()

    @property
    def paths(self) -> tuple[str, ...]:
        """The files and notebooks that the intake looks for."""
        return self.files + self.notebooks


class IntakeLimits(msgspec.Struct, frozen=True):
    """How much of a submission is read before it is refused."""

    max_bytes: int = 512 * MIB  # unpacked, in all; of a folder, only what is read
    # of files whose names the spec may mean, held in memory at once
    max_kept_bytes: int = 128 * MIB
    max_file_bytes: int = 32 * MIB  # of one such file
    # of whatever kind; a virtual environment or a data set beside the work has many
    max_entries: int = 100_000
    max_noted: int = 20_000  # of those that are not read; further ones are counted
    max_depth: int = 32  # folders within folders
    max_name: int = 1024  # characters of a whole path
    # unpacked over packed, once more than ratio_floor is unpacked: deflate reaches 1032
    max_ratio: int = 200
    ratio_floor: int = 8 * MIB


DEFAULT_LIMITS = IntakeLimits()
_MODULE = re.compile(r"(?:[A-Za-z_]\w*/){0,8}[A-Za-z_]\w*\.py", re.ASCII)


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
    # with CRLF taken as LF: a provided file with Windows' line ends was not changed
    unix_digest: str = ""
    oversize: bool = False  # longer than a wanted file may be, and not kept
    trouble: str = ""  # why it can't be read: '... is a symbolic link'


class Collector:
    """Gathers the entries of one submission and holds it to the limits."""

    def __init__(
        self,
        source: str,
        wanted: Wanted,
        limits: IntakeLimits,
        packed: int = 0,
        also: Collection[str] = (),
        within: Collector | None = None,
    ) -> None:
        """Of an archive, ``packed`` is the number of bytes that it takes as it lies there.

        also: the paths of files that are read whatever their names
        within: what the archive lies in, whose budget it shares
        """
        self._also = also
        self._within = within
        self.source = source
        self.limits = limits
        self.packed = packed
        self.entries: list[Entry] = []
        # that Jupyter made of notebooks; not read unless asked for
        self.checkpoints: list[Entry] = []
        self.contents: dict[str, bytes] = {}  # digest -> bytes, so that copies are held once
        self._wanted_names = frozenset(fold(path.rpartition("/")[2]) for path in wanted.paths)
        self._wanted_stems = frozenset(
            name.rpartition(".")[0] or name for name in self._wanted_names
        )
        self._provided_names = frozenset(fold(path.rpartition("/")[2]) for path in wanted.provided)
        self._wanted_parts = frozenset(part for path in wanted.paths for part in path.split("/"))
        self._own_modules = wanted.own_modules
        self._own_names = tuple(pattern.rpartition("/")[2] for pattern in wanted.own_modules)
        self._asked_for = {*wanted.paths, *wanted.provided}
        self._folders: set[str] = set()
        self._files: set[str] = set()
        self._spelt: dict[str, str] = {}  # folded path of a file -> as the first one was spelt
        # what the machine could not read, which may be what is missing
        self.unreadable: list[str] = []
        self.not_noted = 0
        self.passed_over = wanted.passed_over
        self._count = self._bytes = self._kept = 0

    def refusal(self, why: str) -> SubmissionError:
        """Return the error that refuses the submission; ``why`` is the rest of a sentence and says
        what to do.
        """
        return SubmissionError(f"{shown(self.source)} can't be taken in: {why}.")

    def count(self) -> None:
        """Count one entry, of whatever kind."""
        if self._within is not None:
            self._within.count()
        self._count += 1
        if self._count > self.limits.max_entries:
            raise self.refusal(
                f"it has more than {self.limits.max_entries} entries; hand in only the files that"
                " you were asked for"
            )

    def grow(self, size: int) -> None:
        """Count bytes that were unpacked or read."""
        if self._within is not None:
            self._within.grow(size)
        self._bytes += size
        if self._bytes > self.limits.max_bytes:
            raise self.too_large()
        limit = self.limits.max_ratio * self.packed
        if self.packed and self._bytes > max(limit, self.limits.ratio_floor):
            raise self.refusal(
                f"it unpacks to more than {self.limits.max_ratio} times its size, as a zip bomb"
                " does; hand in only the files that you were asked for"
            )

    def too_large(self) -> SubmissionError:
        """Return the error of a submission that is too large in all."""
        return self.refusal(
            f"it holds more than {_mib(self.limits.max_bytes)}; leave out data sets and hand in"
            " only the files that you were asked for"
        )

    def litter(self, parts: list[str]) -> bool:
        """Tell whether tools left this behind unasked."""
        return is_litter(parts, self._wanted_parts)

    def checkpoint(self, parts: list[str]) -> bool:
        """Note a checkpoint that Jupyter made of a notebook, and tell whether it is to be read."""
        path = "/".join(parts)
        is_one = (
            path.lower().endswith(".ipynb")
            and parts[-2:-1] == [CHECKPOINTS]
            and not self.litter(parts[:-2])
        )
        if is_one and path not in self._also and len(self.checkpoints) < MOST_CANDIDATES:
            self.checkpoints.append(Entry(path))
        return is_one and path in self._also

    def own_module(self, path: str, root: str) -> str:
        """Return the place of a further module of the student's beside the wanted files; nothing
        for another file.
        """
        place = path.removeprefix(f"{root}/") if root else path
        hides = place.partition("/")[0].removesuffix(".py") in sys.stdlib_module_names
        plain = _MODULE.fullmatch(place) is not None and place not in self._asked_for and not hides
        return (
            place
            if plain and any(fnmatch.fnmatchcase(place, pattern) for pattern in self._own_modules)
            else ""
        )

    def ours(self, name: str, beside: Collection[str]) -> bool:
        """Tell whether it holds the notebooks that an earlier check has run, which are no student's
        work.
        """
        return name == EXECUTED and name not in self._wanted_parts and REPORTS.issubset(beside)

    def admit(self, name: str, kind: Kind) -> str | None:
        """Return the path of an archive's entry where its bytes are to be read: None for folders
        and litter.

        An entry that can't be taken is left out and noted, if nobody asked for it. Raises
        SubmissionError for one that was asked for, and for a name that would lead out of the folder
        which a person unpacks it in.
        """
        self.count()
        if fault := fault_of(name):
            raise self.refusal(
                f"the entry {shown(name)} {fault}; pack the folder again with your system's own zip"
            )
        parts = parts_of(name)
        if not parts or self.litter(parts):
            return "/".join(parts) if kind is Kind.FILE and self.checkpoint(parts) else None
        path = "/".join(parts)
        if has_control(path):
            raise self.refusal(f"the name {shown(name)} holds a control character; rename it")
        if trouble := self._trouble(parts, kind):
            if self.reads(path):
                raise self.refusal(
                    f"the entry {shown(name)} {trouble}; pack the file itself in its place, once"
                )
            self.note(path, trouble=trouble)
            return None
        (self._folders if kind is Kind.FOLDER else self._files).add(path)
        self._folders.update("/".join(parts[:end]) for end in range(1, len(parts)))
        return path if kind is Kind.FILE else None

    @property
    def too_deep(self) -> str:
        """What is said of a path in too many folders."""
        return f"lies more than {self.limits.max_depth} folders deep"

    def machine(self, path: str, error: OSError) -> None:
        """Raise `GraderFault` for an error of the machine's: what was handed in is not known."""
        if error.errno in UNREADABLE:
            raise GraderFault(
                f"{shown(path)} of {shown(self.source)} can't be read ({error.strerror}): that is"
                " no fault of the submission's; see to it, and grade again"
            ) from error

    def unread(self, path: str, error: OSError) -> None:
        """Note what can't be read; it counts as the machine's fault only if something is missing in
        the end.
        """
        if error.errno in UNREADABLE:
            self.unreadable.append(f"{shown(path)} ({error.strerror})")
        self.note(path, trouble=f"can't be read ({error.strerror})")

    def reads(self, path: str) -> bool:
        """Tell whether the bytes of a file matter at all: the spec may mean it, or it is a provided
        one.
        """
        return self._keeps(path) or fold(path.rpartition("/")[2]) in self._provided_names

    def note(self, path: str, size: int = 0, *, trouble: str = "", oversize: bool = False) -> None:
        """Record a file that is not read."""
        if len(self.entries) >= self.limits.max_noted and not self.reads(path):
            self.not_noted += 1
            return
        self.entries.append(Entry(path, size, trouble=trouble, oversize=oversize))

    def absorb(self, path: str, chunks: Iterable[bytes]) -> None:
        """Read a file to its end; keep it where the spec may mean it, digest it where it
        matters.
        """
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
        unix = (
            hashlib.sha256(data.replace(b"\r\n", b"\n")).hexdigest()
            if digested and not (keep or oversize)
            else ""
        )
        if keep and not oversize and digest not in self.contents:
            self._keep(digest, data)
        if not digest and len(self.entries) >= self.limits.max_noted:
            self.not_noted += 1
            return
        self.entries.append(Entry(path, size, digest, unix, oversize=oversize))

    def _keep(self, digest: str, data: bytes) -> None:
        self._kept += len(data)
        if self._kept > self.limits.max_kept_bytes:
            raise self.refusal(
                "its files named like the assignment's take more than"
                f" {_mib(self.limits.max_kept_bytes)}; clear the notebooks' outputs and leave out"
                " old copies"
            )
        self.contents[digest] = data

    def _keeps(self, path: str) -> bool:
        basename = path.rpartition("/")[2]
        folded = fold(basename)
        if path in self._also or any(
            fnmatch.fnmatchcase(basename, pattern) for pattern in self._own_names
        ):
            return True
        if not any(name in folded for name in self._wanted_stems):  # most names need no closer look
            return False
        return any(fold(name) in self._wanted_names for name in original_names(basename))

    def _trouble(self, parts: list[str], kind: Kind) -> str:
        """Return why an entry of an archive can't be taken, or nothing."""
        path = "/".join(parts)
        if len(path) > self.limits.max_name:
            return f"has a path of more than {self.limits.max_name} characters"
        if len(parts) - 1 > self.limits.max_depth:
            return self.too_deep
        if kind not in (Kind.FILE, Kind.FOLDER):
            return f"is {kind.value}"
        above = ["/".join(parts[:end]) for end in range(1, len(parts))]
        if any(folder in self._files for folder in above):
            return "lies in what is both a file and a folder"
        if kind is Kind.FOLDER:
            return "is both a file and a folder" if path in self._files else ""
        if path in self._folders:
            return "is both a file and a folder"
        if path in self._files:
            return "is one of two entries of this name"
        first = self._spelt.setdefault(fold(path), path)
        if first != path and not self.reads(path):  # of those that are graded the exact name counts
            return f"differs from {shown(first)} only in case or in Unicode form"
        return ""


def _mib(size: int) -> str:
    return f"{size / MIB:.0f} MiB" if size >= MIB else f"{size} bytes"
