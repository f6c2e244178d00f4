"""What Python asks of an object without a word, refused for what stays in the box.

A comparison, a truth or a length of a handle says nothing of what it stands for: two handles never
are one object, and every handle is true. So each of these raises a sentence that says what to write
instead.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NoReturn

_BY_NAME = "`student.operator.{}(...)`"


class Unseen:
    """Refuses to be compared, counted, gone through, or taken for true or false."""

    __hash__ = object.__hash__

    def _refuse(self, doing: str, instead: str) -> NoReturn:
        """Raise what a check's author or a student should read; ``doing`` has a place for the
        name.
        """
        raise NotImplementedError

    def __eq__(self, other: object) -> bool:
        self._refuse("compares {} by ==", _BY_NAME.format("eq"))

    def __ne__(self, other: object) -> bool:
        self._refuse("compares {} by !=", _BY_NAME.format("ne"))

    def __lt__(self, other: object) -> bool:
        self._refuse("compares {} by < or >", _BY_NAME.format("lt"))

    def __gt__(self, other: object) -> bool:
        self._refuse("compares {} by > or <", _BY_NAME.format("gt"))

    def __le__(self, other: object) -> bool:
        self._refuse("compares {} by <= or >=", _BY_NAME.format("le"))

    def __ge__(self, other: object) -> bool:
        self._refuse("compares {} by >= or <=", _BY_NAME.format("ge"))

    def __bool__(self) -> bool:
        self._refuse("asks whether {} is true", "`student.builtins.bool(...)`")

    def __contains__(self, item: object) -> bool:
        self._refuse("asks what is in {}", "`student.operator.contains(...)`")

    def __len__(self) -> int:
        self._refuse("asks for the length of {}", "`student.builtins.len(...)`")

    def __iter__(self) -> Iterator[object]:
        self._refuse("goes through {}", "`student.builtins.list(...)`")
