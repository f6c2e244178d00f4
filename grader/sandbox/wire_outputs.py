"""What the messages of a notebook may take: the box keeps to it, and the grader holds it to that.

Both sides count alike, so that a notebook that writes without end costs the grader no more than
what is kept. What a box sends beyond the room is not from the kernel that the grader started.
"""

from __future__ import annotations

import json
from typing import Any

from grader.sandbox.wire import Frame, WireError

MESSAGE_BYTES = 512  # that even an empty message takes
MAX_UPDATES = 500  # of displays, by a notebook in all: each looks through all outputs
MOST_UNASKED = 32 << 20  # bytes of messages that are not kept, before a box is ended for them
LOST = "lost"  # the kind of message that says that the room is used up
_UPDATE = "update_display_data"


class OutputRoom:
    """The bytes and the updates of displays that are left."""

    def __init__(self, size: int, updates: int = MAX_UPDATES) -> None:
        self.size = size
        self.updates = updates
        self.lost = 0  # messages for which there was no room

    def is_left(self) -> bool:
        """Return whether there is room for any message at all."""
        return self.size >= MESSAGE_BYTES

    def takes(self, kind: str, content: dict[str, Any]) -> bool:
        """Return whether there is room for a message, and count it."""
        if kind == _UPDATE:
            if self.updates <= 0:
                return False
            self.updates -= 1
        size = MESSAGE_BYTES + len(json.dumps(content))
        if size > self.size:
            self.lost += 1
            return False
        self.size -= size
        return True


class Unasked:
    """Counts what a box sends that nobody has asked for or keeps."""

    def __init__(self) -> None:
        self._left = MOST_UNASKED

    def count(self, frame: Frame) -> None:
        """Count a message; raise `WireError` if there are more than any kernel sends."""
        self._left -= _weight(frame)
        if self._left < 0:
            raise WireError("it sent messages without end that nobody keeps")


def _weight(frame: Frame) -> int:
    try:
        text = len(json.dumps(frame.body))
    except RecursionError:  # nested as no message is
        text = MOST_UNASKED
    return MESSAGE_BYTES + text + sum(map(len, frame.blobs))
