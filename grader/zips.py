"""Zip archives that this package writes: the same files give the same bytes."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Collection, Mapping

from grader.files import must_stay_within

# The earliest time that a zip can hold: an archive does not depend on when it was made.
EPOCH = (1980, 1, 1, 0, 0, 0)
UNIX = 3
FILE, SCRIPT = 0o100644, 0o100755


def zipped(
    files: Mapping[str, bytes], *, compressed: bool = False, scripts: Collection[str] = ()
) -> bytes:
    """Return a zip of files by their paths, in a fixed order and with a fixed time.

    compressed: smaller, but the bytes then depend on this machine's compressor
    scripts: the paths that may be executed

    Raises `AssignmentError` for a path that leads out of the folder it is unpacked in.
    """
    method = zipfile.ZIP_DEFLATED if compressed else zipfile.ZIP_STORED
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", method) as archive:
        for name, data in sorted(files.items()):
            must_stay_within(name)
            entry = zipfile.ZipInfo(name, EPOCH)
            entry.compress_type = method
            entry.create_system = UNIX
            entry.external_attr = (SCRIPT if name in scripts else FILE) << 16
            archive.writestr(entry, data)
    return buffer.getvalue()
