"""``assignment.toml``: read, validated, and turned into an `Assignment`. A mistake in it is one
clear sentence.
"""

from __future__ import annotations

import hashlib
import re
import tomllib
from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import Any

import msgspec

from grader.assignment.problems import closest, problems
from grader.assignment.schema import (
    AllowedLine,
    CheckSpec,
    FileSpec,
    LateSpec,
    ManualSpec,
    NotebookSpec,
    QuestionSpec,
    RubricSpec,
    Spec,
)
from grader.errors import AssignmentError
from grader.limits import Limits
from grader.model import Visibility

SPEC_NAME = "assignment.toml"
# folder of a copy of the reference's modules, in an assignment that goes elsewhere
STAND_INS = "stand-ins"
LITTER = {"__pycache__", ".ipynb_checkpoints", ".DS_Store"}

BOX_MODULE = "checks_box"  # under which the author's helper module is imported in a box


class Assignment:
    """An assignment on disk: the spec and the paths that it speaks of."""

    def __init__(self, folder: Path, spec: Spec) -> None:
        self.folder = folder
        self.spec = spec

    @property
    def checks_folder(self) -> Path:
        """Where the pytest files of the checks are."""
        return self.folder / "checks"

    @property
    def reference(self) -> Path | None:
        """The folder of the reference solution, or None in a handout."""
        return (self.folder / self.spec.reference).resolve() if self.spec.reference else None

    def reference_modules(self) -> dict[str, bytes] | None:
        """Return the reference's files that students write, or None when not all of them are there.

        An assignment that was sent elsewhere, to be graded with, has its own copy of them.
        """
        for folder in (self.reference, self.folder / STAND_INS):
            if folder is not None and self.spec.files:
                paths = {file.path: folder / file.path for file in self.spec.files}
                if all(path.is_file() for path in paths.values()):
                    return {name: path.read_bytes() for name, path in paths.items()}
        return None

    def stand_in_files(self) -> dict[str, bytes]:
        """Return what goes with an assignment that is sent elsewhere: its copy of the reference's
        modules.
        """
        return {
            f"{STAND_INS}/{name}": data for name, data in (self.reference_modules() or {}).items()
        }

    def require_hidden(self) -> None:
        """Raise `AssignmentError` where only the public seed is there, whose answers students have
        in the handout.
        """
        if self.spec.handout_of:
            raise AssignmentError(
                f"{self.folder} is a handout, for practice: grade a class with the assignment that"
                " it was made from"
            )
        path = self.expectations_path("hidden")
        if not path.is_file():
            raise AssignmentError(
                f"{path} is not there, and the answers to the public seed are in the handout: run"
                " `grader record`, or lay the file of your course there"
            )

    def expectations_path(self, seed: str) -> Path:
        """Where the expectations of a seed are: ``public`` or ``hidden``."""
        return self.folder / "expectations" / f"{seed}.h5"

    def mistakes_path(self, seed: str) -> Path:
        """Path of the known mistakes' recorded outputs: of the hidden seed their fingerprints, else
        digests.
        """
        name = "known-mistakes.json" if seed == "hidden" else f"known-mistakes-{seed}.json"
        return self.folder / "expectations" / name

    def in_box_path(self, id: str) -> Path:  # noqa: A002
        """Where the code of a check that runs in the box is."""
        return self.checks_folder / "in_box" / f"{id}.py"

    @cached_property
    def box_path(self) -> Path | None:
        """Path of the author's helper module for the box, None if there is none."""
        path = self.folder / self.spec.box if self.spec.box else self.checks_folder / "box.py"
        return path if path.is_file() else None

    @cached_property
    def box_files(self) -> dict[str, bytes]:
        """The author's helper module as it lies in a box, under a name that no student's file
        has.
        """
        path = self.box_path
        return {} if path is None else {f"{BOX_MODULE}.py": path.read_bytes()}

    def check(self, id: str) -> CheckSpec | None:  # noqa: A002 - the word that the contract uses
        """Return the spec of a check, or None."""
        return self._checks.get(id)

    @cached_property
    def _checks(self) -> dict[str, CheckSpec]:
        return {check.id: check for check in self.spec.checks}

    @cached_property
    def modules(self) -> dict[str, str]:
        """What students' files provide -> the module that it is imported from."""
        return {name: file.module for file in self.spec.files for name in file.provides}

    def notebook(self, path: str) -> NotebookSpec:
        """Return the spec of a notebook by the name that students know."""
        for notebook in self.spec.notebooks:
            if notebook.path == path:
                return notebook
        known = ", ".join(notebook.path for notebook in self.spec.notebooks) or "none"
        raise AssignmentError(
            f"a check asks for the notebook {path!r}, which {SPEC_NAME} does not name ({known})"
        )

    @cached_property
    def provided(self) -> dict[str, Path]:
        """Every provided file: its place in a student's tree -> where it stands in the
        assignment.
        """
        students = {file.path for file in self.spec.files}
        files: dict[str, Path] = {}
        for source, target in self.spec.provided.items():
            start = self.folder / source
            for path in _walk(start):
                place = (
                    target if path == start else f"{target}/{path.relative_to(start).as_posix()}"
                )
                if place not in students:
                    files[place] = path
        return files

    @cached_property
    def links(self) -> dict[str, Path]:
        """The fewest links that lay the provided files: a whole folder wherever no student's file
        lies in it.
        """
        own = [file.path for file in self.spec.files]
        links: dict[str, Path] = {}

        def lay(place: str, source: Path) -> None:
            if source.is_dir() and any(
                path.startswith(f"{place}/") for path in own + others(place)
            ):
                for child in sorted(source.iterdir()):
                    if child.name not in LITTER:
                        lay(f"{place}/{child.name}", child)
            elif place not in own:
                links[place] = source.resolve()

        def others(place: str) -> list[str]:
            return [target for target in self.spec.provided.values() if target != place]

        for source, target in self.spec.provided.items():
            lay(target, self.folder / source)
        return links

    @cached_property
    def digest(self) -> str:
        """SHA-256 over everything that a verdict depends on: spec, checks, notebooks and provided
        files.

        A handout bears the digest of the assignment that it was made from: its expectations are of
        that one.
        """
        if self.spec.handout_of:
            return self.spec.handout_of
        digest = hashlib.sha256()
        digest.update((self.folder / SPEC_NAME).read_bytes())
        notebooks = [self.folder / notebook.source for notebook in self.spec.notebooks]
        paths = [*_walk(self.checks_folder), *notebooks, *filter(None, [self.box_path])]
        files = {path.relative_to(self.folder).as_posix(): path for path in paths} | self.provided
        for name, path in sorted(files.items()):
            digest.update(name.encode() + b"\0" + hashlib.sha256(path.read_bytes()).digest())
        return digest.hexdigest()


def load(folder: Path) -> Assignment:
    """Read an assignment's folder; raise `AssignmentError` with the file, the key and what to
    do.
    """
    path = folder / SPEC_NAME
    try:
        # some editors begin a file with a mark
        raw = tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except FileNotFoundError:
        inner = folder / "assignment"
        hint = f": did you mean {inner}?" if (inner / SPEC_NAME).is_file() else ""
        raise AssignmentError(
            f"{folder} is not an assignment: it has no {SPEC_NAME}{hint}"
        ) from None
    except NotADirectoryError:
        raise AssignmentError(
            f"{folder} is a file: name the folder that holds the {SPEC_NAME}"
        ) from None
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise AssignmentError(f"{path}: {error}") from error
    try:
        spec = msgspec.convert(raw, Spec)
    except msgspec.ValidationError as error:
        raise AssignmentError(f"{path}: {_explain(str(error), raw)}") from None
    for problem in problems(spec, folder):
        raise AssignmentError(f"{path}: {problem}")
    return Assignment(folder.resolve(), spec)


_TABLES: dict[str, type[msgspec.Struct]] = {
    "": Spec,
    "questions": QuestionSpec,
    "files": FileSpec,
    "notebooks": NotebookSpec,
    "checks": CheckSpec,
    "allowed_lines": AllowedLine,
    "limits": Limits,
    "late": LateSpec,
    "manual": ManualSpec,
    "rubric": RubricSpec,
}


_WORDS: dict[str, tuple[str, ...]] = {
    "visibility": tuple(Visibility),
    "percent_of": ("points", "max"),
    "error_maps": ("coarse", "fine"),
}


def _explain(message: str, raw: Mapping[str, Any]) -> str:
    """Turn the validator's message into a sentence with the key's path, its entry's name and a
    suggestion.
    """
    said, _, place = message.replace("`$.", "`").replace("`$`", "``").partition(" - at `")
    place = place.removesuffix("`")
    where = f" in `{place}`{_entry(place, raw)}" if place else ""
    table = _TABLES.get(place.split("[")[0])
    if unknown := re.fullmatch(r"Object contains unknown field `(.+?)`", said):
        names = list(table.__struct_fields__) if table is not None else []
        close = closest(unknown[1], names)
        hint = f": did you mean `{close}`?" if close else f" (known keys: {', '.join(names)})"
        return f"unknown key `{unknown[1]}`{where}{hint}"
    if missing := re.fullmatch(r"Object missing required field `(.+?)`", said):
        lacks = (
            f"`[[{missing[1]}]]`"
            if not place and missing[1] in _TABLES
            else f"the key `{missing[1]}`"
        )
        return f"{lacks} is missing{where or ' at the top level'}"
    at = f" - at `{place}`{_entry(place, raw)}" if place else ""
    if said.startswith("Expected `array`, got `object`") and place in _TABLES:
        return f"{said}{at}: write `[[{place}]]`, with two brackets, over each of its entries"
    words = _WORDS.get(place.rpartition(".")[2], ())
    return f"{said}{at}" + (f": write one of {', '.join(words)}" if words else "")


def _entry(place: str, raw: Mapping[str, Any]) -> str:
    """Return what the author calls the entry that a path leads to, where it has a name: nobody
    counts checks.
    """
    found = re.match(r"(\w+)\[(\d+)\]", place)
    entry = raw[found[1]][int(found[2])] if found else None
    name = (entry.get("id") or entry.get("path")) if isinstance(entry, dict) else None
    return f" ({name!r})" if isinstance(name, str) else ""


def _walk(start: Path) -> list[Path]:
    """Return the files at or below a path, in a fixed order, without caches."""
    if start.is_file():
        return [start]
    return sorted(
        path for path in start.rglob("*") if path.is_file() and not LITTER.intersection(path.parts)
    )
