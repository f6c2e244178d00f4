"""What a first run of a new assignment found."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import msgspec


class Trial(msgspec.Struct):
    """Why checks can't stay, by their ids; those that the template passes; what is to be mended for
    the handout.
    """

    wrong: dict[str, str] = {}
    # whether the untouched template passes it, or only fails it for another reason
    easy: dict[str, bool] = {}
    leaks: list[str] = []


TryOut = Callable[[Mapping[str, bytes]], Trial]
