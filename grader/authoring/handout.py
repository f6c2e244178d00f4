"""Makes the handout: from the assignment and its reference to what students get, proved free of answers.

`build` is pure in effect: it reads the assignment and returns files. `prove` shows that no line of a solution is left
and that the template grades to zero with every check 'not implemented yet'. Only then is anything written.
"""

from __future__ import annotations

import ast
import copy
import shutil
import tempfile
import zipfile
from collections.abc import Callable, Iterator, Mapping
from io import BytesIO
from pathlib import Path
from typing import Any

import msgspec
import nbformat
import tomli_w
from jinja2 import Environment, PackageLoader, StrictUndefined

from grader.assignment.spec import SPEC_NAME, Assignment, CheckSpec, Spec, load
from grader.authoring.record import reference_files
from grader.authoring.strip import Block, Stripped, normal, solution_lines, strip_markdown, strip_python
from grader.authoring.wheel import build_wheel, pack, wheel_name
from grader.errors import AssignmentError
from grader.model import Status, Visibility

ASSIGNMENT_FOLDER = "assignment"  # where a handout keeps the checks and the provided files to be laid down afresh
SHARED_SIZE = 256 << 10  # provided files beyond this in sum are not kept twice
PYTEST_INI = b"""\
[pytest]
testpaths = assignment/checks
addopts = -p grader.checking.standalone --import-mode=importlib -p no:cacheprovider
"""
GITIGNORE = b".tox/\n.venv/\nreport/\n__pycache__/\n.ipynb_checkpoints/\n*-submission.zip\n"
NOTICE = "not implemented yet"


class Part(msgspec.Struct, frozen=True):
    """One of a handout's tox environments."""

    name: str
    title: str
    checks: tuple[str, ...] = ()


class Handout(msgspec.Struct, frozen=True):
    """What students get, as files; and the solutions that must not be among them."""

    name: str
    files: Mapping[str, bytes]
    blocks: tuple[Block, ...]

    def archive(self) -> bytes:
        """Return the zip: everything in one folder, with a wheel of the grader."""
        files = {**self.files, f"wheels/{wheel_name()}": build_wheel()}
        return pack({f"{self.name}/{path}": data for path, data in files.items()})


# --- building -------------------------------------------------------------------------------------------------------


def build(assignment: Assignment, questions: tuple[str, ...] = ()) -> Handout:
    """Return the handout of an assignment, or of some of its questions."""
    spec = _reduced(assignment, questions)
    files: dict[str, bytes] = {}
    blocks: list[Block] = []
    for path, data in reference_files(assignment).items():
        if path.endswith(".py"):
            stripped = strip_python(_text(data, path), path)
            _must_compile(stripped.text, path)
            files[path] = stripped.text.encode()
            blocks += stripped.blocks
    provided: dict[str, str] = {}
    for source, place in assignment.spec.provided.items():
        own = {target: path for target, path in assignment.provided.items() if _below(target, place)}
        files |= {target: _provided(path, target) for target, path in own.items()}
        if sum(path.stat().st_size for path in own.values()) > SHARED_SIZE:
            provided[f"../{place}"] = place
        else:
            provided[source] = place
            start = (assignment.folder / source).resolve()
            for given in own.values():
                inner = "" if start.is_file() else f"/{given.resolve().relative_to(start).as_posix()}"
                files[f"{ASSIGNMENT_FOLDER}/{source}{inner}"] = given.read_bytes()
    for notebook in spec.notebooks:
        text, found = strip_notebook((assignment.folder / notebook.source).read_text(encoding="utf-8"), notebook.path)
        files[notebook.path] = files[f"{ASSIGNMENT_FOLDER}/{notebook.source}"] = text.encode()
        blocks += found
    files |= _checks(assignment, spec)
    public = assignment.expectations_path("public")
    if not public.is_file():
        raise AssignmentError(f"there are no public expectations at {public}: run `grader record` first")
    files[f"{ASSIGNMENT_FOLDER}/expectations/public.h5"] = public.read_bytes()
    spec = msgspec.structs.replace(spec, provided=provided, reference="", handout_of=assignment.digest)
    files[f"{ASSIGNMENT_FOLDER}/{SPEC_NAME}"] = _toml(spec)
    files |= _pages(assignment, spec)
    return Handout(spec.name, dict(sorted(files.items())), tuple(blocks))


def _reduced(assignment: Assignment, questions: tuple[str, ...]) -> Spec:
    """Return the spec without hidden checks and without the questions that were not asked for."""
    spec = assignment.spec
    known = [question.id for question in spec.questions]
    for id_ in questions:
        if id_ not in known:
            raise AssignmentError(f"there is no question {id_!r} (there are: {', '.join(known)})")
    kept = questions or tuple(known)
    checks = [check for check in spec.checks if check.question in kept and check.visibility is Visibility.VISIBLE]
    ids = {check.id for check in checks}
    read = {check.notebook for check in checks}
    judged = {check.notebook for check in spec.checks}
    return msgspec.structs.replace(
        spec,
        questions=tuple(question for question in spec.questions if question.id in kept),
        checks=tuple(
            msgspec.structs.replace(check, requires=tuple(id_ for id_ in check.requires if id_ in ids))
            for check in checks
        ),
        notebooks=tuple(book for book in spec.notebooks if book.path in read or book.path not in judged),
    )


def strip_notebook(text: str, name: str) -> tuple[str, list[Block]]:
    """Return a notebook's JSON without solutions, outputs and execution counts, and the solutions."""
    notebook: Any = copy.deepcopy(nbformat.reads(text, as_version=4))
    blocks: list[Block] = []
    for index, cell in enumerate(notebook.cells, start=1):
        place = f"{name}, cell {index}"
        stripped: Stripped = (strip_python if cell.cell_type == "code" else strip_markdown)(cell.source, place)
        cell.source = stripped.text
        blocks += stripped.blocks
        if cell.cell_type == "code":
            cell.outputs, cell.execution_count = [], None
    return nbformat.writes(notebook) + "\n", blocks


def _checks(assignment: Assignment, spec: Spec) -> dict[str, bytes]:
    """Return the check files with only those tests that the handout names."""
    ids = {check.id for check in spec.checks}
    files = {}
    for path in sorted(assignment.checks_folder.rglob("*.py")):
        text, tests = without_tests(path.read_text(encoding="utf-8"), keep=ids)
        if tests:
            files[f"{ASSIGNMENT_FOLDER}/{path.relative_to(assignment.folder).as_posix()}"] = text.encode()
    return files


def without_tests(text: str, keep: set[str]) -> tuple[str, int]:
    """Return a check file without the tests that are not kept, decorators and all, and how many tests are left."""
    lines = text.split("\n")
    left = 0
    for node in reversed(ast.parse(text).body):
        if not isinstance(node, ast.FunctionDef) or not node.name.startswith("test_"):
            continue
        if node.name.removeprefix("test_") in keep:
            left += 1
            continue
        first = min([node.lineno, *(decorator.lineno for decorator in node.decorator_list)])
        start = first - 1
        while start and not lines[start - 1].strip():
            start -= 1
        del lines[start : node.end_lineno]
    return "\n".join(lines), left


def _pages(assignment: Assignment, spec: Spec) -> dict[str, bytes]:
    """Return the pages that a handout adds: README, tox.ini, pytest's configuration."""
    templates = Environment(  # noqa: S701 - Markdown and INI, made of the author's own words
        loader=PackageLoader("grader.authoring"), undefined=StrictUndefined, keep_trailing_newline=True
    )
    told = {
        "spec": spec,
        "files": spec.files,
        "parts": parts(spec),
        "wheel": wheel_name(),
        "hidden": any(check.visibility is Visibility.HIDDEN for check in assignment.spec.checks),
        "points": {
            question.id: f"{sum(check.points for check in spec.checks if check.question == question.id):g}"
            for question in spec.questions
        },
    }
    pages = {name: templates.get_template(f"{name}.j2").render(told).encode() for name in ("README.md", "tox.ini")}
    return pages | {"pytest.ini": PYTEST_INI, ".gitignore": GITIGNORE}


def parts(spec: Spec) -> list[Part]:
    """Return the parts that can be checked alone: each question's functions, and the notebooks."""

    def ids(wanted: Callable[[CheckSpec], bool]) -> tuple[str, ...]:
        return tuple(check.id for check in spec.checks if wanted(check))

    result = []
    for question in spec.questions:
        own = ids(lambda check, id_=question.id: check.question == id_ and not check.notebook)  # type: ignore[misc]
        own = own or ids(lambda check, id_=question.id: check.question == id_)  # type: ignore[misc]
        result.append(Part(question.name or question.id, f"the functions of: {question.title}", own))
    if notebooks := ids(lambda check: bool(check.notebook)):
        result.append(Part("notebooks", "the notebooks, run from top to bottom", notebooks))
    return result


# --- proof ----------------------------------------------------------------------------------------------------------


def prove(handout: Handout) -> None:
    """Raise `AssignmentError` unless no solution is left in the handout and its template grades to nothing."""
    for path, line in leaks(handout.blocks, _texts(handout.archive())):
        raise AssignmentError(f"a line of a solution stands in the handout's {path}: {line!r}; reword one of the two")
    with tempfile.TemporaryDirectory(prefix="grader-handout-") as folder:
        root = Path(folder)
        _write_tree(root, handout.files)
        _must_grade_to_nothing(root)


def leaks(blocks: tuple[Block, ...], texts: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """Yield (path, line) for each line of a solution that stands in a text, comments and spacing aside."""
    lines = set(solution_lines(blocks))
    for path, text in texts.items():
        for raw in text.split("\n"):
            bare = normal(raw)
            if bare in lines or normal(raw.split("#")[0]) in lines:
                yield path, bare


def _texts(archive: bytes) -> dict[str, str]:
    """Return every file of a zip that is text, those of wheels within included, and a notebook's cells as lines."""
    texts: dict[str, str] = {}
    with zipfile.ZipFile(BytesIO(archive)) as opened:
        for name in opened.namelist():
            data = opened.read(name)
            if name.endswith(".whl"):
                texts |= {f"{name}/{inner}": text for inner, text in _texts(data).items()}
                continue
            try:
                text = data.decode()
            except UnicodeDecodeError:
                continue  # pictures and arrays
            if name.endswith(".ipynb"):
                node = nbformat.reads(text, as_version=4)
                text = "\n".join(cell.source for cell in node.cells)
            texts[name] = text
    return texts


def _must_grade_to_nothing(root: Path) -> None:
    """Grade the template as a student's first run would: every check must say that it is not implemented yet."""
    from grader.grading.grade import Options, grade

    assignment = load(root / ASSIGNMENT_FOLDER)
    report = grade(assignment, root, Options(isolation="none")).report
    for check in report.checks:
        if check.points:
            raise AssignmentError(
                f"the untouched template gets {check.points:g} points for `{check.id}`: strengthen it"
            )
        if check.status is Status.PASS or NOTICE not in check.message:
            raise AssignmentError(f"the untouched template should be '{NOTICE}' for `{check.id}`, but: {check.message}")


# --- files ----------------------------------------------------------------------------------------------------------


def differences(handout: Handout, folder: Path) -> Iterator[str]:
    """Yield a sentence for each file of ``folder`` that generating it anew would change."""
    there = {
        path.relative_to(folder).as_posix(): path
        for path in sorted(folder.rglob("*"))
        if path.is_file() and "__pycache__" not in path.parts
    }
    for name, data in handout.files.items():
        if name not in there:
            yield f"{name} is missing"
        elif there[name].read_bytes() != data:
            yield f"{name} differs"
    for name in there.keys() - handout.files.keys():
        yield f"{name} should not be there"


def write_template(handout: Handout, folder: Path) -> None:
    """Replace ``folder`` by the handout's files, all at once."""
    if folder.exists() and not (folder / ASSIGNMENT_FOLDER / SPEC_NAME).is_file() and any(folder.iterdir()):
        raise AssignmentError(f"{folder} holds something else than a handout: it is not overwritten")
    folder.parent.mkdir(parents=True, exist_ok=True)
    fresh = Path(tempfile.mkdtemp(dir=folder.parent, prefix=f".{folder.name}."))
    try:
        _write_tree(fresh, handout.files)
        fresh.chmod(0o755)
        if folder.exists():
            old = Path(tempfile.mkdtemp(dir=folder.parent, prefix=f".{folder.name}."))
            folder.replace(old)
            fresh.replace(folder)
            shutil.rmtree(old)
        else:
            fresh.replace(folder)
    finally:
        shutil.rmtree(fresh, ignore_errors=True)


def _write_tree(root: Path, files: Mapping[str, bytes]) -> None:
    for name, data in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)


def _below(path: str, folder: str) -> bool:
    return path == folder or path.startswith(f"{folder}/")


def _text(data: bytes, name: str) -> str:
    try:
        return data.decode()
    except UnicodeDecodeError:
        raise AssignmentError(f"{name} is not UTF-8 text") from None


def _must_compile(text: str, name: str) -> None:
    try:
        compile(text, name, "exec")
    except SyntaxError as error:
        raise AssignmentError(f"{name}: the stub does not compile, line {error.lineno}: {error.msg}") from None


def _provided(path: Path, name: str) -> bytes:
    """Return a provided file; it is laid down as it is when grading, so it may hold no solution."""
    data = path.read_bytes()
    if name.endswith(".py") and strip_python(_text(data, name), name).blocks:
        raise AssignmentError(f"{name} is provided, so it can't have solution markers: name it under [[files]]")
    return data


def _toml(spec: Spec) -> bytes:
    """Return a spec as TOML, without what is at its default."""
    head = "# Made by `grader handout`. Changing it changes nothing about how your work is graded.\n"
    return (head + tomli_w.dumps(_told(spec), multiline_strings=False)).encode()


def _told(value: Any) -> Any:
    if isinstance(value, msgspec.Struct):
        defaults = {
            field.name: field.default
            for field in msgspec.structs.fields(value)
            if field.default is not msgspec.NODEFAULT
        }
        items = ((name, getattr(value, name)) for name in value.__struct_fields__)
        return {name: _told(item) for name, item in items if name not in defaults or item != defaults[name]}
    if isinstance(value, dict | Mapping):
        return {key: _told(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_told(item) for item in value]
    return str(value) if isinstance(value, str) else value
