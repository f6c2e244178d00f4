"""Figures that a student's function shows or closes itself: they stay to be looked at.

`pyplot.show` closes every figure where a notebook draws inline, as `pyplot.close` does anywhere.
The figure itself is whole afterwards. So the last one that a call closes is remembered, and is the
current one again when the call is over and has left no other.
"""

from __future__ import annotations

import functools
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

PYPLOT = "matplotlib.pyplot"
MARK = "_closes_but_remembers"


class Figures:
    """Remembers the figure that a call closed last."""

    def __init__(self) -> None:
        self._calling = False
        self._last: Any = None

    @contextmanager
    def kept(self) -> Iterator[None]:
        """Let the last figure that is closed within be the current one afterwards, unless another
        is open.
        """
        self._watch()
        self._calling, self._last = True, None
        try:
            yield
        finally:
            self._calling = False
            pyplot = sys.modules.get(PYPLOT)
            if pyplot is not None and self._last is not None and not pyplot.get_fignums():
                pyplot.figure(self._last)
            self._last = None

    def _watch(self) -> None:
        pyplot: Any = sys.modules.get(PYPLOT)
        if pyplot is None or hasattr(pyplot, MARK):
            return
        setattr(pyplot, MARK, True)
        pyplot.close, pyplot.show = self._remembering(pyplot.close), self._remembering(pyplot.show)

    def _remembering(self, closes: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(closes)
        def remembering(*args: Any, **kwargs: Any) -> Any:
            pyplot: Any = sys.modules[PYPLOT]
            current = pyplot.gcf() if self._calling and pyplot.get_fignums() else None
            result = closes(*args, **kwargs)
            if current is not None and not pyplot.fignum_exists(current.number):
                self._last = current
            return result

        return remembering
