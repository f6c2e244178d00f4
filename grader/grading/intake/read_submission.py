"""Opens what was handed in, a folder, an archive or a file, and reads its entries."""

from __future__ import annotations

import io
import os
import stat
from collections.abc import Collection
from pathlib import Path

from grader.errors import SubmissionError
from grader.grading.intake.reading.entry_names import shown
from grader.grading.intake.reading.folders import SAFE_READ, read_folder
from grader.grading.intake.reading.intake_budget import Collector
from grader.grading.intake.reading.tar_archives import read_archive
from grader.grading.intake.submitted_files import Wanted

SINGLE = (".py", ".ipynb")


def read_submission(
    path: Path, source: str, wanted: Wanted, also: Collection[str] = ()
) -> Collector:
    """Read a folder, an archive or a file into a new collector."""
    try:
        status = path.lstat()
    except (FileNotFoundError, ValueError) as e:  # a NUL in it is a ValueError
        raise SubmissionError(
            f"{shown(source)} can't be taken in: there is no such file or folder."
        ) from e
    if stat.S_ISDIR(status.st_mode):
        collector = Collector(source, wanted, also=also)
        read_folder(os.fspath(path), collector)
        return collector
    if stat.S_ISLNK(status.st_mode):
        raise SubmissionError(
            f"{shown(source)} can't be taken in: it is a link; name the file or folder itself."
        )
    if not stat.S_ISREG(status.st_mode):
        raise SubmissionError(
            f"{shown(source)} can't be taken in: it is neither a folder nor a regular file."
        )
    with os.fdopen(os.open(path, SAFE_READ), "rb") as file:
        status = os.fstat(file.fileno())
        if not stat.S_ISREG(status.st_mode):
            raise SubmissionError(
                f"{shown(source)} can't be taken in: it is not a regular file any more."
            )
        collector = Collector(source, wanted, packed=status.st_size, also=also)
        if status.st_size > wanted.limits.max_bytes:
            raise collector.too_large()
        _read_file(file, collector)
    return collector


def _read_file(file: io.BufferedReader, collector: Collector) -> None:
    """Read a regular file: the one file that was handed in, or an archive."""
    source = collector.source
    if collector.reads(source):
        collector.absorb(source, iter(lambda: file.read(1 << 16), b""))
    elif source.lower().endswith(SINGLE):
        collector.note(source)
    else:
        read_archive(file, collector)
