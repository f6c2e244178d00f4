"""Which checks a change concerns."""

from __future__ import annotations

import pytest

from grader.practice.concern import affected, changed, concerned

FILE = """\
import numpy as np
SCALE = 2

def step(x):
    return SCALE * x

def walk(x):
    return step(x)

def other(x):
    return x

class Model:
    rate = 1

    def loss(self, x):
        return walk(x)

    def sample(self):
        return self._first()

    def _first(self):
        return 0
"""
USER = "from pack.layers import *\n\ndef train(x):\n    return Model().loss(x)\n"
ASKS = {
    "step": frozenset({"step"}),
    "walk": frozenset({"walk"}),
    "other": frozenset({"other"}),
    "loss": frozenset({"Model", "Model.loss"}),
    "sample": frozenset({"Model", "Model.sample"}),
    "train": frozenset({"train"}),
}


@pytest.mark.parametrize(
    ("old", "new", "near", "far"),
    [
        ("return SCALE * x", "return x * SCALE", ["step"], ["step", "walk", "loss", "train"]),
        ("return SCALE * x", "return SCALE * x  # a comment", [], []),
        ("return 0", "return 1", [], ["sample"]),
        ("SCALE = 2", "SCALE = 3", [], ["step", "walk", "loss", "train"]),
        ("rate = 1", "rate = 2", ["loss", "sample"], ["loss", "sample", "train"]),
        ("return self._first()", "return 5", ["sample"], ["sample"]),
        ("def other(x):\n    return x\n", "", ["other"], ["other"]),
    ],
)
def test_checks_of_what_was_changed_and_of_what_uses_it(
    old: str, new: str, near: list[str], far: list[str]
) -> None:
    after = FILE.replace(old, new)
    assert after != FILE
    names = changed(FILE, after)
    assert names is not None
    assert list(concerned(names, ASKS)) == near
    assert list(concerned(affected(names, {"layers.py": after, "user.py": USER}), ASKS)) == far


@pytest.mark.parametrize(
    "after", [FILE.replace("import numpy as np", "import numpy"), "def step(:", FILE + "print(1)\n"]
)
def test_what_may_concern_everything(after: str) -> None:
    assert changed(FILE, after) is None
