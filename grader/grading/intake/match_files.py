"""Finds which file of a submission is which file of the spec, whatever its folder and its name.

A *root* is the folder of the submission that corresponds to the assignment's. Each file that the
spec may mean proposes one: ``hw/a3/package/layers.py`` proposes ``hw/a3``. The root with the most
wanted files is taken. Of several, a root is preferred whose name does not say that it is old; then
the one with the most exact paths; then the shallowest. Files that the root lacks are searched for
elsewhere. If two different files fit equally well, the submission is refused.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Collection, Iterable, Sequence

import msgspec

from grader.errors import SubmissionError
from grader.grading.intake.candidates import Work
from grader.grading.intake.reading.entry_names import fold, is_old, original_names, shown
from grader.grading.intake.submitted_files import SubmittedFile


class Match(msgspec.Struct, frozen=True):
    """An entry that may be a wanted file, seen from a root; a smaller ``rank`` is better."""

    entry: SubmittedFile
    wanted: str
    root: str
    dropped: int  # leading folders of the wanted path that the entry lacks
    renamed: bool
    recased: bool

    @property
    def rank(self) -> tuple[int, bool, bool]:
        """How much the entry's path differs from the wanted one."""
        return (self.dropped, self.renamed, self.recased)

    @property
    def exact(self) -> bool:
        """Whether the entry has the wanted file's path below the root."""
        return not any(self.rank)


class Layout(msgspec.Struct, frozen=True):
    """The root, the entry of each wanted file that was found, and the copies not used."""

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
                # an ending that two paths share does not say which one is meant
                self._partial[key] = None if key in self._partial else path

    def find(self, path: str) -> str | None:
        """Return the path of the assignment that ends like this one."""
        key = fold(path)
        return self._paths.get(key) or self._partial.get(key)


@functools.lru_cache(maxsize=8)
def suffixes_of(paths: frozenset[str]) -> Suffixes:
    """Return the finder of these paths; all submissions of a class share it."""
    return Suffixes(sorted(paths))


def arrange(
    entries: Sequence[SubmittedFile], wanted: Collection[str], provided: Collection[str]
) -> list[Match]:
    """Return every way in which an entry may be a wanted file."""
    suffixes = suffixes_of(frozenset([*wanted, *provided]))
    found: list[Match] = []
    for entry in entries:
        found += _matches(entry, suffixes, frozenset(wanted))
    return found


def choose(
    matches: Sequence[Match],
    refusal: Callable[[str], SubmissionError],
    work: Callable[[Match], Work],
) -> Layout:
    """Choose a root, and a file for each wanted one.

    ``work`` returns how much of the student's work a file holds: of two with equal claims, the one
    that holds more is chosen. Raises ``refusal`` if both hold the same.
    """
    by_root: dict[str, list[Match]] = {}
    for match in matches:
        by_root.setdefault(match.root, []).append(match)
    best: dict[str, dict[str, list[Match]]] = {}
    for root, found in by_root.items():
        best[root] = _best_of_each(found)
    order = sorted(best, key=lambda root: (*_score(root, best[root]), root))
    if not order:
        return Layout("", {}, ())
    root = order[0]
    equals = [other for other in order if _score(other, best[other]) == _score(root, best[root])]
    if len(equals) > 1:
        root = max(equals, key=lambda other: _work_in(best[other], work))
    equals.remove(root)
    _no_rival(root, equals, best, refusal, work)
    chosen: dict[str, Match] = {}
    for path, claims in best[root].items():
        chosen[path] = _only(claims, refusal, work)
    for path, claims in _best_elsewhere(matches, chosen).items():
        chosen[path] = _only(claims, refusal, work)
    return Layout(root, chosen, _spare(matches, chosen))


def _matches(entry: SubmittedFile, suffixes: Suffixes, wanted: Collection[str]) -> list[Match]:
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
            above, renamed = "/".join(folders[:start]), name != basename
            match = Match(entry, path, above, dropped, renamed, not path.endswith(tail))
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
    """Return the rank of a root; smaller is better."""
    exact = sum(claims[0].exact for claims in best.values())
    return (-len(best), is_old(root), -exact, root.count("/") + bool(root))


def _work_in(best: dict[str, list[Match]], work: Callable[[Match], Work]) -> tuple[int, int]:
    """Return how much work a root holds."""
    written = own = 0
    for claims in best.values():
        found = work(claims[0])
        written += found.written
        own += found.own
    return written, own


def _no_rival(
    root: str,
    equals: Iterable[str],
    best: dict[str, dict[str, list[Match]]],
    refusal: Callable[[str], SubmissionError],
    work: Callable[[Match], Work],
) -> None:
    """Raise ``refusal`` if another root of equal rank holds other contents and as much work."""
    for other in equals:
        if _work_in(best[other], work)[0] < _work_in(best[root], work)[0]:
            continue
        for path in best[root].keys() & best[other].keys():
            mine, theirs = best[root][path][0].entry, best[other][path][0].entry
            if mine.digest != theirs.digest:
                copies = f"{shown(mine.path)} and {shown(theirs.path)}"
                raise refusal(
                    f"it holds two different copies of {shown(path)}, {copies}, and "
                    "nothing tells which one counts; hand in only one"
                )


def _only(
    claims: Sequence[Match],
    refusal: Callable[[str], SubmissionError],
    work: Callable[[Match], Work],
) -> Match:
    """Return the one of equal claims with the most finished tasks; refuse a tie of contents."""
    if len({claim.entry.digest for claim in claims}) == 1:
        return claims[0]
    first, *others = sorted(claims, key=work, reverse=True)
    for other in others:
        differs = other.entry.digest != first.entry.digest
        if differs and work(other).written == work(first).written:
            both = f"{shown(first.entry.path)} and {shown(other.entry.path)}"
            raise refusal(
                f"{both} may both be {shown(first.wanted)}, "
                "and nothing tells which one counts; hand in only one"
            )
    return first


def _best_elsewhere(matches: Sequence[Match], chosen: dict[str, Match]) -> dict[str, list[Match]]:
    """Return the best matches in other folders for each wanted file that the chosen one lacks."""
    used = entry_paths(chosen.values())
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


def entry_paths(matches: Iterable[Match]) -> set[str]:
    """Return the paths of the entries of matches."""
    return {match.entry.path for match in matches}


def _spare(matches: Sequence[Match], chosen: dict[str, Match]) -> tuple[Match, ...]:
    used = entry_paths(chosen.values())
    spare: dict[str, Match] = {}
    for match in matches:
        if match.entry.path not in used and match.entry.digest != chosen[match.wanted].entry.digest:
            spare.setdefault(match.entry.path, match)
    return tuple(spare.values())
