"""Values that are taken apart: what a stranger's parts may become, and what they may cost."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from grader.sandbox import wire
from grader.sandbox.untrusted import Budget, Items, Untrusted
from grader.sandbox.wire import MoreThanExpected, TooLarge, WireError
from grader.sandbox.wire_types import text_of

PRIME = 2**61 - 1  # Python's hash of a number is its remainder by this one


def decoded(data: Any, *arrays: np.ndarray, most: int | None = None) -> Any:
    """Decode what a box sent."""
    return Untrusted(tuple(map(wire.encode_array, arrays)), most=most).decode(data)


@pytest.mark.parametrize(
    "data",
    [
        {"date": ["1000000000-01-01"]},
        {"date": [7]},
        {"datetime": ["2024-01-01" * 10]},
        {"time": ["25:00"]},
        {"timedelta": [10**10, 0, 0]},
        {"decimal": ["1e999999"]},
        {"decimal": ["sNaN"]},
        {"fraction": ["1", "0"]},
        {"fraction": ["f" * 5000, "1"]},
        {"int": ["f" * (1 << 19)]},
        {"int": ["0x10"]},
        {"range": [0, 10**18, 1]},
        {"range": [0, 9, 0]},
        {"enum": ["m", "C"]},
        {"bytes": [{"list": []}]},
        {"records": [False, {"list": []}]},
        {"masked": [{"array": 0}, {"array": 0}]},
        {"datetime64": ["lightyear", {"array": 0}]},
        {"set": [{"list": []}]},
        {"missing": ["everything"]},
        {"callback": [1, "f"]},
        {"named": ["os", "system"]},
        {"exception": ["SystemExit", ""]},
    ],
    ids=str,
)
def test_parts_that_do_not_fit_are_refused(data: Any) -> None:
    with pytest.raises(WireError):
        decoded(data, np.zeros(2))


@pytest.mark.parametrize("unit", ["0D", "00", "007D", "-1D", "1D/2", "h/0", "D]", "0generic"])
def test_moments_of_a_unit_that_is_none_are_refused(unit: str) -> None:
    """With some of them NumPy raises in every use, and with one it ends the process."""
    for kind in ("datetime64", "timedelta64"):
        with pytest.raises(WireError):
            decoded({kind: [unit, {"array": 0}]}, np.zeros(2, np.int64))
        assert decoded({kind: ["25D", {"array": 0}]}, np.zeros(2, np.int64)).shape == (2,)


@pytest.mark.parametrize(
    "data",
    [
        {"frame": [{"rows": [0, 10**12, 1, None]}, {"rows": [0, 0, 1, None]}, {"list": []}]},
        {"frame": [{"rows": [0, 2, 1, None]}, {"rows": [0, 2, 1, None]}, {"list": [{"array": 0}]}]},
        {"series": [{"rows": [0, 3, 1, None]}, None, {"array": 0}]},
        {"index": [{"list": []}, {"array": 0}]},
        {"rows": [0, 1 << 40, 1, None]},
        {"rows": [0, (1 << 61), 1, None]},
        {
            "levels": [
                {"list": [None]},
                {"list": [{"rows": [0, 2, 1, None]}]},
                {"list": [{"array": 1}]},
            ]
        },
        {"column": ["period[D]", {"list": []}]},
        {"column": ["datetime64[ns, ../etc]", {"array": 0}]},
        {"column": ["category", {"array": 1}, {"rows": [0, 9, 1, None]}]},
    ],
    ids=str,
)
def test_tables_that_do_not_fit_are_refused(data: Any) -> None:
    pytest.importorskip("pandas")
    with pytest.raises(WireError):
        decoded(data, np.zeros(2), np.array([5, 10]))


def test_sparse_matrices_are_counted_by_what_they_stand_for() -> None:
    pytest.importorskip("scipy")
    empty = np.zeros(0), np.zeros(0, dtype=np.int64)
    data = {"sparse": ["csr", {"list": [10**6, 10**6]}, {"array": 0}, {"array": 1}, {"array": 1}]}
    with pytest.raises(MoreThanExpected):
        decoded(data, *empty, most=1 << 20)
    beside = {"sparse": ["coo", {"list": [2, 2]}, {"array": 0}, {"array": 1}, {"array": 1}]}
    with pytest.raises(WireError):
        decoded(beside, np.ones(1), np.array([7]))


def test_a_set_of_one_hash_is_read() -> None:
    """Python's own sets would compare each number with each, and take an hour."""
    chosen = [number * PRIME + 7 for number in range(8, 200_008)]
    assert len({*map(hash, chosen)}) == 1
    found = decoded({"set": [{"int": [format(number, "x")]} for number in chosen]})
    assert isinstance(found, Items)
    assert len(found) == len(chosen)
    assert chosen[-1] in found


def test_equal_keys_have_one_text_and_others_have_not() -> None:
    from decimal import Decimal
    from fractions import Fraction

    assert (
        len(
            {
                *map(
                    text_of,
                    (2, 2.0, Fraction(2), Decimal("2.00"), 2 + 0j, np.int8(2), np.float32(2)),
                )
            }
        )
        == 1
    )
    assert text_of(0.5) == text_of(Fraction(1, 2)) == text_of(Decimal("0.5"))
    assert text_of(frozenset({1, "a"})) == text_of(frozenset({"a", 1.0}))
    others = [
        1,
        "1",
        b"1",
        None,
        (1,),
        ((1,),),
        (1, "a"),
        ("1", "a"),
        ("1, 1:a",),
        frozenset({1}),
        1j,
        10**30,
    ]
    assert len({*map(text_of, others)}) == len(others)


def test_bytes_and_records_count_while_they_live() -> None:
    array = np.zeros(1 << 20, dtype=np.uint8)
    budget, blob = Budget(4 << 20), wire.encode_array(array)
    data = {"bytes": [{"array": 0}]}
    kept = [Untrusted((blob,), budget=budget).decode(data) for _ in range(2)]
    with pytest.raises(TooLarge):
        Untrusted((blob,), budget=budget).decode(data)
    assert len(kept) == 2
