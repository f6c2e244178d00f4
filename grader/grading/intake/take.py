"""The intake: an untrusted folder, archive or file comes in; the spec's files go out, as bytes.

Theory of operation. Everything about the submission is untrusted. It is read once, into memory,
against one budget (`intake_budget`); archives (`tar_archives`, `zip_archives`) and folders
(`folders`) differ only in how entries come. An entry that is dangerous to unpack is refused with a
message, although nothing is ever unpacked to disk: an honest archive holds no such entry, and a
person may unpack it next. Then `match_files` decides which file is which. Only those files leave
the intake, under the spec's own names: no name of the submission becomes a path. The notes say
which files were not in their places and which changes had no effect.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping
from pathlib import Path

import msgspec

from grader.errors import GraderFault, SubmissionError
from grader.files import UNREADABLE
from grader.grading.intake.candidates import preferred, renamed, unread, work_of
from grader.grading.intake.intake_notes import places, remarks, to_look_at
from grader.grading.intake.match_files import Layout, Match, arrange, choose
from grader.grading.intake.read_submission import SINGLE, read_submission
from grader.grading.intake.reading.entry_names import ARCHIVES, listed, plain, shown
from grader.grading.intake.reading.folders import archive_within, beside
from grader.grading.intake.reading.inner_archive import (
    DEEPEST,
    Inner,
    Opened,
    archives_in,
    chosen,
    troubled,
)
from grader.grading.intake.reading.intake_budget import Collector
from grader.grading.intake.submitted_files import SubmittedFile, Wanted, paths_of

_Reader = Callable[[Collection[str]], Collector]
MOST_OWN_MODULES = 20
OWN_MODULE_BYTES = 1 << 20


class Taken(msgspec.Struct, frozen=True):
    """What was taken from a submission."""

    name: str  # fit to be shown, never to be a path
    files: Mapping[str, bytes]  # path of the spec -> content
    missing: tuple[str, ...]
    notes: tuple[str, ...]  # sentences: which file was taken from which place, what was not used
    digest: str  # SHA-256 over the files, equal for equal files however they were handed in
    look: tuple[str, ...] = ()  # why a person should look at it
    places: tuple[str, ...] = ()  # those of the notes that only say where a file was found
    # further modules of the student's that the spec allows: path -> content
    more: Mapping[str, bytes] = {}


def take(path: Path, wanted: Wanted) -> Taken:
    """Take in a folder, a .zip, a tar (plain, .gz, .xz, .bz2), or a single .py or .ipynb file.

    A folder that holds only archives stands for the newest of them.

    Raises `SubmissionError` if it can't be taken in: the message names the entry and says what to
    do. Raises `GraderFault` if the machine can't read it, whatever was handed in.
    """
    given, path = path, archive_within(path)
    source = path.name if path.name not in ("", "..") else path.resolve().name

    def read(also: Collection[str] = ()) -> Collector:
        return read_submission(path, source, wanted, also=also)

    try:
        collector, others = _look_twice(read, wanted)
        if (archive := _archive_beside(path, collector)) is not None:
            return _laid_over(path, archive, collector, wanted)
        taken = _taken(collector, wanted, others, read)
        return taken if path == given else _chosen_archive(taken, given, path)
    except OSError as e:
        if e.errno in UNREADABLE:
            raise GraderFault(
                f"{shown(source)} can't be read ({e.strerror}): see to it, and grade again"
            ) from e
        raise SubmissionError(
            f"{shown(source)} can't be taken in: it can't be read ({e.strerror})."
        ) from e


def _chosen_archive(taken: Taken, folder: Path, archive: Path) -> Taken:
    """Return what was taken of an archive, with notes on what lies beside it in the folder."""
    archives, files = beside(folder, archive)
    notes, look = [], []
    if archives:
        note = f"Of several archives the newest was taken, {shown(archive.name)}"
        look = [f"{note}, and not {listed(archives)}"]
        notes.append(f"{look[0]}.")
    if files:
        notes.append(f"The archive {shown(archive.name)} was taken, and not {listed(files)}.")
    return msgspec.structs.replace(taken, notes=(*notes, *taken.notes), look=(*look, *taken.look))


def _look_twice(read: _Reader, wanted: Wanted) -> tuple[Collector, frozenset[str]]:
    """Read the entries; if work may be missing, read again with files of other names.

    Returns the entries and the paths of those other files.
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

    others: the files of other names that were read
    read: reads the entries again and keeps more files; without it no archive within is opened
    """
    layout, asked = preferred(_laid_out(collector, wanted, others), collector, wanted)
    files: dict[str, bytes] = {}
    for name, match in layout.chosen.items():
        files[name] = collector.contents[match.entry.digest]
    lacking = wanted.lacking(files)
    inner = Inner({}, ())
    if lacking and read:
        inner = _from_within(collector, wanted, lacking, read, depth)
    files |= inner.files
    missing = wanted.lacking(files)
    if collector.unreadable and missing:
        what = f"{', '.join(collector.unreadable[:3])} of {shown(collector.source)}"
        raise GraderFault(
            f"{what}: this is not the fault of the submission, and it may hold what is missing; "
            "see to it, and grade again"
        )
    if not files:
        raise collector.refusal(_nothing_found(collector, wanted))
    more = _own_modules(layout, collector)
    notes = remarks(layout, collector, wanted, inner.used)
    look = to_look_at(layout, asked, collector, missing)
    taken = _made(collector.source, files, wanted, (*inner.notes, *notes), tuple(look))
    digest = _digest({**taken.files, **more})
    return msgspec.structs.replace(
        taken, places=tuple(places(layout, wanted)), more=more, digest=digest
    )


def _own_modules(layout: Layout, collector: Collector) -> dict[str, bytes]:
    """Return the further modules that the spec allows, and drop them from the entries."""
    found: dict[str, bytes] = {}
    others: list[SubmittedFile] = []
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
    """Return what an archive within the submission holds of the missing files."""
    archives = archives_in(collector)
    if not archives or depth >= DEEPEST:
        return Inner({}, ())
    try:
        again = read(paths_of(archives))
    except SubmissionError as error:  # more than the memory limit
        return Inner({}, (f"The archives within the submission were not opened: {error}",))
    digests: dict[str, str] = {}
    for seen in again.entries:
        digests[seen.path] = seen.digest
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
        if gives := _picked(taken.files, lacking):
            found.append((entry, Inner(gives, taken.notes)))
    return chosen(found, troubles)


def _picked(files: Mapping[str, bytes], names: Iterable[str]) -> dict[str, bytes]:
    """Return the files of these names, in the order of the names."""
    return {name: files[name] for name in names if name in files}


def _made(
    source: str,
    files: Mapping[str, bytes],
    wanted: Wanted,
    notes: tuple[str, ...],
    look: tuple[str, ...] = (),
) -> Taken:
    return Taken(
        name=_display_name(source),
        files=_picked(files, wanted.paths),
        missing=tuple(wanted.lacking(files)),
        notes=notes,
        look=look,
        digest=_digest(files),
    )


def _archive_beside(path: Path, collector: Collector) -> SubmittedFile | None:
    """Return the one archive beside loose code in a folder, or None.

    Some students upload an archive of everything, and later one of its files again.
    """
    archives: list[SubmittedFile] = []
    loose = False
    for entry in collector.entries:
        if "/" in entry.path or entry.trouble:
            continue
        if entry.is_archive:
            archives.append(entry)
        loose = loose or entry.path.lower().endswith(SINGLE)
    return archives[0] if loose and len(archives) == 1 and path.is_dir() else None


def _laid_over(path: Path, archive: SubmittedFile, collector: Collector, wanted: Wanted) -> Taken:
    """Return the loose files of a folder, and from its archive the files that are missing."""
    others = [entry for entry in collector.entries if entry is not archive]
    try:
        loose = _taken(collector, wanted)
        if not loose.missing:
            return loose
        collector.entries = others
        loose = _taken(collector, wanted)
    except SubmissionError:
        packed = take(path / archive.path, wanted)
        unused = f"other files beside it were not used: {listed(paths_of(others))}"
        note = f"The archive {shown(archive.path)} was taken; {unused}."
        return _made(collector.source, packed.files, wanted, (note, *packed.notes))
    try:
        packed = take(path / archive.path, wanted)
    except SubmissionError as e:
        note = f"The archive beside it was not used: {e}"
        return msgspec.structs.replace(loose, notes=(*loose.notes, note))
    lacking = [name for name in loose.missing if name in packed.files]
    note = f"Loose files count before those of the archive {shown(archive.path)}"
    note += f", which gave {listed(lacking)}." if lacking else ", which gave nothing more."
    look = (note, *(packed.look if lacking else loose.look))
    files = {**packed.files, **loose.files}
    return _made(collector.source, files, wanted, (note, *loose.notes, *packed.notes), look)


def _matches(collector: Collector, wanted: Wanted) -> list[Match]:
    """Return every way in which an entry may be a wanted file by its name."""
    readable = [one for one in collector.entries if one.was_read and not one.trouble]
    return arrange(readable, wanted.paths, wanted.provided)


def _laid_out(collector: Collector, wanted: Wanted, others: frozenset[str]) -> Layout:
    """Find the wanted files among the entries.

    Raises SubmissionError if none is there, or if one is too long.
    """
    matches = _matches(collector, wanted)
    root = _likely_root(matches)
    for meant, entry in renamed(collector, matches, wanted, others).items():
        matches.append(Match(entry, meant, root, 0, renamed=True, recased=False))
    layout = choose(matches, collector.refusal, lambda match: work_of(match, collector, wanted))
    for match in layout.chosen.values():
        if match.entry.oversize:
            limit = f"{collector.limits.max_file_bytes >> 20} MiB"
            raise collector.refusal(
                f"{shown(match.entry.path)} is longer than {limit}; clear the notebook's "
                "outputs, or whatever else fills it, and hand it in again"
            )
    return layout


def _likely_root(matches: list[Match]) -> str:
    """Return the root that most wanted files propose; renamed files are placed below it."""
    roots = Counter(match.root for match in matches)
    return max(roots, key=lambda root: (roots[root], -len(root)), default="")


def _nothing_found(collector: Collector, wanted: Wanted) -> str:
    """Return the reason of a refusal: none of the wanted files is there, but what is."""
    files = listed(wanted.paths)
    if not collector.entries:
        return f"it holds no files; hand in {files}"
    if inner := collector.archive_paths():
        return (
            "nothing that is graded was found in it, nor in the archives within it, "
            f"{listed(inner)}; hand in {files} themselves"
        )
    if bad := collector.troubled():
        return f"{shown(bad[0].path)} {bad[0].trouble}; hand in the files themselves: {files}"
    found = listed(paths_of(collector.entries))
    return f"it holds none of the files that are graded, only {found}; hand in {files}"


def _display_name(source: str) -> str:
    lowered = source.lower()
    for suffix in (".tar.gz", ".tar.xz", ".tar.bz2", *ARCHIVES):
        if lowered.endswith(suffix) and len(source) > len(suffix):
            return plain(source[: -len(suffix)])
    return plain(source)


def _digest(files: Mapping[str, bytes]) -> str:
    """Return a digest that depends on each file's path and bytes, but not on their order."""
    sha = hashlib.sha256()
    for path in sorted(files):
        for part in (path.encode(), files[path]):
            sha.update(len(part).to_bytes(8, "big"))
            sha.update(part)
    return sha.hexdigest()
