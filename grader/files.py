"""Files that are whole or not there: written beside their place, then moved into it."""

from __future__ import annotations

import contextlib
import secrets
from collections.abc import Iterator
from pathlib import Path

from grader.errors import UsageError


@contextlib.contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Give a temporary path in the same folder; what stands there in the end replaces ``path``, all at once."""
    part = path.parent / f".{path.name}.{secrets.token_hex(4)}"
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        part.touch(mode=0o666, exist_ok=False)  # less what the user's umask takes away
    except OSError as error:
        raise UsageError(f"can't write to {path.parent}: {error.strerror}") from error
    try:
        yield part
        try:
            part.replace(path)
        except OSError as error:
            raise UsageError(f"can't write {path}: {error.strerror}") from error
    finally:
        part.unlink(missing_ok=True)


def write_atomically(path: Path, data: bytes) -> Path:
    """Write a whole file or nothing; return its path."""
    with replacing(path) as part:
        part.write_bytes(data)
    return path
