"""What students raise, as plain text; the folder of the box is not part of it."""

from __future__ import annotations

import os
import traceback
from collections.abc import Iterable, Iterator
from functools import lru_cache
from pathlib import Path
from types import ModuleType, TracebackType
from typing import Any

from grader.sandbox.inside.work.alarm import TimeUp
from grader.sandbox.inside.work.files.mending import RAISES
from grader.sandbox.inside.work.nearby_names import innermost, nearest

TEXT_CAP = 2_000  # characters kept of an exception's message
FRAME_CAP = 12  # frames kept of a traceback


class EndedProcess(Exception):
    """The cause of what lacks because a statement has ended an earlier process, and is not run
    again.

    place: file, number among its statements, and line
    """

    def __init__(self, file: str, number: int, line: int) -> None:
        super().__init__("this statement ended the process")
        self.place = {"file": file, "number": number, "line": line}


class PassedOver:
    """What was passed over when a module was loaded, under the name `RAISES` in that module."""

    def __init__(self) -> None:
        self.raised: list[BaseException] = []  # by the functions that stand for what can't be used
        # of a first piece that can't be read, or that has ended a process
        self.unnamed: BaseException | None = None
        self._lacking: dict[str, BaseException] = {}

    def __call__(self, number: int) -> BaseException:
        """Return the error that a function raises in the place of an unusable one."""
        error = self.raised[number]
        return type(error)(*error.args) if isinstance(error, SyntaxError) else error

    def lacks(self, names: Iterable[str], error: BaseException) -> None:
        """Note names that are not bound because of an error; `*` for any."""
        self._lacking |= dict.fromkeys(names, error)

    def reason(self, name: str) -> BaseException | None:
        """Return the error because of which a name is not bound."""
        return self._lacking.get(name) or self._lacking.get("*")


def describe(error: BaseException, root: Path) -> dict[str, Any]:
    """Return an exception as plain text: its type, message, and the frames in files of the
    student's tree.

    A name that is missing since the module could not be loaded as a whole is not to blame: the
    error that came first is told, behind the place where the name was used.
    """
    used = error.__traceback__
    seen = []
    while (reason := _reason(error)) is not None and id(reason) not in seen:
        error = reason
        seen.append(id(error))
    misspelt = error if isinstance(error, SyntaxError) and error.filename and error.lineno else None
    try:  # the whole text of a syntax error ends with its place, which is the last frame
        message = without(root, str(error if misspelt is None else misspelt.msg))
    except BaseException:
        message = "(its message can't be shown)"
    frames = list(student_frames(error.__traceback__, root))
    if seen:
        frames = [*student_frames(used, root), *frames]
    if misspelt is not None:
        file = inside(str(misspelt.filename), root) or "?"
        text = str(misspelt.text or "").strip()[:300]
        frames.append({"file": file, "line": misspelt.lineno, "name": "", "text": text})
    kinds = [kind.__name__ for kind in type(error).__mro__ if issubclass(kind, BaseException)]
    ended = {"ended": error.place} if type(error) is EndedProcess else {}
    return ended | {
        "type": type(error).__name__[:200],
        "kinds": kinds[:20],
        "interrupted": isinstance(error, TimeUp),
        "message": message[:TEXT_CAP],
        "frames": frames[-FRAME_CAP:],
        "missing": (
            str(getattr(error, "name", "") or "")[:200] if isinstance(error, ImportError) else ""
        ),
        "near": nearest(error, root)[:200],
    }


def _reason(error: BaseException) -> BaseException | None:
    """Return the error for which a module does not have the name that was looked up in it."""
    space: object = None
    if isinstance(error, NameError) and error.__traceback__ is not None:
        space = innermost(error.__traceback__).tb_frame.f_globals
    elif isinstance(error, AttributeError) and isinstance(error.obj, ModuleType):
        space = vars(error.obj)
    passed_over = space.get(RAISES) if type(space) is dict else None
    name = getattr(error, "name", None)
    if not isinstance(passed_over, PassedOver) or not isinstance(name, str):
        return None
    reason = passed_over.reason(name)
    if isinstance(error, AttributeError):
        reason = reason or passed_over.unnamed  # which may have been meant to define it
    return None if reason is error else reason


def student_frames(trace: TracebackType | None, root: Path) -> Iterator[dict[str, Any]]:
    """Yield file, line, function and text of each frame that lies in the student's tree."""
    for frame in traceback.extract_tb(trace, limit=-500):
        name = inside(frame.filename, root)
        if name:
            yield {
                "file": name,
                "line": frame.lineno or 0,
                "name": frame.name[:200],
                "text": (frame.line or "")[:300],
            }


@lru_cache(maxsize=256)
def inside(filename: str, root: Path) -> str:
    """Return a file's name relative to the student's tree, or nothing if it lies elsewhere."""
    try:
        return Path(filename).relative_to(root).as_posix()[:300]
    except ValueError:
        return ""


def without(root: str | os.PathLike[str], text: str) -> str:
    """Return text without the box's own folder, which is another one in every run: files in it have
    their own names.
    """
    return text.replace(f"{root}{os.sep}", "").replace(os.fspath(root), ".")
