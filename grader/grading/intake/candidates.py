"""Finds the student's work among renamed files, copies and checkpoints.

The contents are untrusted. They are read as text only, each of bounded length, and at most
`MOST_CANDIDATES` files.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

import msgspec

from grader.grading.intake.reading.entry_names import fold, folded_name, original_names
from grader.notebooks.cells import text_of
from grader.notebooks.definitions import definitions_and_stubs
from grader.notebooks.encodings import decoded
from grader.notebooks.recovery import Recovered, UnreadableNotebook, recovered

if TYPE_CHECKING:
    from grader.grading.intake.match_files import Layout, Match
    from grader.grading.intake.reading.intake_budget import Collector
    from grader.grading.intake.submitted_files import SubmittedFile, Wanted

CODE = (".py", ".ipynb")
CHECKPOINT = "-checkpoint"
CHECKPOINTS = ".ipynb_checkpoints"  # the folder of these
MOST_CANDIDATES = 20  # files of other names that are read at most
LONG_LINE = 8  # characters; shorter lines are alike in many files
# the part of the handout's lines that a renamed file must have, unless it is the only one
RESEMBLES = 0.3


class TemplateFile(msgspec.Struct, frozen=True):
    """A wanted file as students get it: the names that they define, and its lines."""

    names: frozenset[str] = frozenset()
    lines: frozenset[str] = frozenset()


class Work(msgspec.Struct, frozen=True, order=True):
    """How much of a student's work a file holds; more is greater."""

    written: int = 0  # names that students must define and that are no stubs any more
    own: int = 0  # lines that are not the handout's


class Read(msgspec.Struct, frozen=True):
    """A file's work, and the share of the handout that is in it."""

    work: Work
    shared: float
    asked: bool  # whether there are names to be defined

    @property
    def holds_something(self) -> bool:
        """Whether it holds work that the handout does not."""
        return self.work.written > 0 if self.asked else self.work > Work()


def draft_of(texts: Iterable[str], names: Iterable[str]) -> TemplateFile:
    """Return the draft of a file from its cells or its text."""
    lines: set[str] = set()
    for text in texts:
        lines.update(_long_lines(text))
    return TemplateFile(frozenset(names), frozenset(lines))


def read(data: bytes, path: str, draft: TemplateFile) -> Read:
    """Return how much work a file holds; an unreadable file holds none."""
    if path.lower().endswith(".ipynb"):
        cells = cells_taken(data, draft)
        return _read(map(text_of, cells), draft)
    return _read([decoded(data)[0]], draft)


def cells_taken(data: bytes, draft: TemplateFile) -> list[dict[str, Any]]:
    """Return the cells of a notebook that are taken, none if it can't be read."""
    try:
        return best_reading(data, draft).cells
    except UnreadableNotebook:
        return []


def best_reading(data: bytes, draft: TemplateFile) -> Recovered:
    """Return what a notebook's file holds; of a conflict of Git's, the side with more work, and in
    single places the other one if that adds functions.

    Raises `UnreadableNotebook`.
    """

    def work(cells: list[dict[str, Any]]) -> Work:
        return _read(map(text_of, cells), draft).work

    return recovered(data, work, lambda cells: work(cells).written)


def work_in(text: str, draft: TemplateFile) -> Work:
    """Return how much work a text holds."""
    return _read([text], draft).work


def _read(texts: Iterable[str], draft: TemplateFile) -> Read:
    defined: set[str] = set()
    unwritten: set[str] = set()
    lines: set[str] = set()
    for text in texts:
        found, empty = definitions_and_stubs(text)
        names = found & draft.names
        defined |= names
        unwritten |= empty
        unwritten -= names - empty
        lines.update(filter(_may_be_own, _long_lines(text)))
    own = len(lines - draft.lines) if draft.lines else 0
    shared = max(_share(lines, draft.lines), _share(defined, draft.names))
    return Read(Work(len(defined - unwritten), own), shared, bool(draft.names))


def _share(found: set[str], wanted: frozenset[str]) -> float:
    return len(found & wanted) / len(wanted) if wanted else 0.0


def _long_lines(text: str) -> list[str]:
    return [line for line in map(str.strip, text.split("\n")) if len(line) >= LONG_LINE]


def _may_be_own(line: str) -> bool:
    return "NotImplementedError" not in line and not line.startswith("#")


def listed_cells(data: bytes) -> list[dict[str, Any]]:
    """Return the cells of a notebook's JSON, or an empty list if it is not a notebook."""
    return cells_taken(data, TemplateFile())


# --- files of other names -------------------------------------------------------------------------


def unread(collector: Collector, matches: Sequence[Match], wanted: Wanted) -> frozenset[str]:
    """Return the files of other names to read, if a wanted file is missing or was not changed."""
    found: list[str] = []
    for path in wanted.paths:
        if not _is_written(path, matches, collector, wanted):
            found += _free(collector, matches, wanted, path)
    return frozenset(found[:MOST_CANDIDATES])


def renamed(
    collector: Collector, matches: Sequence[Match], wanted: Wanted, looked_at: frozenset[str]
) -> dict[str, SubmittedFile]:
    """Return for each wanted path the file of another name that is the most like it.

    looked_at: the paths of the files that were read besides those of the wanted names
    """
    entries = [one for one in collector.entries if one.path in looked_at and one.was_read]
    paths = [path for path in wanted.paths if not _is_written(path, matches, collector, wanted)]
    named = {match.wanted for match in matches}
    rivals = Counter(map(_suffix, paths))
    claims: list[tuple[float, int, int]] = []
    for number, path in enumerate(paths):
        free = [entry for entry in entries if _suffix(entry.path) == _suffix(path)]
        missing = path not in named
        alone = missing and len(free) == rivals[_suffix(path)] == 1
        for entry in free:
            found = _read_as(path, entry, collector, wanted)
            likeness = found.shared + found.work.written
            if alone or (found.shared >= RESEMBLES and (missing or found.work.written)):
                claims.append((-likeness, number, entries.index(entry)))
    taken: dict[str, SubmittedFile] = {}
    for _, number, index in sorted(claims):
        if paths[number] not in taken and entries[index] not in taken.values():
            taken[paths[number]] = entries[index]
    return taken


def _is_written(path: str, matches: Sequence[Match], collector: Collector, wanted: Wanted) -> bool:
    """Return whether a file of the wanted name holds work of the student's."""
    for match in matches:
        if match.wanted == path and _read_of(match, collector, wanted).holds_something:
            return True
    return False


def _free(collector: Collector, matches: Sequence[Match], wanted: Wanted, path: str) -> list[str]:
    """Return the paths of such files as match no name, and of the wanted one's checkpoints."""
    used = {match.entry.path for match in matches}
    names = set(map(folded_name, (*wanted.provided, *wanted.paths)))
    found: list[str] = []
    for entry in [*collector.entries, *collector.checkpoints]:
        base = entry.path.rpartition("/")[2]
        if entry.path in used or entry.trouble or _suffix(base) != _suffix(path):
            continue
        if CHECKPOINTS in entry.path.split("/"):
            if _is_checkpoint_of(entry.path, path):
                found.append(entry.path)
        elif not names.intersection(map(fold, original_names(base))):
            found.append(entry.path)
    return found


def _is_checkpoint_of(path: str, wanted: str) -> bool:
    """Return whether Jupyter made the file as a checkpoint of the wanted one, by its name."""
    stem, _, suffix = path.rpartition("/")[2].rpartition(".")
    original = f"{stem.removesuffix(CHECKPOINT)}.{suffix}"
    return stem.endswith(CHECKPOINT) and fold(original) == folded_name(wanted)


def _suffix(path: str) -> str:
    for suffix in CODE:
        if path.lower().endswith(suffix):
            return suffix
    return "?"


# --- copies ---------------------------------------------------------------------------------------


def _read_of(match: Match, collector: Collector, wanted: Wanted) -> Read:
    return _read_as(match.wanted, match.entry, collector, wanted)


def _read_as(path: str, entry: SubmittedFile, collector: Collector, wanted: Wanted) -> Read:
    """Return what is read in a file if it is taken for the wanted one at ``path``."""
    key = entry.digest, path
    if key not in collector.looked_into:
        data = collector.contents.get(entry.digest, b"")
        collector.looked_into[key] = read(data, path, wanted.drafts.get(path, TemplateFile()))
    return collector.looked_into[key]


def work_of(match: Match, collector: Collector, wanted: Wanted) -> Work:
    """Return how much of a student's work a match holds."""
    return _read_of(match, collector, wanted).work


def preferred(layout: Layout, collector: Collector, wanted: Wanted) -> tuple[Layout, list[Match]]:
    """Return the layout that takes the copies with more finished tasks, and the doubtful copies.

    A person should look at the doubtful ones. A copy without work of its own is not one of them.
    """
    chosen, spare, asked = dict(layout.chosen), list(layout.spare), []
    for place, copy in enumerate(layout.spare):
        kept = chosen[copy.wanted]
        mine, other = _read_of(kept, collector, wanted), _read_of(copy, collector, wanted)
        if other.work.written > mine.work.written or (
            mine.work == Work() and other.work > mine.work
        ):
            chosen[copy.wanted], spare[place] = copy, kept
            other = mine
        if other.holds_something:
            asked.append(spare[place])
    return msgspec.structs.replace(layout, chosen=chosen, spare=tuple(spare)), asked
