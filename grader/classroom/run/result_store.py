"""Results on disk: a folder per student, each file whole or not there, and a row written last that
makes it complete.

Theory of operation. One process writes, and holds a lock while it does. A result is complete when
its row says so, and the row bears the key of what was graded: the digests of the submission, the
assignment with its expectations, and the grader. The row is removed before any other file of a
result is replaced, so a run that is killed at any moment leaves results that are complete or will
be made again, never a mixture that is taken for complete. What a result no longer has is removed by
the record of what was written: other people's files in these folders are never touched.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime
from operator import attrgetter
from pathlib import Path
from typing import Any

import msgspec

from grader.classroom.marks import decisions
from grader.classroom.marks.written_answers import WrittenAnswer
from grader.classroom.run.results import CLASS_SCHEMA, ClassFile, Row
from grader.errors import UsageError
from grader.files import write_atomically
from grader.model import REPORT_JSON

CLASS, LOG, LOCK = "class.json", "log.jsonl", ".lock"
CLASS_COPY = ".class.json"
GRADEBOOK, INDEX, TODO = "gradebook.csv", "index.html", "todo.html"
RESERVED = (
    CLASS,
    LOG,
    GRADEBOOK,
    INDEX,
    TODO,
    "overrides.toml",
    "regrade.json",
    "similar",
    decisions.NAME,
)
KEPT = ".grade"  # in a student's folder: what the next run needs
ROW, RAW, SOURCES, ANSWERS = (
    f"{KEPT}/row.json",
    f"{KEPT}/report.json",
    f"{KEPT}/sources.json",
    f"{KEPT}/answers.json",
)
WRITTEN = f"{KEPT}/files.json"  # the names of a result's files
NEEDED = frozenset({RAW, REPORT_JSON, SOURCES, ANSWERS, WRITTEN})  # to render a result again
WORK_PREFIX = "grader-batch-"


class Store:
    """The output folder of a class."""

    def __init__(self, out: Path) -> None:
        self.out = out

    # --- one student's result ---------------------------------------------------------------------

    def row(self, folder: str, student: str) -> Row | None:
        """Return the row of a complete result, or None; another student's, or one that is broken,
        is none.
        """
        try:
            row = msgspec.json.decode(self._read(f"{folder}/{ROW}"), type=Row)
        except (OSError, msgspec.MsgspecError):
            return None
        whole = row.schema == CLASS_SCHEMA and (self.out / f"{folder}/{WRITTEN}").is_file()
        return row if whole and row.student == student else None

    def write(self, folder: str, files: Mapping[str, bytes], row: Row) -> None:
        """Write a result: the row goes first and comes back last, and what the result no longer has
        is removed.
        """
        base, earlier = self.out / folder, self.written(folder)
        (base / ROW).unlink(missing_ok=True)
        if not earlier.issuperset(files) or not (base / WRITTEN).is_file():
            # Before they are there: a run that is killed leaves none that is not known.
            write_atomically(base / WRITTEN, msgspec.json.encode(sorted(earlier.union(files))))
        for name, data in files.items():
            write_atomically(base / name, data)
        if gone := earlier.difference(files):
            _unlink(base, gone)
            write_atomically(base / WRITTEN, msgspec.json.encode(sorted(files)))
        digests = {name: digest(data) for name, data in sorted(files.items())}
        row = msgspec.structs.replace(row, files=digests)
        write_atomically(base / ROW, msgspec.json.encode(row))

    def write_fault(self, folder: str, row: Row) -> None:
        """Write that the grader failed; keep the files of a complete result that stands there, and
        its row in the new one.
        """
        there = self.row(folder, row.student)
        before = there.before or there if there is not None else None
        if before is None or not before.complete:
            self.write(folder, {}, row)
            return
        kept = f"{row.message}; an earlier result is kept and gives no mark"
        if before.started:
            kept += f" (of {before.started[:16]})"
        row = msgspec.structs.replace(row, before=before, files=before.files, message=kept)
        write_atomically(self.out / folder / ROW, msgspec.json.encode(row))

    def restore(self, folder: str, row: Row) -> None:
        """Write the row of a result that was kept through a fault, and counts again."""
        write_atomically(self.out / folder / ROW, msgspec.json.encode(row))

    def must_be_graded_again(self, row: Row, damaged: set[str]) -> bool:
        """Tell whether a result is so damaged that it can't be rendered again from what is
        whole.
        """
        needed = NEEDED - {REPORT_JSON} if RAW in row.files else NEEDED
        return any(name in needed or name.startswith("notebooks/") for name in damaged)

    def damaged(self, folder: str, row: Row) -> set[str]:
        """Return the files of a result that are not as they were written: a disk or a power loss
        may cut them.
        """
        base = self.out / folder
        found = set() if self.written(folder) == set(row.files) else {WRITTEN}
        for name, expected in row.files.items():
            try:
                whole = digest((base / name).read_bytes()) == expected
            except OSError:
                whole = False
            if not whole:
                found.add(name)
        return found

    def written(self, folder: str) -> set[str]:
        """Return the names of the files that were written of a result."""
        try:
            return set(msgspec.json.decode(self._read(f"{folder}/{WRITTEN}"), type=list[str]))
        except (OSError, msgspec.MsgspecError):
            return set()

    def _read(self, name: str) -> bytes:
        return (self.out / name).read_bytes()

    def remove(self, folder: str) -> None:
        """Remove a student's result, and the folder if nothing else lies in it."""
        base = self.out / folder
        (base / ROW).unlink(missing_ok=True)
        _unlink(base, self.written(folder))
        _unlink(base, {WRITTEN})

    def holds_results(self) -> bool:
        """Tell whether results of a class lie here, whatever became of ``class.json``."""
        return (self.out / LOCK).is_file() and next(self.out.glob(f"*/{ROW}"), None) is not None

    def left_over(self, class_: ClassFile) -> list[str]:
        """Return the folders of results whose students are not in the class any more."""
        there = map(attrgetter("parent.parent.name"), self.out.glob(f"*/{ROW}"))
        return sorted(set(there).difference(map(attrgetter("folder"), class_.entries)))

    def kept(self, folder: str) -> dict[str, bytes]:
        """Return what rendering a result again takes: the report as graded, the sources, the
        executed notebooks.
        """
        base = self.out / folder
        raw = base / RAW
        files = {RAW: raw.read_bytes() if raw.is_file() else (base / REPORT_JSON).read_bytes()}
        for name in (SOURCES, ANSWERS):
            if (base / name).is_file():
                files[name] = (base / name).read_bytes()
        for path in sorted((base / "notebooks").glob("*.ipynb")):
            files[f"notebooks/{path.name}"] = path.read_bytes()
        return files

    def answers(self, folder: str) -> dict[str, WrittenAnswer]:
        """Return a student's answers in words."""
        try:
            return read_answers((self.out / folder / ANSWERS).read_bytes())
        except (OSError, msgspec.MsgspecError):
            return {}

    def texts(self, folder: str, row: Row) -> Mapping[str, str]:
        """Return the digest of each answer by its id; of a result of an earlier version they are
        worked out.
        """
        if row.texts is not None:
            return row.texts
        return {id_: answer.seen for id_, answer in self.answers(folder).items()}

    # --- the class --------------------------------------------------------------------------------

    def write_class(self, class_: ClassFile) -> None:
        """Write ``class.json``, and a copy for the case that it is damaged."""
        data = msgspec.json.format(msgspec.json.encode(class_), indent=1) + b"\n"
        write_atomically(self.out / CLASS_COPY, data)
        write_atomically(self.out / CLASS, data)

    def read_class(self) -> ClassFile:
        """Read ``class.json``; raise `UsageError` if this folder was not made by ``grader
        batch``.
        """
        path = self.out / CLASS
        try:
            class_ = _decoded(path)
        except msgspec.MsgspecError as error:
            try:
                class_ = _decoded(self.out / CLASS_COPY)
            except (OSError, msgspec.MsgspecError):
                raise UsageError(f"{path} is damaged ({error}): grade the class again") from error
        except OSError as error:
            raise UsageError(
                f"{self.out} holds no class that `grader batch` wrote ({path.name}: {error})"
            ) from error
        if class_.schema != CLASS_SCHEMA:
            raise UsageError(
                f"{path} has schema {class_.schema}, this grader reads {CLASS_SCHEMA}: grade into a"
                " new folder"
            )
        return class_

    def verified(self) -> str:
        """Return the digest of the assignment of the last run, with expectations that were up to
        date; or nothing.
        """
        try:
            return self.read_class().assignment
        except UsageError:
            return ""

    def log(self, **facts: Any) -> None:
        """Append one line to the log, in one write."""
        line = json.dumps(
            {"time": datetime.now(UTC).isoformat(timespec="milliseconds"), **facts},
            ensure_ascii=True,
        )
        descriptor = os.open(self.out / LOG, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
        try:
            os.write(descriptor, f"{line}\n".encode())
        finally:
            os.close(descriptor)

    @contextlib.contextmanager
    def locked(self) -> Iterator[Path]:
        """Hold the folder alone and give a scratch folder; what an earlier, killed run left of its
        own is removed.
        """
        try:
            self.out.mkdir(parents=True, exist_ok=True)
            file = (self.out / LOCK).open("a+", encoding="utf-8")
        except OSError as error:
            raise UsageError(f"can't write to {self.out}: {error.strerror}") from error
        with file:
            if not take_lock(file.fileno()):
                raise UsageError(f"another run is at work in {self.out}: wait for it, or end it")
            file.seek(0)
            _sweep(file.read().strip())
            work = Path(tempfile.mkdtemp(prefix=WORK_PREFIX))
            # boxes may run as other users, who must reach their own folders below it
            work.chmod(0o711)
            file.truncate(0)
            file.write(str(work))
            file.flush()
            try:
                yield work
            finally:
                shutil.rmtree(work, ignore_errors=True)


def read_answers(data: bytes) -> dict[str, WrittenAnswer]:
    """Return the answers of an ``answers.json``; results of earlier versions hold their texts
    alone.
    """
    kept = msgspec.json.decode(data, type=dict[str, WrittenAnswer | str])
    return {
        name: WrittenAnswer(answer) if isinstance(answer, str) else answer
        for name, answer in kept.items()
    }


def digest(data: bytes) -> str:
    """Return the digest by which a file of a result is known to be whole."""
    return hashlib.sha256(data).hexdigest()


def _decoded(path: Path) -> ClassFile:
    return msgspec.json.decode(path.read_bytes(), type=ClassFile)


def _unlink(base: Path, names: Iterable[str]) -> None:
    """Remove files below a folder, and folders that are empty then."""
    for name in names:
        path = base / name
        path.unlink(missing_ok=True)
        for folder in path.parents:
            if base not in (folder, *folder.parents):
                break
            with contextlib.suppress(OSError):  # something else lies in it, or it is gone already
                folder.rmdir()


def _sweep(left: str) -> None:
    """Remove the scratch folder of a run that was killed."""
    path = Path(left)
    if left and path.name.startswith(WORK_PREFIX) and path.parent == Path(tempfile.gettempdir()):
        shutil.rmtree(path, ignore_errors=True)


def take_lock(descriptor: int) -> bool:
    """Take the lock, which ends with this process however it ends; systems without such locks go
    without.
    """
    try:
        import fcntl
    except ImportError:
        return True
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:  # some network file systems know no locks
        return True
    return True
