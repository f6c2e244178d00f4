"""Stubs that return constants, told from attempts whose values look alike."""

# ruff: noqa: F841, RET504 - as students write

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from grader.sandbox.inside.work.calls.stubs import is_stub


class Model:
    null = 4

    def untouched(self, features: Any) -> Any:
        """Sample."""
        N = features.shape[0]
        captions = self.null * np.ones((N, 3), dtype=np.int32)
        W, b = self.null, self.null
        pass
        return captions

    def written(self, features: Any) -> Any:
        captions = self.null * np.ones((len(features), 3), dtype=np.int32)
        captions[:, 0] = features.argmax(axis=1)
        return captions

    def loops(self, features: Any) -> Any:
        captions = self.null * np.ones((len(features), 3), dtype=np.int32)
        for row in features:
            row.sum()
        return captions


def nothing(x: Any) -> None:
    pass


def nones(x: Any) -> Any:
    out, cache = None, None
    return out, cache


def empty(x: Any) -> Any:
    loss, grads = 0.0, {}
    return loss, grads


def indexed(x: Any) -> Any:
    out = None
    out = x[:0]
    return out


def filled(x: Any) -> Any:
    grads = {}
    grads |= x
    return grads


def added(x: Any) -> Any:
    out = np.zeros(3)
    np.add.at(out, [0], x)
    return out


STUBS: list[tuple[Callable[..., Any], list[Any]]] = [
    (nothing, [None]),
    (nones, [None, None]),
    (empty, [0.0, {}]),
    (Model().untouched, [np.full((2, 3), 4)]),
]
ATTEMPTS: list[tuple[Callable[..., Any], list[Any]]] = [
    (nones, [None, 3.5]),
    (indexed, [np.zeros(0)]),
    (filled, [{}]),
    (added, [np.zeros(3)]),
    (Model().written, [np.full((2, 3), 4)]),
    (Model().loops, [np.full((2, 3), 4)]),
    (max, [None]),
    (lambda x: None, [None]),
]


@pytest.mark.parametrize(("function", "values"), STUBS)
def test_function_that_returns_constants_is_a_stub(
    function: Callable[..., Any], values: list[Any]
) -> None:
    assert is_stub(function, values)


@pytest.mark.parametrize(("function", "values"), ATTEMPTS)
def test_attempt_is_none(function: Callable[..., Any], values: list[Any]) -> None:
    assert not is_stub(function, values)


def forgotten(x: list[float]) -> None:
    total = sum(x)


def untouched(x: np.ndarray) -> None:
    _n, _d = x.shape
    y = None


def test_a_function_whose_return_was_forgotten_is_no_stub() -> None:
    assert not is_stub(forgotten, [None])
    assert is_stub(untouched, [None])
