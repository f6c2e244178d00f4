"""Builds the files that students get, from the assignment and its reference.

`build` only reads. `leak_check` proves that no answer is left, and `handout_folder` writes the
files.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec
import tomli_w

from grader.assignment.expectations import Expectations
from grader.assignment.schema import FileSpec, Spec
from grader.assignment.spec import SPEC_NAME, Assignment
from grader.authoring.handout.check_cells import subjects, with_check_cells
from grader.authoring.handout.pages import pages
from grader.authoring.handout.selection import (
    check_files,
    chosen_spec,
    functions_in_use,
    public_expectations,
    public_mistakes,
)
from grader.authoring.handout.wheel import build_wheel, wheel_name
from grader.authoring.record import reference_files
from grader.authoring.strip import Block, decode, strip_python
from grader.authoring.strip_notebooks import strip_notebook
from grader.errors import AssignmentError
from grader.zips import zipped

# The handout's folder for the checks, and for the copies of provided files that grading uses.
ASSIGNMENT_FOLDER = "assignment"
SHARED_SIZE = 256 << 10  # bytes of one entry of `provided`; a larger one is not copied


class Handout(msgspec.Struct, frozen=True):
    """What students get, as files; and the solutions that must not be among them."""

    name: str
    files: Mapping[str, bytes]
    blocks: tuple[Block, ...]

    def archive(self) -> bytes:
        """Return the zip: everything in one folder, with a wheel of the grader."""
        files = {**self.files, f"wheels/{wheel_name()}": build_wheel()}
        return zipped({f"{self.name}/{path}": data for path, data in files.items()})


def build(assignment: Assignment, questions: tuple[str, ...] = ()) -> Handout:
    """Return the handout of an assignment, or of some of its questions."""
    spec = chosen_spec(assignment, questions)
    files, blocks = _students_files(assignment)
    within: dict[str, bytes] = {}  # of the handout's own assignment folder
    for notebook in spec.notebooks:
        text, found = strip_notebook(
            (assignment.folder / notebook.source).read_bytes(), notebook.path
        )
        files[notebook.path] = within[notebook.source] = text.encode()
        blocks += found
    within |= check_files(assignment, spec)
    if questions:
        spec = _about(spec, list(map(bytes.decode, within.values())))
    provided, laid, kept = _provided_files(assignment)
    spec = msgspec.structs.replace(
        spec,
        provided=provided,
        reference="",
        handout_of=assignment.digest,
        allowed_lines=(),
        manual=(),
        rubric=(),
    )
    within |= {
        **kept,
        SPEC_NAME: _toml(spec),
        "expectations/public.h5": public_expectations(assignment, spec),
    }
    within |= public_mistakes(assignment, spec)
    judged = subjects(Expectations.read(assignment.expectations_path("public")))
    for notebook in spec.notebooks:
        text = with_check_cells(files[notebook.path].decode(), notebook.path, spec, judged)
        files[notebook.path] = text.encode()
    files |= laid | pages(assignment, spec)
    for path, data in within.items():
        files[f"{ASSIGNMENT_FOLDER}/{path}"] = data
    return Handout(spec.name, dict(sorted(files.items())), tuple(dict.fromkeys(blocks)))


def _students_files(assignment: Assignment) -> tuple[dict[str, bytes], list[Block]]:
    """Return the students' files as stubs, and the solutions of these and of the notebooks."""
    files: dict[str, bytes] = {}
    blocks: list[Block] = []
    for path, data in reference_files(assignment).items():
        if path not in assignment.spec.file_paths:
            blocks += strip_notebook(data, path)[1]
        elif path.endswith(".py"):
            stripped = strip_python(decode(data, path), path)
            _must_compile(stripped.text, path)
            files[path] = stripped.text.encode()
            blocks += stripped.blocks
        else:
            raise AssignmentError(
                f"{path} is a student's file, but neither Python nor a notebook: it can't be"
                " stripped"
            )
    return files, blocks


def _about(spec: Spec, texts: list[str]) -> Spec:
    """Return a spec whose files provide only the functions that some texts mention."""
    used = functions_in_use(spec, texts)
    files: list[FileSpec] = []
    for file in spec.files:
        provides = used[file.path] or file.provides
        files.append(msgspec.structs.replace(file, provides=provides))
    return msgspec.structs.replace(spec, files=tuple(files))


# --- provided files -------------------------------------------------------------------------------


def _provided_files(
    assignment: Assignment,
) -> tuple[dict[str, str], dict[str, bytes], dict[str, bytes]]:
    """Return the ``[provided]`` table, the files of the student's tree, and the handout's copies.

    Large files, such as data, are not copied: practice uses those in the student's tree, and
    grading uses the author's.
    """
    table: dict[str, str] = {}
    laid: dict[str, bytes] = {}
    kept: dict[str, bytes] = {}
    for source, place in assignment.spec.provided.items():
        start = assignment.folder / source
        own: dict[str, bytes] = {}
        for target, path in assignment.provided.items():
            if path.is_relative_to(start):
                own[target] = _provided(path, target)
        laid |= own
        if sum(map(len, own.values())) > SHARED_SIZE:
            table[f"../{place}"] = place
            continue
        table[source] = place
        for target, data in own.items():
            kept[source + target.removeprefix(place)] = data
    return table, laid, kept


def _provided(path: Path, name: str) -> bytes:
    """Return a provided file; raise `AssignmentError` if it has solution markers."""
    data = path.read_bytes()
    if name.endswith(".py") and strip_python(decode(data, name), name).blocks:
        raise AssignmentError(
            f"{name} is provided, so it can't have solution markers: name it under [[files]]"
        )
    return data


# --- texts ----------------------------------------------------------------------------------------


def _must_compile(text: str, name: str) -> None:
    try:
        compile(text, name, "exec")
    except (SyntaxError, ValueError) as error:
        place = f", line {error.lineno}" if isinstance(error, SyntaxError) else ""
        raise AssignmentError(f"{name}{place}: the stub does not compile: {error}") from None


def _toml(spec: Spec) -> bytes:
    """Return a spec as TOML, without keys that have their default."""
    head = (
        "# Made by `grader handout`. Changing it changes nothing about how your work is graded.\n"
    )
    return (head + tomli_w.dumps(_plain(spec), multiline_strings=False)).encode()


def _plain(value: Any) -> Any:
    """Return a value as TOML's writer takes it: tables, lists, and plain text for enums."""
    if isinstance(value, msgspec.Struct):
        changed = {}
        for field in msgspec.structs.fields(value):
            item = getattr(value, field.name)
            if item != field.default:
                changed[field.name] = item
        value = changed
    if isinstance(value, Mapping):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return list(map(_plain, value))
    return str(value) if isinstance(value, str) else value
