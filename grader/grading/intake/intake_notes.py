"""What the report says about a submission's files: their places, and what was not used."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from grader.grading.intake.candidates import CHECKPOINTS
from grader.grading.intake.match_files import Layout, Match, entry_paths, suffixes_of
from grader.grading.intake.reading.entry_names import listed, shown
from grader.grading.intake.reading.intake_budget import Collector
from grader.grading.intake.submitted_files import SubmittedFile, Wanted

_TESTS = re.compile(
    r"(?:.*/)?(?:test_[^/]*\.py|[^/]*_test\.py|conftest\.py|pytest\.ini|tox\.ini|setup\.cfg"
    r"|setup\.py|pyproject\.toml|sitecustomize\.py|usercustomize\.py|requirements\.txt|makefile)",
    re.IGNORECASE,
)
_NAMED = 10


def remarks(
    layout: Layout, collector: Collector, wanted: Wanted, opened: str = ""
) -> Iterator[str]:
    """Yield the notes; those that touch the mark come first.

    opened: the archive within the submission that was opened
    """
    yield from places(layout, wanted)
    for match in layout.spare[:_NAMED]:
        kept = shown(layout.chosen[match.wanted].entry.path)
        other = f"{shown(match.entry.path)} is another copy of {shown(match.wanted)}"
        yield f"{other} and was not used: {kept} was."
    entries = [entry for entry in collector.entries if entry.path != opened]
    bad = [entry for entry in entries if entry.trouble]
    for entry in bad[:_NAMED]:
        yield f"{shown(entry.path)} {entry.trouble}, and was not read."
    if len(bad) > _NAMED:
        yield f"{len(bad) - _NAMED} more entries were not read for such reasons."
    yield from _unused(layout, entries, wanted)
    if collector.not_noted:
        yield f"{collector.not_noted} further files were not used or looked at."


def to_look_at(
    layout: Layout, asked: Sequence[Match], collector: Collector, missing: Sequence[str]
) -> Iterator[str]:
    """Yield why a person should look at a submission: a choice that was made, or a missing file.

    asked: the copies that hold work of their own
    missing: the wanted files that were not found
    """
    for match in asked[:_NAMED]:
        kept = shown(layout.chosen[match.wanted].entry.path)
        choice = f"{kept} was taken, not {shown(match.entry.path)}"
        yield f"two files may be {shown(match.wanted)}: {choice}"
    if not missing:
        return
    if archives := collector.archive_paths():
        yield f"{listed(missing)} may be in {listed(archives)}"
    if bad := collector.troubled():
        yield f"{listed(missing)} was not found, and {shown(bad[0].path)} {bad[0].trouble}"


def places(layout: Layout, wanted: Wanted) -> Iterator[str]:
    """Yield the places of the files that were not found in their own."""
    if layout.root and any(match.root == layout.root for match in layout.chosen.values()):
        yield f"The assignment was found in the folder {shown(layout.root)}."
    for path in wanted.paths:
        match = layout.chosen.get(path)
        if match is not None and (match.root != layout.root or not match.exact):
            yield f"{shown(path)} was taken from {shown(match.entry.path)}."


def _unused(layout: Layout, entries: Sequence[SubmittedFile], wanted: Wanted) -> Iterator[str]:
    used = entry_paths(layout.chosen.values()) | entry_paths(layout.spare)
    provided = suffixes_of(frozenset(wanted.provided))
    changed, archives, tests, others = [], [], [], []
    for entry in entries:
        if entry.path in used or entry.trouble or CHECKPOINTS in entry.path.split("/"):
            continue
        place = provided.find(_below(layout.root, entry.path))
        if place is not None:
            digest = wanted.digests.get(place)
            if entry.digest and digest not in (None, entry.digest, entry.unix_digest):
                changed.append(place)
        elif entry.is_archive:
            archives.append(entry.path)
        elif _TESTS.fullmatch(entry.path):
            tests.append(entry.path)
        else:
            others.append(entry.path)
    for place in changed[:_NAMED]:
        own = "the assignment's own file was"
        yield f"{shown(place)} was changed, and the change was not used: {own}."
    if len(changed) > _NAMED:
        more = len(changed) - _NAMED
        yield f"{more} more provided files were changed, and the changes were not used."
    if archives:
        yield f"Archives within a submission are not opened: {listed(archives)}."
    if tests:
        yield f"Tests and settings of the submission's own were not run or read: {listed(tests)}."
    if others:
        count = "1 other file was" if len(others) == 1 else f"{len(others)} other files were"
        yield f"{count} not used: {listed(others)}."


def _below(root: str, path: str) -> str:
    return path[len(root) + 1 :] if root and path.startswith(f"{root}/") else path
