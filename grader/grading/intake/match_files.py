"""Which file of a submission is which file of the spec, wherever it lies and whatever an LMS made
of its name.

A *root* is the folder of the submission that stands for the assignment's. Each file that the spec
may mean proposes
one: ``hw/a3/package/layers.py`` proposes ``hw/a3``. The root under which most wanted files lie is
    taken; among
equals one that does not call itself old, then that with the most exact paths, then the shallowest.
What the root lacks
is looked for elsewhere. Where two different files have an equal claim, nothing is guessed: the
submission is refused.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Collection, Iterable, Sequence

import msgspec

from grader.errors import SubmissionError
from grader.grading.intake.candidates import Work
from grader.grading.intake.entry_names import fold, is_old, original_names, shown
from grader.grading.intake.intake_budget import Entry


class Match(msgspec.Struct, frozen=True):
    """An entry that may be a wanted file, seen from a root. ``rank`` is better the smaller it
    is.
    """

    entry: Entry
    wanted: str
    root: str
    dropped: int  # leading folders of the wanted path that the entry lacks
    renamed: bool
    recased: bool

    @property
    def rank(self) -> tuple[int, bool, bool]:
        """How far the entry is from the plain place."""
        return (self.dropped, self.renamed, self.recased)

    @property
    def exact(self) -> bool:
        """Whether the entry lies in the wanted file's place beneath the root."""
        return not any(self.rank)


class Layout(msgspec.Struct, frozen=True):
    """The root, the entry of each wanted file that was found, and the copies that were passed
    over.
    """

    root: str
    chosen: dict[str, Match]
    spare: tuple[Match, ...]  # other files of a wanted name whose content differs


class Suffixes:
    """Finds the path of the assignment that a path of the submission ends with."""

    def __init__(self, paths: Iterable[str]) -> None:
        self.names: set[str] = set()  # of the files alone, folded
        self._paths: dict[str, str] = {}
        self._partial: dict[str, str | None] = {}
        for path in paths:
            self._paths[fold(path)] = path
            parts = path.split("/")
            self.names.add(fold(parts[-1]))
            for start in range(1, len(parts)):
                key = fold("/".join(parts[start:]))
                # the end of two paths tells nothing
                self._partial[key] = None if key in self._partial else path

    def find(self, path: str) -> str | None:
        """Return the path of the assignment that this is, leading folders of it left out or not."""
        key = fold(path)
        return self._paths.get(key) or self._partial.get(key)


@functools.lru_cache(maxsize=8)
def suffixes_of(paths: frozenset[str]) -> Suffixes:
    """Return what finds these paths; a class's submissions are all looked at with the same."""
    return Suffixes(sorted(paths))


def arrange(
    entries: Sequence[Entry], wanted: Collection[str], provided: Collection[str]
) -> list[Match]:
    """Return every way in which an entry may be a wanted file."""
    suffixes = suffixes_of(frozenset([*wanted, *provided]))
    return [match for entry in entries for match in _matches(entry, suffixes, frozenset(wanted))]


def choose(
    matches: Sequence[Match],
    refusal: Callable[[str], SubmissionError],
    work: Callable[[Match], Work],
) -> Layout:
    """Choose a root and a file for each wanted one.

    ``work`` tells how much of the student's work a file holds: of two with an equal claim, the one
    that holds more counts. Raises ``refusal`` if nothing tells which one counts.
    """
    by_root: dict[str, list[Match]] = {}
    for match in matches:
        by_root.setdefault(match.root, []).append(match)
    best = {root: _best_of_each(found) for root, found in by_root.items()}
    order = sorted(best, key=lambda root: (*_score(root, best[root]), root))
    if not order:
        return Layout("", {}, ())
    root = order[0]
    equals = [other for other in order if _score(other, best[other]) == _score(root, best[root])]
    if len(equals) > 1:
        root = max(equals, key=lambda other: _work_in(best[other], work))
    _no_rival(root, [other for other in equals if other != root], best, refusal, work)
    chosen = {path: _only(claims, refusal, work) for path, claims in best[root].items()}
    for path, claims in _best_elsewhere(matches, chosen).items():
        chosen[path] = _only(claims, refusal, work)
    return Layout(root, chosen, _spare(matches, chosen))


def _matches(entry: Entry, suffixes: Suffixes, wanted: Collection[str]) -> list[Match]:
    """Return what the entry may be: one match for each root that it proposes."""
    *folders, basename = entry.path.split("/")
    names = [basename] if fold(basename) in suffixes.names else original_names(basename)
    found: dict[tuple[str, str], Match] = {}
    for name in names:
        for start in range(len(folders) + 1):
            tail = "/".join([*folders[start:], name])
            path = suffixes.find(tail)
            if path is None or path not in wanted:
                continue
            dropped = path.count("/") - tail.count("/")
            match = Match(
                entry,
                path,
                "/".join(folders[:start]),
                dropped,
                name != basename,
                not path.endswith(tail),
            )
            found.setdefault((match.root, path), match)
    return list(found.values())


def _best_of_each(matches: Iterable[Match]) -> dict[str, list[Match]]:
    """Return for each wanted file the matches of the best rank."""
    best: dict[str, list[Match]] = {}
    for match in matches:
        rivals = best.setdefault(match.wanted, [match])
        if match.rank < rivals[0].rank:
            best[match.wanted] = [match]
        elif match.rank == rivals[0].rank and match is not rivals[0]:
            rivals.append(match)
    return best


def _score(root: str, best: dict[str, list[Match]]) -> tuple[int, bool, int, int]:
    """Return what a root is worth, the smaller the better."""
    exact = sum(claims[0].exact for claims in best.values())
    return (-len(best), is_old(root), -exact, root.count("/") + bool(root))


def _work_in(best: dict[str, list[Match]], work: Callable[[Match], Work]) -> tuple[int, int]:
    """Return how much work lies under a root."""
    found = [work(claims[0]) for claims in best.values()]
    return sum(one.written for one in found), sum(one.own for one in found)


def _no_rival(
    root: str,
    equals: Iterable[str],
    best: dict[str, dict[str, list[Match]]],
    refusal: Callable[[str], SubmissionError],
    work: Callable[[Match], Work],
) -> None:
    for other in equals:
        if _work_in(best[other], work)[0] < _work_in(best[root], work)[0]:
            continue
        for path in best[root].keys() & best[other].keys():
            mine, theirs = best[root][path][0].entry, best[other][path][0].entry
            if mine.digest != theirs.digest:
                raise refusal(
                    f"it holds two different copies of {shown(path)}, {shown(mine.path)} and"
                    f" {shown(theirs.path)}, and nothing tells which one counts; hand in only one"
                )


def _only(
    claims: Sequence[Match],
    refusal: Callable[[str], SubmissionError],
    work: Callable[[Match], Work],
) -> Match:
    """Return the one of equal claims that holds most of the tasks; if several do, they must have
    one content.
    """
    if len({claim.entry.digest for claim in claims}) == 1:
        return claims[0]
    claims = sorted(claims, key=work, reverse=True)
    for other in claims[1:]:
        if (
            other.entry.digest != claims[0].entry.digest
            and work(other).written == work(claims[0]).written
        ):
            raise refusal(
                f"{shown(claims[0].entry.path)} and {shown(other.entry.path)} may both be"
                f" {shown(claims[0].wanted)}, and nothing tells which one counts; hand in only one"
            )
    return claims[0]


def _best_elsewhere(matches: Sequence[Match], chosen: dict[str, Match]) -> dict[str, list[Match]]:
    """Return for each wanted file that the root lacks the best claims under any other root."""
    used = {match.entry.path for match in chosen.values()}
    best: dict[str, list[Match]] = {}
    for match in sorted(matches, key=_distance):
        if match.wanted in chosen or match.entry.path in used:
            continue
        rivals = best.setdefault(match.wanted, [])
        if not rivals or _distance(rivals[0]) == _distance(match):
            rivals.append(match)
    return best


def _distance(match: Match) -> tuple[bool, int, bool, bool, int]:
    return (is_old(match.root), *match.rank, match.entry.path.count("/"))


def _spare(matches: Sequence[Match], chosen: dict[str, Match]) -> tuple[Match, ...]:
    used = {match.entry.path for match in chosen.values()}
    spare: dict[str, Match] = {}
    for match in matches:
        if match.entry.path not in used and match.entry.digest != chosen[match.wanted].entry.digest:
            spare.setdefault(match.entry.path, match)
    return tuple(spare.values())
