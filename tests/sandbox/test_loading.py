"""A module is loaded as far as it can be, and what honest code can observe stays as Python has it."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from grader.sandbox.inside.work.exception_text import describe
from grader.sandbox.inside.work.files.loading import Loading

Load = Callable[..., ModuleType]


class World:
    """A folder of modules which are loaded as those of a submission are."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.loading = Loading(root)

    def load(self, text: str, **others: str) -> ModuleType:
        """Write modules, and import the first, whose name is `work`."""
        for name, content in {"work": text, **others}.items():
            path = self.root / f"{name.replace('__', '/')}.py"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(content)
        importlib.invalidate_caches()
        return importlib.import_module("work")

    def told(self) -> list[tuple[int, str]]:
        """Return the line and the exception of each part that was passed over."""
        return [(one["line"], one["error"]["type"]) for one in self.loading.take()]

    def describes(self, function: Callable[..., Any]) -> dict[str, Any]:
        """Return what is told of the exception that a function raises."""
        with pytest.raises(BaseException) as raised:  # noqa: PT011 - whatever it is
            function()
        return describe(raised.value, self.root)


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    hooks, modules = sys.path_hooks.copy(), set(sys.modules)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    made = World(tmp_path)
    made.loading.begin()
    yield made
    sys.path_hooks[:] = hooks
    sys.path_importer_cache.clear()
    for name in set(sys.modules) - modules:
        if name.split(".")[0] in ("work", "pack", "other"):
            del sys.modules[name]


RAISES = {
    "a package that is not there": ("from google.colab import drive", "ModuleNotFoundError"),
    "a call": ("print(third(1) + undefined)", "NameError"),
    "a file that is not there": ("open('data.txt')", "FileNotFoundError"),
    "an assertion": ("assert 1 == 2", "AssertionError"),
    "the end of the program": ("raise SystemExit(0)", "SystemExit"),
    "a loop": ("for i in xrange(3):\n    print(i)", "NameError"),
    "an unwritten function": ("first(None)", "NotImplementedError"),
}


@pytest.mark.parametrize(("line", "kind"), RAISES.values(), ids=RAISES)
def test_statement_that_raises_is_passed_over(world: World, line: str, kind: str) -> None:
    work = world.load(
        '"""Work."""\nfrom __future__ import annotations\n\n\ndef first(x: Nothing):\n'
        f"    raise NotImplementedError\n\n\nW = 1; {line if ':' not in line else 'pass'}\n"
        f"{line if ':' in line else ''}\nV = 2\n\n\ndef third(x):\n    return x + V\n"
    )
    assert work.third(1) == 3
    assert (work.__doc__, work.W) == ("Work.", 1)
    ((_, told),) = world.told()
    assert told == kind


def test_what_can_be_imported_is_told_of_in_no_way(world: World) -> None:
    work = world.load("x = 1\n\n\ndef f():\n    return x\n")
    assert world.told() == []
    assert [name for name in vars(work) if not name.startswith("__")] == ["x", "f"]
    assert "__unreadable__" not in vars(work)
    assert work.f.__code__.co_firstlineno == 4


def test_missing_name_is_told_of_what_was_to_bind_it(world: World) -> None:
    work = world.load(
        "import nowhere\nfrom nowhere import *\nW = nowhere.zeros(3)\n\n\ndef f():\n    return W\n\n\n"
        "def g():\n    return helper()\n\n\n@jit\ndef h():\n    pass\n"
    )
    assert world.told() == [
        (1, "ModuleNotFoundError"), (2, "ModuleNotFoundError"), (3, "ModuleNotFoundError"),
        (14, "ModuleNotFoundError"),
    ]  # fmt: skip
    for function in (work.f, work.g, work.h):
        told = world.describes(function)
        assert (told["type"], told["missing"]) == ("ModuleNotFoundError", "nowhere")


def test_names_that_lack_for_each_other_end(world: World) -> None:
    work = world.load("a = b\nb = a\n\n\ndef f():\n    return a\n")
    assert world.describes(work.f)["type"] == "NameError"


def test_unreadable_function_raises_its_error_each_time(world: World) -> None:
    work = world.load("def f(x):\n    print x\n\n\ndef g(x):\n    return f(x)\n")
    for _ in range(2):
        told = world.describes(lambda: work.g(1))
        assert told["type"] == "SyntaxError"
        assert [frame["line"] for frame in told["frames"]] == [6, 1, 2]
        assert told["frames"][-1]["text"] == "print x"


def test_class_loses_the_member_alone_that_raises(world: World) -> None:
    work = world.load(
        "class Model:\n    device = torch.device('cpu')\n\n    def loss(self):\n        return 1\n\n"
        "    def sample(self, kind=torch.int8):\n        return 2\n"
    )
    model = work.Model()
    assert model.loss() == 1
    assert world.describes(model.sample)["type"] == "NameError"
    assert [line for line, _ in world.told()] == [2, 7]


def test_import_in_a_try_fails_as_ever(world: World) -> None:
    work = world.load(
        "try:\n    from other import fast as f\nexcept ImportError:\n    def f():\n        return 'slow'\n",
        other="def fast():\n    return 'fast'\n\n\nimport cython_of_mine\n",
    )
    assert work.f() == "slow"
    assert world.told() == []


@pytest.mark.parametrize("line", ["from layers import one", "from cs682.layers import *"])
def test_module_of_another_place_is_found(world: World, line: str) -> None:
    work = world.load(
        f"{line}\nimport layers as more\nimport layers\n\n\ndef two():\n"
        "    return one() + more.one() + layers.one()\n",
        pack____init__="",
        pack__layers="def one():\n    return 1\n",
    )
    assert work.two() == 3


def test_what_another_package_has_is_not_taken_from_the_tree(world: World) -> None:
    world.load(
        "from nowhere.optim import Adam\n", pack____init__="", pack__optim="def adam():\n    pass\n"
    )
    assert world.told() == [(1, "ModuleNotFoundError")]


# --- statement by statement ---

WORK = "from __future__ import annotations\nimport other\n\n\ndef f(x: Odd):\n    return other.Y\n"


def test_each_statement_says_its_place_before_it_runs(world: World) -> None:
    said: list[tuple[str, int]] = []
    world.loading.begin(lambda *place: said.append(place))
    work = world.load(WORK, other="Y = 1\nZ = 2\n")
    assert work.f(0) == 1
    others = [("other.py", 0), ("other.py", 1)]
    assert said == [
        ("work.py", 0),
        ("work.py", 1),
        *others,
        ("work.py", 1),
        ("work.py", 2),
        ("", 0),
    ]
    assert world.told() == []


def test_statements_that_are_left_out_lack_and_are_told(world: World) -> None:
    world.loading.begin(lambda *place: None, [("work.py", 1), ("other.py", 0)])
    work = world.load(WORK, other="Y = 1\nZ = 2\n")
    assert world.told() == [(2, "EndedProcess")]
    told = world.describes(lambda: work.f(0))
    assert told["type"] == "EndedProcess"
    assert told["ended"] == {"file": "work.py", "number": 1, "line": 2}
    assert world.describes(lambda: work.g)["ended"] == told["ended"]


def test_only_a_module_that_has_ended_is_run_statement_by_statement(world: World) -> None:
    world.loading.begin(None, [("other.py", 1)])
    work = world.load("import other\n1 / 0\nZ = other.Y", other="Y = 1\nEND\nZ = 2\n")
    assert (work.Z, work.other.Z) == (1, 2)
    assert not world.loading.by_statements(str(world.root / "work.py"))
    assert world.told() == [(2, "EndedProcess"), (2, "ZeroDivisionError")]


def test_an_error_within_a_try_is_the_same_statement_by_statement(world: World) -> None:
    world.loading.begin(lambda *place: None)
    work = world.load(
        "try:\n    import other\nexcept ZeroDivisionError:\n    A = 3\n", other="1 / 0\n"
    )
    assert work.A == 3
    assert world.told() == []
