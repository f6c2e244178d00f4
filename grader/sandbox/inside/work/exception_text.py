"""What students raise, as plain text; the folder of the box is not part of it."""

from __future__ import annotations

import os
import traceback
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Any

from grader.sandbox.inside.work.nearby_names import nearest

TEXT_CAP = 2_000  # characters kept of an exception's message
FRAME_CAP = 12  # frames kept of a traceback


def describe(error: BaseException, root: Path) -> dict[str, Any]:
    """Return an exception as plain text: its type, message, and the frames in files of the
    student's tree.
    """
    misspelt = error if isinstance(error, SyntaxError) and error.filename and error.lineno else None
    try:  # the whole text of a syntax error ends with its place, which is told as the last frame
        message = without(root, str(error if misspelt is None else misspelt.msg))
    except BaseException:
        message = "(its message can't be shown)"
    frames = list(student_frames(error.__traceback__, root))
    if misspelt is not None:
        file = inside(str(misspelt.filename), root) or "?"
        text = str(misspelt.text or "").strip()[:300]
        frames.append({"file": file, "line": misspelt.lineno, "name": "", "text": text})
    kinds = [kind.__name__ for kind in type(error).__mro__ if issubclass(kind, BaseException)]
    return {
        "type": type(error).__name__[:200],
        "kinds": kinds[:20],
        "message": message[:TEXT_CAP],
        "frames": frames[-FRAME_CAP:],
        "missing": (
            str(getattr(error, "name", "") or "")[:200] if isinstance(error, ImportError) else ""
        ),
        "near": nearest(error, root)[:200],
    }


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
