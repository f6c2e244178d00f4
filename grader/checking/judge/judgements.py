"""How `expect` judges what is no plain comparison: alternatives, masked regions, exceptions,
arguments, printed text.

Pure, but for the one call that is made to see what it raises.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Collection, Mapping, Sequence
from itertools import repeat, zip_longest
from typing import Any

import msgspec
import numpy as np

from grader.checking.judge.compare import compare
from grader.checking.judge.got import Got
from grader.checking.judge.up_to import UpTo, fitted
from grader.checking.judge.values.conversions import as_array
from grader.checking.judge.values.value_kinds import describe
from grader.errors import AssignmentError, StudentException
from grader.model import Comparison, Tolerance
from grader.sandbox import wire_tables
from grader.sandbox.wire_types import taken_apart
from grader.text import clean

_ADDRESS = re.compile(r" at 0x[0-9a-fA-F]{6,16}")
DIFF_LINES = 100  # of texts that are shown beside each other
DIFF_CHARACTERS = 4_000
SHOWN_CHARACTERS = 100  # of a line in a message
# characters of a text that is looked at, beside the reference's
PRINTED_TIMES, PRINTED_SPARE = 4, 20_000
NAN = "which is then the right answer there: is that meant?"
PRINTED_RTOL = 1e-4  # of a number within printed text
# A number, a word, or any other character. A sign belongs to the number unless it stands behind a
# word or a bracket.
_TOKEN = re.compile(r"(?:(?<![\w)\]])[-+])?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?|[^\W\d_]+|\S")


def without_addresses(value: Any) -> Any:
    """Return text, or containers of text, without the memory addresses in Python's names of
    objects.
    """
    if isinstance(value, str):
        return _ADDRESS.sub(" at some address", value)
    if type(value) in (list, tuple):
        return type(value)(map(without_addresses, value))
    if type(value) is dict:
        return {key: without_addresses(item) for key, item in value.items()}
    return value


def closest(
    name: str, alternatives: Sequence[Any], got: Any, tolerance: Tolerance, axes: tuple[str, ...]
) -> tuple[Comparison, ...]:
    """Return the comparison with the alternative that is nearest to the value."""
    tries = [compare(name, alternative, got, tolerance, axes) for alternative in alternatives]
    return min(tries, key=_distance)


def _distance(found: tuple[Comparison, ...]) -> tuple[int, int]:
    """Return how many comparisons can't be made entry by entry, and how many entries are wrong."""
    of_another_form, wrong = 0, 0
    for one in found:
        of_another_form += not one.ok and not one.wrong
        wrong += one.wrong
    return of_another_form, wrong


def up_to(
    name: str, expected: Any, got: Got, tolerance: Tolerance, free: UpTo
) -> tuple[tuple[Comparison, ...], Got]:
    """Return the comparison of a value of which something is free, and the value as near as that
    allows.
    """
    try:
        want, have = fitted(expected, got.value, free, tolerance)
    except Exception as error:  # of the author's function, from what a student returned
        raised = type(error).__name__
        message = (
            f"`{name}` is {describe(got.value)}, which can't be brought into the form to be"
            f" compared: {raised}"
        )
        return (Comparison(name, False, message, describe(got.value), describe(expected)),), got
    return compare(name, want, have, tolerance, got.axes), got._replace(value=have)


def estimated(
    name: str, value: Any, near: Any, standard_error: Any, sigmas: float, what: str
) -> Comparison:
    """Hold an estimate by random numbers, which may be off by some standard errors either way."""
    subject = f"`{name}` ({what})" if what else f"`{name}`"
    right, error = np.asarray(near, dtype=float), np.asarray(standard_error, dtype=float)
    if not (np.isfinite(error).all() and (error > 0).all() and 0 < sigmas < np.inf):
        raise AssignmentError(f"`{name}`: `standard_error` and `sigmas` have to be above zero")
    expected = f"within {sigmas:g} standard errors"
    numbers = isinstance(
        value, np.ndarray | np.generic | int | float | list | tuple
    ) and not isinstance(value, bool)
    array = (
        as_array(value)
        if isinstance(value, list | tuple)
        else np.asarray(value)
        if numbers
        else None
    )
    if array is None or array.dtype.kind not in "iuf" or array.shape != right.shape:
        kind = "a number" if not right.shape else f"numbers of shape {right.shape}"
        return Comparison(
            name, False, f"{subject} is {describe(value)}, expected {kind}", describe(value), kind
        )
    with np.errstate(all="ignore"):
        off = np.abs(array.astype(float) - right) / error
    wrong = ~(off <= sigmas)
    if not wrong.any():
        return Comparison(name, True, "", describe(value), expected)
    largest = float(off[~np.isnan(off)].max(initial=0.0))
    count = f"{int(wrong.sum())} of {wrong.size} entries are" if right.shape else "it is"
    told = (
        f"{subject} is further off than chance explains: {count} up to {largest:.2g} standard"
        " errors off, "
    )
    return Comparison(name, False, f"{told}expected at most {sigmas:g}", describe(value), expected)


def masked(name: str, value: Any, where: np.ndarray) -> Any:
    """Return an array with zeros where the mask says that anything goes; another value, or shape,
    as it is.

    ``where`` is boolean and must broadcast to the shape of what is right.
    """
    where = np.asarray(where)
    if where.dtype != np.bool_:
        raise AssignmentError(
            f"the mask `where` of `{name}` holds {where.dtype}, expected booleans"
        )
    if not isinstance(value, np.ndarray):
        return value
    try:
        mask = np.broadcast_to(where, value.shape)
    except ValueError:
        return value  # of a wrong shape, as the comparison will say
    return np.where(mask, value, np.zeros((), value.dtype))


def raised(name: str, error: type[BaseException] | str, call: Callable[[], object]) -> Comparison:
    """Make a call and say whether it raised an exception of a type, or of one derived from it."""
    wanted = error if isinstance(error, str) else error.__name__
    expected = f"an exception of type {wanted}"
    try:
        call()
    except StudentException as caught:
        if not caught.kinds:  # nothing of the student's ran: their file is missing, for instance
            raise
        ok = wanted in caught.kinds
        message = "" if ok else f"expected {expected}, but {caught}"
        return Comparison(name, ok, message, f"an exception of type {caught.kinds[0]}", expected)
    return Comparison(
        name, False, f"expected {expected}, but nothing was raised", "no exception", expected
    )


def unmodified(name: str, changed: Collection[tuple[str, str]]) -> Comparison:
    """Return whether calls left their arrays, lists and dicts unchanged."""
    told = "; ".join(
        f"`{function}` changed its argument {argument} in place" for function, argument in changed
    )
    return Comparison(name, not changed, f"{told}: work on a copy of it" if changed else "")


def printed_text(
    name: str, expected: str, got: str, rtol: float = PRINTED_RTOL, *, shown: bool = False
) -> Comparison:
    """Hold printed text against the reference's, word by word; fractional numbers may be off by
    rounding.

    What is far longer than the reference's is wrong, and is not taken apart. ``shown``: both texts
    may be shown, line by line.
    """
    found = _printed_text(name, expected, got, rtol)
    if found.ok or not shown:
        return found
    want = expected.strip().splitlines()
    have = clean(got, DIFF_CHARACTERS).strip().splitlines()
    message = found.message
    for number, (right, line) in enumerate(zip_longest(want, have), start=1):
        if right is None or line is None or not _same_words(_words(right), _words(line), rtol):
            message += f": line {number} should be {_quoted(right)}, got {_quoted(line)}"
            break
    return msgspec.structs.replace(found, message=message, shown=_diff(want, have))


def _quoted(line: str | None) -> str:
    if line is None:
        return "nothing"
    return repr(line if len(line) <= SHOWN_CHARACTERS else line[:SHOWN_CHARACTERS] + "…")


def _diff(want: Sequence[str], have: Sequence[str]) -> str:
    """Return the lines of two texts: a minus stands before those that are missing, a plus before
    those in excess.
    """
    lines = difflib.unified_diff(
        want[:DIFF_LINES], have[:DIFF_LINES], "expected", "got", n=2, lineterm=""
    )
    return "\n".join(list(lines)[:DIFF_LINES])


def with_values(found: tuple[Comparison, ...], expected: Any, got: Any) -> tuple[Comparison, ...]:
    """Return comparisons of which the first that does not hold tells what was expected and what was
    got.
    """
    for place, one in enumerate(found):
        if not one.ok and not one.shown:
            told = f"expected: {_short(expected)}\ngot:      {_short(got)}"
            return (*found[:place], msgspec.structs.replace(one, shown=told), *found[place + 1 :])
    return found


def _short(value: Any) -> str:
    """Return a value as text of bounded length; an array with its corners."""
    if isinstance(value, str | bytes):
        value = value[:DIFF_CHARACTERS]
    if isinstance(value, list | tuple) and len(value) > DIFF_LINES:
        value = value[:DIFF_LINES]
    if isinstance(value, int) and value.bit_length() > DIFF_CHARACTERS:
        return describe(value)
    with np.printoptions(threshold=DIFF_LINES, edgeitems=3, precision=6):
        text = (
            str(value)
            if isinstance(value, np.ndarray) or wire_tables.library(value)
            else repr(value)
        )
    return clean(text, DIFF_CHARACTERS)


def _printed_text(name: str, expected: str, got: str, rtol: float) -> Comparison:
    """Hold printed text against the reference's without showing any of it."""
    if len(got) > PRINTED_TIMES * len(expected) + PRINTED_SPARE:
        message = (
            f"`{name}` has {len(got)} characters, far more than is expected: is something printed"
            " in a loop?"
        )
        return Comparison(name, False, message, "text", _count(len(_lines(expected))) + " of text")
    want, have = _lines(expected), _lines(got)
    words = f"{_count(len(have))} of text", f"{_count(len(want))} of text"
    if not have and want:
        return Comparison(
            name, False, f"`{name}`: nothing was printed, expected {_count(len(want))}", *words
        )
    for number, (right, line) in enumerate(zip(want, have, strict=False), start=1):
        if not _same_words(right, line, rtol):
            return Comparison(
                name,
                False,
                f"`{name}` differs from what is expected, first in line {number}",
                *words,
            )
    if len(want) != len(have):
        return Comparison(
            name, False, f"`{name}` has {_count(len(have))}, expected {_count(len(want))}", *words
        )
    return Comparison(name, True, "", *words)


def number_of(value: Any) -> float | None:
    """Return a plain number as a float, None for anything else."""
    if isinstance(value, bool) or not isinstance(value, int | float | np.generic | np.ndarray):
        return None
    array = np.asarray(value)
    if array.shape != () or array.dtype.kind not in "iuf":
        return None
    return float(array)


def bounded(
    name: str, value: Any, at_least: float | None, at_most: float | None, what: str
) -> Comparison:
    """Hold a number against the author's bounds."""
    bounds = []
    if at_least is not None:
        bounds.append(f"at least {at_least:g}")
    if at_most is not None:
        bounds.append(f"at most {at_most:g}")
    if not bounds:
        raise AssignmentError(f"`{name}` is held against no bound: give `at_least` or `at_most`")
    expected = f"a number of {' and '.join(bounds)}"
    subject = f"`{name}` ({what})" if what else f"`{name}`"
    number = number_of(value)
    if number is None:
        return Comparison(
            name, False, f"{subject} is {describe(value)}, expected {expected}", describe(value)
        )
    ok = (at_least is None or number >= at_least) and (at_most is None or number <= at_most)
    return Comparison(
        name,
        ok,
        "" if ok else f"{subject} is {number:.3g}, expected {expected}",
        "a number",
        expected,
    )


def _words(line: str) -> list[str]:
    return _TOKEN.findall(line)


def _lines(text: str) -> list[list[str]]:
    return list(map(_words, text.strip().splitlines()))


def _same_words(want: Sequence[str], have: Sequence[str], rtol: float) -> bool:
    return len(want) == len(have) and all(map(_same_word, want, have, repeat(rtol)))


def _same_word(want: str, have: str, rtol: float) -> bool:
    """Return whether two words are equal, or numbers that are: as far as the first was written out,
    or within rtol.
    """
    if want == have:
        return True
    try:
        right, got = float(want), float(have)
    except ValueError:
        return False
    mantissa, _, exponent = want.lower().partition("e")
    decimals = mantissa.partition(".")[2]
    rounding = 0.5 * 10.0 ** (int(exponent or 0) - len(decimals)) if decimals or exponent else 0.0
    # whole numbers are counts: exact
    slack = max(rtol * abs(right), 1.001 * rounding) if rounding else 0.0
    return abs(right - got) <= slack


def _count(lines: int) -> str:
    return "1 line" if lines == 1 else f"{lines} lines"


def check_recordable(name: str, value: Any) -> None:
    """Refuse to record what could never be compared, or could not be kept as it is."""
    if type(value) in (list, tuple):  # and not a `Ref`, which is a tuple too
        for item in value:
            check_recordable(name, item)
    elif isinstance(value, dict):
        for key, item in value.items():
            check_recordable(name, key)
            check_recordable(name, item)
    elif value is not None and not isinstance(value, str | bool | int | float | complex):
        plain = isinstance(value, np.ndarray | np.generic) and value.dtype.kind in "biufcUS"
        parts = None if plain else taken_apart(value)
        if not plain and parts is None:
            raise AssignmentError(
                f"`{name}` is {describe(value)} and can't be recorded: "
                "expect arrays, numbers, text, dates, sets, tables or containers of them, such as"
                " an object's attributes or `student.builtins.list(...)` of an iterator"
            )
        if parts is not None and parts.kind in ("set", "frozenset", "column"):
            check_recordable(name, parts.items)


def count_nan(value: Any) -> int:
    """Return how many numbers of a value to be recorded are NaN, which is then the right answer
    there.
    """
    if isinstance(value, Mapping):
        return sum(map(count_nan, value.values()))
    if type(value) in (list, tuple):
        return sum(map(count_nan, value))
    numbers = isinstance(value, np.ndarray | np.generic | float | complex)
    array = np.asarray(value) if numbers and type(value) is not np.ma.MaskedArray else np.zeros(0)
    return int(np.isnan(array).sum()) if array.dtype.kind in "fc" else 0
