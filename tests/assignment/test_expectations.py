"""Expectations: what is written is what is read, and what can't be read is told."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from grader.assignment.expectations import SCHEMA, CallShape, CaseRecord, Expectations, Provenance
from grader.errors import AssignmentError
from grader.model import Tolerance

PROVENANCE = Provenance(
    SCHEMA, "340282366920938463463374607431768211455", "a" * 64, "b" * 64, {"numpy": "2.0"}
)
VALUES: dict[str, Any] = {
    "array": np.arange(6.0).reshape(2, 3),
    "float32": np.ones(3, dtype=np.float32),
    "ids": np.array([[3, 1]]),
    "flags": np.array([True, False]),
    "complex": np.array([1j]),
    "empty": np.zeros((0, 3)),
    "loss": 2.5,
    "count": 3,
    "text": "naïve: 你好",
    "nothing": None,
    "list": [np.ones(2), 1.0, "x"],
    "a tuple / with a slash": (1, [2, (3,)]),
    "grads": {"W": np.ones((2, 2)), "b/c": {"deep": 1.0}, "z": [], "a": {}},
    "long": list(range(12)),
    "": 0.0,
}


def same(a: Any, b: Any) -> bool:
    if isinstance(a, dict):
        return isinstance(b, dict) and list(a) == list(b) and all(map(same, a.values(), b.values()))
    if isinstance(a, list | tuple):
        return type(a) is type(b) and len(a) == len(b) and all(map(same, a, b))
    if isinstance(a, np.ndarray):
        return isinstance(b, np.ndarray) and a.dtype == b.dtype and np.array_equal(a, b)
    return bool(a == b)


def test_what_is_written_is_what_is_read(tmp_path: Path) -> None:
    record = CaseRecord({name: (value, Tolerance(1e-3, 1e-6)) for name, value in VALUES.items()})
    record.calls = [CallShape("f", True, 2), CallShape("g", False, 1)]
    stored = Expectations(
        PROVENANCE, {("check", "N=1,T=2/x"): record, ("check", "."): CaseRecord()}
    )
    stored.write(tmp_path / "deep" / "public.h5")
    read = Expectations.read(tmp_path / "deep" / "public.h5")
    assert read.provenance == PROVENANCE
    assert set(read.cases) == set(stored.cases)
    back = read.cases["check", "N=1,T=2/x"]
    assert back.calls == record.calls
    assert list(back.values) == list(VALUES)
    for name, (value, tolerance) in back.values.items():
        assert same(VALUES[name], value), name
        assert tolerance == Tolerance(1e-3, 1e-6)


def test_times_are_kept_to_a_tenth_of_a_millisecond(tmp_path: Path) -> None:
    case = CaseRecord(seconds=1.23456, call_seconds=0.98765)
    Expectations(PROVENANCE, {("c", "x"): case}).write(tmp_path / "public.h5")
    read = Expectations.read(tmp_path / "public.h5").cases["c", "x"]
    assert (read.seconds, read.call_seconds) == (1.2346, 0.9877)


def test_a_file_without_the_time_of_calls_has_that_of_the_case(tmp_path: Path) -> None:
    Expectations(PROVENANCE, {("c", "x"): CaseRecord(seconds=1.5)}).write(tmp_path / "public.h5")
    with h5py.File(tmp_path / "public.h5", "r+") as file:
        del file["c"]["=x"].attrs["call_seconds"]
    assert Expectations.read(tmp_path / "public.h5").cases["c", "x"].call_seconds == 1.5


def test_same_expectations_make_the_same_bytes(tmp_path: Path) -> None:
    for name in ("a", "b"):
        Expectations(PROVENANCE, {("c", "x"): CaseRecord({"v": (np.ones(3), Tolerance())})}).write(
            tmp_path / name
        )
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


def test_missing_file_says_what_to_run(tmp_path: Path) -> None:
    with pytest.raises(
        AssignmentError, match=r"there are no expectations at .*: run `grader record`"
    ):
        Expectations.read(tmp_path / "public.h5")


@pytest.mark.parametrize("data", [b"", b"not HDF5", b"\x89HDF\r\n\x1a\n" + b"\0" * 50])
def test_broken_file_says_what_to_run(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "public.h5").write_bytes(data)
    with pytest.raises(
        AssignmentError, match=r"can't be read as expectations .*: run `grader record`"
    ):
        Expectations.read(tmp_path / "public.h5")


def test_other_hdf5_file_is_refused(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "public.h5", "w") as file:
        file["x"] = 1
    with pytest.raises(AssignmentError, match="can't be read as expectations"):
        Expectations.read(tmp_path / "public.h5")


def test_other_schema_is_refused(tmp_path: Path) -> None:
    Expectations(Provenance(SCHEMA + 1, "1", "", "", {})).write(tmp_path / "public.h5")
    with pytest.raises(
        AssignmentError, match=f"has schema {SCHEMA + 1}, expected {SCHEMA}: run `grader record`"
    ):
        Expectations.read(tmp_path / "public.h5")
