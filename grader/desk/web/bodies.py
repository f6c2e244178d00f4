"""What a page may ask for: the bodies of requests, and what comes of them."""

from __future__ import annotations

import msgspec


class Decide(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Change what a group was given: what is left out stays as it is."""

    part: str
    group: str
    version: int
    item: str = ""  # is chosen, or no longer
    add: float | None = None
    comment: str | None = None
    done: bool | None = None
    clear: bool = False  # take all of it back
    bare: bool = False  # graded, with no item
    second: bool = False  # as a second reading


class EditItem(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Make an item, change it, or remove it."""

    part: str
    item: str = ""
    version: int = 0
    text: str = ""
    points: float = 0.0
    remove: bool = False


class SetScale(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Say how a part's items become points."""

    part: str
    version: int
    from_full: bool | None = None
    floor: float | None = None
    ceiling: float | None = None


class Split(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Take a student out of a group, or put them back; without a student, all of the group."""

    part: str
    group: str
    version: int
    student: str = ""
    join: bool = False


class Share(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Share a part out among graders; none means everybody."""

    part: str
    version: int
    graders: tuple[str, ...] = ()


class Ask(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Write down a student's request for a regrade."""

    part: str
    student: str
    text: str


class RequestAnswer(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Decide on a request."""

    part: str
    student: str
    version: int
    granted: bool
    reply: str = ""


class Draw(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Draw groups at random for a second reading."""

    part: str
    count: int


class Nothing(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """An action without words."""


class ActionResult(msgspec.Struct, frozen=True):
    """What came of an action."""

    message: str = ""
    undone: str = ""  # the page of what was taken back
    item: str = ""  # the id of a new item
