"""Reads and validates ``assignment.toml``; a mistake in it becomes an `AssignmentError`."""

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
# The folder for a copy of the reference's modules, in an assignment that is sent elsewhere.
STAND_INS = "stand-ins"
LITTER = {"__pycache__", ".ipynb_checkpoints", ".DS_Store"}

BOX_MODULE = "checks_box"  # the name of the author's helper module in a box


class Assignment:
    """An assignment on disk: the spec, and the paths in its folder."""

    def __init__(self, folder: Path, spec: Spec) -> None:
        self.folder = folder
        self.spec = spec

    @property
    def checks_folder(self) -> Path:
        """The folder of the pytest files."""
        return self.folder / "checks"

    @property
    def reference(self) -> Path | None:
        """The folder of the reference solution, or None in a handout."""
        return (self.folder / self.spec.reference).resolve() if self.spec.reference else None

    def reference_modules(self) -> dict[str, bytes] | None:
        """Return the reference's version of the students' files, or None if one is missing.

        An assignment that was sent elsewhere for grading has its own copy of them.
        """
        names = self.spec.file_paths
        for folder in (self.reference, self.folder / STAND_INS):
            if folder is not None and names and all((folder / name).is_file() for name in names):
                return {name: (folder / name).read_bytes() for name in names}
        return None

    def reference_notebooks(self) -> dict[str, bytes]:
        """Return the reference's version of the notebooks whose cells hold its solution.

        A notebook that the reference's folder does not have is its own reference.
        """
        found: dict[str, bytes] = {}
        for notebook in self.spec.notebooks:
            places = [self.folder / STAND_INS / notebook.path, self.folder / notebook.source]
            if self.reference is not None:
                places.insert(0, self.reference / notebook.path)
            for path in places:
                if path.is_file():
                    found[notebook.path] = path.read_bytes()
                    break
        return found

    def reference_work(self) -> dict[str, bytes] | None:
        """Return what stand-ins ask: the reference's files and notebooks; None in a handout, and
        if a file is missing.
        """
        modules = self.reference_modules()
        if self.spec.handout_of or (modules is None and self.spec.files):
            return None
        return {**(modules or {}), **self.reference_notebooks()}

    def stand_in_files(self) -> dict[str, bytes]:
        """Return the copy of the reference's work for an assignment that is sent elsewhere."""
        work = dict(self.reference_work() or {})
        for notebook in self.spec.notebooks:
            own = self.folder / notebook.source
            if own.is_file() and work.get(notebook.path) == own.read_bytes():
                del work[notebook.path]  # the assignment itself has it
        return {f"{STAND_INS}/{name}": data for name, data in work.items()}

    def require_hidden(self) -> None:
        """Raise `AssignmentError` if there is only the public seed: the handout has its answers."""
        if self.spec.handout_of:
            raise AssignmentError(
                f"{self.folder} is a handout, for practice: grade a class with the assignment that"
                " it was made from"
            )
        path = self.expectations_path("hidden")
        if not path.is_file():
            raise AssignmentError(
                f"{path} is not there, and the answers to the public seed are in the handout: run"
                " `grader record`, or put the file of your course there"
            )

    def expectations_path(self, seed: str) -> Path:
        """Return the path of a seed's expectations: ``public`` or ``hidden``."""
        return self.folder / "expectations" / f"{seed}.h5"

    def mistakes_path(self, seed: str) -> Path:
        """Return the path of the known mistakes' recorded outputs.

        They are fingerprints for the hidden seed, and digests for others.
        """
        name = "known-mistakes.json" if seed == "hidden" else f"known-mistakes-{seed}.json"
        return self.folder / "expectations" / name

    def in_box_path(self, id: str) -> Path:  # noqa: A002
        """Return the path of the code of a check that runs in the box."""
        return self.checks_folder / "in_box" / f"{id}.py"

    @cached_property
    def box_path(self) -> Path | None:
        """Path of the author's helper module for the box, None if there is none."""
        path = self.folder / self.spec.box if self.spec.box else self.checks_folder / "box.py"
        return path if path.is_file() else None

    @cached_property
    def box_files(self) -> dict[str, bytes]:
        """The author's helper module, under the name that it has in a box."""
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
        """A name that a student's file provides -> the module that it is imported from."""
        modules: dict[str, str] = {}
        for file in self.spec.files:
            modules |= dict.fromkeys(file.provides, file.module)
        return modules

    def module_of(self, function: str) -> str:
        """Return the module of a function, or of a class's method; "" if no file provides it."""
        return self.modules.get(function.partition(".")[0], "")

    def notebook(self, path: str) -> NotebookSpec:
        """Return the spec of a notebook by its path in a student's folder."""
        for notebook in self.spec.notebooks:
            if notebook.path == path:
                return notebook
        known = ", ".join(self.spec.notebook_paths) or "none"
        raise AssignmentError(
            f"a check asks for the notebook {path!r}, which {SPEC_NAME} does not name ({known})"
        )

    @cached_property
    def provided(self) -> dict[str, Path]:
        """Every provided file: its path in a student's folder -> its path on disk."""
        files: dict[str, Path] = {}
        for source, target in self.spec.provided.items():
            start = self.folder / source
            for path in _walk(start):
                place = target
                if path != start:
                    place += f"/{path.relative_to(start).as_posix()}"
                if place not in self.spec.file_paths:
                    files[place] = path
        return files

    @cached_property
    def links(self) -> dict[str, Path]:
        """Links for the provided files: to a whole folder, unless another file belongs in it."""
        own = self.spec.file_paths
        targets = (*own, *self.spec.provided.values())
        links: dict[str, Path] = {}

        def lay(place: str, source: Path) -> None:
            if source.is_dir() and any(path.startswith(f"{place}/") for path in targets):
                for child in sorted(source.iterdir()):
                    if child.name not in LITTER:
                        lay(f"{place}/{child.name}", child)
            elif place not in own:
                links[place] = source.resolve()

        for source, target in self.spec.provided.items():
            lay(target, self.folder / source)
        return links

    @cached_property
    def digest(self) -> str:
        """SHA-256 over all that a verdict depends on: spec, checks, notebooks and provided files.

        A handout has the digest of the assignment that it was made from, as its expectations do.
        """
        if self.spec.handout_of:
            return self.spec.handout_of
        digest = hashlib.sha256()
        digest.update((self.folder / SPEC_NAME).read_bytes())
        paths = [*_walk(self.checks_folder), *filter(None, [self.box_path])]
        for notebook in self.spec.notebooks:
            paths.append(self.folder / notebook.source)
        files = {path.relative_to(self.folder).as_posix(): path for path in paths} | self.provided
        for name, path in sorted(files.items()):
            digest.update(name.encode() + b"\0" + hashlib.sha256(path.read_bytes()).digest())
        return digest.hexdigest()


def load(folder: Path) -> Assignment:
    """Read an assignment's folder; an `AssignmentError` names the file, the key and what to do."""
    path = folder / SPEC_NAME
    try:
        # Some editors begin a file with a byte order mark.
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
    """Turn the validator's message into a sentence with the key, its entry and a suggestion."""
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
        table_ = not place and missing[1] in _TABLES
        lacks = f"`[[{missing[1]}]]`" if table_ else f"the key `{missing[1]}`"
        return f"{lacks} is missing{where or ' at the top level'}"
    at = f" - at `{place}`{_entry(place, raw)}" if place else ""
    if said.startswith("Expected `array`, got `object`") and place in _TABLES:
        return f"{said}{at}: write `[[{place}]]`, with two brackets, over each of its entries"
    words = _WORDS.get(place.rpartition(".")[2], ())
    return f"{said}{at}" + (f": write one of {', '.join(words)}" if words else "")


def _entry(place: str, raw: Mapping[str, Any]) -> str:
    """Return the id or path of the entry that a key belongs to, in brackets, or nothing."""
    found = re.match(r"(\w+)\[(\d+)\]", place)
    entry = raw[found[1]][int(found[2])] if found else None
    name = (entry.get("id") or entry.get("path")) if isinstance(entry, dict) else None
    return f" ({name!r})" if isinstance(name, str) else ""


def _walk(start: Path) -> list[Path]:
    """Return the files at or below a path, in a fixed order, without caches."""
    if start.is_file():
        return [start]
    files = []
    for path in start.rglob("*"):
        if path.is_file() and not LITTER.intersection(path.parts):
            files.append(path)
    return sorted(files)
