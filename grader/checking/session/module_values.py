"""What check files hold, as a value that tells whether anything in it has changed.

Cases are run for one submission after the other only if nothing that they can reach in their own
modules was changed by the last one. So everything must be of a type that is known here, and is
described whole; whatever else there is (an author's object, a cache, a generator of random numbers)
counts as something that may change unseen.
"""

from __future__ import annotations

import functools
import itertools
import re
import types
from collections.abc import Hashable, Iterable, Mapping
from decimal import Decimal
from fractions import Fraction
from pathlib import PurePath
from typing import Any

import numpy as np
import pytest

VALUES_MOST = 20_000  # of the check files of one assignment
ARRAYS_MOST = 2**22  # bytes of an array
# can't be changed
_CONSTANT = (
    *(str, bytes, int, float, complex, bool, type(None), type(...), range, Fraction, Decimal),
    *(PurePath, re.Pattern, np.dtype, np.generic, np.ufunc),
)
# have no values of their own that a check would change
_CODE = (
    *(types.ModuleType, types.BuiltinFunctionType, types.GenericAlias, types.UnionType),
    *(types.MethodWrapperType, types.WrapperDescriptorType, types.MethodDescriptorType),
    *(types.GetSetDescriptorType, types.MemberDescriptorType, types.ClassMethodDescriptorType),
)
_LISTS: tuple[type, ...] = (list, tuple, type({}.keys()), type({}.values()), type({}.items()))
_TAKEN_CARE_OF = ("pytestmark", "__wrapped__")  # attributes of a function that others look at


class MayChange(Exception):
    """There is a value that could change unseen."""


def values(
    modules: Mapping[str, types.ModuleType], items: Iterable[pytest.Item]
) -> Hashable | None:
    """Return all that the modules and the cases' parameters hold, or None if some of it may change
    unseen.
    """
    try:
        return _Values(modules).all_of(items)
    except MayChange:
        return None


class _Values:
    def __init__(self, modules: Mapping[str, types.ModuleType]) -> None:
        self._modules = modules
        self._left = VALUES_MOST
        self._around: set[int] = set()  # ids of what a value is within

    def all_of(self, items: Iterable[pytest.Item]) -> Hashable:
        found: list[Hashable] = []
        for name, module in sorted(self._modules.items()):
            found += (name, id(module))
            for attribute, value in list(vars(module).items()):
                if attribute.startswith("pytest_"):  # a hook of the author's: once a session
                    raise MayChange(attribute)
                if not _is_pythons(attribute):
                    found += (attribute, self._value(value))
        for item in items:
            callspec = getattr(item, "callspec", None)
            given = callspec.params.values() if callspec is not None else ()
            found += (item.nodeid, *map(self._value, given))
        return tuple(found)

    def _value(self, value: Any) -> Hashable:
        self._left -= 1
        if self._left < 0:
            raise MayChange("too many values")
        if isinstance(value, _CONSTANT):
            if type(value).__module__ in self._modules:  # which may keep more than that
                raise MayChange(type(value).__name__)
            numeric = isinstance(value, float | complex | np.generic)  # a NaN equals nothing
            return type(value), repr(value) if numeric else value
        if isinstance(value, _CODE) or _module_of(type(value)) in ("typing", "__future__"):
            return id(value)
        if id(value) in self._around:
            return "within itself"
        self._around.add(id(value))
        try:
            return type(value).__name__, id(value), self._within(value)
        finally:
            self._around.discard(id(value))

    def _within(self, value: Any) -> Hashable:
        if type(value) is np.ndarray:
            if value.dtype.hasobject or value.nbytes > ARRAYS_MOST:
                raise MayChange("an array")
            return value.dtype.str, value.shape, value.tobytes()
        if isinstance(value, types.FunctionType):
            return self._function(value)
        if isinstance(value, type):
            return self._class(value)
        parts = _parts(value)
        if parts is None:
            raise MayChange(type(value).__name__)
        return tuple(map(self._value, parts))

    def _function(self, function: types.FunctionType) -> Hashable:
        """Describe what a function keeps from one call to the next."""
        if function.__module__ not in self._modules:
            return None
        kept = [function.__code__.co_firstlineno, function.__defaults__, function.__kwdefaults__]
        for cell in function.__closure__ or ():
            try:
                kept.append(cell.cell_contents)
            except ValueError:  # is filled in later
                raise MayChange("a closure") from None
        for name, attribute in vars(function).items():
            if name not in _TAKEN_CARE_OF:
                kept.append(attribute)
        kept.append(getattr(function, "__wrapped__", None))
        return tuple(map(self._value, kept))

    def _class(self, value: type) -> Hashable:
        if value.__module__ not in self._modules:
            return None
        told: list[Hashable] = []
        for name, attribute in vars(value).items():
            if not _is_pythons(name):
                told.append((name, self._value(attribute)))
        return tuple(told)


def _is_pythons(name: str) -> bool:
    """Return whether Python, or pytest in what it rewrites, has set a name."""
    return name.startswith("@") or (name.startswith("__") and name.endswith("__"))


def _module_of(type_: type) -> str:
    return str(getattr(type_, "__module__", ""))


def _parts(value: Any) -> Iterable[Any] | None:
    """Return all that a container of a known type holds, or None."""
    type_ = type(value)
    if type_ in (dict, types.MappingProxyType):
        return itertools.chain.from_iterable(value.items())
    if issubclass(type_, _LISTS):
        # a class of an author's may keep more than its items
        named = hasattr(type_, "_fields") and not hasattr(value, "__dict__")
        return value if type_ in _LISTS or named else None
    if type_ in (set, frozenset):
        return sorted(value, key=repr)
    if type_ in (staticmethod, classmethod):
        return (value.__func__,)
    if type_ is property:
        return value.fget, value.fset, value.fdel
    if type_ is functools.partial:
        return value.func, value.args, value.keywords
    if type_ is pytest.MarkDecorator:
        return value.mark.name, value.mark.args, value.mark.kwargs
    return None
