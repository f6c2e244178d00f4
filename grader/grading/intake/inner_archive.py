"""An archive within a submission that holds what is missing: opened in memory, within the same
bounds.

Theory of operation. Nothing is opened that is not needed: an archive within is looked at only if a
file that
the spec names is missing outside. It is read as the submission itself is, by the same code against
the
same budget, and no deeper than `DEEPEST`. If several of them hold what is missing, nothing is
guessed: none is used.
"""

from __future__ import annotations

import io
from collections.abc import Collection, Mapping, Sequence

import msgspec

from grader.errors import SubmissionError
from grader.grading.intake.entry_names import ARCHIVES, listed, shown
from grader.grading.intake.intake_budget import Collector, Entry, Wanted
from grader.grading.intake.tar_archives import read_archive

DEEPEST = 4  # archives within archives
MOST = 8  # archives of one submission that are looked into


class Inner(msgspec.Struct, frozen=True):
    """What the archives within gave."""

    files: Mapping[str, bytes]
    notes: tuple[str, ...]
    used: str = ""  # the archive that was opened


def archives_in(collector: Collector) -> list[Entry]:
    """Return the archives within that may be looked into."""
    found: list[Entry] = []
    left = collector.limits.max_kept_bytes // 2
    for entry in collector.entries:
        named = entry.path.lower().endswith(ARCHIVES) and not entry.trouble
        if named and entry.size <= min(left, collector.limits.max_file_bytes):
            found.append(entry)
            left -= entry.size
    return found[:MOST]


class Opened(msgspec.Struct, frozen=True):
    """An archive within as a collector: a first look, or one that also keeps some files whatever
    their names.
    """

    name: str
    data: bytes
    wanted: Wanted
    within: Collector  # of what it lies in: its budget is one with that

    def read(self, also: Collection[str] = ()) -> Collector:
        """Read it; raise `SubmissionError` for what may not be."""
        collector = Collector(
            self.name,
            self.wanted,
            self.within.limits,
            packed=len(self.data),
            also=also,
            within=self.within,
        )
        read_archive(io.BytesIO(self.data), collector)
        return collector


def chosen(found: Sequence[tuple[Entry, Inner]], troubles: Sequence[str]) -> Inner:
    """Return what the one archive gives that holds what is missing; nothing, with a note, if it is
    not one.
    """
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


def troubled(entry: Entry, error: SubmissionError) -> str:
    """Return the note on an archive within that can't be taken in."""
    return f"The archive {shown(entry.path)} within the submission was not used: {error}"
