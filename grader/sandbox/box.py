"""A box: one submission's process behind a channel, and the sandbox that opens boxes. The tiers
implement these.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Self

import msgspec

from grader.model import Tier

if TYPE_CHECKING:
    from grader.sandbox.wire import Channel


class Exit(msgspec.Struct, frozen=True):
    """How a box ended. ``limit`` names the limit that was hit, if one was; ``fault`` is ours and no
    mark.
    """

    code: int | None = None  # exit code, or minus the signal's number; None where nobody can tell
    limit: str = ""  # a sentence, for instance "memory: more than 2048 MB"
    # a sentence where the sandbox itself failed: what the student's code did is not known then
    fault: str = ""


class Staging(msgspec.Struct, frozen=True):
    """What lies in a box's folder: provided files, linked from where the assignment keeps them, and
    the student's.
    """

    links: Mapping[str, Path]  # place in the tree -> provided file or folder
    files: Mapping[str, bytes]  # place in the tree -> content


class Box(ABC):
    """One process tree that runs a student's code; what it says is data."""

    channel: Channel

    @abstractmethod
    def kill(self) -> Exit:
        """End the whole tree, wait until nothing of it is left, and say how it had ended."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.kill()


class Sandbox(ABC):
    """Opens boxes of one isolation tier. A context manager: leaving it ends every box."""

    tier: Tier

    @abstractmethod
    def open(self, notebook: bool = False) -> Box:
        """Return a fresh box, empty and ready; one for a notebook may wait for a kernel's libraries
        to be loaded.
        """

    @abstractmethod
    def close(self) -> None:
        """End everything that was started."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
