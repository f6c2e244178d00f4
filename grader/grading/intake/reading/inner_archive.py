"""An archive within a submission that holds missing files: opened in memory, in the same bounds.

Theory of operation. An archive within is read only if a file that the spec names is missing
outside. The code and the budget are those of the submission itself, and the depth is at most
`DEEPEST`. If several archives hold what is missing, none is used: the choice would be a guess.
"""

from __future__ import annotations

import io
from collections.abc import Collection, Mapping, Sequence

import msgspec

from grader.errors import SubmissionError
from grader.grading.intake.reading.entry_names import listed, shown
from grader.grading.intake.reading.intake_budget import Collector
from grader.grading.intake.reading.tar_archives import read_archive
from grader.grading.intake.submitted_files import SubmittedFile, Wanted

DEEPEST = 4  # archives within archives
MOST = 8  # archives of one submission that are looked into


class Inner(msgspec.Struct, frozen=True):
    """The missing files that were found in archives within a submission."""

    files: Mapping[str, bytes]
    notes: tuple[str, ...]
    used: str = ""  # the archive that was opened


def archives_in(collector: Collector) -> list[SubmittedFile]:
    """Return the archives within that may be opened."""
    found: list[SubmittedFile] = []
    left = collector.limits.max_kept_bytes // 2
    for entry in collector.entries:
        fits = entry.size <= min(left, collector.limits.max_file_bytes)
        if entry.is_archive and not entry.trouble and fits:
            found.append(entry)
            left -= entry.size
    return found[:MOST]


class Opened(msgspec.Struct, frozen=True):
    """An archive within a submission, which can be read more than once."""

    name: str
    data: bytes
    wanted: Wanted
    within: Collector  # of what holds it: the two share one budget

    def read(self, also: Collection[str] = ()) -> Collector:
        """Read it, and keep the files ``also`` too; raise `SubmissionError` for a bad archive."""
        collector = Collector(
            self.name,
            self.wanted,
            packed=len(self.data),
            also=also,
            within=self.within,
        )
        read_archive(io.BytesIO(self.data), collector)
        return collector


def chosen(found: Sequence[tuple[SubmittedFile, Inner]], troubles: Sequence[str]) -> Inner:
    """Return what the one archive gives that holds missing files; if several do, nothing."""
    if len(found) == 1:
        ((entry, inner),) = found
        gave = listed(list(inner.files))
        note = f"The archive {shown(entry.path)} within the submission was opened, and gave {gave}."
        return Inner(inner.files, (note, *inner.notes, *troubles), entry.path)
    notes = list(troubles)
    if found:
        names = listed([entry.path for entry, _ in found])
        notes.append(
            f"Several archives within the submission, {names}, hold what is missing: none was used."
        )
    return Inner({}, tuple(notes))


def troubled(entry: SubmittedFile, error: SubmissionError) -> str:
    """Return the note on an archive within that can't be taken in."""
    return f"The archive {shown(entry.path)} within the submission was not used: {error}"
