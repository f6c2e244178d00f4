"""Begins an assignment: a folder that already records, grades and hands out, made of short files to
be edited.
"""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from pathlib import Path

from jinja2 import Environment, PackageLoader, StrictUndefined

from grader.assignment.naming import named
from grader.errors import UsageError
from grader.files import write_tree

TEMPLATES = "new/"
SUFFIX = ".j2"


def scaffold(name: str) -> dict[str, bytes]:
    """Return the files of a new assignment, by their paths in its folder; ``name`` is the
    folder's.
    """
    short, title = named(name)
    templates = Environment(  # noqa: S701 - Python and TOML, made of letters and digits
        loader=PackageLoader("grader.authoring"),
        undefined=StrictUndefined,
        keep_trailing_newline=True,
    )
    told = {"name": short, "title": title}
    return {
        path.removeprefix(TEMPLATES).removesuffix(SUFFIX): (
            templates.get_template(path).render(told).encode()
        )
        for path in templates.list_templates(filter_func=lambda path: path.startswith(TEMPLATES))
    }


def must_be_new(folder: Path) -> None:
    """Raise `UsageError` where a folder holds something already."""
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise UsageError(f"{folder} is there already and not empty: name a new folder")


def create(folder: Path, files: Mapping[str, bytes]) -> None:
    """Write a new assignment, whole or not at all; raise `UsageError` where something is there
    already.
    """
    must_be_new(folder)
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder.parent, prefix=f".{folder.name}.") as holder:
            fresh = Path(holder) / folder.name
            write_tree(fresh, files)
            if folder.exists():
                folder.rmdir()
            fresh.rename(folder)
    except OSError as error:
        raise UsageError(f"can't write {folder}: {error.strerror}") from error
