"""One submission graded in a worker process: bytes in, bytes out, whether the worker is here or on
another host.

Theory of operation. A task and its result are bytes (msgpack of the structs below), so that no
pickle ever holds more than bytes; what is decoded is checked against the structs' types. A worker
is trusted as the coordinator is: it runs the checks and holds the expectations, and its sandbox
holds the student. It keeps one open sandbox from task to task. If a worker has no copy of the
assignment yet, it says so and gets the task again with the assignment in it.
"""

from __future__ import annotations

import atexit
import contextlib
import functools
import io
import os
import shutil
import tempfile
import threading
import zipfile
from collections.abc import Mapping
from itertools import filterfalse
from operator import attrgetter
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from grader import __version__
from grader.classroom.marks.course_marks import Inline, Rules
from grader.classroom.run.result_store import ANSWERS, RAW, SOURCES, read_answers
from grader.classroom.run.results import CheckRow, SubmissionOutcome, check_rows
from grader.errors import AssignmentError, GraderError, IsolationError, UsageError
from grader.grading.intake.take import Taken
from grader.limits import THREADS
from grader.machine import oom_kills
from grader.model import Status

if TYPE_CHECKING:
    from grader.assignment.spec import Assignment
    from grader.classroom.marks.written_answers import WrittenAnswer
    from grader.grading.grade import Graded, Grader


LITTER = frozenset(("__pycache__", ".ipynb_checkpoints"))
OUT_OF_MEMORY = (
    "the machine ran out of memory while this was graded, and the kernel killed a process of it:"
    " grade again with more memory, or with fewer workers"
)


class Task(msgspec.Struct, frozen=True, kw_only=True):
    """What a worker is asked to do for one submission."""

    version: str = __version__
    digest: str  # of the assignment as it travels
    folder: str = ""  # where the assignment lies, for workers of this machine
    bundle: bytes = b""  # the assignment itself, for a worker that asked for it
    isolation: str
    title: str  # what the report calls the submission
    taken: Taken | None = None  # None: render what is there already
    only: tuple[str, ...] = ()  # the checks to run; empty: all
    # the result that the new checks go into, or that is rendered again
    earlier: Mapping[str, bytes] = {}
    inline: tuple[Inline, ...] = ()
    rules: Rules = Rules()


class Done(msgspec.Struct, frozen=True, kw_only=True):
    """What a worker answers."""

    needs_bundle: bool = False
    # nothing can be graded here, by a fault of machine or assignment: the whole run ends
    cannot: str = ""
    fault: str = ""  # the grader failed
    # something of ours failed, or a box was killed: try again before it is believed
    doubtful: bool = False
    files: Mapping[str, bytes] = {}
    outcome: SubmissionOutcome = SubmissionOutcome.GRADED
    checks: tuple[CheckRow, ...] = ()
    answered: tuple[str, ...] = ()
    texts: Mapping[str, str] = {}  # digest of each answer
    notes: tuple[str, ...] = ()  # of the report, without those on where a file was found
    look: tuple[str, ...] = ()  # why a person should look at it, as far as grading found that
    seconds: float = 0.0
    started: str = ""
    isolation: str = ""
    worker: str = ""


def prepare(temporary: str, environment: Mapping[str, str], boxes: int) -> None:
    """Make a fresh process a worker of this machine: it ends with its parent, and not at Ctrl-C or
    a job's SIGTERM.

    Those reach every process of a terminal or a job; a box that ended so would look as if its
    student had ended it.

    boxes: how many it may have at work at a time
    """
    global _boxes
    _boxes = boxes
    import multiprocessing
    import multiprocessing.connection
    import signal

    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    os.environ.update(environment)
    tempfile.tempdir = temporary
    parent = multiprocessing.parent_process()

    def watch() -> None:
        assert parent is not None
        multiprocessing.connection.wait([parent.sentinel])
        os._exit(1)  # a killed parent can't end us; the sandbox ends with us

    if parent is not None:
        threading.Thread(target=watch, name="parent-watch", daemon=True).start()


def environment() -> dict[str, str]:
    """Return what workers have in their environment besides: one BLAS thread each."""
    return {**dict.fromkeys(THREADS, "1"), "MPLBACKEND": "agg"}


def grade(message: bytes) -> bytes:
    """Do a task. Whatever goes wrong is in the answer: nothing is raised but for a death of the
    process.
    """
    try:
        done = _do(msgspec.msgpack.decode(message, type=Task))
    except (IsolationError, AssignmentError, UsageError) as error:
        done = Done(cannot=str(error))
    except GraderError as error:
        done = Done(fault=str(error))
    except Exception as error:  # ours, and the next submission is not to suffer from it
        import traceback

        done = Done(fault="".join(traceback.format_exception(error)[-3:])[-2000:])
    return msgspec.msgpack.encode(done)


# pytest owns its process while it runs; a Dask worker may have several threads
_ONE_AT_A_TIME = threading.Lock()


def _do(task: Task) -> Done:
    if task.version != __version__:
        raise UsageError(
            f"a worker has grader {__version__}, and this is {task.version}: install the same"
            " everywhere"
        )
    with _ONE_AT_A_TIME:
        if task.taken is None:
            return _rendered(task, _stored(task.earlier), _answers(task.earlier))
        folder = _assignment_folder(task)
        if folder is None:
            return Done(needs_bundle=True)
        kills = oom_kills()
        graded = _graded(task, folder, task.taken)
        doubtful = _failed_by_us(graded)
        if doubtful and oom_kills() > kills:
            return Done(fault=OUT_OF_MEMORY)
        if task.earlier:
            graded = _merged(_stored(task.earlier), graded, _assignment(folder, task.digest))
        from grader.classroom.marks.written_answers import written

        done = _rendered(
            task, graded, written(_assignment(folder, task.digest), task.inline, task.taken.files)
        )
        told = tuple(filterfalse(task.taken.places.__contains__, done.notes))
        return msgspec.structs.replace(done, doubtful=doubtful, notes=told)


def _graded(task: Task, folder: Path, taken: Taken) -> Graded:
    """Grade in this process's sandbox; one that something happened to is not used again."""
    grader = _grader(folder, task.digest, task.isolation, frozenset(task.only))
    try:
        graded = grader.grade_taken(msgspec.structs.replace(taken, name=task.title))
    except Exception:
        close()
        raise
    if _failed_by_us(graded):
        close()
    return graded


def _failed_by_us(graded: Graded) -> bool:
    return any(check.status is Status.ERROR for check in graded.report.checks)


# --- the assignment and its grader ----------------------------------------------------------------


def bundle(assignment: Assignment) -> bytes:
    """Return the assignment as a zip, with the modules of the reference that stand-ins ask."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for path in sorted(assignment.folder.rglob("*")):
            if path.is_file() and LITTER.isdisjoint(path.parts):
                archive.write(path, path.relative_to(assignment.folder).as_posix())
        for name, data in assignment.stand_in_files().items():
            archive.writestr(name, data)
    return buffer.getvalue()


def _assignment_folder(task: Task) -> Path | None:
    if task.folder:
        return Path(task.folder)
    if task.bundle:
        return _unpacked(task.digest, task.bundle)
    with contextlib.suppress(KeyError):
        return _FOLDERS[task.digest]
    return None


# what this process has unpacked: a cache, and the reason why a task may be short
_FOLDERS: dict[str, Path] = {}


def _unpacked(digest: str, data: bytes) -> Path:
    if digest not in _FOLDERS:
        folder = Path(tempfile.mkdtemp(prefix="grader-assignment-"))
        # boxes may run as other users; what they may read is granted file by file
        folder.chmod(0o711)
        atexit.register(shutil.rmtree, folder, ignore_errors=True)
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            archive.extractall(folder / "assignment")
        _FOLDERS[digest] = folder / "assignment"
    return _FOLDERS[digest]


@functools.lru_cache(maxsize=4)
def _assignment(folder: Path, digest: str) -> Assignment:
    from grader.assignment.spec import load

    return load(folder)


def _grader(folder: Path, digest: str, isolation: str, only: frozenset[str]) -> Grader:
    """Return this process's grader: opened once, and closed when others have replaced it."""
    from grader.grading.grade import Grader, Options

    key = (folder, digest, isolation, only)
    grader = _OPEN.pop(key, None)
    if grader is None:
        while len(_OPEN) >= MOST_OPEN:
            _OPEN.pop(next(iter(_OPEN))).__exit__(None, None, None)  # the one used longest ago
        options = Options(isolation=isolation, only=only, boxes=_boxes)
        grader = Grader(_assignment(folder, digest), options).__enter__()
    _OPEN[key] = grader
    return grader


MOST_OPEN = 2  # graders, a sandbox each
_boxes = 1  # at work at a time: workers fill the cores, and memory is reckoned for one each
# This process's graders, the one used last at the end.
_OPEN: dict[tuple[Path, str, str, frozenset[str]], Grader] = {}


@atexit.register
def close() -> None:
    """Close this process's graders and forget them."""
    while _OPEN:
        _OPEN.popitem()[1].__exit__(None, None, None)


# --- results --------------------------------------------------------------------------------------


def _stored(files: Mapping[str, bytes]) -> Graded:
    """Return a result that was stored."""
    from grader.grading.grade import Graded
    from grader.model import Report
    from grader.notebooks.jupyter_format import nbformat

    report = msgspec.json.decode(files[RAW], type=Report)
    sources = msgspec.json.decode(files[SOURCES], type=dict[str, str]) if SOURCES in files else {}
    notebooks = {}
    for name in report.notebooks:
        place = f"notebooks/{Path(name).name}"
        if place in files:
            notebooks[name] = nbformat.from_dict(msgspec.json.decode(files[place]))
    return Graded(report, notebooks, sources)


def _answers(files: Mapping[str, bytes]) -> dict[str, WrittenAnswer]:
    return read_answers(files[ANSWERS]) if ANSWERS in files else {}


def _merged(earlier: Graded, fresh: Graded, assignment: Assignment) -> Graded:
    """Return the earlier result with the checks that were run afresh in their places."""
    from grader.grading.grade import Graded
    from grader.grading.scoring import questions, rescored, total

    kept = {check.id: check for check in earlier.report.checks}
    run = {check.id: check for check in fresh.report.checks}
    ordered = []
    for check in assignment.spec.checks:
        if check.id in run:
            ordered.append(run[check.id])
        elif check.id in kept:
            ordered.append(rescored(check, kept[check.id]))
    notebooks = earlier.notebooks | fresh.notebooks
    report = msgspec.structs.replace(
        fresh.report,
        checks=tuple(ordered),
        questions=questions(assignment.spec, ordered),
        score=total(map(attrgetter("points"), ordered)),
        max_score=total(map(attrgetter("max_points"), ordered)),
        seconds=round(earlier.report.seconds + fresh.report.seconds, 3),
        notebooks=tuple(notebooks),
        notes=tuple(dict.fromkeys((*fresh.report.notes, *earlier.report.notes))),
    )
    return Graded(report, notebooks, earlier.sources | fresh.sources)


def _rendered(task: Task, graded: Graded, answers: dict[str, WrittenAnswer]) -> Done:
    """Return the result as files, with the marks' rules applied to what people read."""
    from grader.classroom.marks.course_marks import shown
    from grader.grading.grade import Graded
    from grader.grading.outputs import contents
    from grader.model import REPORT_JSON
    from grader.report import json_report
    from grader.report.audience import Audience

    if graded.notebooks and (folder := _assignment_folder(task)):
        _prepare(folder, task.digest)
    answers = dict(zip(answers, map(_kept, answers.values()), strict=True))
    texts = {id_: answer.seen for id_, answer in answers.items()}
    rules = msgspec.structs.replace(task.rules, answered=tuple(answers), texts=texts)
    own = msgspec.structs.replace(graded.report, submission=task.title)
    # of a group each has a page of their own
    graded = Graded(own, graded.notebooks, graded.sources)
    report = shown(graded.report, rules)
    files = contents(Graded(report, graded.notebooks, graded.sources), students_page=True)
    raw = json_report.render(graded.report, audience=Audience.INSTRUCTOR)
    if raw != files[REPORT_JSON]:
        files[RAW] = raw
    sources = {name: _valid(text) for name, text in graded.sources.items()}
    files[SOURCES] = msgspec.json.encode(sources)
    if answers:
        files[ANSWERS] = msgspec.json.encode(answers)
    return Done(
        files=files,
        checks=check_rows(graded.report),
        answered=tuple(answers),
        texts=texts,
        notes=graded.report.notes,
        look=(*graded.report.look, *_elsewhere(answers)),
        seconds=graded.report.seconds,
        started=graded.report.started,
        isolation=graded.report.isolation.value,
        worker=f"{os.uname().nodename if hasattr(os, 'uname') else 'worker'}:{os.getpid()}",
    )


@functools.lru_cache(maxsize=4)
def _prepare(folder: Path, digest: str) -> None:
    """Convert the author's cells, once for all pages of this process."""
    from grader.grading.outputs import prepare

    assignment = _assignment(folder, digest)
    prepare(assignment, assignment.spec.notebook_paths)


def _elsewhere(answers: Mapping[str, WrittenAnswer]) -> list[str]:
    """Return a sentence for each answer that stood in another cell than its own."""
    found = []
    for id_, answer in answers.items():
        if answer.elsewhere:
            found.append(f"the answer to `{id_}` was found outside its cell: is it the answer?")
    return found


def _kept(answer: WrittenAnswer) -> WrittenAnswer:
    pictures = {_valid(name): _valid(data) for name, data in answer.pictures.items()}
    return msgspec.structs.replace(answer, text=_valid(answer.text), pictures=pictures)


def _valid(text: str) -> str:
    return text.encode("utf-8", "replace").decode()
