"""Submissions that share too much code, by copydetect's winnowed fingerprints, with the given code
discounted.

Theory of operation. Nothing is run: students' sources and the code cells of their notebooks are
text, cut to a bound, tokenised by pygments and compared as sets of hashes. Docstrings and comments
are not compared, so removing them changes nothing. Code of the handout, and code that many
submissions share, does not count. If several submissions share code with one another, only the
pairs that connect them are listed, the most similar first. A high share is only a reason to look at
two files side by side; the pages say so.
"""

from __future__ import annotations

import contextlib
import io
import itertools
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from operator import itemgetter
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
import numpy as np
from markupsafe import Markup, escape
from pygments.lexers import PythonLexer
from pygments.token import Token

from grader.assignment.spec import Assignment
from grader.classroom.download.students import Entry
from grader.classroom.marks.class_page import page_of
from grader.classroom.run.result_store import SOURCES, Store
from grader.errors import UsageError
from grader.files import write_atomically
from grader.text import clean

KGRAM, WINDOW = 25, 1  # characters of tokenised code: each run of this length is looked at
SOURCE_LIMIT = 300_000
NOTEBOOK_LIMIT = 32 << 20  # bytes, with its outputs
COMMON = 0.25  # of the class: what so many share, nobody copied from a neighbour
NEARLY = 0.9  # of two submissions' own code: who share so much are listed although many others do
BLANK_LINES = 2  # in a row, of what is compared
CHUNK = 4096  # fingerprints that are looked at together
SMALL_CLASS = 8  # with fewer than that, only the handout is discounted
PAGES = 100  # pairs with a page of their own


@dataclass(frozen=True)
class Side:
    """One source of a pair: the text, where tokenising left characters out, and where each
    fingerprint lies.
    """

    code: str
    offsets: Any
    # in the tokenised code; of those fingerprints alone that count
    places: Mapping[int, Sequence[int]]


class SimilarPair(msgspec.Struct, frozen=True):
    """Two submissions and what they share in one file."""

    share: float  # of the smaller part's own code
    file: str
    first: Entry
    second: Entry
    shared: int  # fingerprints
    page: str = ""


class SimilarCluster(msgspec.Struct, frozen=True):
    """Three submissions or more that pairs connect."""

    members: tuple[Entry, ...]
    share: float  # the highest among them


class Findings(NamedTuple):
    """What a comparison found, and whether it compared anything."""

    pairs: list[tuple[SimilarPair, Side, Side]]
    clusters: list[SimilarCluster]
    compared: int  # files with code of the students' own


def find(store: Store, handout: Mapping[str, str], threshold: float) -> Findings:
    """Return the pairs above the threshold with their fingerprints, the most alike first.

    handout: path of a student's file or notebook -> the code that students were given
    """
    class_ = store.read_class()
    by_file: dict[str, list[tuple[Entry, Any]]] = defaultdict(list)
    for entry in class_.entries:
        for path, text in _sources(store, entry, handout).items():
            if len(text) <= SOURCE_LIMIT:
                by_file[path].append((entry, _fingerprint(bare(text))))
    found: list[tuple[SimilarPair, Side, Side]] = []
    compared = 0
    for path, marked in by_file.items():
        given = set(_fingerprint(bare(handout[path])).hashes)
        compared += sum(not prints.hashes <= given for _, prints in marked)
        found += _pairs(path, marked, given, threshold)
        found += _near_identical(path, marked, given)
    found.sort(key=lambda pair: (-pair[0].share, -pair[0].shared, pair[0].first.student))
    return Findings(_connecting(found), _clusters(list(map(itemgetter(0), found))), compared)


def _connecting(
    found: Sequence[tuple[SimilarPair, Side, Side]],
) -> list[tuple[SimilarPair, Side, Side]]:
    """Return the pairs, the most alike first, without those whose two are connected by others
    already.
    """
    kept = []
    groups: dict[tuple[str, str], set[str]] = {}
    for one in found:
        pair = one[0]
        first, second = pair.first.student, pair.second.student
        own = groups.setdefault((pair.file, first), {first})
        other = groups.setdefault((pair.file, second), {second})
        if own is other:
            continue
        own |= other
        for student in other:
            groups[pair.file, student] = own
        kept.append(one)
    return kept


def _clusters(pairs: Sequence[SimilarPair]) -> list[SimilarCluster]:
    """Return the groups of three and more that pairs connect, in any file."""
    groups: dict[str, dict[str, Entry]] = {}
    for pair in pairs:
        merged = {pair.first.student: pair.first, pair.second.student: pair.second}
        for student in (pair.first.student, pair.second.student):
            merged |= groups.get(student, {})
        for student in merged:
            groups[student] = merged
    found = {id(group): group for group in groups.values() if len(group) > 2}
    clusters = []
    for group in found.values():
        shares = [pair.share for pair in pairs if pair.first.student in group]
        members = map(group.__getitem__, sorted(group))
        clusters.append(SimilarCluster(tuple(members), max(shares)))
    return sorted(clusters, key=lambda cluster: (-len(cluster.members), -cluster.share))


def _pairs(
    path: str, marked: Sequence[tuple[Entry, Any]], given: set[int], threshold: float
) -> Iterable[tuple[SimilarPair, Side, Side]]:
    """Yield the pairs of one file; an index from fingerprint to submissions saves comparing all
    with all.
    """
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
            pair = SimilarPair(round(share, 3), path, first[0], second[0], count)
            yield pair, _side(first[1], kept), _side(second[1], kept)


def _near_identical(
    path: str, marked: Sequence[tuple[Entry, Any]], given: set[int]
) -> Iterator[tuple[SimilarPair, Side, Side]]:
    """Yield the pairs whose own code is nearly the same, however many others share it."""
    own = [prints.hashes - given for _, prints in marked]
    shared = _shared(own)
    sizes = np.array(list(map(len, own)), dtype=np.float32)
    either = sizes[:, None] + sizes[None, :] - shared
    alike = (shared >= NEARLY * either) & (np.minimum(sizes[:, None], sizes[None, :]) >= KGRAM)
    for one, two in np.argwhere(np.triu(alike, 1)):
        first, second = marked[one], marked[two]
        both = int(shared[one, two])
        pair = SimilarPair(
            round(both / float(either[one, two]), 3), path, first[0], second[0], both
        )
        yield pair, _side(first[1], own[one]), _side(second[1], own[two])


def _shared(own: Sequence[set[int]]) -> Any:
    """Return how many fingerprints each two submissions have in common, as a matrix."""
    everything = sorted(set().union(*own))
    columns = dict(zip(everything, range(len(everything)), strict=True))
    places = []
    for hashes in own:
        places.append(np.array(sorted(map(columns.__getitem__, hashes)), dtype=np.int64))
    shared = np.zeros((len(own), len(own)), dtype=np.float32)
    for start in range(0, len(everything), CHUNK):
        block = np.zeros((len(own), min(CHUNK, len(everything) - start)), dtype=np.float32)
        for row, found in enumerate(places):
            first, last = np.searchsorted(found, (start, start + CHUNK))
            block[row, found[first:last] - start] = 1
        shared += block @ block.T
    return shared


def _fingerprint(text: str) -> Any:
    """Return copydetect's fingerprint of a Python source."""
    fingerprint = _copydetect().CodeFingerprint(
        "source.py", KGRAM, WINDOW, fp=io.StringIO(text), language="python"
    )
    fingerprint.hashes = set(map(int, fingerprint.hashes))
    return fingerprint


def _copydetect() -> Any:
    """Return the library, or say how to get it."""
    try:
        import copydetect  # type: ignore[import-untyped]
        import copydetect.utils  # type: ignore[import-untyped]
    except ImportError as error:
        raise UsageError(
            "`grader similar` needs the extra: pip install 'grader[similar]'"
        ) from error
    return copydetect


def _side(fingerprint: Any, kept: set[int]) -> Side:
    """Return a source with those fingerprints that count."""
    places = {}
    for hash_, found in fingerprint.hash_idx.items():
        if int(hash_) in kept:
            places[int(hash_)] = list(found)
    return Side(fingerprint.raw_code, fingerprint.offsets, places)


def bare(text: str) -> str:
    """Return a source without its docstrings and comments, whether it can be parsed or not."""
    kept = []
    for kind, value in PythonLexer().get_tokens(_few_blank_lines(text)):
        if kind not in Token.Comment and kind not in Token.Literal.String.Doc:
            kept.append(value)
    return "".join(kept)


def _few_blank_lines(text: str) -> str:
    """Return a source without spaces at the ends of lines, and without a third blank line in a row.

    At each line pygments looks past all white space that follows, so many blank lines would take
    a time that grows with their square.
    """
    kept: list[str] = []
    blank = 0
    for line in text.splitlines():
        line = line.rstrip()
        blank = 0 if line else blank + 1
        if blank <= BLANK_LINES:
            kept.append(line)
    return "\n".join(kept) + "\n"


def _sources(store: Store, entry: Entry, handout: Mapping[str, str]) -> dict[str, str]:
    """Return the code that a student handed in, by the paths of the handout; what can't be read is
    left out.
    """
    base = store.out / entry.folder
    found: dict[str, str] = {}
    with contextlib.suppress(OSError, msgspec.MsgspecError):
        found = msgspec.json.decode((base / SOURCES).read_bytes(), type=dict[str, str])
    for path in handout:
        if path.endswith(".ipynb"):
            place = base / "notebooks" / path.rpartition("/")[2]
            with contextlib.suppress(OSError, msgspec.MsgspecError):
                if place.stat().st_size <= NOTEBOOK_LIMIT:
                    found[path] = code_of(place.read_bytes())
    return {path: text for path, text in found.items() if path in handout}


class _Ours(msgspec.Struct):
    role: str = ""


class _Metadata(msgspec.Struct):
    grader: _Ours = msgspec.field(default_factory=_Ours)


class _Cell(msgspec.Struct):
    cell_type: str = ""
    source: str | list[str] = ""
    metadata: _Metadata = msgspec.field(default_factory=_Metadata)

    @property
    def text(self) -> str:
        """The source as one text."""
        return self.source if isinstance(self.source, str) else "".join(self.source)


class _Notebook(msgspec.Struct):
    cells: list[_Cell] = []


def code_of(data: bytes) -> str:
    """Return the code of a notebook's cells; raise `MsgspecError` for bytes that are none."""
    cells = msgspec.json.decode(data, type=_Notebook).cells
    return "\n\n".join(cell.text for cell in cells if cell.cell_type == "code")


def given_of(data: bytes) -> str:
    """Return the code of an author's notebook that students are given: no answer, whether it is
    marked or a cell.
    """
    given = []
    for cell in msgspec.json.decode(data, type=_Notebook).cells:
        answer = cell.metadata.grader.role == "student" and "### BEGIN SOLUTION" not in cell.text
        if cell.cell_type == "code" and not answer:
            given.append(_without_answers(cell.text))
    return "\n\n".join(given)


def handout_of(assignment: Assignment, folder: Path | None) -> dict[str, str]:
    """Return what students were given of their files: from the handout's folder, or the reference
    without answers.
    """
    given = {}
    for file in assignment.spec.files:
        root = folder or assignment.reference
        path = root / file.path if root is not None else None
        there = path is not None and path.is_file()
        text = path.read_text("utf-8", "replace") if path is not None and there else ""
        given[file.path] = _without_answers(text)
    for notebook in assignment.spec.notebooks:
        path = folder / notebook.path if folder is not None else assignment.folder / notebook.source
        given[notebook.path] = ""
        with contextlib.suppress(OSError, msgspec.MsgspecError):
            data = path.read_bytes()
            given[notebook.path] = code_of(data) if folder is not None else given_of(data)
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


# --- pages ----------------------------------------------------------------------------------------


class SimilarityList(NamedTuple):
    """The list's path, and what is on it."""

    path: Path
    pairs: list[SimilarPair]
    clusters: list[SimilarCluster]
    compared: int


def write(store: Store, out: Path, handout: Mapping[str, str], threshold: float) -> SimilarityList:
    """Write the list and a side-by-side page for each of the first pairs."""
    get_copied_slices = _copydetect().utils.get_copied_slices
    class_ = store.read_class()
    pairs = []
    findings = find(store, handout, threshold)
    for number, (pair, first, second) in enumerate(findings.pairs, start=1):
        if number <= PAGES:
            pair = msgspec.structs.replace(pair, page=f"pair-{number:03}.html")
            both = set(first.places) & set(second.places)
            columns = [_marked(side, both, get_copied_slices) for side in (first, second)]
            text = page_of("pair.html.j2", class_=class_, pair=pair, columns=columns)
            write_atomically(out / pair.page, text.encode("utf-8", "replace"))
        pairs.append(pair)
    text = page_of(
        "similar.html.j2",
        class_=class_,
        pairs=pairs,
        clusters=findings.clusters,
        compared=findings.compared,
        threshold=threshold,
    )
    path = write_atomically(out / "index.html", text.encode("utf-8", "replace"))
    return SimilarityList(path, pairs, findings.clusters, findings.compared)


def _marked(side: Side, both: set[int], slices_of: Any) -> Markup:
    """Return a source with what the other has too between marks, escaped."""
    indices = set(chain.from_iterable(map(side.places.__getitem__, both)))
    code, offsets = side.code, side.offsets
    slices = slices_of(np.array(sorted(indices), dtype=int), KGRAM)
    if len(offsets) and len(slices[0]):
        found = np.clip(np.searchsorted(offsets[:, 0], slices), 0, offsets.shape[0] - 1)
        slices = slices + offsets[:, 1][found]
    parts, at = [], 0
    for start, end in zip(slices[0].astype(int), slices[1].astype(int), strict=True):
        start, end = max(at, int(start)), max(at, int(end))
        parts += [
            escape(_text(code[at:start])),
            Markup("<mark>"),
            escape(_text(code[start:end])),
            Markup("</mark>"),
        ]
        at = end
    return Markup("").join([*parts, escape(_text(code[at:]))])


def _text(code: str) -> str:
    return clean(code, SOURCE_LIMIT)
