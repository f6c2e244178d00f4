"""Builds the handout: from the assignment and its reference to what students get.

`build` only reads. That no answer is left is shown by `grader.authoring.handout.leak_check`; the
files are written by `grader.authoring.handout.handout_folder`.
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

# where a handout keeps the checks and the provided files to be laid down afresh
ASSIGNMENT_FOLDER = "assignment"
SHARED_SIZE = 256 << 10  # provided files beyond this in sum are not kept twice


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
        spec = _about(spec, [data.decode() for data in within.values()])
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
    files |= laid | {f"{ASSIGNMENT_FOLDER}/{path}": data for path, data in within.items()}
    files |= pages(assignment, spec)
    return Handout(spec.name, dict(sorted(files.items())), tuple(dict.fromkeys(blocks)))


def _students_files(assignment: Assignment) -> tuple[dict[str, bytes], list[Block]]:
    """Return the students' files as stubs, and what was taken out of these and of the reference's
    notebooks.
    """
    files: dict[str, bytes] = {}
    blocks: list[Block] = []
    students = [file.path for file in assignment.spec.files]
    for path, data in reference_files(assignment).items():
        if path not in students:
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
    """Return a spec whose files provide those functions only that a part of the assignment speaks
    of.
    """
    used = functions_in_use(spec, texts)
    files: tuple[FileSpec, ...] = tuple(
        msgspec.structs.replace(file, provides=used[file.path] or file.provides)
        for file in spec.files
    )
    return msgspec.structs.replace(spec, files=files)


# --- provided files -------------------------------------------------------------------------------


def _provided_files(
    assignment: Assignment,
) -> tuple[dict[str, str], dict[str, bytes], dict[str, bytes]]:
    """Return the handout's ``[provided]`` table, the files in the student's tree, and the copies
    laid down afresh.

    Large ones, the data, are not kept twice: there the student's own are used, and graded with the
    author's.
    """
    table: dict[str, str] = {}
    laid: dict[str, bytes] = {}
    kept: dict[str, bytes] = {}
    for source, place in assignment.spec.provided.items():
        start = assignment.folder / source
        own = {
            to: path
            for to, path in assignment.provided.items()
            if path == start or start in path.parents
        }
        laid |= {target: _provided(path, target) for target, path in own.items()}
        if sum(path.stat().st_size for path in own.values()) > SHARED_SIZE:
            table[f"../{place}"] = place
        else:
            table[source] = place
            kept |= {
                source + target.removeprefix(place): path.read_bytes()
                for target, path in own.items()
            }
    return table, laid, kept


def _provided(path: Path, name: str) -> bytes:
    """Return a provided file; it is laid down as it is when grading, so it may hold no solution."""
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
    """Return a spec as TOML, without what is at its default."""
    head = (
        "# Made by `grader handout`. Changing it changes nothing about how your work is graded.\n"
    )
    return (head + tomli_w.dumps(_told(spec), multiline_strings=False)).encode()


def _told(value: Any) -> Any:
    if isinstance(value, msgspec.Struct):
        defaults = {field.name: field.default for field in msgspec.structs.fields(value)}
        items = ((name, getattr(value, name)) for name in value.__struct_fields__)
        return {name: _told(item) for name, item in items if item != defaults[name]}
    if isinstance(value, Mapping):
        return {key: _told(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_told(item) for item in value]
    return str(value) if isinstance(value, str) else value
