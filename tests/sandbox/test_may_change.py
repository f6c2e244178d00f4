"""Which code is followed by a look through the libraries: all that could change a module."""

from __future__ import annotations

import pytest

from grader.sandbox.inside.work.process.may_change import may_change


@pytest.mark.parametrize(
    "code",
    [
        "np.sum = 0",
        "np.pi += 1",
        "del np.sum",
        "for np.sum in [0]: pass",
        "with open('x') as np.sum: pass",
        "self.sum = 0",
        "np.self.sum = 0",
        "setattr(np, 'sum', 0)",
        "vars(np).update(sum=0)",
        "np.__dict__['sum'] = 0",
        "exec('np.' + 'sum = 0')",
        "import sys; del sys.modules['numpy']",
        "get_ipython().run_line_magic('run', 'other.py')",
        "def change():\n    import numpy as np\n    np.sum = 0",
        "class A:\n    def change(self, other):\n        other.sum = 0",
        "changes = [setattr(m, 'sum', 0) for m in (np,)]",
    ],
)
def test_code_that_may_change_a_module_is_known(code: str) -> None:
    assert may_change(compile(code, "cell", "exec"))


@pytest.mark.parametrize(
    "code",
    [
        "x = np.sum(y)",
        "x['a'] = np.pi",
        "class A:\n    def __init__(self, size):\n        self.size, self.twice = size, 2 * size",
        "class A:\n    def count(self):\n        self.number += 1",
        "def f(x, axis=None):\n    return x.mean(axis=axis)",
    ],
)
def test_usual_code_is_not_suspected(code: str) -> None:
    assert not may_change(compile(code, "cell", "exec"))
