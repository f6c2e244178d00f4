"""The rooms of the house: imports run downwards only, and the command line starts without the heavy
libraries.
"""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from grader.authoring.handout.wheel import ABOVE_THE_LINE

ROOT = Path(__file__).resolve().parents[1]
HOUSE = ROOT / "grader"

# From the top down; rooms of one floor don't know each other.
FLOORS = (
    {"__main__"},
    {"cli"},
    {"desk"},
    {"importing", "authoring", "classroom"},
    {"notebook"},
    {"practice"},
    {"grading"},
    {"checking"},
    {"report"},
    {"assignment"},
    {"notebooks"},
    {"sandbox"},
    {"error_map", "zips"},
    {"model"},
    {"markers", "errors", "limits", "text", "files", "machine", "finished_tasks", "__init__"},
)
HEIGHT = {room: -floor for floor, rooms in enumerate(FLOORS) for room in rooms}
MODULES = sorted(path.relative_to(HOUSE).as_posix() for path in HOUSE.rglob("*.py"))


def only_for_types(node: ast.stmt) -> bool:
    return isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"


def imported(path: Path, *, for_types: bool = True) -> Iterator[str]:
    """Yield the names of the package's modules that a module imports, wherever in it."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    if not for_types:
        tree.body = [node for node in tree.body if not only_for_types(node)]
    for node in ast.walk(tree):
        names = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path} imports relatively"
            names = [f"{node.module}.{alias.name}" for alias in node.names]
        yield from (name.removeprefix("grader.") for name in names if name.startswith("grader."))


def room(name: str) -> str:
    """Return the room of a dotted name; a name of the package's own `__init__` is of the ground
    floor.
    """
    head = name.split(".")[0]
    return head if head in HEIGHT else "__init__"


@pytest.mark.parametrize("module", MODULES)
def test_imports_run_downwards(module: str) -> None:
    own = room(module.removesuffix(".py").replace("/", "."))
    upwards = [
        name
        for name in imported(HOUSE / module)
        if room(name) != own and HEIGHT[room(name)] >= HEIGHT[own]
    ]
    assert upwards == [] or own in FLOORS[-1]


def test_a_students_installation_needs_none_of_the_rooms_that_it_leaves_out() -> None:
    """The command line loads a command's room when the command runs."""
    kept = [name for name in MODULES if room(name.split("/")[0]) not in ABOVE_THE_LINE]
    for module in kept:
        for name in imported(HOUSE / module):
            if room(name) in ABOVE_THE_LINE:
                assert module.startswith("cli/"), f"{module} imports grader.{name}"


def test_ground_floor_leans_on_errors_alone() -> None:
    for module in FLOORS[-1] - {"__init__"}:
        assert {room(name) for name in imported(HOUSE / f"{module}.py")} <= {"errors"}


@pytest.mark.parametrize(
    "module", [module for module in MODULES if module.startswith("sandbox/inside/")]
)
def test_what_runs_in_the_box_knows_the_wire_alone(module: str) -> None:
    for name in imported(HOUSE / module):
        assert name.startswith(("sandbox.wire", "sandbox.inside")), (
            f"{module} imports grader.{name}"
        )


@pytest.mark.parametrize("module", [module for module in MODULES if module.startswith("report/")])
def test_report_never_meets_the_sandbox(module: str) -> None:
    assert not [name for name in imported(HOUSE / module) if room(name) == "sandbox"]


def test_no_two_modules_import_each_other() -> None:
    graph = {}
    for module in MODULES:
        own = module.removesuffix(".py").removesuffix("/__init__").replace("/", ".")
        graph[own] = set()
        for name in imported(HOUSE / module, for_types=False):
            longest = (
                name
                if (HOUSE / f"{name.replace('.', '/')}.py").is_file()
                else name.rpartition(".")[0]
            )
            graph[own].add(longest)
    done: set[str] = set()

    def visit(name: str, path: tuple[str, ...]) -> None:
        assert name not in path, " → ".join((*path, name))
        if name not in done:
            for other in graph.get(name, ()):
                visit(other, (*path, name))
            done.add(name)

    for name in graph:
        visit(name, ())


@pytest.mark.parametrize("arguments", [["--help"], ["--version"], ["check", "--help"]])
def test_command_line_starts_without_heavy_libraries(arguments: list[str]) -> None:
    done = subprocess.run(
        [sys.executable, "-X", "importtime", "-m", "grader", *arguments],
        cwd=ROOT, capture_output=True, text=True, check=True,
    )  # fmt: skip
    loaded = {line.rpartition("|")[2].strip().split(".")[0] for line in done.stderr.splitlines()}
    assert "grader" in loaded
    assert loaded.isdisjoint(
        {"numpy", "h5py", "pytest", "nbclient", "nbformat", "IPython", "matplotlib", "jinja2"}
    )
