"""Decodes values from a box, with bounds on memory and time that the sender can't change.

Theory of operation. The sender is a student's process and chooses every byte. So a value's size is
counted before memory is taken for it. It is compared with the size of the right answer (`most`),
and with the memory that all living values of the submission may take together (`Budget`). Numbers
and tuples can be chosen with equal hashes, so that each look into a dict of them compares all keys.
Text can't, since Python's hashes of text differ from process to process. So a dict whose keys are
text becomes a dict. Any other becomes `Pairs`, which makes a text of each key to find it.
"""

from __future__ import annotations

import weakref
from collections.abc import Callable, Iterable, Iterator, Mapping, MutableMapping
from collections.abc import Set as AbstractSet
from itertools import chain
from typing import Any

import numpy as np

from grader.sandbox.wire import (
    MANY,
    MAX_BYTES,
    RETURNED_DEPTH,
    Decoder,
    MoreThanExpected,
    Ref,
    TooLarge,
    WireError,
    decode_array,
    footprint,
    memory,
)
from grader.sandbox.wire_types import text_of

LIVE_BYTES = 2 * MAX_BYTES  # of all decoded values of a submission that are alive
SMALL = 4096  # bytes of an array that is not worth a look at how long it lives
VALUE_BYTES = 64  # of a value that is not an array, with its place in a container


class Budget:
    """What the decoded values of one submission take in this process: arrays while they live,
    others for a case.

    An array of less than `SMALL` bytes counts as one of the others.
    """

    def __init__(self, limit: int = LIVE_BYTES) -> None:
        self._limit = limit
        self._arrays = 0
        self._others = 0
        # by the reference's own id
        self._alive: dict[int, tuple[weakref.ref[np.ndarray], int]] = {}

    @property
    def held(self) -> int:
        """Return the bytes that are taken now."""
        return self._arrays + self._others

    def allow(self, count: int) -> None:
        """Raise `TooLarge` unless there is room for so many bytes."""
        if self._arrays + self._others + count > self._limit:
            raise TooLarge(f"all that was returned takes more than {self._limit >> 20} MB together")

    def take(self, count: int) -> None:
        """Count a value that is not an array; raise `TooLarge` if there is no room for it."""
        self.allow(count)
        self._others += count

    def keep(self, array: np.ndarray) -> None:
        """Count an array until nobody holds it or a view of it."""
        if array.nbytes < SMALL:
            self._others += array.nbytes
            return
        self._arrays += array.nbytes
        reference = weakref.ref(array, self._give_back)
        self._alive[id(reference)] = reference, array.nbytes

    def _give_back(self, reference: weakref.ref[np.ndarray]) -> None:
        self._arrays -= self._alive.pop(id(reference))[1]

    def new_case(self) -> None:
        """Forget the values of the case before that are no arrays."""
        self._others = 0


class Untrusted(Decoder):
    """Decodes what a box sent. Raises `MoreThanExpected` beyond ``most`` (see `size`), `TooLarge`
    beyond the budget.
    """

    def __init__(
        self,
        blobs: tuple[bytes, ...],
        resolve: Callable[[Ref], Any] | None = None,
        most: int | None = None,
        budget: Budget | None = None,
    ) -> None:
        super().__init__(blobs, resolve)
        self._most = most
        self._budget = budget or Budget()

    def decode(self, data: Any, depth: int = 0) -> Any:
        """Return the value of JSON data, or raise `WireError`."""
        if depth > RETURNED_DEPTH:
            raise WireError("a value that is nested too deep or too large")
        length = len(data) if type(data) is str else 0
        if self._most is not None and self.size + 8 + length > self._most:
            raise MoreThanExpected(MANY)
        self._budget.take(VALUE_BYTES + length)
        return super().decode(data, depth)

    def taken(self, blob: bytes, most: int) -> np.ndarray:
        """Return the array of a blob, which may take ``most`` bytes, and no more than is left of
        the budget.
        """
        array = decode_array(blob, most, self._foresee)
        self._budget.keep(array)
        return array

    def _foresee(self, shape: tuple[int, ...], dtype: np.dtype[Any]) -> None:
        self._expect(footprint(shape, dtype), f"an array of shape {shape}, {dtype}")
        self._budget.allow(memory(shape, dtype))

    def _expect(self, size: int, what: str) -> None:
        if self._most is not None and self.size + size > self._most:
            raise MoreThanExpected(what)

    def foreseen(self, size: int) -> None:
        """Raise `MoreThanExpected` for a range or a matrix with more entries than expected."""
        self._expect(size, MANY)

    def collection(self, kind: str, items: list[Any]) -> Any:
        """Return a set of text as Python's own, and any other as `Items`, for the reason that
        `Pairs` has.
        """
        if all(type(item) is str for item in items):
            return super().collection(kind, items)
        return FrozenItems(items) if kind == "frozenset" else Items(items)

    def made(self, kind: str, items: list[Any]) -> Any:
        """Return a value that is taken apart; what it holds beside its parts is counted."""
        arrays = [item for item in items if isinstance(item, np.ndarray)]
        copied = kind in ("bytes", "records")
        self._budget.allow(sum(array.nbytes for array in arrays) if copied else 0)
        value = super().made(kind, items)
        if isinstance(value, bytes):
            self._budget.take(len(value))
        elif copied and isinstance(value, np.ndarray):
            self._budget.keep(value)
        return value

    def mapping(self, pairs: list[tuple[Any, Any]]) -> Any:
        """Return a dict if all keys are text, `Pairs` otherwise."""
        if all(type(key) is str for key, _ in pairs):
            return dict(pairs)
        return Pairs(pairs)


# mypy finds a conflict between the two bases; Python finds none.
class Pairs(MutableMapping[Any, Any], dict[Any, Any]):  # type: ignore[misc, metaclass]
    """A student's dict whose keys are not all text. Equal keys are one key, such as 1 and True.

    It is a dict for `isinstance`. The dict itself has one entry, since `json` takes a dict without
    entries for empty.
    """

    def __init__(self, pairs: Iterable[tuple[Any, Any]]) -> None:
        self._found = {text_of(key): (key, value) for key, value in pairs}
        # mypy makes a dict of its own kind of it
        dict.__setitem__(self, "pairs", None)  # type: ignore[index]

    def __getitem__(self, key: Any) -> Any:
        try:
            return self._found[text_of(key)][1]
        except (KeyError, TypeError):
            raise KeyError(key) from None

    def __setitem__(self, key: Any, value: Any) -> None:
        self._found[text_of(key)] = key, value

    def __delitem__(self, key: Any) -> None:
        del self._found[text_of(key)]

    def __contains__(self, key: object) -> bool:
        try:
            return text_of(key) in self._found
        except TypeError:
            return False

    def copy(self) -> Pairs:
        """Return another of the same keys and values."""
        return Pairs(self._found.values())

    def __or__(self, other: Mapping[Any, Any]) -> Pairs:
        return Pairs([*self._found.values(), *other.items()])

    def __ne__(self, other: object) -> bool:
        return not self == other

    def __reversed__(self) -> Iterator[Any]:
        return (key for key, _ in reversed(self._found.values()))

    def __iter__(self) -> Iterator[Any]:
        return (key for key, _ in self._found.values())

    def __len__(self) -> int:
        return len(self._found)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Mapping):
            return NotImplemented
        return len(self) == len(other) and all(
            key in self and self[key] == other[key] for key in other
        )

    __hash__ = None  # type: ignore[assignment]  # as that of a dict

    def __repr__(self) -> str:
        return "{" + ", ".join(f"{key!r}: {value!r}" for key, value in self._found.values()) + "}"


class Items(AbstractSet[Any]):
    """A student's set whose items are not all text; items are compared as a set compares them.

    `isinstance` takes it for a set or frozenset. It is not one, since a set's own code calls the
    hashes of its items.
    """

    _stands_for: type = set

    def __init__(self, items: Iterable[Any] = ()) -> None:
        self._found = {text_of(item): item for item in items}

    @property  # type: ignore[misc]  # mypy wants it to be set as well
    def __class__(self) -> Any:
        return self._stands_for

    @classmethod
    def _from_iterable(cls, items: Iterable[Any]) -> Any:
        return cls(items)

    def __contains__(self, item: object) -> bool:
        return text_of(item) in self._found

    def __iter__(self) -> Iterator[Any]:
        return iter(self._found.values())

    def __len__(self) -> int:
        return len(self._found)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, set | frozenset | AbstractSet):
            return NotImplemented
        return len(self) == len(other) and all(item in self for item in other)

    __hash__ = None  # type: ignore[assignment]  # as that of a set

    def union(self, *others: Iterable[Any]) -> Any:
        """Return a set of the items of all."""
        return type(self)(list(chain(self, *others)))

    def intersection(self, other: Iterable[Any]) -> Any:
        """Return a set of the items that the other has as well."""
        return self & type(self)(other)

    def difference(self, other: Iterable[Any]) -> Any:
        """Return a set of the items that the other lacks."""
        return self - type(self)(other)

    def symmetric_difference(self, other: Iterable[Any]) -> Any:
        """Return a set of the items that one of both has."""
        return self ^ type(self)(other)

    def issubset(self, other: Iterable[Any]) -> bool:
        """Return whether the other has all items of this."""
        return self <= type(self)(other)

    def issuperset(self, other: Iterable[Any]) -> bool:
        """Return whether this has all items of the other."""
        return self >= type(self)(other)

    def copy(self) -> Any:
        """Return another set of the same items."""
        return type(self)(self)

    def __repr__(self) -> str:
        inner = "{" + ", ".join(map(repr, self)) + "}" if self._found else ""
        name = self._stands_for.__name__
        return inner if inner and name == "set" else f"{name}({inner})"


class FrozenItems(Items):
    """A frozenset of a student's whose items are not all text."""

    _stands_for = frozenset

    def __hash__(self) -> int:  # type: ignore[override]
        return hash("|".join(sorted(self._found)))
