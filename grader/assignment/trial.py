"""The result of a first run of a new assignment."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import msgspec


class Trial(msgspec.Struct):
    """What stands in the way of recording and of a handout."""

    wrong: dict[str, str] = {}  # check -> why the reference fails it
    partly: dict[
        str, float
    ] = {}  # of these, check -> the points that the reference has all the same
    # check -> whether the untouched template earns points; otherwise it fails for another reason
    easy: dict[str, bool] = {}
    leaks: list[str] = []  # solutions in the handout, each as a sentence


TryOut = Callable[[Mapping[str, bytes]], Trial]
