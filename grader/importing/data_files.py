"""Files that go with a notebook: those that its cells, or the modules beside it, speak of. Nothing
is run for this.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import NamedTuple

from grader.importing.drafts import Cell, trees
from grader.importing.source_code import module_names, text_of
from grader.notebooks.definitions import tree_of

MOST_FILES = 500
MOST_BYTES = 64 << 20
_NOT_TAKEN = re.compile(r"(?:^|/)(?:checks|expectations|\.ipynb_checkpoints|__pycache__)/")
WRITERS = frozenset(
    (
        "to_csv",
        "to_excel",
        "to_json",
        "to_pickle",
        "to_parquet",
        "to_hdf",
        "savefig",
        "save",
        "savez",
        "savetxt",
        "imsave",
        "imwrite",
        "write_text",
        "write_bytes",
        "dump",
        "makedirs",
        "mkdir",
        "remove",
        "unlink",
    )
)
_PICTURE = re.compile(r"!\[[^\]]*\]\(\s*<?([^)\s>]+)|<img\b[^>]*\bsrc=[\"']([^\"']+)")
_RUN = re.compile(r"^[ \t]*%run[ \t]+(?:-\w+[ \t]+)*[\"']?([^\s\"']+)", re.MULTILINE)
_WRITEFILE = re.compile(r"^%%writefile\s+(?:-a\s+)?(\S+)", re.MULTILINE)


class DataFiles(NamedTuple):
    """What was found: files below the notebook's folder, and in sentences what was not or lies
    elsewhere.
    """

    files: dict[str, bytes]
    notes: list[str]


def beside(cells: list[Cell], folder: Path, named: list[str], own: str) -> DataFiles:
    """Return the files that a notebook needs.

    named: paths that its markup names; own: the notebook's own file name.
    """
    search = _FileSearch(folder, own)
    for number, cell in enumerate(cells, start=1):
        search.cell(cell, f"cell {number}")
    for path in named:
        search.take(path, "", must=True)
    search.keep_folders()
    return DataFiles(search.files, search.notes)


class _FileSearch:
    def __init__(self, folder: Path, own: str) -> None:
        self.folder = folder
        self.own = own
        self.files: dict[str, bytes] = {}
        self.notes: list[str] = []
        self.run: set[str] = set()  # other notebooks and scripts that a cell runs
        self._written: set[str] = set()
        self._seen: set[tuple[str, bool]] = set()
        self._size = 0

    def cell(self, cell: Cell, place: str) -> None:
        """Collect the files that a cell mentions."""
        source = cell["source"]
        if cell["cell_type"] == "markdown":
            for found in _PICTURE.findall(source):
                path = found[0] or found[1]
                if not re.match(r"[a-z]+:|/|#", path):  # a web address, an attachment
                    self.take(path, place, must=True)
        self._written.update(map(_plain, _WRITEFILE.findall(source)))
        for path in _RUN.findall(source) if cell["cell_type"] == "code" else []:
            bare = not path.endswith((".py", ".ipy", ".ipynb"))
            self.run.add(f"{path}.py" if bare else _plain(path))
            self.take(f"{path}.py" if bare else path, place, must=True)
        for _, tree in trees([cell]):
            self.code(tree, place)

    def code(self, tree: ast.Module, place: str) -> None:
        """Take the files that code names and the modules that it imports."""
        self._written.update(map(_plain, _written(tree)))
        for node in ast.walk(tree):
            text = text_of(node)
            if text and len(text) < 200:
                self.take(text, place)
            for name in filter(None, module_names(node)):
                self.module(name, place)

    def keep_folders(self) -> None:
        """Let the folders be there that the notebook writes into, as they are for its author."""
        for path in sorted(self._written):
            parent = path.rpartition("/")[0]
            inside = bool(parent) and ".." not in parent.split("/") and not parent.startswith("/")
            if inside and not self._holds(parent) and (self.folder / parent).is_dir():
                self.files[f"{parent}/.keep"] = b""

    def _holds(self, folder: str) -> bool:
        """Return whether a file was taken from a folder."""
        return any(path.startswith(f"{folder}/") for path in self.files)

    def module(self, name: str, place: str) -> None:
        """Take a module beside the notebook, a package with all its files."""
        path = name.replace(".", "/")
        top = path.partition("/")[0]
        if (self.folder / f"{top}.py").is_file():
            self.take(f"{top}.py", place)
        elif (self.folder / top / "__init__.py").is_file() or (
            self.folder / f"{path}.py"
        ).is_file():
            for found in sorted((self.folder / top).rglob("*.py")):
                self.take(found.relative_to(self.folder).as_posix(), place)

    def take(self, named: str, place: str, *, must: bool = False) -> None:
        """Take a file, or all files of a folder or pattern; say what of it can't be had."""
        path = _plain(named)
        if (
            (named, must) in self._seen
            or path in self._written
            or not path
            or "\0" in path
            or "\n" in path
        ):
            return
        self._seen.add((named, must))
        if ".." in path.split("/") or path.startswith(("/", "~")):
            self._elsewhere(path, place)
            return
        found = list(self._found(path))
        for one in found:
            self._keep(one)
        if must and not found:
            self.notes.append(
                f"{path} is not beside the notebook: add it, and name it under [provided]"
            )

    def _elsewhere(self, path: str, place: str) -> None:
        try:
            there = path.startswith("..") and (self.folder / path).exists()
        except OSError:
            return
        if there or re.fullmatch(r"(?:\.\./)+[\w./ -]+\.\w{1,5}", path):
            self.notes.append(
                f"{place}: `{path}` lies outside of the notebook's folder and is not carried over:"
                " put it beside the notebook and correct the path"
            )

    def _found(self, path: str) -> Iterator[Path]:
        try:
            start = self.folder / path
            if start.is_file():
                yield start
            elif start.is_dir() and start != self.folder:
                yield from sorted(filter(Path.is_file, start.rglob("*")))
            elif "*" in path and len(path) > 2 and path[0] != "*":
                yield from sorted(filter(Path.is_file, self.folder.glob(path)))
        except (OSError, ValueError, NotImplementedError):  # a text that is not a file's name
            return

    def _keep(self, found: Path) -> None:
        path = found.relative_to(self.folder).as_posix()
        taken = path in self.files or path in (self.own, "assignment.toml")
        taken |= path.endswith(".ipynb") and path not in self.run
        if taken or _NOT_TAKEN.search(path) or found.is_symlink():
            return
        size = found.stat().st_size
        if len(self.files) >= MOST_FILES or self._size + size > MOST_BYTES:
            self.notes.append(
                f"{path} is not carried over: at most {MOST_FILES} files and {MOST_BYTES >> 20}"
                " MB are"
            )
            return
        self._size += size
        self.files[path] = found.read_bytes()
        if path.endswith(".py"):
            try:
                self.code(tree_of(self.files[path]), path)
            except (SyntaxError, ValueError):
                return


def _plain(path: str) -> str:
    """Return a path as it is written without what changes nothing."""
    if not path.strip() or path.startswith("/"):
        return path
    plain = PurePosixPath(path.replace("\\", "/")).as_posix()
    return "" if plain == "." else plain


def _written(tree: ast.Module) -> Iterator[str]:
    """Yield the paths that code writes to, as far as it names them as text."""
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call):
            continue
        last = ast.unparse(node.func).rpartition(".")[2]
        texts = [text for text in map(text_of, node.args) if text is not None]
        if texts and (last in WRITERS or (last == "open" and _opens_to_write(node, texts))):
            yield texts[0]


def _opens_to_write(call: ast.Call, texts: list[str]) -> bool:
    """Return whether `open` writes: its mode is the second text or named."""
    modes = "".join(texts[1:2])
    for one in call.keywords:
        if one.arg == "mode" and isinstance(one.value, ast.Constant):
            modes += str(one.value.value)
    return not set("wax").isdisjoint(modes)
