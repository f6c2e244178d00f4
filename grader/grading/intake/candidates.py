"""Which of several files that may be a wanted one holds the student's work: renamed files, copies,
checkpoints.

Contents are a stranger's: they are read as text alone, each of bounded length, and no more files
than `MOST_CANDIDATES`.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

import msgspec

from grader.grading.intake.entry_names import fold, original_names
from grader.notebooks.cells import text_of
from grader.notebooks.definitions import definitions, stubs

if TYPE_CHECKING:
    from grader.grading.intake.intake_budget import Collector, Entry, Wanted
    from grader.grading.intake.match_files import Layout, Match

CODE = (".py", ".ipynb")
CHECKPOINT = "-checkpoint"
CHECKPOINTS = ".ipynb_checkpoints"  # the folder of these
MOST_CANDIDATES = 20  # that are read beside the files of the wanted names
MOST_CELLS = 2_000
TELLING = 8  # characters of a line that tells something
# of the handout's lines that a file of another name must have, unless it is the only one
RESEMBLES = 0.3


class Draft(msgspec.Struct, frozen=True):
    """A wanted file as students get it: the names that they are to define, and its lines."""

    names: frozenset[str] = frozenset()
    lines: frozenset[str] = frozenset()


class Work(msgspec.Struct, frozen=True, order=True):
    """How much of a student's work a file holds; more is greater."""

    written: int = 0  # names that were asked for and are defined for good
    own: int = 0  # lines that are not the handout's


class Read(msgspec.Struct, frozen=True):
    """What was read in a file: its work, and how much of the handout is in it."""

    work: Work
    shared: float
    asked: bool  # whether there are names to be defined

    @property
    def holds_something(self) -> bool:
        """Whether it differs from the handout by any work."""
        return self.work.written > 0 if self.asked else self.work > Work()


def draft_of(texts: Iterable[str], names: Iterable[str]) -> Draft:
    """Return the draft of a file from its cells or its text."""
    lines = (line.strip() for text in texts for line in text.split("\n"))
    return Draft(frozenset(names), frozenset(line for line in lines if len(line) >= TELLING))


def read(data: bytes, path: str, draft: Draft) -> Read:
    """Return how much work a file holds; what can't be read holds none."""
    if path.lower().endswith(".ipynb"):
        texts = [text_of(cell) for cell in listed_cells(data)]
    else:
        texts = [data.decode("utf-8", "replace")]
    defined: set[str] = set()
    unwritten: set[str] = set()
    lines: set[str] = set()
    for text in texts:
        names, empty = definitions(text) & draft.names, stubs(text)
        defined |= names
        unwritten |= empty
        unwritten -= names - empty
        lines.update(filter(_tells, map(str.strip, text.split("\n"))))
    own = len(lines - draft.lines) if draft.lines else 0
    shared = max(_share(lines, draft.lines), _share(defined, draft.names))
    return Read(Work(len(defined - unwritten), own), shared, bool(draft.names))


def _share(found: set[str], wanted: frozenset[str]) -> float:
    return len(found & wanted) / len(wanted) if wanted else 0.0


def _tells(line: str) -> bool:
    return len(line) >= TELLING and "NotImplementedError" not in line and not line.startswith("#")


def listed_cells(data: bytes) -> list[dict[str, Any]]:
    """Return the cells of a notebook's JSON; none of what is not one."""
    try:
        tree = json.loads(data.decode("utf-8-sig"))
    except (ValueError, RecursionError):
        return []
    cells: Any = tree.get("cells") if isinstance(tree, dict) else None
    found = cells[:MOST_CELLS] if isinstance(cells, list) else []
    return [cell for cell in found if isinstance(cell, dict)]


# --- files of other names -------------------------------------------------------------------------


def unread(collector: Collector, matches: Sequence[Match], wanted: Wanted) -> frozenset[str]:
    """Return the files to be read as well: of other names, where a wanted file is missing or was
    left as handed out.
    """
    found: list[str] = []
    for path in wanted.paths:
        own = [match for match in matches if match.wanted == path and match.entry.digest]
        if any(_read_of(match, collector, wanted).holds_something for match in own):
            continue
        found += [entry.path for entry in _free(collector, matches, wanted, path)]
    return frozenset(found[:MOST_CANDIDATES])


def renamed(
    collector: Collector, matches: Sequence[Match], wanted: Wanted, looked_at: frozenset[str]
) -> list[tuple[Entry, str]]:
    """Return which file of another name is which wanted one: the only one of its kind, or the one
    most like it.
    """
    entries = [
        entry
        for entry in collector.entries
        if entry.path in looked_at and (entry.digest or entry.oversize)
    ]
    claims: list[tuple[float, int, int]] = []
    paths = [path for path in wanted.paths if not _is_written(path, matches, collector, wanted)]
    for number, path in enumerate(paths):
        free = [entry for entry in entries if _suffix(entry.path) == _suffix(path)]
        rivals = [other for other in paths if _suffix(other) == _suffix(path)]
        missing = all(match.wanted != path for match in matches)
        alone = missing and len(free) == len(rivals) == 1
        for entry in free:
            mine = read(
                collector.contents.get(entry.digest, b""), path, wanted.drafts.get(path, Draft())
            )
            likeness = mine.shared + mine.work.written
            if alone or (mine.shared >= RESEMBLES and (missing or mine.work.written)):
                claims.append((-likeness, number, entries.index(entry)))
    taken: dict[str, Entry] = {}
    for _, number, index in sorted(claims):
        if paths[number] not in taken and entries[index] not in taken.values():
            taken[paths[number]] = entries[index]
    return [(entry, path) for path, entry in taken.items()]


def _is_written(path: str, matches: Sequence[Match], collector: Collector, wanted: Wanted) -> bool:
    own = (match for match in matches if match.wanted == path)
    return any(_read_of(match, collector, wanted).holds_something for match in own)


def _free(collector: Collector, matches: Sequence[Match], wanted: Wanted, path: str) -> list[Entry]:
    """Return the files of a wanted one's kind that nothing claims by its name; of checkpoints,
    those of that name.
    """
    used = {match.entry.path for match in matches}
    names = {fold(place.rpartition("/")[2]) for place in (*wanted.provided, *wanted.paths)}
    found = []
    for entry in [*collector.entries, *collector.checkpoints]:
        base = entry.path.rpartition("/")[2]
        if entry.path in used or entry.trouble or _suffix(base) != _suffix(path):
            continue
        if CHECKPOINTS in entry.path.split("/"):
            if _is_checkpoint_of(entry.path, path):
                found.append(entry)
        elif not names.intersection(map(fold, original_names(base))):
            found.append(entry)
    return found


def _is_checkpoint_of(path: str, wanted: str) -> bool:
    """Tell whether a file is the checkpoint that Jupyter made of a notebook, by its name."""
    stem, _, suffix = path.rpartition("/")[2].rpartition(".")
    original = f"{stem.removesuffix(CHECKPOINT)}.{suffix}"
    return stem.endswith(CHECKPOINT) and fold(original) == fold(wanted.rpartition("/")[2])


def _suffix(path: str) -> str:
    return next((suffix for suffix in CODE if path.lower().endswith(suffix)), "?")


# --- copies ---------------------------------------------------------------------------------------


def _read_of(match: Match, collector: Collector, wanted: Wanted) -> Read:
    data = collector.contents.get(match.entry.digest, b"")
    return read(data, match.wanted, wanted.drafts.get(match.wanted, Draft()))


def work_of(match: Match, collector: Collector, wanted: Wanted) -> Work:
    """Return how much of a student's work a match holds."""
    return _read_of(match, collector, wanted).work


def preferred(layout: Layout, collector: Collector, wanted: Wanted) -> tuple[Layout, list[Match]]:
    """Return the layout in which copies with more of the tasks done count, and the copies to ask a
    person about.

    A copy that holds no work of its own is passed over without a question.
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
