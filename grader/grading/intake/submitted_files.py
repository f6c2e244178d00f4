"""What the intake looks for, how much it reads, and what it sees. Pure data."""

from __future__ import annotations

import enum
from collections.abc import Container, Iterable, Mapping

import msgspec

from grader.grading.intake.candidates import TemplateFile
from grader.grading.intake.reading.entry_names import ARCHIVES

MIB = 1 << 20


class IntakeLimits(msgspec.Struct, frozen=True):
    """How much of a submission is read before it is refused."""

    max_bytes: int = 512 * MIB  # unpacked, in all; of a folder, only what is read
    # of files whose names the spec may mean, held in memory at once
    max_kept_bytes: int = 128 * MIB
    max_file_bytes: int = 32 * MIB  # of one such file
    # of every kind; a virtual environment or a data set beside the work has many
    max_entries: int = 100_000
    max_noted: int = 20_000  # of those that are not read; more are only counted
    max_depth: int = 32  # folders within folders
    max_name: int = 1024  # characters of a whole path
    # unpacked over packed, if more than ratio_floor is unpacked: deflate reaches 1032
    max_ratio: int = 200
    ratio_floor: int = 8 * MIB


DEFAULT_LIMITS = IntakeLimits()


class Wanted(msgspec.Struct, frozen=True):
    """What the spec names. Paths are posix, relative to the assignment's root."""

    files: tuple[str, ...] = ()
    notebooks: tuple[str, ...] = ()
    # files that are replaced by the assignment's own
    provided: frozenset[str] = frozenset()
    digests: Mapping[str, str] = {}  # path of a provided file -> its SHA-256 in hex
    drafts: Mapping[str, TemplateFile] = {}  # path -> the file as students get it
    # files and folders at the top of a folder that are not reported
    passed_over: frozenset[str] = frozenset()
    # patterns of further modules of the student's that are taken too
    own_modules: tuple[str, ...] = ()
    limits: IntakeLimits = DEFAULT_LIMITS

    @property
    def paths(self) -> tuple[str, ...]:
        """The files and notebooks that the intake looks for."""
        return self.files + self.notebooks

    def lacking(self, files: Container[str]) -> list[str]:
        """Return the wanted paths that are not among ``files``."""
        return [path for path in self.paths if path not in files]


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


class SubmittedFile(msgspec.Struct, frozen=True):
    """A file that was seen. ``digest`` is empty if its bytes were not read."""

    path: str
    size: int = 0
    digest: str = ""
    # with CRLF taken as LF: a provided file with Windows' line ends was not changed
    unix_digest: str = ""
    oversize: bool = False  # longer than a wanted file may be, and not kept
    trouble: str = ""  # why it can't be read: '... is a symbolic link'

    @property
    def was_read(self) -> bool:
        """Whether its bytes were read, or would have been but for their number."""
        return bool(self.digest or self.oversize)

    @property
    def is_archive(self) -> bool:
        """Whether its name is an archive's."""
        return self.path.lower().endswith(ARCHIVES)


def paths_of(entries: Iterable[SubmittedFile]) -> list[str]:
    """Return the paths of entries."""
    return [entry.path for entry in entries]
