"""Stand-ins within the box: they take a function's place under every name, and caches are known by
what made them.
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from grader.sandbox.inside.work.second_runs.reference_answers import Answers
from grader.sandbox.inside.work.second_runs.stand_ins import StandIns
from grader.sandbox.wire import Frame, pack, unpack

REFERENCE = """
import numpy as np

def square(x):
    return x * x, ("own", x)

def square_backward(dy, cache):
    name, x = cache
    assert name == "own"
    return 2 * x * dy

class Model:
    def __init__(self, size, dtype=np.float64):
        self.params = {"w": np.zeros(size, dtype)}

    def loss(self, x):
        return float((self.params["w"] * x).sum()), {"w": x}
"""
WRONG = """
import numpy as np

def square(x):
    y = 3 * x
    return y, [x, y]

def square_backward(dy, cache):
    return 2 * cache[0] * dy, cache[1]

class Model:
    def __init__(self, size, dtype=np.float64):
        self.params = {"w": np.ones(size, dtype)}

    def loss(self, x):
        raise NameError("los")
"""
USER = """
from student_layers import square, square_backward

TABLE = {"square": (square, square_backward), "list": [square]}

def twice(x):
    return square(square(x)[0])[0]

def there_and_back(x, dy):
    return square_backward(dy, square(x)[1])
"""
X = np.array([1.0, 2.0, 3.0])


class World:
    """The student's modules with stand-ins in them, and the reference that answers."""

    def __init__(self, folder: Path, student: str) -> None:
        for name, text in {
            "student_layers": student,
            "student_user": USER,
            "reference_layers": REFERENCE,
        }.items():
            (folder / f"{name}.py").write_text(text)
        self._folder = folder
        self.layers, self.user = self.module("student_layers"), self.module("student_user")
        self.asked: list[list[str]] = []  # the functions of each question

    def module(self, name: str) -> ModuleType:
        return importlib.import_module(name)

    def install(self, replaced: list[str], watched: list[str], *, own_caches: bool = False) -> None:
        answers = Answers()

        def ask(body: dict[str, Any], blobs: tuple[bytes, ...]) -> Frame:
            frame = crossed(Frame(body, blobs))
            self.asked.append([step["function"] for step in frame.body["steps"]])
            for step in frame.body["steps"]:
                step["module"] = "reference_layers"
            return crossed(answers.answer(frame))

        stand_ins = StandIns(ask, self._folder, {})
        stand_ins.own_caches = own_caches
        places = [[["student_layers", name] for name in names] for names in (replaced, watched)]
        stand_ins.install(*places)


def crossed(frame: Frame) -> Frame:
    """Return what arrives of a frame on the other side."""
    data, at = pack(frame), 0

    def read(count: int) -> bytes:
        nonlocal at
        at += count
        return data[at - count : at]

    return unpack(read)


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., World]]:
    """Return a function that makes a world of a student's text."""
    monkeypatch.syspath_prepend(tmp_path)
    yield lambda student=WRONG: World(tmp_path, student)
    for name in ("student_layers", "student_user", "reference_layers"):
        sys.modules.pop(name, None)


def test_a_stand_in_has_its_place_under_every_name(world: Callable[..., World]) -> None:
    made = world()
    made.install(["square"], [])
    functions = (
        made.layers.square,
        made.user.square,
        made.user.TABLE["square"][0],
        made.user.TABLE["list"][0],
    )
    for function in functions:
        np.testing.assert_array_equal(function(X)[0], X * X)
    np.testing.assert_array_equal(made.user.twice(X), X**4)


def test_a_cache_of_the_students_own_is_made_again_by_the_reference(
    world: Callable[..., World],
) -> None:
    right = WRONG.replace("3 * x", "x * x")
    made = world(right)
    made.install(["square_backward"], ["square"])
    np.testing.assert_array_equal(made.user.there_and_back(X, X), 2 * X * X)
    assert made.asked == [["square", "square_backward"]]


def test_a_cache_is_made_of_what_its_function_was_given_then(world: Callable[..., World]) -> None:
    made = world(WRONG.replace("3 * x", "x * x"))
    made.install(["square_backward"], ["square"])
    x = X.copy()
    _, cache = made.layers.square(x)
    x[:] = 7
    np.testing.assert_array_equal(made.layers.square_backward(X, cache), 2 * X * X)


def test_a_cache_that_a_stand_in_gave_is_known_to_another(world: Callable[..., World]) -> None:
    made = world()
    made.install(["square", "square_backward"], [])
    np.testing.assert_array_equal(made.user.there_and_back(X, X), 2 * X * X)
    assert made.asked == [["square"], ["square_backward"]]


def test_the_students_own_cache_has_the_right_output_in_the_place_of_the_wrong_one(
    world: Callable[..., World],
) -> None:
    made = world()
    made.install(["square"], [], own_caches=True)
    dx, output = made.user.there_and_back(X, X)
    np.testing.assert_array_equal(dx, 2 * X * X)
    np.testing.assert_array_equal(output, X * X)


@pytest.mark.parametrize("body", ["return y", "raise NameError('yy')", "return None"])
def test_a_function_without_a_cache_of_its_own_has_the_references(
    world: Callable[..., World], body: str
) -> None:
    made = world(WRONG.replace("return y, [x, y]", body))
    made.install(["square"], [], own_caches=True)
    name, x = made.layers.square(X)[1]
    assert name == "own"
    np.testing.assert_array_equal(x, X)


def test_what_nobody_made_goes_as_data(world: Callable[..., World]) -> None:
    made = world()
    made.install(["square_backward"], ["square"])
    np.testing.assert_array_equal(made.layers.square_backward(X, ("own", X)), 2 * X * X)


def test_a_method_is_answered_with_the_objects_own_parameters(world: Callable[..., World]) -> None:
    made = world()
    made.install(["Model.loss"], ["Model"])
    model = made.layers.Model(3, dtype=np.float32)
    model.params["w"] = np.array([1.0, 0.0, 2.0])
    loss, grads = model.loss(X)
    assert loss == 7
    np.testing.assert_array_equal(grads["w"], X)


def test_a_refusal_is_an_exception_in_the_students_code(world: Callable[..., World]) -> None:
    made = world()
    stand_ins = StandIns(lambda body, blobs: Frame({"ok": False}), Path("/nowhere"), {})
    stand_ins.install([["student_layers", "square"]], [])
    with pytest.raises(RuntimeError, match="no answer was to be had for `square`"):
        made.layers.square(X)
