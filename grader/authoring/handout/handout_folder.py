"""Writes the handout's folder, ``student_template/``, as a whole, and compares it byte by byte."""

from __future__ import annotations

import shutil
import tempfile
import tomllib
from collections.abc import Iterator
from pathlib import Path

from grader.assignment.spec import LITTER, SPEC_NAME
from grader.authoring.handout.contents import ASSIGNMENT_FOLDER, Handout
from grader.errors import UsageError
from grader.files import write_tree

LEFT_BEHIND = LITTER | {".tox", ".venv", ".pytest_cache"}  # after somebody tried the template


def differences(handout: Handout, folder: Path) -> Iterator[str]:
    """Yield a sentence for each file of ``folder`` that generating it anew would change."""
    there = {}
    for path in folder.rglob("*"):
        place = path.relative_to(folder)
        if path.is_file() and not LEFT_BEHIND.intersection(place.parts):
            there[place.as_posix()] = path
    for name, data in handout.files.items():
        if name not in there:
            yield f"{name} is missing"
        elif there[name].read_bytes() != data:
            yield f"{name} differs"
    for name in sorted(there.keys() - handout.files.keys()):
        yield f"{name} should not be there"


def write_template(handout: Handout, folder: Path) -> None:
    """Replace ``folder`` by the handout's files; raise `UsageError` if it is another folder."""
    if folder.exists() and not _may_be_replaced(folder):
        raise UsageError(
            f"{folder} is not a handout's folder, so it is not overwritten: name another --template"
        )
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        holder = Path(tempfile.mkdtemp(dir=folder.parent, prefix=f".{folder.name}."))
    except OSError as error:
        raise UsageError(f"can't write to {folder.parent}: {error.strerror}") from error
    fresh, old = holder / "fresh", holder / "old"
    try:
        write_tree(fresh, handout.files)
        if folder.exists():
            folder.rename(old)
        try:
            fresh.rename(folder)
        except BaseException:
            old.rename(folder)
            raise
    finally:
        shutil.rmtree(holder, ignore_errors=True)


def _may_be_replaced(folder: Path) -> bool:
    """Return whether a folder is empty or a handout, and not an author's assignment."""
    try:
        if not any(folder.iterdir()):
            return True
        spec = (folder / ASSIGNMENT_FOLDER / SPEC_NAME).read_text(encoding="utf-8")
        return bool(tomllib.loads(spec).get("handout_of"))
    except (OSError, ValueError):
        return False
