"""Files that are whole or not there: written beside their place, then moved into it."""

from __future__ import annotations

import contextlib
import errno
import os
import secrets
from collections.abc import Iterator, Mapping
from pathlib import Path, PureWindowsPath

from grader.errors import AssignmentError, GraderError, GraderFault, UsageError

# Faults of the machine, not of the named path; a later attempt may succeed.
FULL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EIO})
# The same for reading: they say nothing about what a student handed in.
UNREADABLE = FULL | {
    errno.EACCES,
    errno.EPERM,
    errno.ESTALE,
    errno.ENOMEM,
    errno.EMFILE,
    errno.ENFILE,
    errno.EBUSY,
    errno.ETIMEDOUT,
}


def leads_out(path: str) -> bool:
    """Return whether a path may lead out of the folder that it starts from, on any system."""
    return bool(PureWindowsPath(path).anchor) or ".." in path.split("/") or "\\" in path


def must_stay_within(name: str) -> None:
    """Raise `AssignmentError` for a path that leads out of the folder that it is written to."""
    if leads_out(name):
        raise AssignmentError(
            f"the name {name!r} leads out of the folder that it is written to: nothing is written"
        )


def write_tree(root: Path, files: Mapping[str, bytes]) -> None:
    """Write files, given by their paths below a folder."""
    for name, data in files.items():
        must_stay_within(name)
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)


@contextlib.contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Give a temporary path in the same folder, whose file replaces ``path`` at the end."""
    part = _beside(path)
    try:
        yield part
        try:
            _sync(part)
            part.replace(path)
        except OSError as error:
            raise _failure(path, error) from error
    finally:
        part.unlink(missing_ok=True)


def _sync(path: Path) -> None:
    """Write a file to the disk before its name: a power loss must not leave an empty file."""
    descriptor = os.open(path, os.O_RDWR | getattr(os, "O_BINARY", 0))
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def write_atomically(path: Path, data: bytes) -> Path:
    """Write a whole file or nothing; return its path."""
    with replacing(path) as part:
        try:
            part.write_bytes(data)
        except OSError as error:
            raise _failure(path, error) from error
    return path


def try_folder(folder: Path) -> None:
    """Check that files can be written to a folder, before long work; leave nothing there.

    Raises `UsageError` if it can't be a folder, `GraderFault` if the disk is full.
    """
    there = folder.exists()
    _beside(folder / "trial").unlink()
    if not there:
        folder.rmdir()


def _beside(path: Path) -> Path:
    """Make an empty file in the folder of a path; make the folder too if it is missing."""
    folder = path.parent
    part = folder / f".{path.name}.{secrets.token_hex(4)}"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        part.touch(mode=0o666, exist_ok=False)  # less what the user's umask takes away
    except FileExistsError as error:
        what = "is a link that leads nowhere" if folder.is_symlink() else "is a file"
        raise UsageError(f"can't write to {folder}: it {what}; name a folder") from error
    except OSError as error:
        raise _failure(folder, error) from error
    return part


def _failure(path: Path, error: OSError) -> GraderError:
    """Return the error of a path that can't be written."""
    kind = GraderFault if error.errno in FULL else UsageError
    return kind(f"can't write to {path}: {error.strerror}")
