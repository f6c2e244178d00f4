"""General observations: what is true of a wrong value beside the right one, if no known mistake
fits. Pure.

Each is a sentence about how the two relate, never about a number in either: neither an expected
value nor an input can be read off it.
"""

from __future__ import annotations

import itertools
import operator
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

import numpy as np

from grader.checking.explain import entry_symptoms
from grader.checking.judge.values.distances import distances
from grader.checking.judge.values.value_kinds import KINDS
from grader.model import Tolerance

BLOCKS = (4, 3, 2)  # into how many blocks columns are split to look for another order
SAME = 1e-4  # how closely a factor must be a length for the sentence to name it
SAME_ALONE = 1e-9  # the same for a single number, of which every factor is the right one
MOST_OF = 0.5  # of a step's entries are wrong if the step as a whole is
FEW = 3  # entries that are enough to tell a pattern from an accident
MOST_ORDERED = 1 << 16  # entries that are put in order
ENOUGH = 5  # different entries in the same order of size, in most cases: no accident
TINY = 1e-6  # if no entry is larger, the comparison's floor would find too much alike
PRECISIONS = ((np.float16, "half precision (float16)"), (np.float32, "single precision (float32)"))


class Pair(NamedTuple):
    """A value of one case: what was recorded and what was got."""

    name: str
    expected: Any
    got: Any
    tolerance: Tolerance
    axes: tuple[str, ...] = ()  # the names of the axes, such as "T time"
    lengths: Mapping[str, int] = {}  # of the axes that the case's values have, by name


class _Look(NamedTuple):
    want: np.ndarray
    have: np.ndarray
    pair: Pair
    exact: bool  # whether it is integers that are expected

    def close(self, have: np.ndarray, want: np.ndarray) -> bool:
        """Return whether two arrays agree, and not for want of numbers."""
        return (
            have.shape == want.shape
            and bool((np.abs(want) > TINY).any())
            and not self.wrong(have, want).any()
        )

    def wrong(self, have: np.ndarray, want: np.ndarray) -> np.ndarray:
        """Return which entries are out of tolerance, of arrays of one shape."""
        return want != have if self.exact else distances(want, have, self.pair.tolerance)[1]

    def agrees(self) -> bool:
        """Return whether the value has the right shape and no entry that is out of tolerance."""
        return self.have.shape == self.want.shape and not self.wrong(self.have, self.want).any()

    def axis(self, index: int) -> str:
        """Return how an axis is called in a sentence."""
        return (
            f"the axis {self.pair.axes[index]}" if index < len(self.pair.axes) else f"axis {index}"
        )

    @property
    def everywhere(self) -> str:
        return " everywhere" if self.want.size > 1 else ""

    @property
    def time(self) -> int | None:
        """Return which axis is time, if there are steps enough to tell one pattern from another."""
        for axis, (name, length) in enumerate(zip(self.pair.axes, self.want.shape, strict=False)):
            if name.split(" ")[0] == "T":
                return axis if length >= FEW else None
        return None


def observe(pair: Pair) -> tuple[str, ...]:
    """Return the sentences that are true of a wrong value, the most telling first; none for a right
    one.
    """
    if not _numbers(pair.expected) or not _numbers(pair.got):
        return ()
    expected, got = np.asarray(pair.expected), np.asarray(pair.got)
    # what is beyond a double becomes infinite, and nothing is close to that
    with np.errstate(all="ignore"):
        look = _Look(
            expected.astype(np.float64), got.astype(np.float64), pair, expected.dtype.kind != "f"
        )
        if not look.want.size or not np.isfinite(look.want).all() or _right(look, expected, got):
            return ()
        if not look.exact and got.dtype.kind in "iu" and look.agrees():
            return ()  # right, or wrong in its type alone, which the comparison says
        sentences = dict.fromkeys(_true(look, expected, got))
        return tuple(f"`{pair.name}` {sentence}" for sentence in sentences)


def _numbers(value: Any) -> bool:
    if isinstance(value, bool) or not isinstance(value, np.ndarray | np.generic | int | float):
        return False
    return np.asarray(value).dtype.kind in "iuf"


def _right(look: _Look, expected: np.ndarray, got: np.ndarray) -> bool:
    """Return whether nothing is wrong with a value, as the comparison sees it."""
    return KINDS[expected.dtype.kind] == KINDS[got.dtype.kind] and look.agrees()


def _true(look: _Look, expected: np.ndarray, got: np.ndarray) -> Iterator[str]:
    if expected.dtype.kind == "f" and got.dtype.kind in "iu" and got.size >= FEW:
        yield (
            "holds integers, in which fractions are lost: is the array that it was written into one"
            " of integers, by `dtype=int` or since it was made like such an array?"
        )
    if not np.isfinite(look.have).all():
        yield from _not_finite(look)
    elif look.have.shape != look.want.shape:
        yield from _shapes(look)
    elif not look.have.any():
        if look.want.any():
            yield f"is zero{look.everywhere}."
    elif look.exact:
        yield from _whole(look, got)
        yield from _axes(look)
        yield from _reshaped(look)
        yield from _time(look)
    else:
        found = False
        kinds = (_precision, _scaled, _axes, _reshaped, _time, _blocks, _shifted, _broadcast)
        for kind in (*kinds, _entries):
            for sentence in kind(look):
                found = True
                yield sentence
        if not found:
            yield from _ordered(look)


def _not_finite(look: _Look) -> Iterator[str]:
    finite = np.isfinite(look.have)
    if (
        look.have.shape == look.want.shape
        and finite.any()
        and not look.wrong(look.have, look.want)[finite].any()
    ):
        yield (
            "is right wherever it is a number: only the entries that are NaN or infinite are to be"
            " explained."
        )


def _shapes(look: _Look) -> Iterator[str]:
    """Yield what is true of arrays of different shapes."""
    want, have = look.want, look.have
    yield from _axes(look)
    yield from _reshaped(look)
    if have.size == want.size and look.close(have.reshape(want.shape), want):
        yield "has the right numbers in another shape."
    for axis in range(have.ndim):
        if have.shape[axis] > 1 and look.close(have.sum(axis=axis), want):
            yield f"still has to be summed over its axis {axis}, which should be gone."
    for axis in range(want.ndim):
        for kept in (True, False):
            if want.shape[axis] > 1 and look.close(have, want.sum(axis=axis, keepdims=kept)):
                yield f"is summed over {look.axis(axis)}, which should be kept."
    yield from _other_length(look)
    yield from _one_less(look)
    yield from _one_only(look)
    if have.ndim > 1 and have.shape == want.shape[::-1]:
        yield "has its axes the other way round: its shape is that of the transpose."


def _other_length(look: _Look) -> Iterator[str]:
    """Yield whether an axis that has a name has the length of another one."""
    want, have = look.want, look.have
    if want.ndim != have.ndim or have.shape == want.shape[::-1]:
        return
    for axis, name in enumerate(look.pair.axes[: want.ndim]):
        for other, length in look.pair.lengths.items():
            if other != name and have.shape[axis] == length != want.shape[axis]:
                yield (
                    f"has along {look.axis(axis)} the length of the axis {other}: which of the two"
                    " does your loop, or the array that you make, go by?"
                )


def _one_less(look: _Look) -> Iterator[str]:
    """Yield whether all is there but one end of an axis, or one entry too many stands there."""
    want, have = look.want, look.have
    if want.ndim != have.ndim:
        return
    for axis in range(want.ndim):
        long, length = want.shape[axis], have.shape[axis]
        ends = (("first", range(1, max(long, length))), ("last", range(max(long, length) - 1)))
        for word, rest in ends:
            if length == long - 1 and look.close(have, want.take(rest, axis)):
                yield f"is right, but its {word} entry along {look.axis(axis)} is missing."
            if length == long + 1 and look.close(have.take(rest, axis), want):
                yield f"is right, but along {look.axis(axis)} one entry too many stands {word}."


def _one_only(look: _Look) -> Iterator[str]:
    """Yield whether one entry along an axis stands in the place of all."""
    for axis in range(look.want.ndim):
        for word, index in (("first", 0), ("last", -1)):
            if look.want.shape[axis] > 1 and look.close(look.have, look.want.take(index, axis)):
                yield (
                    f"is what belongs to the {word} entry along {look.axis(axis)} alone, and that"
                    " axis is missing."
                )


def _axes(look: _Look) -> Iterator[str]:
    """Yield whether the axes stand in another order."""
    if 2 <= look.have.ndim == look.want.ndim <= 4:
        for order in itertools.permutations(range(look.have.ndim)):
            if list(order) != sorted(order) and look.close(look.have.transpose(order), look.want):
                yield (
                    "is the transpose of what is expected."
                    if look.have.ndim == 2
                    else "has its axes in another order than expected."
                )
                return


def _reshaped(look: _Look) -> Iterator[str]:
    """Yield whether a reshape has mixed the axes up where a transpose was meant."""
    want, have = look.want, look.have
    if have.size != want.size or not 2 <= want.ndim <= 4 or min(want.shape) < 1:
        return
    for order in itertools.permutations(range(want.ndim)):
        if list(order) == sorted(order):
            continue
        turned = want.transpose(order)
        if have.shape != turned.shape and look.close(have.reshape(turned.shape), turned):
            yield (
                "has the right numbers, read in the order of other axes: a `reshape` stands where"
                " the axes should be exchanged, by `transpose`, `swapaxes` or `np.stack`."
            )
            return


def _whole(look: _Look, got: np.ndarray) -> Iterator[str]:
    if got.dtype.kind == "f" and np.array_equal(look.have, look.want):
        yield "has the right numbers, but as floating-point numbers: integers are expected."


def _precision(look: _Look) -> Iterator[str]:
    want, have = look.want, look.have
    if have.size < FEW:
        return
    if np.array_equal(have, np.trunc(have)):
        is_cut = np.array_equal(have, np.trunc(want)) or np.array_equal(have, np.rint(want))
        if is_cut and not np.array_equal(have, want):
            yield (
                "holds whole numbers, those that are expected without their fractions: was it"
                " computed in, or written into, an array of integers?"
            )
        return
    for kind, word in PRECISIONS:
        slack = 4 * float(np.finfo(kind).eps) * np.abs(want).max()
        if np.array_equal(have, have.astype(kind)) and (np.abs(have - want) <= slack).all():
            yield f"is right but for its precision: every number in it is one of {word}."
            return


def _scaled(look: _Look) -> Iterator[str]:
    """Yield whether all entries are off by one factor, and which."""
    want, have = look.want, look.have
    if look.close(-have, want):
        yield f"has the opposite sign{look.everywhere}."
        return
    size = np.abs(have).max()
    unit = have / size  # so that no square is beyond a double
    factor = float((unit * want).sum() / (unit * unit).sum() / size)
    if not factor or not np.isfinite(factor) or not look.close(have * factor, want):
        return
    for length, words in _lengths(look):
        for value, word in ((float(length), "multiplied"), (1.0 / length, "divided")):
            if abs(factor - value) < (SAME if want.size > 1 else SAME_ALONE) * value:
                yield f"would be right if it were {word} by {words}."
    if want.size > 1:  # of a single number it is always true
        which = "too small" if factor > 1 else "too large"
        if factor < 0:
            which = "negative, and one and the same"
        yield f"is off by one and the same factor everywhere ({which})."


def _lengths(look: _Look) -> Iterator[tuple[int, str]]:
    """Yield the lengths that sums and means go over, by the axes' names, and their products two by
    two.
    """
    lengths = dict(look.pair.lengths)
    for axis, length in enumerate(look.want.shape):
        lengths[look.axis(axis).removeprefix("the axis ")] = length
    for name, length in lengths.items():
        if length > 1:
            called = name if name.startswith("axis ") else f"the axis {name}"
            yield length, f"the length of {called}"
    for (one, first), (other, second) in itertools.combinations(look.pair.lengths.items(), 2):
        if first > 1 and second > 1:
            yield first * second, f"the lengths of the axes {one} and {other}, one times the other"


def _time(look: _Look) -> Iterator[str]:
    axis = look.time
    if axis is None:
        return
    want, have = np.moveaxis(look.want, axis, 0), np.moveaxis(look.have, axis, 0)
    wrong = np.moveaxis(look.wrong(look.have, look.want), axis, 0)
    flat = wrong.reshape(len(wrong), -1)
    steps = np.asarray(flat.any(axis=1))
    # A few ids may be wrong in one step by chance, for instance if captions end there; a step that
    # is missed is meant.
    missed = ~steps | (flat.mean(axis=1) > MOST_OF) if look.exact else np.ones_like(steps)
    varied = bool((have[1:] != have[:-1]).any())  # of what is the same at all steps nothing is late
    if varied and look.close(have[1:], want[:-1]) and wrong[1:].any():
        yield "is off by one step in time: what belongs to one step stands at the next."
    if varied and look.close(have[:-1], want[1:]) and wrong[:-1].any():
        yield "is off by one step in time: what belongs to one step stands at the step before."
    if look.close(have[::-1], want):
        yield "has the time steps in reverse order."
    if not missed.all() or (look.exact and not varied):
        return
    for index, which in ((0, "first"), (-1, "last")):
        others = np.delete(steps, index)
        if not steps[index] and others.all():
            yield f"is right at the {which} time step only."
        if steps[index] and not others.any():
            yield f"is right at every time step but the {which}."


def _blocks(look: _Look) -> Iterator[str]:
    width = look.want.shape[-1] if look.want.ndim else 0
    for count in BLOCKS:
        if not width or width % count:
            continue
        want, have = np.split(look.want, count, axis=-1), np.split(look.have, count, axis=-1)
        for order in itertools.permutations(range(count)):
            moved = sum(map(operator.ne, order, range(count)))
            mine = [have[block] for block in order]
            if moved and all(map(look.close, mine, want)):
                yield (
                    f"has its {count} blocks of columns in another order ({moved} of them are out"
                    " of place)."
                )
                return
    if width % BLOCKS[0] == 0 and width > BLOCKS[0]:
        wrong = np.split(look.wrong(look.have, look.want), BLOCKS[0], axis=-1)
        places = np.flatnonzero([block.any() for block in wrong])
        if len(places) == 1:
            which = f"block {places[0] + 1}"
            yield f"is wrong in one of its {BLOCKS[0]} blocks of columns alone: {which}."


def _shifted(look: _Look) -> Iterator[str]:
    """Yield whether it is right up to a constant or up to a row: up to a bias."""
    difference = look.want - look.have
    if difference.size >= FEW and look.close(
        np.broadcast_to(difference.flat[0], difference.shape), difference
    ):
        yield (
            "is off by one and the same number everywhere: a constant is missing or stands there"
            " twice."
        )
    elif difference.ndim > 1:
        rows = difference.reshape(-1, difference.shape[-1])
        if len(rows) > 1 and look.close(np.broadcast_to(rows[:1], rows.shape), rows):
            yield (
                "is off by the same row everywhere: a term like a bias is missing or stands there"
                " twice."
            )


def _broadcast(look: _Look) -> Iterator[str]:
    for axis in range(look.want.ndim):
        is_spread = look.close(_first_everywhere(look.have, axis), look.have)
        if is_spread and look.wrong(_first_everywhere(look.want, axis), look.want).any():
            yield f"is the same all along {look.axis(axis)}, which it should not be."


def _entries(look: _Look) -> Iterator[str]:
    """Yield what is true of the entries, each looked at by itself or by its row."""
    want, have = look.want, look.have
    yield from entry_symptoms.signs(want, have, look.close)
    yield from entry_symptoms.factors(want, have, look.close, look.axis)
    yield from entry_symptoms.order(want, have, look.close, look.axis)


def _first_everywhere(array: np.ndarray, axis: int) -> np.ndarray:
    """Return an array with its first entry along an axis in the place of all."""
    return np.broadcast_to(array.take([0], axis), array.shape)


def _ordered(look: _Look) -> Iterator[str]:
    """Yield whether a larger entry is larger wherever it should be, but has another value: whether
    a function of one number was applied to each entry that is not the right one.
    """
    want, have = look.want.reshape(-1), look.have.reshape(-1)
    if want.size > MOST_ORDERED or min(len(np.unique(want)), len(np.unique(have))) < ENOUGH:
        return
    rising = have[np.lexsort((have, want))]
    if (np.diff(rising) >= 0).all():
        yield (
            "has its entries in the right order of size, but with other values: what goes into the"
            " last function that is applied entry by entry may well be right. Is it the function"
            " that is asked for, and applied once?"
        )
