"""From what a function computes nothing is told, and nothing is told of what it uses."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path

import numpy as np
import pytest

from grader.sandbox.inside.work.calls.unused_names import unused

FUNCTIONS = {
    "a parameter that is only kept": ("def f(x, w, b):\n    y = w + b\n    return y, (x, w)", ["x"]),
    "a parameter in a cache that has a name": ("def f(x, w):\n    cache = [x, {'w': w}]\n    return w + 1, cache", ["x"]),
    "a variable": ("def f(x):\n    mask = x > 0\n    y = x + 1\n    return y", ["mask"]),
    "variables set side by side": ("def f(x):\n    w, b = x[0], x[1]\n    return x @ w", ["b"]),
    "what a cache is taken apart into": ("def f(dy, cache):\n    x, w, b = cache\n    return dy * x", []),
    "a cache that is used": ("def f(x, w):\n    c = (x, w)\n    d = c\n    return d[0] + 1, c", []),
    "another name": ("def f(x, h0):\n    h = h0\n    return x + h", []),
    "an augmented variable": ("def f(x):\n    s = 0\n    s += x\n    return s", []),
    "a literal that is an argument": ("def f(x, h):\n    y = np.hstack([x, h])\n    return y, (x, h)", []),
    "a nested function": ("def f(x, w):\n    def g():\n        return x + w\n    return g()", []),
    "a method": ("class C:\n    def f(self, x, y):\n        return x * 2\n\nf = C.f", ["y"]),
    "names to be ignored": ("def f(x, _y):\n    _, z = x\n    _w = 1\n    return z + 1", []),
    "no text that can be read": ("f = eval('lambda x: 1')", []),
}  # fmt: skip


@pytest.mark.parametrize(("text", "names"), FUNCTIONS.values(), ids=FUNCTIONS)
def test_names_from_which_nothing_is_computed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str, names: list[str]
) -> None:
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    (tmp_path / "unused_of_mine.py").write_text(f"import numpy as np\n\n\n{text}\n")
    importlib.invalidate_caches()
    sys.modules.pop("unused_of_mine", None)
    assert unused(importlib.import_module("unused_of_mine").f) == names


def test_what_is_no_function_of_python_has_no_names() -> None:
    assert unused(np.tanh) == unused(3) == []
