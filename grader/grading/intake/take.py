"""The intake: a stranger's folder, archive or single file in, the files that the spec names out, as
bytes.

Theory of operation. The submission is untrusted in everything. It is read once, into memory,
against one budget (`collect`); archives (`archives`, `zips`) and folders (`folders`) differ only in
how entries come. What is dangerous to unpack is refused with a sentence, though nothing is ever
unpacked to disk, because an honest archive holds no such thing and a person may unpack it next.
Then `layout` decides which file is which, and only those leave the intake, under the spec's own
names: no name of the submission becomes a path. Whatever was not where it belongs, and whatever was
changed in vain, is said in the notes.
"""

from __future__ import annotations

import hashlib
import io
import os
import stat
from collections import Counter
from collections.abc import Callable, Collection, Mapping
from pathlib import Path

import msgspec

from grader.errors import GraderFault, SubmissionError
from grader.files import UNREADABLE
from grader.grading.intake.candidates import preferred, renamed, unread, work_of
from grader.grading.intake.entry_names import ARCHIVES, listed, plain, shown
from grader.grading.intake.folders import SAFE_READ, archive_within, read_folder
from grader.grading.intake.inner_archive import (
    DEEPEST,
    Inner,
    Opened,
    archives_in,
    chosen,
    troubled,
)
from grader.grading.intake.intake_budget import (
    DEFAULT_LIMITS,
    Collector,
    Entry,
    IntakeLimits,
    Wanted,
)
from grader.grading.intake.intake_notes import places, remarks, to_look_at
from grader.grading.intake.match_files import Layout, Match, arrange, choose
from grader.grading.intake.tar_archives import read_archive

__all__ = ["IntakeLimits", "Taken", "Wanted", "take"]

_Reader = Callable[[Collection[str]], Collector]
MOST_OWN_MODULES = 20
OWN_MODULE_BYTES = 1 << 20
_SINGLE = (".py", ".ipynb")


class Taken(msgspec.Struct, frozen=True):
    """What was taken of a submission."""

    name: str  # fit to be shown, never to be a path
    files: Mapping[str, bytes]  # path of the spec -> content
    missing: tuple[str, ...]
    notes: tuple[str, ...]  # sentences: what was taken from where, what was not used
    digest: str  # SHA-256 over the files, equal for equal files however they were handed in
    look: tuple[str, ...] = ()  # why a person should look at it
    places: tuple[str, ...] = ()  # those of the notes that say no more than where a file was found
    # further modules of the student's that the spec allows, by their places
    more: Mapping[str, bytes] = {}


def take(path: Path, wanted: Wanted, limits: IntakeLimits = DEFAULT_LIMITS) -> Taken:
    """Take in a submission: a folder, a .zip, a tar (plain, .gz, .xz, .bz2), or a single .py or
    .ipynb file.

    A folder that holds nothing but an archive is that archive, and of several the newest.

    Raises SubmissionError where it can't be taken in: the sentence names the entry and says what to
    do. Raises `GraderFault` if the machine can't read it, which says nothing of what was handed in.
    """
    path = archive_within(path)
    source = path.name if path.name not in ("", "..") else path.resolve().name

    def read(also: Collection[str] = ()) -> Collector:
        return _read(path, source, wanted, limits, also=also)

    try:
        collector, others = _look_twice(read, wanted)
        if (archive := _archive_beside(path, collector)) is not None:
            return _laid_over(path, archive, collector, wanted)
        return _taken(collector, wanted, others, read)
    except OSError as e:
        if e.errno in UNREADABLE:
            raise GraderFault(
                f"{shown(source)} can't be read ({e.strerror}): see to it, and grade again"
            ) from e
        raise SubmissionError(
            f"{shown(source)} can't be taken in: it can't be read ({e.strerror})."
        ) from e


def _look_twice(read: _Reader, wanted: Wanted) -> tuple[Collector, frozenset[str]]:
    """Read the entries, and again with those whose names say nothing if they may hold the work;
    return these too.
    """
    collector = read(())
    others = unread(collector, _matches(collector, wanted), wanted)
    return (read(others) if others else collector), others


def _taken(
    collector: Collector,
    wanted: Wanted,
    others: frozenset[str] = frozenset(),
    read: _Reader | None = None,
    depth: int = 0,
) -> Taken:
    """Return what is taken of the entries; raises SubmissionError if that is nothing.

    others: the files that were read though their names said nothing
    read: reads them again and keeps more files; without it no archive within is looked into
    """
    layout, asked = preferred(_laid_out(collector, wanted, others), collector, wanted)
    files = {name: collector.contents[match.entry.digest] for name, match in layout.chosen.items()}
    lacking = [name for name in wanted.paths if name not in files]
    inner = (
        _from_within(collector, wanted, lacking, read, depth) if lacking and read else Inner({}, ())
    )
    files |= inner.files
    if collector.unreadable and len(files) < len(wanted.paths):
        raise GraderFault(
            f"{', '.join(collector.unreadable[:3])} of {shown(collector.source)}: that is no fault"
            " of the submission's, and it may hold what is missing; see to it, and grade again"
        )
    if not files:
        raise collector.refusal(_nothing_found(collector, wanted))
    more = _own_modules(layout, collector)
    notes = remarks(layout, collector, wanted, inner.used)
    missing = [name for name in wanted.paths if name not in files]
    look = to_look_at(layout, asked, collector, missing)
    taken = _made(collector.source, files, wanted, (*inner.notes, *notes), tuple(look))
    digest = _digest({**taken.files, **more})
    return msgspec.structs.replace(
        taken, places=tuple(places(layout, wanted)), more=more, digest=digest
    )


def _own_modules(layout: Layout, collector: Collector) -> dict[str, bytes]:
    """Return the further modules that the spec allows, beside the files that were chosen; they are
    noted no more.
    """
    found: dict[str, bytes] = {}
    others: list[Entry] = []
    for entry in collector.entries:
        place = collector.own_module(entry.path, layout.root)
        data = collector.contents.get(entry.digest) if place and entry.digest else None
        if data is None or len(found) == MOST_OWN_MODULES or len(data) > OWN_MODULE_BYTES:
            others.append(entry)
        else:
            found[place] = data
    collector.entries = others
    return found


def _from_within(
    collector: Collector, wanted: Wanted, lacking: Collection[str], read: _Reader, depth: int
) -> Inner:
    """Return what an archive within the submission gives of the files that are missing."""
    archives = archives_in(collector)
    if not archives or depth >= DEEPEST:
        return Inner({}, ())
    try:
        again = read([entry.path for entry in archives])
    except SubmissionError as error:  # more than is held at once
        return Inner({}, (f"The archives within the submission were not opened: {error}",))
    digests = {entry.path: entry.digest for entry in again.entries}
    found, troubles = [], []
    for entry in archives:
        data = again.contents.get(digests.get(entry.path, ""), b"")
        opened = Opened(entry.path, data, wanted, again)
        try:
            first, others = _look_twice(opened.read, wanted)
            taken = _taken(first, wanted, others, opened.read, depth + 1)
        except SubmissionError as error:
            troubles.append(troubled(entry, error))
            continue
        gives = {name: taken.files[name] for name in lacking if name in taken.files}
        if gives:
            found.append((entry, Inner(gives, taken.notes)))
    return chosen(found, troubles)


def _made(
    source: str,
    files: Mapping[str, bytes],
    wanted: Wanted,
    notes: tuple[str, ...],
    look: tuple[str, ...] = (),
) -> Taken:
    return Taken(
        name=_display_name(source),
        files={name: files[name] for name in wanted.paths if name in files},
        missing=tuple(path for path in wanted.paths if path not in files),
        notes=notes,
        look=look,
        digest=_digest(files),
    )


def _archive_beside(path: Path, collector: Collector) -> Entry | None:
    """Return the one archive of a folder that lies beside loose code: some upload the whole, then a
    file of it anew.
    """
    top = [entry for entry in collector.entries if "/" not in entry.path and not entry.trouble]
    archives = [entry for entry in top if entry.path.lower().endswith(ARCHIVES)]
    loose = any(entry.path.lower().endswith(_SINGLE) for entry in top)
    return archives[0] if loose and len(archives) == 1 and path.is_dir() else None


def _laid_over(path: Path, archive: Entry, collector: Collector, wanted: Wanted) -> Taken:
    """Return the loose files of a folder, and from its archive what they lack."""
    entries = list(collector.entries)
    try:
        loose = _taken(collector, wanted)
        if not loose.missing:
            return loose
        collector.entries = [entry for entry in entries if entry is not archive]
        loose = _taken(collector, wanted)
    except SubmissionError:
        packed = take(path / archive.path, wanted, collector.limits)
        others = [entry.path for entry in entries if entry is not archive]
        note = (
            f"The archive {shown(archive.path)} was taken; what lay beside it was not used:"
            f" {listed(others)}."
        )
        return _made(collector.source, packed.files, wanted, (note, *packed.notes))
    try:
        packed = take(path / archive.path, wanted, collector.limits)
    except SubmissionError as e:
        return msgspec.structs.replace(
            loose, notes=(*loose.notes, f"The archive beside it was not used: {e}")
        )
    lacking = [name for name in loose.missing if name in packed.files]
    note = f"Loose files count before those of the archive {shown(archive.path)}"
    note += f", which gave {listed(lacking)}." if lacking else ", which gave nothing more."
    look = (note, *(packed.look if lacking else loose.look))
    both = {**packed.files, **loose.files}
    files = {name: both[name] for name in wanted.paths if name in both}
    return _made(collector.source, files, wanted, (note, *loose.notes, *packed.notes), look)


def _read(
    path: Path, source: str, wanted: Wanted, limits: IntakeLimits, also: Collection[str] = ()
) -> Collector:
    """Read whatever the path is into a new collector."""
    try:
        status = path.lstat()
    except (FileNotFoundError, ValueError) as e:  # a NUL in it is a ValueError
        raise SubmissionError(
            f"{shown(source)} can't be taken in: there is no such file or folder."
        ) from e
    if stat.S_ISDIR(status.st_mode):
        collector = Collector(source, wanted, limits, also=also)
        read_folder(os.fspath(path), collector)
        return collector
    if stat.S_ISLNK(status.st_mode):
        raise SubmissionError(
            f"{shown(source)} can't be taken in: it is a link; name the file or folder itself."
        )
    if not stat.S_ISREG(status.st_mode):
        raise SubmissionError(
            f"{shown(source)} can't be taken in: it is neither a folder nor a regular file."
        )
    with os.fdopen(os.open(path, SAFE_READ), "rb") as file:
        status = os.fstat(file.fileno())
        if not stat.S_ISREG(status.st_mode):
            raise SubmissionError(
                f"{shown(source)} can't be taken in: it is no regular file any more."
            )
        collector = Collector(source, wanted, limits, packed=status.st_size, also=also)
        if status.st_size > limits.max_bytes:
            raise collector.too_large()
        _read_file(file, collector)
    return collector


def _read_file(file: io.BufferedReader, collector: Collector) -> None:
    """Read a regular file: the one file that was handed in, or an archive."""
    source = collector.source
    if collector.reads(source):
        collector.absorb(source, iter(lambda: file.read(1 << 16), b""))
    elif source.lower().endswith(_SINGLE):
        collector.note(source)
    else:
        read_archive(file, collector)


def _matches(collector: Collector, wanted: Wanted) -> list[Match]:
    """Return every way in which an entry may be a wanted file by its name."""
    readable = [
        entry
        for entry in collector.entries
        if not entry.trouble and (entry.digest or entry.oversize)
    ]
    return arrange(readable, wanted.paths, wanted.provided)


def _laid_out(collector: Collector, wanted: Wanted, others: frozenset[str]) -> Layout:
    """Find the wanted files among the entries; raises SubmissionError if there are none, or one is
    too long.
    """
    matches = _matches(collector, wanted)
    root = _likely_root(matches)
    for entry, meant in renamed(collector, matches, wanted, others):
        matches.append(Match(entry, meant, root, 0, renamed=True, recased=False))
    layout = choose(matches, collector.refusal, lambda match: work_of(match, collector, wanted))
    for match in layout.chosen.values():
        if match.entry.oversize:
            raise collector.refusal(
                f"{shown(match.entry.path)} is longer than {collector.limits.max_file_bytes >> 20}"
                " MiB; clear the notebook's outputs, or whatever else fills it, and hand it in"
                " again"
            )
    return layout


def _likely_root(matches: list[Match]) -> str:
    """Return the root that most wanted files propose: a file of another name joins them."""
    roots = Counter(match.root for match in matches)
    return max(roots, key=lambda root: (roots[root], -len(root)), default="")


def _nothing_found(collector: Collector, wanted: Wanted) -> str:
    """Say that none of the wanted files is there, and what is there instead."""
    if not collector.entries:
        return f"it holds no files; hand in {listed(wanted.paths)}"
    bad = [entry for entry in collector.entries if entry.trouble]
    inner = [entry.path for entry in collector.entries if entry.path.lower().endswith(ARCHIVES)]
    if inner:
        return (
            "nothing that is graded was found in it, nor in the archives within it,"
            f" {listed(inner)}; hand in {listed(wanted.paths)} themselves"
        )
    if bad:
        return (
            f"{shown(bad[0].path)} {bad[0].trouble}; hand in the files themselves:"
            f" {listed(wanted.paths)}"
        )
    found = [entry.path for entry in collector.entries]
    return (
        f"it holds none of the files that are graded, only {listed(found)}; hand in"
        f" {listed(wanted.paths)}"
    )


def _display_name(source: str) -> str:
    lowered = source.lower()
    for suffix in (".tar.gz", ".tar.xz", ".tar.bz2", *ARCHIVES):
        if lowered.endswith(suffix) and len(source) > len(suffix):
            return plain(source[: -len(suffix)])
    return plain(source)


def _digest(files: Mapping[str, bytes]) -> str:
    """Return a digest in which neither order nor a file's end can be mistaken."""
    sha = hashlib.sha256()
    for path in sorted(files):
        for part in (path.encode(), files[path]):
            sha.update(len(part).to_bytes(8, "big"))
            sha.update(part)
    return sha.hexdigest()
