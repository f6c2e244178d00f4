"""Pairs of submissions that share too much code, by copydetect's winnowed fingerprints, with the given code discounted.

Theory of operation. Nothing is run: students' sources are text, cut to a bound, tokenised by pygments and compared as
sets of hashes. What the handout gives, and what many submissions share, counts for nothing. A high share is a reason to
look at two files side by side and no more than that; the pages say so.
"""

from __future__ import annotations

import io
import itertools
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
from markupsafe import Markup, escape

from grader.assignment.spec import Assignment
from grader.classroom.entries import Entry
from grader.classroom.page import page_of
from grader.classroom.store import SOURCES, Store
from grader.errors import UsageError
from grader.files import write_atomically
from grader.text import clean

KGRAM, WINDOW = 25, 1  # characters of tokenised code: each run of this length is looked at
SOURCE_LIMIT = 300_000
COMMON = 0.25  # of the class: what so many share, nobody copied from a neighbour
SMALL_CLASS = 8  # with fewer than that, only the handout is discounted
PAGES = 100  # pairs with a page of their own


@dataclass(frozen=True)
class Side:
    """One source of a pair: the text, where tokenising left characters out, and where each fingerprint lies."""

    code: str
    offsets: Any
    places: Mapping[int, Sequence[int]]  # in the tokenised code; of those fingerprints alone that count


class Pair(msgspec.Struct, frozen=True):
    """Two submissions and what they share in one file."""

    share: float  # of the smaller part's own code
    file: str
    first: Entry
    second: Entry
    shared: int  # fingerprints
    page: str = ""


def find(store: Store, handout: Mapping[str, str], threshold: float) -> list[tuple[Pair, Side, Side]]:
    """Return the pairs above the threshold with their fingerprints, the most alike first.

    handout: path of a student's file -> the text that students were given
    """
    class_ = store.read_class()
    by_file: dict[str, list[tuple[Entry, Any]]] = defaultdict(list)
    for entry in class_.entries:
        for path, text in _sources(store, entry).items():
            if path in handout and len(text) <= SOURCE_LIMIT:
                by_file[path].append((entry, _fingerprint(text)))
    pairs: list[tuple[Pair, Side, Side]] = []
    for path, marked in by_file.items():
        given = set(_fingerprint(handout[path]).hashes)
        pairs += _pairs(path, marked, given, threshold)
    return sorted(pairs, key=lambda found: (-found[0].share, -found[0].shared, found[0].first.student))


def _pairs(
    path: str, marked: Sequence[tuple[Entry, Any]], given: set[int], threshold: float
) -> Iterable[tuple[Pair, Side, Side]]:
    """Yield the pairs of one file; an index from fingerprint to submissions saves comparing all with all."""
    holders: dict[int, list[int]] = defaultdict(list)
    for index, (_, prints) in enumerate(marked):
        for hash_ in prints.hashes - given:
            holders[hash_].append(index)
    most = max(2, COMMON * len(marked)) if len(marked) >= SMALL_CLASS else len(marked)
    own, shared = Counter[int](), Counter[tuple[int, int]]()
    kept: set[int] = set()
    for hash_, found in holders.items():
        if len(found) <= most:
            kept.add(hash_)
            own.update(found)
            shared.update(itertools.combinations(found, 2))
    for (one, two), count in shared.items():
        share = count / min(own[one], own[two])
        if share >= threshold and min(own[one], own[two]) >= KGRAM:
            first, second = marked[one], marked[two]
            pair = Pair(round(share, 3), path, first[0], second[0], count)
            yield pair, _side(first[1], kept), _side(second[1], kept)


def _fingerprint(text: str) -> Any:
    """Return copydetect's fingerprint of a Python source."""
    fingerprint = _copydetect().CodeFingerprint("source.py", KGRAM, WINDOW, fp=io.StringIO(text), language="python")
    fingerprint.hashes = set(map(int, fingerprint.hashes))
    return fingerprint


def _copydetect() -> Any:
    """Return the library, or say how to get it."""
    try:
        import copydetect  # type: ignore[import-untyped]
        import copydetect.utils  # type: ignore[import-untyped]
    except ImportError as error:
        raise UsageError("`grader similar` needs the extra: pip install 'grader[similar]'") from error
    return copydetect


def _side(fingerprint: Any, kept: set[int]) -> Side:
    """Return a source with those fingerprints that count."""
    places = {int(hash_): list(found) for hash_, found in fingerprint.hash_idx.items() if int(hash_) in kept}
    return Side(fingerprint.raw_code, fingerprint.offsets, places)


def _sources(store: Store, entry: Entry) -> dict[str, str]:
    try:
        return msgspec.json.decode((store.out / entry.folder / SOURCES).read_bytes(), type=dict[str, str])
    except (OSError, msgspec.MsgspecError):
        return {}


def handout_of(assignment: Assignment, folder: Path | None) -> dict[str, str]:
    """Return what students were given of their files: from the handout's folder, or the reference without answers."""
    given = {}
    for file in assignment.spec.files:
        root = folder or assignment.reference
        path = root / file.path if root is not None else None
        text = path.read_text(encoding="utf-8", errors="replace") if path is not None and path.is_file() else ""
        given[file.path] = _without_answers(text)
    return given


def _without_answers(text: str) -> str:
    kept, inside = [], False
    for line in text.splitlines(keepends=True):
        marker = line.strip()
        if marker.startswith("### BEGIN SOLUTION"):
            inside = True
        elif marker.startswith("### END SOLUTION"):
            inside = False
        elif not inside:
            kept.append(line)
    return "".join(kept)


# --- pages ----------------------------------------------------------------------------------------------------------


def write(store: Store, out: Path, handout: Mapping[str, str], threshold: float) -> tuple[Path, list[Pair]]:
    """Write the list and a side-by-side page for each of the first pairs; return the list's path and the pairs."""
    get_copied_slices = _copydetect().utils.get_copied_slices
    class_ = store.read_class()
    pairs = []
    for number, (pair, first, second) in enumerate(find(store, handout, threshold), start=1):
        if number <= PAGES:
            pair = msgspec.structs.replace(pair, page=f"pair-{number:03}.html")
            both = set(first.places) & set(second.places)
            columns = [_marked(side, both, get_copied_slices) for side in (first, second)]
            text = page_of("pair.html.j2", class_=class_, pair=pair, columns=columns)
            write_atomically(out / pair.page, text.encode("utf-8", "replace"))
        pairs.append(pair)
    text = page_of("similar.html.j2", class_=class_, pairs=pairs, threshold=threshold)
    return write_atomically(out / "index.html", text.encode("utf-8", "replace")), pairs


def _marked(side: Side, both: set[int], slices_of: Any) -> Markup:
    """Return a source with what the other has too between marks, escaped."""
    indices = [place for hash_ in both for place in side.places[hash_]]
    code, offsets = side.code, side.offsets
    slices = slices_of(np.array(sorted(set(indices)), dtype=int), KGRAM)
    if len(offsets) and len(slices[0]):
        found = np.clip(np.searchsorted(offsets[:, 0], slices), 0, offsets.shape[0] - 1)
        slices = slices + offsets[:, 1][found]
    parts, at = [], 0
    for start, end in zip(slices[0].astype(int), slices[1].astype(int), strict=True):
        start, end = max(at, int(start)), max(at, int(end))
        parts += [escape(_text(code[at:start])), Markup("<mark>"), escape(_text(code[start:end])), Markup("</mark>")]
        at = end
    return Markup("").join([*parts, escape(_text(code[at:]))])


def _text(code: str) -> str:
    return clean(code, SOURCE_LIMIT)
