"""A box's scratch folder: made, measured while hostile code writes in it, and removed whatever it
has become.
"""

from __future__ import annotations

import contextlib
import os
import stat
from typing import NamedTuple

# beside the boxes: where a user without a home has the list of fonts, as long as a zygote lives
FONTS = "fonts"
MAX_ENTRIES = 10_000
MAX_DEPTH = 48


class Contents(NamedTuple):
    """What a folder holds; ``odd`` tells what no honest program leaves there."""

    size: int  # bytes on disk
    entries: int
    odd: str = ""


def places(base: str, warden: int) -> list[str]:
    """Return the scratch folders of a warden's box: one, or none."""
    own = f"box-{warden}-"
    return [os.path.join(base, name) for name in os.listdir(base) if name.startswith(own)]


def make(base: str, user: int | None) -> str:
    """Make the scratch folder of the calling warden, which one user alone can enter, and return its
    path.

    Its name can't be guessed: boxes that share a user could else ask for the names and sizes of
    files in one another's folders, which Landlock does not close, though it closes the listing.
    """
    for path in places(base, os.getpid()):
        remove(path)  # of an earlier warden with this number, should it have been killed
    path = os.path.join(base, f"box-{os.getpid()}-{os.urandom(8).hex()}")
    os.mkdir(path, 0o700)
    if user is not None:
        os.chown(path, user, user)
    return path


def measure(path: str) -> Contents:
    """Count bytes and entries, never following a link; stop where a cap is passed."""
    seen: set[int] = set()  # inodes with several names count once

    def walk(folder: int, depth: int) -> Contents:
        size = count = 0
        with os.scandir(folder) as entries:
            for entry in entries:
                count += 1
                if count > MAX_ENTRIES:
                    return Contents(size, count)
                with contextlib.suppress(FileNotFoundError):
                    info = os.stat(entry.name, dir_fd=folder, follow_symlinks=False)
                    if info.st_nlink < 2 or info.st_ino not in seen:
                        size += info.st_blocks * 512
                        seen.add(info.st_ino)
                    if stat.S_ISDIR(info.st_mode):
                        inner = enter(entry.name, folder, depth + 1)
                        size, count = size + inner.size, count + inner.entries
                        if inner.odd or count > MAX_ENTRIES:
                            return Contents(size, count, inner.odd)
        return Contents(size, count)

    def enter(name: str, parent: int | None, depth: int) -> Contents:
        if depth > MAX_DEPTH:
            return Contents(0, 0, f"folders nested deeper than {MAX_DEPTH}")
        try:
            folder = os.open(name, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW, dir_fd=parent)
        except PermissionError:
            return Contents(0, 0, "a folder that can't be read")
        except OSError:  # gone, or something else by now
            return Contents(0, 0)
        try:
            return walk(folder, depth)
        finally:
            os.close(folder)

    return enter(path, None, 0)


def remove(path: str) -> None:
    """Remove a folder whose users are all dead, however deep, long-named or locked its contents
    are.

    Folders within folders are first moved to the top, so depth never matters.
    """
    try:
        top = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    except OSError:
        return
    number = 0
    try:
        os.fchmod(top, 0o700)
        while names := os.listdir(top):
            for name in names:
                if not unlink(name, top):
                    number = empty(name, top, number)
    finally:
        os.close(top)
    os.rmdir(path)


def unlink(name: str, folder: int) -> bool:
    """Remove one entry; return whether it was none of the folders that hold something."""
    try:
        os.unlink(name, dir_fd=folder)
    except IsADirectoryError:
        with contextlib.suppress(OSError):
            os.rmdir(name, dir_fd=folder)
            return True
        return False
    return True


def empty(name: str, top: int, number: int) -> int:
    """Empty a folder right below ``top`` by moving its folders up, remove it, and return the next
    free number.
    """
    with contextlib.suppress(OSError):
        os.chmod(name, 0o700, dir_fd=top)
    folder = os.open(name, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW, dir_fd=top)
    try:
        for inner in os.listdir(folder):
            if unlink(inner, folder):
                continue
            with contextlib.suppress(OSError):
                os.chmod(inner, 0o700, dir_fd=folder)
            while True:
                number += 1
                try:
                    os.rename(inner, f"moved-up-{number}", src_dir_fd=folder, dst_dir_fd=top)
                    break
                except OSError:
                    if number > 100 * MAX_ENTRIES:
                        raise
    finally:
        os.close(folder)
    os.rmdir(name, dir_fd=top)
    return number
