"""Which cell of a submitted notebook is which of the author's, whatever became of ids, order and
metadata.

Cells are matched by their ids as far as these fit, then by equal text, by the names that they
define, by shared lines, and an answer in words at last by its place behind the question. The work
is linear in the length of both notebooks, so a hostile one costs no more than a long one.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from grader.markers import PLACEHOLDER, released
from grader.notebooks.cells import Cell, cell_key, folded, is_students, text_of
from grader.notebooks.definitions import definitions, is_untouched, stubs

SHARED = 0.6  # of a cell's lines that another must have to be taken for the same cell
TELLING = 12  # characters of a line that tells something; a shorter one stands in many cells
PARSED = 1_000_000  # characters of one notebook whose syntax is looked at


@dataclass
class Facts:
    """One cell and what is known of it; ``index`` is its place in its notebook, from 0."""

    cell: Cell
    index: int
    source: str
    read: bool = True  # whether its syntax is looked at

    @property
    def kind(self) -> str:
        """`code`, `markdown` or `raw`."""
        return str(self.cell.get("cell_type", ""))

    @property
    def is_code(self) -> bool:
        """Whether it is a code cell."""
        return self.kind == "code"

    @property
    def is_students(self) -> bool:
        """Whether it is an author's cell that students fill in."""
        return is_students(self.cell)

    @property
    def is_task(self) -> bool:
        """Whether it is an author's cell in which students write code."""
        return self.is_code and self.is_students

    @cached_property
    def key(self) -> str:
        """The cell's identity, or nothing."""
        return cell_key(self.cell)

    @cached_property
    def folded(self) -> str:
        """The text by which equal cells are found."""
        return folded(self.source)

    @cached_property
    def names(self) -> frozenset[str]:
        """The names that the cell's code defines; a text cell that holds code counts too."""
        return definitions(self.source) if self.read else frozenset()

    @cached_property
    def stubs(self) -> frozenset[str]:
        """The names of stubs in the cell that the student has not written yet."""
        return stubs(self.source) if self.read else frozenset()

    @cached_property
    def untouched(self) -> bool:
        """Whether all that it defines is still to be written."""
        return self.read and is_untouched(self.source)

    @property
    def written(self) -> frozenset[str]:
        """The names that it defines for good."""
        return self.names - self.stubs


@dataclass(frozen=True)
class Matching:
    """Two notebooks' cells, and for each cell of the author's that was found its place in the
    submission.
    """

    author: tuple[Facts, ...]
    theirs: tuple[Facts, ...]
    found: Mapping[int, int]

    @cached_property
    def owner(self) -> dict[int, int]:
        """For each submitted cell that was matched: the author's."""
        return dict(zip(self.found.values(), self.found, strict=True))

    @cached_property
    def own(self) -> tuple[Facts, ...]:
        """The cells that students added, empty ones left out."""
        return tuple(cell for cell in self.theirs if cell.index not in self.owner and cell.folded)

    @cached_property
    def wanted(self) -> frozenset[str]:
        """The names that the author leaves to students."""
        return _wanted(self.author)

    @property
    def questions(self) -> list[Facts]:
        """The author's cells in which students write words."""
        return [cell for cell in self.author if cell.kind == "markdown" and cell.is_students]

    def of(self, author: Facts) -> Facts | None:
        """Return the submitted cell that is the author's, or None."""
        index = self.found.get(author.index)
        return None if index is None else self.theirs[index]


def _wanted(author: Iterable[Facts]) -> frozenset[str]:
    """Return the names that the tasks among an author's cells define."""
    names: set[str] = set()
    for cell in author:
        if cell.is_task:
            names |= cell.names
    return frozenset(names)


def facts(cells: Sequence[Cell]) -> tuple[Facts, ...]:
    """Return a notebook's cells; of one that is too long, the last ones' syntax is not looked
    at.
    """
    made = []
    left = PARSED
    for index, cell in enumerate(cells):
        source = text_of(cell)
        left -= len(source)
        made.append(Facts(cell, index, source, left >= 0))
    return tuple(made)


def match(author: Sequence[Cell], submitted: Sequence[Cell]) -> Matching:
    """Return which submitted cell is which of the author's; each stands for one at the most."""
    matcher = _Matcher(facts(author), facts(submitted))
    for step in (
        matcher.by_key,
        matcher.by_text,
        matcher.by_names,
        matcher.by_lines,
        matcher.by_place,
    ):
        if matcher.missing:
            step()
    matcher.give_back()
    return Matching(matcher.author, matcher.theirs, matcher.found)


class _Matcher:
    """The state of one matching: each step finds some of what is still missing."""

    def __init__(self, author: tuple[Facts, ...], theirs: tuple[Facts, ...]) -> None:
        self.author = author
        self.theirs = theirs
        self.found: dict[int, int] = {}
        self.used: set[int] = set()

    @property
    def missing(self) -> list[Facts]:
        """The author's cells that were not found yet."""
        return [cell for cell in self.author if cell.index not in self.found]

    @property
    def free(self) -> list[Facts]:
        """The submitted cells that stand for none of the author's yet."""
        return [cell for cell in self.theirs if cell.index not in self.used]

    def take(self, author: Facts, theirs: Facts) -> None:
        """Match two cells, unless one of them is matched already."""
        if author.index not in self.found and theirs.index not in self.used:
            self.found[author.index] = theirs.index
            self.used.add(theirs.index)

    def by_key(self) -> None:
        """Match equal ids: a copy of a cell carries its original's metadata, but not its id."""
        cells: dict[str, Facts] = {}
        for cell in self.theirs:
            known = cells.get(cell.key)
            if known is None or (cell.cell.get("id") == cell.key != known.cell.get("id")):
                cells[cell.key] = cell
        for cell in self.missing:
            other = cells.get(cell.key) if cell.key else None
            if other is not None and self._may_be(cell, other):
                self.take(cell, other)

    def _may_be(self, cell: Facts, other: Facts) -> bool:
        """Return False if an id names a cell that is plainly another of the author's, as after a
        renumbering.
        """
        if cell.is_students or len(other.folded) < TELLING:
            return True
        if released_text(cell) == other.folded:
            return True
        return all(released_text(one) != other.folded for one in self.author if one is not cell)

    def by_text(self) -> None:
        """Match equal texts, the first with the first."""
        places: dict[tuple[bool, str], list[Facts]] = defaultdict(list)
        for cell in reversed(self.free):
            places[cell.is_code, cell.folded].append(cell)
        for cell in self.missing:
            text = released_text(cell)
            there = places.get((cell.is_code, text))
            if text and there:
                self.take(cell, there.pop())

    def by_names(self) -> None:
        """Match a student's task with the cell that defines most of its names, a written one before
        a stub.
        """
        by_name: dict[str, list[Facts]] = defaultdict(list)
        for cell in self.free:
            for name in cell.names:
                by_name[name].append(cell)
        for cell in self.missing:
            if not cell.is_task:
                continue
            score: Counter[int] = Counter()
            for name in sorted(cell.names):
                for other in by_name.get(name, ()):
                    if other.index not in self.used:
                        score[other.index] += 2 if name in other.written else 1
            if score:
                best = max(sorted(score), key=lambda index: score[index])
                self.take(cell, self.theirs[best])

    def by_lines(self) -> None:
        """Match cells that share most of their lines: one that was edited, or one of an older
        edition.
        """
        places: dict[tuple[bool, str], list[int]] = defaultdict(list)
        sizes: dict[int, int] = {}
        for cell in self.missing:
            lines = _lines(cell)
            sizes[cell.index] = len(lines)
            for line in lines:
                places[cell.is_code, line].append(cell.index)
        claims = []
        for other in self.free:
            lines = set(map(str.strip, other.source.split("\n")))
            shared: Counter[int] = Counter()
            for line in lines:
                shared.update(places.get((other.is_code, line), ()))
            for index, count in shared.items():
                claims.append((-count / sizes[index], index, other.index))
        for share, index, theirs in sorted(claims):
            if -share >= SHARED:
                self.take(self.author[index], self.theirs[theirs])

    def by_place(self) -> None:
        """Match an answer in words with the free text behind what stands before it."""
        for cell in self.missing:
            if cell.is_code or not cell.is_students:
                continue
            before = self.found.get(cell.index - 1, -1 if cell.index == 0 else None)
            place = None if before is None else before + 1
            if place is not None and place < len(self.theirs) and place not in self.used:
                other = self.theirs[place]
                if not other.is_code and other.folded:
                    self.take(cell, other)

    def give_back(self) -> None:
        """Take a provided cell in which students wrote what a task asks for, and no other cell has,
        for their own.
        """
        wanted = _wanted(self.author)
        writers: Counter[str] = Counter()
        for cell in self.theirs:
            writers.update(cell.written & wanted)
        for cell in self.author:
            place = self.found.get(cell.index)
            if place is None or not cell.is_code or cell.is_students:
                continue
            theirs = self.theirs[place]
            answers = theirs.written & wanted - cell.names
            if theirs.folded != cell.folded and any(writers[name] == 1 for name in answers):
                del self.found[cell.index]
                self.used.discard(place)


def released_text(cell: Facts) -> str:
    """Return an author's cell as students get it, as far as equal text can be told."""
    if not cell.is_students:
        return cell.folded
    return folded(released(cell.source, "" if cell.is_code else PLACEHOLDER))


def _lines(cell: Facts) -> set[str]:
    """Return the lines that tell an author's cell from others."""
    lines = map(str.strip, released(cell.source).split("\n"))
    return {line for line in lines if len(line) >= TELLING and line != PLACEHOLDER}


def numbers(cells: tuple[Facts, ...]) -> dict[int, int]:
    """Return the numbers that Jupyter gives to code cells in a run from the top; empty cells get
    none.
    """
    found: dict[int, int] = {}
    for cell in cells:
        if cell.is_code and cell.folded:
            found[cell.index] = len(found) + 1
    return found
