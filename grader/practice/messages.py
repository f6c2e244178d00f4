"""What a notebook's kernel and the process that checks for it say to each other."""

from __future__ import annotations

from typing import Any, TypeVar

import msgspec

from grader.sandbox.wire import Frame, WireError


class Order(msgspec.Struct, frozen=True):
    """What is to be checked: ids of checks, or none for all that can run; an id may name a case,
    `check[case]`.
    """

    names: tuple[str, ...] = ()
    notebook: str = ""  # the file that the kernel belongs to, if that is known
    defined: tuple[str, ...] = ()  # the names in the kernel


class KernelAnswer(msgspec.Struct, frozen=True):
    """What is to be shown, or with `live` the wish to speak to the kernel first."""

    live: bool = False
    html: str = ""
    text: str = ""


Message = TypeVar("Message", Order, KernelAnswer)


def framed(message: Order | KernelAnswer) -> Frame:
    """Return a message as it is sent."""
    body: Any = msgspec.to_builtins(message)
    return Frame(body)


def read(frame: Frame, kind: type[Message]) -> Message:
    """Return the message of a frame; raise `WireError` for another one."""
    try:
        return msgspec.convert(frame.body, kind)
    except msgspec.ValidationError as error:
        raise WireError(str(error)) from error
