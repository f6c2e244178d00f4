"""What Python asks of an object without a word, refused for what stays in the box.

A comparison, a truth or a length of a handle says nothing of what it stands for: two handles never
are one object, and every handle is true. So each of these raises a sentence that says what to write
instead.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NoReturn

_BY_NAME = "`student.operator.{}(...)`"
_BUILT_IN = "`student.builtins.{}(...)`"
_BINARY = {
    "add": "+",
    "sub": "-",
    "mul": "*",
    "matmul": "@",
    "truediv": "/",
    "floordiv": "//",
    "mod": "%",
    "pow": "**",
    "lshift": "<<",
    "rshift": ">>",
    "and_": "&",
    "or_": "|",
    "xor": "^",
}
_UNARY = {"neg": "-", "pos": "+", "invert": "~", "abs": "abs()", "index": "index()"}
_FUNCTIONS = ("int", "float", "complex", "round", "divmod", "reversed", "next", "repr")


class Unseen:
    """Refuses to be compared, counted, gone through, calculated with, or taken for true."""

    __array_ufunc__ = None  # NumPy leaves operators to this class

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

    def __hash__(self) -> int:
        self._refuse("puts {} into a set or dict", "`student.builtins.set([...])`")

    def __array__(self, *args: object, **kwargs: object) -> NoReturn:
        self._refuse("makes an array of {}", "a function in `checks/box.py` that makes one")

    def __reduce_ex__(self, protocol: object) -> NoReturn:
        self._refuse("copies {}", "a function in `checks/box.py` that copies it")


def _refuse_special(name: str, doing: str, instead: str) -> None:
    def refuse(self: Unseen, *others: object) -> NoReturn:
        self._refuse(doing, instead)

    setattr(Unseen, f"__{name}__", refuse)


for _name, _sign in (_BINARY | _UNARY).items():
    _doing, _instead = f"calculates with {{}} by {_sign}", _BY_NAME.format(_name)
    _refuse_special(_name.rstrip("_"), _doing, _instead)
    if _name in _BINARY:
        _refuse_special(f"r{_name.rstrip('_')}", _doing, _instead)
for _name in _FUNCTIONS:
    _refuse_special(_name, f"asks for {_name}() of {{}}", _BUILT_IN.format(_name))
