"""The floor as a contestant: the same cells and calls, in forks of a process that has everything
imported already.

Nothing is judged, compared, isolated or written: what is left is the student's own code, IPython's
running of it, and the drawing of the inputs.
"""

from __future__ import annotations

import functools
import importlib
import io
import json
import os
import sys
import tempfile
import traceback
import zlib
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from IPython.core.interactiveshell import InteractiveShell
from traitlets.config import Config

from benchmarks import lane
from grader.assignment.spec import Assignment, load
from grader.checking.session import run_checks
from grader.checking.session.collection import case_id, check_id

# check, case, the test function, its parameters
Case = tuple[str, str, Callable[..., None], dict[str, Any]]


class Anything:
    """Stands for `expect`: takes every value and finds nothing."""

    def __call__(self, *_: object, **__: object) -> bool:
        return True

    def __getattr__(self, name: str) -> Callable[..., bool]:
        return self


class Shell(InteractiveShell):
    """A shell that draws figures inline."""

    def enable_gui(self, gui: str | None = None) -> None:
        """Start none."""


class Bare(SimpleNamespace):
    """Stands for `notebook`: what its cells defined."""

    def __getitem__(self, name: str) -> Any:
        return self.namespace[name]

    def must_run(self) -> None:
        """Do nothing: a cell that raised has ended the process."""


def main() -> None:
    """Run what is asked for."""
    job = lane.job()
    assignment = load(Path(job["assignment"]))
    cases = [case for case in collect(assignment) if not job["only"] or case[0] in job["only"]]
    shell = make_shell(job["plots"])
    submissions = Path(job["submissions"])
    with tempfile.TemporaryDirectory() as folder:

        def grade(chunk: str, names: list[str]) -> dict[str, float]:
            for name in names:
                tree = Path(folder, name)
                stage(assignment, submissions / name, tree)
                used = {path for check, *_ in cases if (path := notebook_of(assignment, check))}
                for path in (*sorted(used), ""):
                    mine = [case for case in cases if notebook_of(assignment, case[0]) == path]
                    if path or mine:
                        apart(functools.partial(run, assignment, shell, tree, path, mine))
            return {}

        lane.serve(grade)


def run(assignment: Assignment, shell: Shell, tree: Path, path: str, cases: list[Case]) -> None:
    """Run a notebook's cells, if there is one, and the calls of some checks."""
    os.chdir(tree)
    sys.path.insert(0, str(tree))
    sys.stdout = io.StringIO()
    if path:
        for cell in json.loads((tree / path).read_bytes())["cells"]:
            if cell["cell_type"] == "code":
                result = shell.run_cell("".join(cell["source"]), store_history=True)
                result.raise_error()
        student = None
    else:
        student = students(assignment)
    for check, case, function, parameters in cases:
        np.random.seed(2016)
        rng = np.random.default_rng([2016, zlib.crc32(check.encode()), zlib.crc32(case.encode())])
        given = {
            "student": student,
            "notebook": Bare(namespace=shell.user_ns),
            "expect": Anything(),
            "rng": rng,
        }
        names = function.__code__.co_varnames[: function.__code__.co_argcount]
        function(**{name: {**given, **parameters}[name] for name in names})


def students(assignment: Assignment) -> SimpleNamespace:
    """Return the student's functions themselves."""
    modules = {file.module: file.provides for file in assignment.spec.files}
    return SimpleNamespace(
        **{
            name: getattr(importlib.import_module(module), name)
            for module, names in modules.items()
            for name in names
        }
    )


def notebook_of(assignment: Assignment, check: str) -> str:
    """Return the notebook that a check judges, if any."""
    spec = assignment.check(check)
    return spec.notebook if spec is not None else ""


def stage(assignment: Assignment, submission: Path, tree: Path) -> None:
    """Lay down the provided files and the student's; his notebook as he handed it in, or the
    assignment's.
    """
    for place, source in assignment.links.items():
        (tree / place).parent.mkdir(parents=True, exist_ok=True)
        (tree / place).symlink_to(source)
    own = [(file.path, submission / file.path) for file in assignment.spec.files]
    own += [(book.path, submission / book.path) for book in assignment.spec.notebooks]
    sources = {book.path: assignment.folder / book.source for book in assignment.spec.notebooks}
    for place, source in own:
        (tree / place).parent.mkdir(parents=True, exist_ok=True)
        (tree / place).write_bytes((source if source.is_file() else sources[place]).read_bytes())


def make_shell(plots: bool) -> Shell:
    """Return a shell as a kernel has one, with all that it will need imported."""
    config = Config()
    config.HistoryManager.enabled = False
    config.InteractiveShell.colors = "nocolor"
    shell = Shell.instance(config=config, user_ns={"__name__": "__main__"})
    for module in ("h5py", "matplotlib.pyplot", "matplotlib.backends.backend_agg") if plots else ():
        importlib.import_module(module)
    if plots:
        shell.run_line_magic("matplotlib", "inline")
    return shell


def apart(work: Callable[[], None]) -> None:
    """Do something in a fork; raise where that fails."""
    pid = os.fork()
    if pid == 0:
        try:
            work()
            os._exit(0)
        except BaseException:
            traceback.print_exc(file=sys.__stderr__)
            os._exit(1)
    _, status = os.waitpid(pid, 0)
    if status:
        raise RuntimeError("the floor itself failed: see above")


def collect(assignment: Assignment) -> list[Case]:
    """Return all cases of an assignment's checks, in pytest's order."""
    cases: list[Case] = []

    class Collector:
        def pytest_collection_modifyitems(self, items: list[Any]) -> None:
            for item in items:
                parameters = dict(item.callspec.params) if hasattr(item, "callspec") else {}
                cases.append((check_id(item), case_id(item), item.obj, parameters))

    folder = assignment.checks_folder
    quiet = [word for name in run_checks.UNUSED for word in ("-p", f"no:{name}")]
    ini = str(Path(run_checks.__file__).with_name("checks.ini"))
    options = [
        str(folder),
        f"--rootdir={folder}",
        f"--confcutdir={folder}",
        "-c",
        ini,
        "--collect-only",
    ]
    code = pytest.main([*options, *run_checks.OPTIONS, *quiet], plugins=[Collector()])
    if code or not cases:
        raise RuntimeError(f"the checks in {folder} can't be collected ({code})")
    return cases


if __name__ == "__main__":
    main()
