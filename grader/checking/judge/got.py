"""What came of a submission. Pure."""

from __future__ import annotations

from typing import Any, NamedTuple


class Got(NamedTuple):
    """What came of the submission under a name, and the names of its axes."""

    value: Any
    axes: tuple[str, ...]
