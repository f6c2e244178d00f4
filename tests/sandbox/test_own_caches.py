"""The cache of a forward function that raises is known from its text, as far as it can be computed."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from grader.sandbox.inside.work.second_runs.own_caches import NotComputed, run_to_the_end

X = np.arange(6.0).reshape(3, 2)
RIGHT = [np.tanh(X), NotComputed]
CACHES = {
    "the output's line raises": (
        "out = np.tanh(y)\n    cache = (x, w, out)\n    return out, cache", (X, 2, RIGHT[0])),
    "the return raises": ("out = np.tanh(x)\n    cache = {'x': x, 'out': out}\n    return ou, cache",
                          {"x": X, "out": RIGHT[0]}),
    "a line that the cache does not need": ("z = y\n    return np.tanh(x), [x, w]", [X, 2]),
    "within a loop": (
        "steps = []\n    for t in range(2):\n        steps.append(t)\n        out[t] = y\n    return out, steps",
        [0, 1]),
    "a list that becomes the output": (
        "out = []\n    for t in range(2):\n        out.append(t)\n    out = np.stack(outs)\n    return out, (out, x)",
        (RIGHT[0], X)),
    "an assertion": ("assert x.ndim == 3\n    return np.tanh(x), x.shape", (3, 2)),
    "a branch": ("if w == 2:\n        return np.tanh(y), (w, x)\n    return y", (2, X)),
    "the output alone is returned": ("cache = x, w\n    return np.tanh(x)", (X, 2)),
    "an object": ("class Box:\n        pass\n    b = Box()\n    b.x = x\n    return y, b.x.shape", (3, 2)),
}  # fmt: skip
NOTHING = {
    "what the cache holds raises": "a = x @ y\n    return np.tanh(a), (a, x)",
    "nothing is returned": "y",
    "a stub": "raise NotImplementedError",
    "another number of values": "return y, x, w",
}


def called(folder: Path, body: str) -> Any:
    (folder / "forward_of_mine.py").write_text(
        f"import numpy as np\n\n\ndef forward(x, w=2):\n    {body}\n", encoding="utf-8"
    )
    importlib.invalidate_caches()
    sys.modules.pop("forward_of_mine", None)
    function = importlib.import_module("forward_of_mine").forward
    try:
        function(X)
    except Exception:
        pass
    else:
        assert "outs" not in body
    return run_to_the_end(function, RIGHT, (X,), {})


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    return tmp_path


@pytest.mark.parametrize(("body", "cache"), CACHES.values(), ids=CACHES)
def test_cache_is_what_the_text_makes(folder: Path, body: str, cache: Any) -> None:
    _, found = called(folder, body)
    assert type(found) is type(cache)
    np.testing.assert_equal(found, cache)


@pytest.mark.parametrize("body", NOTHING.values(), ids=NOTHING)
def test_cache_that_can_not_be_computed_is_missing(folder: Path, body: str) -> None:
    result = called(folder, body)
    assert not isinstance(result, tuple) or len(result) != 2 or result[1] is NotComputed


def test_function_of_another_kind_is_left_alone() -> None:
    assert run_to_the_end(np.tanh, RIGHT, (X,), {}) is NotComputed
