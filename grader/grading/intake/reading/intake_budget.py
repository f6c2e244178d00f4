"""What is read of a submission, and how much: the one budget of archives and folders.

Theory of operation. Everything about a submission is untrusted: names, sizes, order, and the claims
of an archive's headers. The readers (`tar_archives`, `zip_archives`, `folders`) hand each entry to
a `Collector`. It counts the entry first, refuses what is not allowed, keeps only the bytes of files
whose names the spec may mean, and lets all other bytes pass. Nothing is written to disk and no link
is followed. A number that the submission states about itself is only believed after it was counted.
"""

from __future__ import annotations

import fnmatch
import hashlib
import re
import sys
from collections.abc import Collection, Iterable

from grader.errors import GraderFault, SubmissionError, SubmissionTooLarge
from grader.files import UNREADABLE
from grader.grading.intake.candidates import CHECKPOINTS, MOST_CANDIDATES, Read
from grader.grading.intake.reading.entry_names import (
    EXECUTED,
    REPORTS,
    fault_of,
    fold,
    folded_name,
    has_control,
    is_litter,
    original_names,
    parts_of,
    shown,
)
from grader.grading.intake.submitted_files import MIB, Kind, SubmittedFile, Wanted

CHUNK = 1 << 16
_ONLY = "hand in only the files that you were asked for"


_MODULE = re.compile(r"(?:[A-Za-z_]\w*/){0,8}[A-Za-z_]\w*\.py", re.ASCII)


class Collector:
    """Gathers the entries of one submission and enforces the limits."""

    def __init__(
        self,
        source: str,
        wanted: Wanted,
        packed: int = 0,
        also: Collection[str] = (),
        within: Collector | None = None,
    ) -> None:
        """Of an archive, ``packed`` is its size in bytes.

        also: the paths of files that are read whatever their names are
        within: the collector of what holds the archive, whose budget it shares
        """
        self._also = also
        self._within = within
        self.source = source
        self.limits = wanted.limits
        self.packed = packed
        self.entries: list[SubmittedFile] = []
        # those of notebooks; they are read only on request
        self.checkpoints: list[SubmittedFile] = []
        self.contents: dict[str, bytes] = {}  # digest -> bytes, so that copies are kept once
        # (digest, wanted path) -> what was read, so that nothing is read twice
        self.looked_into: dict[tuple[str, str], Read] = {}
        self._wanted_names = frozenset(map(folded_name, wanted.paths))
        self._wanted_stems = frozenset(map(_stem, self._wanted_names))
        self._provided_names = frozenset(map(folded_name, wanted.provided))
        self._wanted_parts = frozenset("/".join(wanted.paths).split("/"))
        self._own_modules = wanted.own_modules
        self._asked_for = {*wanted.paths, *wanted.provided}
        self._folders: set[str] = set()
        self._files: set[str] = set()
        self._spelt: dict[str, str] = {}  # folded path of a file -> its first spelling
        # what the machine could not read, which may be what is missing
        self.unreadable: list[str] = []
        self.not_noted = 0
        self.passed_over = wanted.passed_over - self._wanted_parts
        self._count = self._bytes = self._kept = 0

    def refusal(self, why: str) -> SubmissionError:
        """Return the error that refuses the submission; ``why`` says what to do, too."""
        return SubmissionError(self._sentence(why))

    def _sentence(self, why: str) -> str:
        return f"{shown(self.source)} can't be taken in: {why}."

    def count(self) -> None:
        """Count one entry of any kind."""
        if self._within is not None:
            self._within.count()
        self._count += 1
        self._must_hold(0)

    def expect(self, entries: int) -> None:
        """Refuse what says ahead that it has more entries than may come, before any is read."""
        if self._within is not None:
            self._within.expect(entries)
        self._must_hold(entries)

    def _must_hold(self, entries: int) -> None:
        """Refuse so many entries more, if these are too many."""
        if self._count + entries > self.limits.max_entries:
            raise self.too_many()

    def too_many(self) -> SubmissionTooLarge:
        """Return the error of a submission of too many files and folders."""
        limit = self.limits.max_entries
        return SubmissionTooLarge(self._sentence(f"it has more than {limit} entries; {_ONLY}"))

    def grow(self, size: int) -> None:
        """Count bytes that were unpacked or read."""
        if self._within is not None:
            self._within.grow(size)
        self._bytes += size
        if self._bytes > self.limits.max_bytes:
            raise self.too_large()
        limit = self.limits.max_ratio * self.packed
        if self.packed and self._bytes > max(limit, self.limits.ratio_floor):
            times = f"more than {self.limits.max_ratio} times its size, as a zip bomb does"
            raise SubmissionTooLarge(self._sentence(f"it unpacks to {times}; {_ONLY}"))

    def too_large(self) -> SubmissionTooLarge:
        """Return the error of a submission that is too large as a whole."""
        limit = _mib(self.limits.max_bytes)
        why = f"it holds more than {limit}; leave out data sets and {_ONLY}"
        return SubmissionTooLarge(self._sentence(why))

    def litter(self, parts: list[str]) -> bool:
        """Return whether tools left this."""
        return is_litter(parts, self._wanted_parts)

    def checkpoint(self, parts: list[str]) -> bool:
        """Note a checkpoint that Jupyter made of a notebook; return whether it is to be read."""
        path = "/".join(parts)
        is_one = (
            path.lower().endswith(".ipynb")
            and parts[-2:-1] == [CHECKPOINTS]
            and not self.litter(parts[:-2])
        )
        if is_one and path not in self._also and len(self.checkpoints) < MOST_CANDIDATES:
            self.checkpoints.append(SubmittedFile(path))
        return is_one and path in self._also

    def own_module(self, path: str, root: str) -> str:
        """Return the path of a further module of the student's below the root, or nothing."""
        place = path.removeprefix(f"{root}/") if root else path
        hides = place.partition("/")[0].removesuffix(".py") in sys.stdlib_module_names
        if hides or place in self._asked_for or not _MODULE.fullmatch(place):
            return ""
        return place if _matches_one(place, self._own_modules) else ""

    def ours(self, name: str, beside: Collection[str]) -> bool:
        """Return whether it holds the executed notebooks of an earlier check, not a student's."""
        return name == EXECUTED and name not in self._wanted_parts and REPORTS.issubset(beside)

    def admit(self, name: str, kind: Kind) -> str | None:
        """Return the path of an archive's entry if its bytes are to be read; None for the others.

        An entry that can't be taken is left out and noted. Raises SubmissionError if the spec may
        mean that entry, and for a name that leads out of the folder that a person unpacks it in.
        """
        self.count()
        if fault := fault_of(name):
            raise self.refusal(
                f"the entry {shown(name)} {fault}; pack the folder again with your system's own zip"
            )
        parts = parts_of(name)
        if not parts or self.litter(parts):
            return "/".join(parts) if kind is Kind.FILE and self.checkpoint(parts) else None
        path = "/".join(parts)
        if has_control(path):
            raise self.refusal(f"the name {shown(name)} holds a control character; rename it")
        if trouble := self._trouble(parts, kind):
            if self.reads(path):
                raise self.refusal(
                    f"the entry {shown(name)} {trouble}; pack the file itself in its place, once"
                )
            self.note(path, trouble=trouble)
            return None
        (self._folders if kind is Kind.FOLDER else self._files).add(path)
        self._folders.update(_above(parts))
        return path if kind is Kind.FILE else None

    @property
    def too_deep(self) -> str:
        """The trouble of a path in too many folders."""
        return f"lies more than {self.limits.max_depth} folders deep"

    def machine(self, path: str, error: OSError) -> None:
        """Raise `GraderFault` if the machine failed: the content of the submission is unknown."""
        if error.errno in UNREADABLE:
            what = f"{shown(path)} of {shown(self.source)} can't be read ({error.strerror})"
            raise GraderFault(
                f"{what}: this is not the fault of the submission; see to it, and grade again"
            ) from error

    def unread(self, path: str, error: OSError) -> None:
        """Note what can't be read; it is a fault of the machine only if a file is missing later."""
        if error.errno in UNREADABLE:
            self.unreadable.append(f"{shown(path)} ({error.strerror})")
        self.note(path, trouble=f"can't be read ({error.strerror})")

    def reads(self, path: str) -> bool:
        """Return whether the bytes of a file matter: the spec may mean it, or it is provided."""
        return self._keeps(path) or self._provides(path)

    def archive_paths(self) -> list[str]:
        """Return the paths of the archives that were seen."""
        return [entry.path for entry in self.entries if entry.is_archive]

    def troubled(self) -> list[SubmittedFile]:
        """Return the entries that can't be read."""
        return [entry for entry in self.entries if entry.trouble]

    def note(self, path: str, size: int = 0, *, trouble: str = "", oversize: bool = False) -> None:
        """Record a file that is not read."""
        if len(self.entries) >= self.limits.max_noted and not self.reads(path):
            self.not_noted += 1
            return
        self.entries.append(SubmittedFile(path, size, trouble=trouble, oversize=oversize))

    def absorb(self, path: str, chunks: Iterable[bytes]) -> None:
        """Read a file to its end; keep it if the spec may mean it, digest it if it matters."""
        keep = self._keeps(path)
        digested = keep or self._provides(path)
        kept: list[bytes] = []
        size, sha = 0, hashlib.sha256()
        for chunk in chunks:
            size += len(chunk)
            if digested:
                sha.update(chunk)
            if digested and size <= self.limits.max_file_bytes:
                kept.append(chunk)
            else:
                kept.clear()
        oversize = size > self.limits.max_file_bytes
        data = b"".join(kept)
        digest = sha.hexdigest() if digested else ""
        unix = ""
        if digested and not (keep or oversize):
            unix = hashlib.sha256(data.replace(b"\r\n", b"\n")).hexdigest()
        if keep and not oversize and digest not in self.contents:
            self._keep(digest, data)
        if not digest and len(self.entries) >= self.limits.max_noted:
            self.not_noted += 1
            return
        self.entries.append(SubmittedFile(path, size, digest, unix, oversize=oversize))

    def _keep(self, digest: str, data: bytes) -> None:
        self._kept += len(data)
        if self._kept > self.limits.max_kept_bytes:
            limit = _mib(self.limits.max_kept_bytes)
            raise self.refusal(
                f"its files named like the assignment's take more than {limit}; clear the "
                "notebooks' outputs and leave out old copies"
            )
        self.contents[digest] = data

    def _provides(self, path: str) -> bool:
        return folded_name(path) in self._provided_names

    def _keeps(self, path: str) -> bool:
        basename = _basename(path)
        folded = fold(basename)
        if path in self._also or _matches_one(basename, map(_basename, self._own_modules)):
            return True
        if not any(stem in folded for stem in self._wanted_stems):  # true of most names
            return False
        return not self._wanted_names.isdisjoint(map(fold, original_names(basename)))

    def _trouble(self, parts: list[str], kind: Kind) -> str:
        """Return why an entry of an archive can't be taken, or an empty string."""
        path = "/".join(parts)
        if len(path) > self.limits.max_name:
            return f"has a path of more than {self.limits.max_name} characters"
        if len(parts) - 1 > self.limits.max_depth:
            return self.too_deep
        if kind not in (Kind.FILE, Kind.FOLDER):
            return f"is {kind.value}"
        if not self._files.isdisjoint(_above(parts)):
            return "is in a path that is both a file and a folder"
        if kind is Kind.FOLDER:
            return "is both a file and a folder" if path in self._files else ""
        if path in self._folders:
            return "is both a file and a folder"
        if path in self._files:
            return "is one of two entries of this name"
        first = self._spelt.setdefault(fold(path), path)
        if first != path and not self.reads(path):  # of graded files the exact name counts
            return f"differs from {shown(first)} only in case or in Unicode form"
        return ""


def _above(parts: list[str]) -> list[str]:
    """Return the paths of the folders that hold an entry."""
    return ["/".join(parts[:end]) for end in range(1, len(parts))]


def _matches_one(name: str, patterns: Iterable[str]) -> bool:
    return any(fnmatch.fnmatchcase(name, pattern) for pattern in patterns)


def _basename(path: str) -> str:
    return path.rpartition("/")[2]


def _stem(name: str) -> str:
    return name.rpartition(".")[0] or name


def _mib(size: int) -> str:
    return f"{size / MIB:.0f} MiB" if size >= MIB else f"{size} bytes"
