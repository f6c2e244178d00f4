"""Plain workers that are started before they are needed: starting Python and NumPy takes longer
than most checks.
"""

from __future__ import annotations

from grader.sandbox.box import Box, Sandbox
from grader.sandbox.plain import PlainBox, PlainSandbox


class ReserveSandbox(PlainSandbox):
    """The tier `none` with one worker in reserve, which no submission has used."""

    def __init__(self) -> None:
        super().__init__()
        self._reserve: PlainBox | None = None

    def prepare(self) -> None:
        """Start the worker that the next `open` returns, unless it was started already."""
        if self._reserve is None:
            self._reserve = PlainBox()

    def open(self, notebook: bool = False) -> Box:
        """Return the worker in reserve, or a fresh one if there is none."""
        box, self._reserve = self._reserve, None
        if box is None:
            return super().open(notebook)
        self._boxes.append(box)
        return box

    def close(self) -> None:
        """End every worker, the one in reserve too."""
        if self._reserve is not None:
            self._boxes.append(self._reserve)
            self._reserve = None
        super().close()


class OpenSandbox:
    """A sandbox that is open already, in the place of one that is still being opened."""

    def __init__(self, sandbox: Sandbox) -> None:
        self._sandbox = sandbox

    def sandbox(self) -> Sandbox:
        """Return the sandbox."""
        return self._sandbox
