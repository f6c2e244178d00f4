"""What the report says about a submission's files: where they were taken from, and what was not
used.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from grader.grading.intake.candidates import CHECKPOINTS
from grader.grading.intake.entry_names import ARCHIVES, listed, shown
from grader.grading.intake.intake_budget import Collector, Entry, Wanted
from grader.grading.intake.match_files import Layout, Match, suffixes_of

_TESTS = re.compile(
    r"(?:.*/)?(?:test_[^/]*\.py|[^/]*_test\.py|conftest\.py|pytest\.ini|tox\.ini|setup\.cfg|setup\.py|pyproject\.toml"
    r"|sitecustomize\.py|usercustomize\.py|requirements\.txt|makefile)",
    re.IGNORECASE,
)
_NAMED = 10


def remarks(
    layout: Layout, collector: Collector, wanted: Wanted, opened: str = ""
) -> Iterator[str]:
    """Yield the sentences, what touches the mark first.

    opened: the archive within that was opened
    """
    entries = [entry for entry in collector.entries if entry.path != opened]
    yield from places(layout, wanted)
    for match in layout.spare[:_NAMED]:
        kept = layout.chosen[match.wanted].entry.path
        yield (
            f"{shown(match.entry.path)} is another copy of {shown(match.wanted)} and was not used:"
            f" {shown(kept)} was."
        )
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
    """Yield why a person should look at a submission: a choice that was made, or what may lie
    elsewhere.

    asked: the copies that hold work of their own
    missing: the files that were not found
    """
    for match in asked[:_NAMED]:
        kept = layout.chosen[match.wanted].entry.path
        yield (
            f"two files may be {shown(match.wanted)}: {shown(kept)} was taken, not"
            f" {shown(match.entry.path)}"
        )
    if not missing:
        return
    archives = [entry.path for entry in collector.entries if entry.path.lower().endswith(ARCHIVES)]
    if archives:
        yield f"{listed(missing)} may lie in {listed(archives)}"
    bad = [entry for entry in collector.entries if entry.trouble]
    if bad:
        yield f"{listed(missing)} was not found, and {shown(bad[0].path)} {bad[0].trouble}"


def places(layout: Layout, wanted: Wanted) -> Iterator[str]:
    """Yield where the files were found, if not in their places: of interest to whoever handed them
    in.
    """
    if layout.root and any(match.root == layout.root for match in layout.chosen.values()):
        yield f"The assignment was found in the folder {shown(layout.root)}."
    for path in (path for path in wanted.paths if path in layout.chosen):
        match = layout.chosen[path]
        if match.root != layout.root or not match.exact:
            yield f"{shown(path)} was taken from {shown(match.entry.path)}."


def _unused(layout: Layout, entries: Sequence[Entry], wanted: Wanted) -> Iterator[str]:
    used = {match.entry.path for match in layout.chosen.values()} | {
        match.entry.path for match in layout.spare
    }
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
        elif entry.path.lower().endswith(ARCHIVES):
            archives.append(entry.path)
        elif _TESTS.fullmatch(entry.path):
            tests.append(entry.path)
        else:
            others.append(entry.path)
    for place in changed[:_NAMED]:
        yield (
            f"{shown(place)} was changed, and the change was not used: the assignment's own file"
            " was."
        )
    if len(changed) > _NAMED:
        yield (
            f"{len(changed) - _NAMED} more provided files were changed, and the changes were not"
            " used."
        )
    if archives:
        yield f"Archives within a submission are not opened: {listed(archives)}."
    if tests:
        yield f"Tests and settings of the submission's own were not run or read: {listed(tests)}."
    if others:
        count = "1 other file was" if len(others) == 1 else f"{len(others)} other files were"
        yield f"{count} not used: {listed(others)}."


def _below(root: str, path: str) -> str:
    return path[len(root) + 1 :] if root and path.startswith(f"{root}/") else path
