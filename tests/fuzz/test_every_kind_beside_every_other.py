"""A value of any kind where another was expected: it is judged and explained, and nothing raises."""

from __future__ import annotations

import warnings
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from fractions import Fraction
from itertools import product
from typing import Any

import numpy as np
import pandas as pd
import pytest
from fuzz_pages import RECORDED, SPECIAL
from fuzz_seeds import FAR, VALUES
from scipy.sparse import coo_array, csr_array

from grader.assignment.expectations import CaseRecord
from grader.checking.explain.diagnosis import diagnose, fitting
from grader.checking.explain.evidence import Evidence
from grader.checking.judge.compare import compare
from grader.checking.judge.got import Got
from grader.checking.judge.judgements import check_recordable
from grader.errors import AssignmentError
from grader.model import Tolerance
from grader.sandbox.untrusted import Untrusted
from grader.sandbox.wire import Encoder, Ref
from grader.sandbox.wire_types import Member

KINDS = RECORDED | SPECIAL
ZONED = datetime(2020, 1, 1, tzinfo=UTC)
MORE: list[Any] = [
    np.timedelta64(1, "Y"),
    np.timedelta64(3),
    np.datetime64("NaT"),
    np.array([], "M8[D]"),
    [np.datetime64("2020")],
    [date(2020, 1, 1)],
    [timedelta(1), timedelta(2)],
    (ZONED,),
    [ZONED, datetime(2020, 1, 1)],
    time(3, tzinfo=UTC),
    [time(3)],
    [pd.NaT, pd.NaT],
    [pd.NA],
    pd.Timestamp("2020-01-01", tz="UTC"),
    pd.Timedelta(1, "D"),
    pd.Index([1, 2]),
    pd.Index(["a", None]),
    pd.Series([1, pd.NA], dtype="Int64"),
    pd.Series(["a", None], dtype="string"),
    pd.Series(np.array([1, 2], "m8[s]")),
    pd.Series([True, None], dtype="boolean"),
    pd.Series([1 + 2j]),
    pd.Series(pd.Categorical([1.5, 2.5], ordered=True)),
    pd.DataFrame({"a": [date(2020, 1, 1)], "b": [(1, 2)]}),
    pd.DataFrame({("a", 1): [1.0]}),
    pd.DataFrame(),
    np.ma.masked_array([1j, 2], [True, False]),
    np.ma.masked_array(3.0, True),
    np.ma.masked_array([], []),
    np.array([("x", b"y")], [("a", "U3"), ("b", "S2")]),
    np.array([b"\xff"]),
    np.array([[["a"]]]),
    np.array(True),
    np.float16(1),
    np.complex64(1),
    np.uint64(2**64 - 1),
    np.int8(-128),
    np.clongdouble(1),
    np.array(2**63, np.uint64),
    np.zeros((0, 0)),
    np.full((2, 3), -0.0),
    np.float64,
    [np.ones(2), np.ones(3)],
    [np.ones(2), np.ones(2)],
    (np.ones(2), None),
    coo_array((0, 3)),
    csr_array(np.array([[1j, 0]])),
    coo_array(np.array([[True, False]])),
    2**70,
    [2**70, 1.5],
    -(2**64),
    float("inf"),
    [float("nan")],
    complex("nan+1j"),
    range(0),
    range(5, 0, -1),
    Fraction(1, 3),
    [Fraction(1, 3), 2],
    [Decimal("NaN")],
    Decimal("-0"),
    Member("Color", "RED", "work"),
    {(1, 2): {"a": {3}}},
    {"a": None},
    [{}, []],
    [[1, 2], [3]],
    [[1, 2], [3, 4]],
    [1, None],
    ["a", 1],
    [1.5, "a"],
    [True, False],
    (),
    [],
    {},
    set(),
    "",
    b"",
    [b"a", b"b"],
    [{1}, {2}],
]


def crossed(value: Any) -> Any:
    """Return a value as it comes out of a box."""
    encoder = Encoder(lambda other: Ref(1, type(other).__name__))
    body = encoder.encode(value)
    return Untrusted(tuple(encoder.blobs)).decode(body)


def recordable(value: Any) -> bool:
    """Return whether a check may expect a value."""
    try:
        check_recordable("v", value)
    except AssignmentError:
        return False
    return True


@pytest.mark.parametrize("expected", KINDS)
def test_any_value_is_judged_and_explained_where_another_was_expected(expected: str) -> None:
    want = KINDS[expected]
    for name, value in KINDS.items():
        wrong = not all(found.ok for found in compare("y", want, value, Tolerance()))
        assert wrong or name == expected or (name, expected) == ("count", "small"), name
        # beside one that is right, so that sentences about one value alone are asked for
        record = CaseRecord({"y": (want, Tolerance()), "right": (want, Tolerance())})
        told = Evidence("case", {"y": Got(value, ()), "right": Got(want, ())}, record)
        hint = diagnose([told], list(fitting("f", [told], None).values())).hint
        assert isinstance(hint, str)
        alone = "Of what is compared, `y` alone is wrong" in hint
        assert alone <= wrong, name


def test_a_verdict_comes_of_every_pair_of_values() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # NumPy's and pandas', on the way through the wire
        answers = [*map(crossed, [*VALUES, *FAR, *MORE, *KINDS.values()])]
    expected = [*filter(recordable, answers)]
    assert len(expected) > 150
    for want, have in product(expected, answers):
        for exact in (False, True):
            try:
                compared = compare("v", want, have, Tolerance(), exact=exact)
            except Exception as error:
                error.add_note(f"expected {want!r:.200}, got {have!r:.200}")
                raise
            assert want is not have or all(one.ok for one in compared), want
