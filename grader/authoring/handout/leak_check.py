"""Proves that a handout holds no line of a solution, and that its untouched template earns nothing.

A line of a solution counts if it has three tokens or more, without comments and spacing. A comment
inside a solution counts if it has three words or more. Each text is searched as one stream of
tokens. So a copy is found if it was indented, wrapped or spaced anew, and if it is in a comment, a
string or a longer line. A short line, such as `n += 1`, counts only if it is a whole line, since
longer lines contain it by chance.
"""

from __future__ import annotations

import ast
import base64
import contextlib
import itertools
import json
import re
import tempfile
import zipfile
import zlib
from collections.abc import Iterable, Iterator, Mapping
from io import BytesIO
from operator import attrgetter
from pathlib import Path
from typing import Any

import msgspec

import grader
from grader.assignment.spec import Assignment, load
from grader.authoring.handout.contents import ASSIGNMENT_FOLDER, Handout
from grader.authoring.handout.wheel import wheel_name
from grader.authoring.strip import Block
from grader.errors import AssignmentError
from grader.files import write_tree
from grader.grading.grade import Options, grade
from grader.grading.intake.candidates import listed_cells
from grader.markers import released
from grader.model import Status, Visibility
from grader.notebooks.cells import Cell, is_students, text_of
from grader.text import counted

MIN_TOKENS = 3
MIN_WITHIN = 6

_NAME = r"[^\W\d]\w*"
_NUMBER = r"\d[\w.]*(?:(?<=[eE])[+-]\d+)?"
_OPERATOR = r"\*\*=?|//=?|>>=?|<<=?|[-+*/%@&|^=!<>:]=|->|\.\.\."
_TOKEN = re.compile(rf"{_NAME}|{_NUMBER}|{_OPERATOR}|[^\s\\]")  # a backslash only wraps a line
_STRING = re.compile(r""""(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*'""")
_COMMENTED = re.compile(rf"""((?:[^#"']|{_STRING.pattern})*)#(.*)""")
_WORD = re.compile(r"[^\W\d_]{2,}")
TEXTS = frozenset((".py", ".md", ".txt", ".csv", ".json", ".toml", ".html"))
COMMON = re.compile(
    r"(?:from\s+[\w.]+\s+)?import\s.*"
    r"|(?:async\s+)?def\s.*"
    r"|class\s.*"
    r"|@[\w.]+(?:\(\))?"
    r"|for\s+\w+(?:\s*,\s*\w+)*\s+in\s+(?:range|enumerate|zip|reversed)?\(?[\w\s,.()]*\)?:"
    r"|if\s+__name__\s*==.*"
    r"|(?:plt|ax|fig|df)\.\w+\(\)"
    r"|\w+\s*=\s*(?:0|1|0\.0|\[\]|\{\}|\(\)|''|\"\"|None|True|False)"
    r"|\w+\s*=\s*(?:list|dict|set|tuple)\(\)"
    r"|\w+\s*=\s*defined\(notebook, .*\)"
    r"|in_box\(\)"
    r"|(?:fig|figure|f),\s*(?:ax|axes|axs)\s*=\s*plt\.subplots\(\)"
    r"|raise NotImplementedError(?:\(\))?"
)
# of a line in a comment, a list or a Markdown text
_DECORATION = re.compile(r"^[\s#>*`$-]+|[\s`$]+$")


class Leak(msgspec.Struct, frozen=True):
    """A line of a solution that stands in a handout."""

    path: str
    line: int
    text: str
    hidden: bool = False  # of a hidden test


def prove(handout: Handout, assignment: Assignment) -> None:
    """Raise `AssignmentError` if a solution is left in the handout or its template earns points."""
    for leak in leaks_of(handout, assignment):
        raise AssignmentError(
            f"a line of a {'hidden test' if leak.hidden else 'solution'} stands in the handout's"
            f" {leak.path}, line {leak.line}: {leak.text!r}; reword one of the two, or allow it"
            " under [[allowed_lines]] with a reason"
        )
    for path in pictures_left(handout.blocks, handout.files):
        raise AssignmentError(
            f"a picture of the author's answer lies in the handout's {path}: take it out of what"
            " students get"
        )
    with tempfile.TemporaryDirectory(prefix="grader-handout-") as folder:
        root = Path(folder)
        write_tree(root, handout.files)
        _must_earn_nothing(load(root / ASSIGNMENT_FOLDER), root)
        if assignment.spec.has_hidden_checks:
            _must_earn_nothing(assignment, root)


# --- leaks ----------------------------------------------------------------------------------------


def leaks_of(handout: Handout, assignment: Assignment) -> Iterator[Leak]:
    """Yield each line of a solution or a hidden test that a handout holds without permission.

    Permitted is what stands in provided cells and files and in visible checks, as a line or, if it
    is no short one, within longer lines; and the lines of stubs and those that the spec allows.
    """
    archive = {}
    for path, text in texts(handout.archive()).items():
        if not _is_graders_own(path, text):
            archive[path] = text
    own = list(_own_texts(handout, assignment))
    given, written = given_away(own, assignment), _stream("\n".join(own))
    prose = _stream("\n".join(_explained(assignment)))
    for hidden, blocks in ((False, handout.blocks), (True, tuple(hidden_tests(assignment)))):
        for leak in leaks(blocks, archive):
            piece = f" {leak.text} "
            within = piece.count(" ") > MIN_WITHIN and piece in written
            if piece not in given and piece not in prose and not within:
                yield msgspec.structs.replace(leak, hidden=hidden)


def _is_graders_own(path: str, text: str) -> bool:
    """Return whether a file of a handout is one of this package, as it is installed here.

    Such a file holds nothing of an assignment, even if a line of it is also one of a solution.
    """
    own = Path(grader.__file__).parent.parent / path.partition(f"/{wheel_name()}/")[2]
    return own.suffix == ".py" and own.is_file() and own.read_text(encoding="utf-8") == text


def _explained(assignment: Assignment) -> Iterator[str]:
    """Yield the texts in words that an author gives to students."""
    for cell in _author_cells(assignment):
        if cell.get("cell_type") == "markdown" and not is_students(cell):
            yield text_of(cell)


def _author_cells(assignment: Assignment) -> Iterator[Cell]:
    """Yield the cells of the author's notebooks."""
    for notebook in assignment.spec.notebooks:
        yield from listed_cells((assignment.folder / notebook.source).read_bytes())


def _own_texts(handout: Handout, assignment: Assignment) -> Iterator[str]:
    """Yield the author's texts that students get as they are: cells, files and visible checks."""
    for cell in _author_cells(assignment):
        if not is_students(cell):
            yield released(text_of(cell))
    for path in (*assignment.provided.values(), *assignment.checks_folder.rglob("*.py")):
        visible = handout.files.get(f"{ASSIGNMENT_FOLDER}/{_within(path, assignment.folder)}")
        data = visible if path.is_relative_to(assignment.checks_folder) else path.read_bytes()
        if data and path.suffix in TEXTS:
            yield data.decode("utf-8", "replace")


def given_away(own: Iterable[str], assignment: Assignment) -> set[str]:
    """Return the token streams of the lines that an author leaves to students on purpose.

    own: the texts that students get as they are
    """
    lines = list(map(attrgetter("line"), assignment.spec.allowed_lines))
    for cell in filter(is_students, _author_cells(assignment)):
        lines += released(text_of(cell)).split("\n")
    for text in own:
        lines += text.split("\n")
    streams: set[str] = set()
    for line in lines:
        whole, code, comment = _parts(line)
        told = comment.lstrip("# ")  # as `solution_pieces` has it
        streams.update(map(_stream, filter(str.strip, (whole, code, comment, told))))
    return streams


def _within(path: Path, folder: Path) -> str:
    return path.relative_to(folder).as_posix() if path.is_relative_to(folder) else path.name


def hidden_tests(assignment: Assignment) -> Iterator[Block]:
    """Yield the code of each hidden check."""
    hidden = {check.id for check in assignment.spec.checks if check.visibility is Visibility.HIDDEN}
    for path in sorted(assignment.checks_folder.rglob("*.py")) if hidden else ():
        text = path.read_text(encoding="utf-8-sig")
        if path.parent.name == "in_box":
            if path.stem in hidden:
                yield Block("", "", tuple(text.split("\n")))
            continue
        for node in ast.parse(text).body:
            if isinstance(node, ast.FunctionDef) and node.name.removeprefix("test_") in hidden:
                lines = text.split("\n")[node.body[0].lineno - 1 : node.end_lineno]
                yield Block("", "", tuple(lines))


def is_common(code: str) -> bool:
    """Return whether a line is so common in notebooks that it gives nothing away."""
    return COMMON.fullmatch(code.strip()) is not None


def leaks(blocks: Iterable[Block], texts: Mapping[str, str]) -> Iterator[Leak]:
    """Yield each line of a solution that stands in a text, by its path."""
    pieces = set(solution_pieces(blocks))
    for path, text in texts.items():
        stream = _stream(text)
        whole = set()
        if f"/{wheel_name()}/" not in path:  # the grader's code has every short line somewhere
            for part in itertools.chain.from_iterable(map(_parts, text.split("\n"))):
                whole.add(_stream(_DECORATION.sub("", part)))
        for piece in sorted(pieces):
            if piece in whole or (piece.count(" ") > MIN_WITHIN and piece in stream):
                yield Leak(path, _line_of(piece, text), piece.strip())


def solution_pieces(blocks: Iterable[Block]) -> Iterator[str]:
    """Yield the token streams of the lines of solutions that would give something away."""
    for block in blocks:
        for line in block.lines:
            _, code, comment = _parts(line)
            if len(_TOKEN.findall(_STRING.sub("s", code))) >= MIN_TOKENS and not is_common(code):
                yield _stream(code)
            if len(_WORD.findall(comment)) >= MIN_TOKENS:
                yield _stream(comment.lstrip("# "))


def pictures_left(blocks: Iterable[Block], files: Mapping[str, bytes]) -> Iterator[str]:
    """Yield the files that hold a picture from an author's answer, as bytes or as base64."""
    pictures: set[str] = set()
    for block in blocks:
        pictures.update("".join(picture.split()) for picture in block.pictures)
    for path, data in files.items() if pictures else ():
        whole = base64.b64encode(data).decode()
        text = b"".join(data.split()).replace(b"\\n", b"").replace(b'","', b"")
        if any(picture == whole or picture.encode() in text for picture in pictures):
            yield path


def texts(archive: bytes) -> dict[str, str]:
    """Return the text files of a zip, including those of wheels in it; of JSON, only its strings.

    A file that is not what its name says is read as plain text.
    """
    found: dict[str, str] = {}
    with zipfile.ZipFile(BytesIO(archive)) as opened:
        for name in opened.namelist():
            data = opened.read(name)
            if name.endswith((".whl", ".zip")) and zipfile.is_zipfile(BytesIO(data)):
                with contextlib.suppress(
                    zipfile.BadZipFile, NotImplementedError, RuntimeError, zlib.error
                ):
                    for inner, text in texts(data).items():
                        found[f"{name}/{inner}"] = text
                    continue
            try:
                text = data.decode()
            except UnicodeDecodeError:
                continue  # pictures and arrays
            if name.endswith((".ipynb", ".json")):
                # If it is not one JSON value, the text is searched as it is.
                with contextlib.suppress(ValueError, RecursionError):
                    text = "\n".join(_strings(json.loads(text)))
            found[name] = text
    return found


def _strings(value: Any) -> Iterator[str]:
    """Yield the strings of a JSON value; a list of strings, such as a cell's lines, as one text."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, list) and value and all(isinstance(item, str) for item in value):
        yield "".join(item if item.endswith("\n") else f"{item}\n" for item in value)
    elif isinstance(value, list | dict):
        for item in value.values() if isinstance(value, dict) else value:
            yield from _strings(item)


def _parts(line: str) -> tuple[str, str, str]:
    """Return a line, its code and its comment."""
    code = _code(line)
    return line, code, line[len(code) :]


def _code(line: str) -> str:
    """Return a line without its comment."""
    found = _COMMENTED.fullmatch(line)
    return found[1] if found else line


def _stream(text: str) -> str:
    """Return a text's tokens with a space around each; both kinds of quotes count as one."""
    return " " + " ".join(_TOKEN.findall(text.replace("'", '"'))) + " "


def _line_of(piece: str, text: str) -> int:
    """Return the number of the line where a piece begins."""
    before = _stream(text).partition(piece)[0].count(" ")
    for count, token in enumerate(_TOKEN.finditer(text)):
        if count == before:
            return text.count("\n", 0, token.start()) + 1
    return 1


# --- points ---------------------------------------------------------------------------------------


def _must_earn_nothing(assignment: Assignment, root: Path) -> None:
    """Grade the untouched template: every check must find that something is not implemented yet."""
    for check in grade(assignment, root, Options(isolation="none")).report.checks:
        spec = assignment.check(check.id)
        if spec is not None and spec.may_pass_untouched:
            continue
        if check.points or check.status is Status.PASS:
            raise AssignmentError(
                f"the untouched template gets {counted(check.points, 'point')} for `{check.id}`:"
                " strengthen it"
            )
        stopped = all(case.unimplemented or case.status is Status.SKIP for case in check.cases)
        if not stopped and not check.in_box:
            raise AssignmentError(
                f"`{check.id}` should find the untouched template not implemented yet, but says:"
                f" {check.message}"
            )
