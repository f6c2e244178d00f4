"""Begins an assignment: short files to be edited that can already be recorded and graded."""

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
    """Return the files of a new assignment by their paths in its folder, which is ``name``."""
    short, title = named(name)
    templates = Environment(  # noqa: S701 - Python and TOML, made of letters and digits
        loader=PackageLoader("grader.authoring"),
        undefined=StrictUndefined,
        keep_trailing_newline=True,
    )
    files = {}
    for path in templates.list_templates(filter_func=lambda path: path.startswith(TEMPLATES)):
        text = templates.get_template(path).render(name=short, title=title)
        files[path.removeprefix(TEMPLATES).removesuffix(SUFFIX)] = text.encode()
    return files


def must_be_new(folder: Path) -> None:
    """Raise `UsageError` if a folder is not empty."""
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise UsageError(f"{folder} exists already and is not empty: name a new folder")


def create(folder: Path, files: Mapping[str, bytes]) -> None:
    """Write a new assignment as a whole; raise `UsageError` if the folder is not empty."""
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
