"""What comes near to a missing name, seen in the box: told if it is plain, and never the cause of
another error.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from grader.sandbox.inside.work.nearby_names import close_to, module_near, nearest


@pytest.mark.parametrize(
    ("name", "names", "near"),
    [
        ("doutt", ["x", "dout", "W"], "dout"),
        ("dwx", ["dWh", "dWx"], "dWx"),
        ("dWx", ["dWh", "Wx"], ""),
        ("prev_hh", ["prev_c", "prev_h"], "prev_h"),
        ("lstm_step_forward", ["lstm_step_backward", "rnn_step_forward"], ""),
        ("rnn_step_foward", ["rnn_step_backward", "rnn_step_forward"], "rnn_step_forward"),
        ("tahn", ["tan", "tanh"], "tanh"),
        ("W_porj", ["W_proj", "b_proj"], "W_proj"),
        ("n", ["N", "T"], "N"),
        ("d", ["b", "x"], ""),
        ("hidden", ["cell", "dout"], ""),
        ("initt", ["__init__"], ""),
    ],
)
def test_near_name_differs_by_a_letter_or_its_case(name: str, names: list[str], near: str) -> None:
    assert close_to(name, names) == near


def test_module_is_found_by_the_end_of_its_name_also_behind_a_link(tmp_path: Path) -> None:
    (tmp_path / "given").mkdir()
    (tmp_path / "given" / "layers.py").touch()
    (tmp_path / "box" / "pack").mkdir(parents=True)
    (tmp_path / "box" / "pack" / "more").symlink_to(tmp_path / "given")
    (tmp_path / "box" / "pack" / "round").symlink_to(tmp_path / "box")
    for name in ("layers", "other.layers"):
        assert module_near(name, tmp_path / "box").endswith("pack.more.layers")
    assert module_near("optim", tmp_path / "box") == ""


class Hostile:
    """An object that raises whenever it is looked at."""

    def __dir__(self) -> Any:
        raise SystemExit("no")

    def __getattr__(self, name: str) -> Any:
        raise AttributeError(name, name=name, obj=self)


def test_hostile_object_is_left_alone(tmp_path: Path) -> None:
    with pytest.raises(AttributeError) as caught:
        Hostile().something  # noqa: B018 - it raises
    assert nearest(caught.value, tmp_path) == ""


@pytest.mark.parametrize(
    "error", [ValueError("x"), NameError(), ImportError("x"), ModuleNotFoundError(), OSError()]
)
def test_other_errors_have_no_near_name(error: Exception, tmp_path: Path) -> None:
    assert nearest(error, tmp_path) == ""
