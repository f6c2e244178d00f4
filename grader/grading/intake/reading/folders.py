"""Folders, walked without following links; see `intake_budget` for the theory of operation.

A folder may be a student's own and change during the walk. So every step down is relative to an
open folder and refuses links, the kind of a file is read after it was opened, and a vanished file
is noted. Pipes, sockets and devices are never opened: opening one may block or have an effect.
"""

from __future__ import annotations

import contextlib
import os
import stat
from collections.abc import Iterator
from pathlib import Path

from grader.grading.intake.candidates import CHECKPOINTS
from grader.grading.intake.reading.entry_names import ARCHIVES, is_litter
from grader.grading.intake.reading.intake_budget import CHUNK, Collector
from grader.grading.intake.submitted_files import Kind

_CODE = (".py", ".ipynb")

# A place is the descriptor of an open folder, or its path on Windows, which has no such calls.
_Place = int | str
_BY_DESCRIPTOR = (
    os.open in os.supports_dir_fd and os.stat in os.supports_dir_fd and os.scandir in os.supports_fd
)

SAFE_READ = (
    os.O_RDONLY
    | getattr(os, "O_NOFOLLOW", 0)
    | getattr(os, "O_NONBLOCK", 0)
    | getattr(os, "O_BINARY", 0)
)
_FOLDER = SAFE_READ | getattr(os, "O_DIRECTORY", 0)
_KINDS = {
    stat.S_IFLNK: Kind.SYMLINK,
    stat.S_IFCHR: Kind.DEVICE,
    stat.S_IFBLK: Kind.DEVICE,
    stat.S_IFIFO: Kind.FIFO,
    stat.S_IFSOCK: Kind.SOCKET,
}


def read_folder(path: str, collector: Collector) -> None:
    """Read a folder into the collector: note what can't be read, refuse what exceeds a limit."""
    try:
        place = os.open(path, _FOLDER) if _BY_DESCRIPTOR else path
    except OSError as e:
        collector.machine(path, e)
        raise collector.refusal(
            f"the folder can't be opened ({e.strerror}); check its path and its permissions"
        ) from e
    _walk(collector, place, (), 0)


def archive_within(path: Path) -> Path:
    """Return the archive that is all a student's folder holds, or the folder itself.

    An LMS puts each upload into a folder of its own.
    """
    if path.is_symlink() or not path.is_dir():
        return path
    try:
        archives: list[os.DirEntry[str]] = []
        with os.scandir(path) as entries:
            for entry in entries:
                name = entry.name.lower()
                if is_litter([entry.name]):
                    continue
                if entry.is_dir(follow_symlinks=False) or name.endswith(_CODE):
                    return path
                if name.endswith(ARCHIVES):
                    archives.append(entry)
        newest = max(archives, key=_age, default=None)
        return path if newest is None else path / newest.name
    except OSError:
        return path  # the intake says what is wrong with it


def beside(folder: Path, archive: Path) -> tuple[list[str], list[str]]:
    """Return the names of the other archives and of the other files in a student's folder."""
    archives: list[str] = []
    files: list[str] = []
    try:
        names = sorted(entry.name for entry in folder.iterdir())
    except OSError:
        return [], []  # the intake says what is wrong with it
    for name in names:
        if name == archive.name or is_litter([name]):
            continue
        (archives if name.lower().endswith(ARCHIVES) else files).append(name)
    return archives, files


def _age(entry: os.DirEntry[str]) -> tuple[float, str]:
    return entry.stat(follow_symlinks=False).st_mtime, entry.name


def _walk(collector: Collector, place: _Place, above: tuple[str, ...], depth: int) -> None:
    """Walk an open folder in the order of its names, and close it."""
    try:
        names = []
        with os.scandir(place) as found:
            for entry in found:
                collector.count()
                names.append(entry.name)
        for name in sorted(names):
            skipped = collector.ours(name, names) or not _is_visited(collector, name, above)
            if not skipped and (above or name not in collector.passed_over):
                _visit(collector, place, name, above, depth)
    except OSError as e:
        collector.unread("/".join(above) or ".", e)
    finally:
        if isinstance(place, int):
            os.close(place)


def _is_visited(collector: Collector, name: str, above: tuple[str, ...]) -> bool:
    """Return whether a file or folder is looked at; of checkpoints, only requested notebooks."""
    if CHECKPOINTS in above:
        return collector.checkpoint([*above, name])
    return name == CHECKPOINTS or not collector.litter([name])


def _visit(
    collector: Collector, place: _Place, name: str, above: tuple[str, ...], depth: int
) -> None:
    path = "/".join((*above, name))
    limits = collector.limits
    if len(path) > limits.max_name:
        collector.note(path, trouble=f"has a path of more than {limits.max_name} characters")
        return
    try:
        status = _stat(place, name)
        if stat.S_ISDIR(status.st_mode):
            if depth + 1 > limits.max_depth:
                collector.note(path, trouble=collector.too_deep)
                return
            _walk(collector, _enter(place, name), (*above, name), depth + 1)
        elif not stat.S_ISREG(status.st_mode):
            kind = _KINDS.get(stat.S_IFMT(status.st_mode), Kind.OTHER)
            collector.note(path, trouble=f"is {kind.value}")
        elif not collector.reads(path):
            collector.note(path, status.st_size)
        elif status.st_size > limits.max_file_bytes:
            collector.note(path, status.st_size, oversize=True)
        else:
            _read(collector, place, name, path)
    except FileNotFoundError:
        collector.note(path, trouble="vanished while the submission was read")
    except OSError as e:
        collector.unread(path, e)


def _read(collector: Collector, place: _Place, name: str, path: str) -> None:
    with open_regular(place, name) as descriptor:
        collector.absorb(path, _chunks(descriptor, collector))


@contextlib.contextmanager
def open_regular(place: _Place, name: str) -> Iterator[int]:
    """Open a regular file of a folder for reading; raise OSError if it is none any more."""
    descriptor = _open(place, name, SAFE_READ)
    try:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise OSError(0, "it is not a regular file any more")
        yield descriptor
    finally:
        os.close(descriptor)


def _chunks(descriptor: int, collector: Collector) -> Iterator[bytes]:
    """Yield the file's bytes, at most one more than allowed: the file may grow meanwhile."""
    left = collector.limits.max_file_bytes + 1
    while left > 0 and (chunk := os.read(descriptor, min(CHUNK, left))):
        left -= len(chunk)
        collector.grow(len(chunk))
        yield chunk


def _stat(place: _Place, name: str) -> os.stat_result:
    if isinstance(place, int):
        return os.stat(name, dir_fd=place, follow_symlinks=False)
    return os.lstat(f"{place}{os.sep}{name}")


def _open(place: _Place, name: str, flags: int) -> int:
    if isinstance(place, int):
        return os.open(name, flags, dir_fd=place)
    return os.open(f"{place}{os.sep}{name}", flags)


def _enter(place: _Place, name: str) -> _Place:
    return _open(place, name, _FOLDER) if isinstance(place, int) else f"{place}{os.sep}{name}"
