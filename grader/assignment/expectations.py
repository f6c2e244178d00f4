"""Expectations: the reference's answers, case by case, in one HDF5 file per seed.

A file has a group per case, ``/<check>/<case>``, with the recorded values, and with the number of
values that each call returned. Arrays are datasets. Dicts and sequences are groups, and so are
objects that the wire takes apart. The file's attributes are its provenance. Only files that
`grader record` wrote are opened, never one that came with a submission.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from grader.errors import AssignmentError
from grader.files import replacing
from grader.model import Tolerance
from grader.sandbox.wire_types import taken_apart, text_of, together

SCHEMA = 2


class Provenance(msgspec.Struct, frozen=True):
    """The origin of a file of expectations."""

    schema: int
    seed: str  # decimal digits; a hidden one has 128 bits
    assignment: str  # digest of the spec, the checks, the notebooks and the provided files
    reference: str  # digest of the reference solution
    versions: dict[str, str]  # of Python, NumPy and the grader


class CallShape(msgspec.Struct, frozen=True, array_like=True):
    """The number and size of the values that one call of a case returned."""

    function: str
    sequence: bool  # whether it returned a list or a tuple
    count: int
    size: int = -1  # as `Decoder.size` counts; -1 in older files
    held: bool = False  # whether it is a single object that stays in the box, such as a generator
    nothing: bool = False  # whether it returned None; False in older files


class CaseRecord(msgspec.Struct):
    """The recorded values and calls of one case."""

    values: dict[str, tuple[Any, Tolerance]] = {}
    calls: list[CallShape] = []
    # the sizes of what was fetched from the box; None in files that lack them
    fetched: list[int] | None = []
    seconds: float = 0.0  # how long the reference took
    call_seconds: float = 0.0  # its functions alone

    def expected(self) -> dict[str, Any]:
        """Return the recorded values by name, without their tolerances."""
        return {name: value for name, (value, _) in self.values.items()}


class Expectations(msgspec.Struct):
    """A whole file: a record for each (check, case)."""

    provenance: Provenance
    cases: dict[tuple[str, str], CaseRecord] = {}

    def write(self, path: Path) -> None:
        """Write a temporary file and move it to ``path``, so that no half-written file exists."""
        import h5py

        with replacing(path) as part, h5py.File(part, "w", track_order=True) as file:
            file.attrs["provenance"] = msgspec.json.encode(self.provenance).decode()
            for (check, case), record in sorted(self.cases.items()):
                group = file.create_group(f"{check}/{_key(case)}", track_order=True)
                group.attrs["case"] = case
                group.attrs["seconds"] = round(record.seconds, 4)
                group.attrs["call_seconds"] = round(record.call_seconds, 4)
                group.attrs["calls"] = msgspec.json.encode(record.calls).decode()
                group.attrs["fetched"] = msgspec.json.encode(record.fetched).decode()
                for name, (value, tolerance) in record.values.items():
                    node = _write(group, name, value)
                    node.attrs["tolerance"] = [tolerance.rtol, tolerance.atol, tolerance.scaled]

    @classmethod
    def read(cls, path: Path) -> Expectations:
        """Read a recorded file; raise `AssignmentError` if it is missing, broken or outdated."""
        provenance = read_provenance(path)
        if provenance.schema != SCHEMA:
            raise AssignmentError(
                f"{path} has schema {provenance.schema}, expected {SCHEMA}: run `grader record`"
            )
        cases = {}
        with _opened(path) as file:
            for check, groups in file.items():
                for group in groups.values():
                    cases[check, str(group.attrs["case"])] = _read_case(group)
        return cls(provenance, cases)


def read_provenance(path: Path) -> Provenance:
    """Return the origin of a file of any schema."""
    with _opened(path) as file:
        return msgspec.json.decode(file.attrs["provenance"], type=Provenance)


@contextlib.contextmanager
def _opened(path: Path) -> Iterator[Any]:
    """Open a file of expectations; raise `AssignmentError` if it can't be read."""
    import h5py

    if not path.is_file():
        raise AssignmentError(f"there are no expectations at {path}: run `grader record`")
    try:
        with h5py.File(path, "r") as file:
            yield file
    except (OSError, KeyError, ValueError, msgspec.MsgspecError) as error:
        raise AssignmentError(
            f"{path} can't be read as expectations ({error}): run `grader record`"
        ) from error


def _key(case: str) -> str:
    """Return a case's name for HDF5, which allows no slash, no empty name and no dot alone."""
    return "=" + case.replace("/", "\N{DIVISION SLASH}")


def _write(group: Any, name: str, value: Any) -> Any:
    """Write one value and return its group or dataset; take apart what HDF5 does not know."""
    key = _key(name)
    parts = None if isinstance(value, dict | list | tuple | str | float) else taken_apart(value)
    if isinstance(value, dict) and not all(type(child) is str for child in value):
        node = _write_items(group, key, list(map(list, value.items())), "pairs")
    elif isinstance(value, dict):
        node = group.create_group(key, track_order=True)
        for child, item in value.items():
            _write(node, child, item)
        node.attrs["kind"] = "dict"
    elif isinstance(value, list | tuple):
        node = _write_items(group, key, value, "list" if isinstance(value, list) else "tuple")
    elif parts is not None:
        items = parts.items
        if parts.kind in ("set", "frozenset"):  # their order differs from run to run
            items = sorted(items, key=text_of)
        node = _write_items(group, key, items, "parts")
        node.attrs["parts"] = parts.kind
    elif value is None or isinstance(value, str):
        node = group.create_group(key)
        node.attrs["kind"] = "json"
        node.attrs["json"] = json.dumps(value)
    else:
        node = _write_array(group, key, value)
    node.attrs["name"] = name
    return node


def _write_items(group: Any, key: str, items: Iterable[Any], kind: str) -> Any:
    node = group.create_group(key, track_order=True)
    for place, item in enumerate(items):
        _write(node, str(place), item)
    node.attrs["kind"] = kind
    return node


def _write_array(group: Any, key: str, value: Any) -> Any:
    """Write an array or a scalar; text is written as the numbers of its characters."""
    array = np.asarray(value)
    kind = "array" if isinstance(value, np.ndarray) else "scalar"
    if array.dtype.kind in "US":
        dtype = array.dtype.newbyteorder("<")
        codes = np.frombuffer(array.astype(dtype).tobytes(), "<u4" if dtype.kind == "U" else "u1")
        node = group.create_dataset(key, data=codes, track_times=False)
        node.attrs["text"] = json.dumps([dtype.str, array.shape])
    else:
        node = group.create_dataset(key, data=array, track_times=False)
    node.attrs["kind"] = kind
    plain = isinstance(value, bool | int | float | complex) and not isinstance(value, np.generic)
    node.attrs["python"] = plain
    return node


def _read_case(group: Any) -> CaseRecord:
    record = CaseRecord(calls=msgspec.json.decode(group.attrs["calls"], type=list[CallShape]))
    record.fetched = msgspec.json.decode(group.attrs.get("fetched", "null"), type=list[int] | None)
    record.seconds = float(group.attrs["seconds"])
    # Older files lack it.
    record.call_seconds = float(group.attrs.get("call_seconds", record.seconds))
    for node in group.values():
        rtol, *more = map(float, node.attrs["tolerance"])
        # Older files have `scaled` alone.
        tolerance = Tolerance(rtol, *more) if len(more) > 1 else Tolerance(rtol, 0.0, *more)
        record.values[str(node.attrs["name"])] = (_read(node), tolerance)
    return record


def _read(node: Any) -> Any:
    kind = node.attrs["kind"]
    if kind in ("array", "scalar") and "text" in node.attrs:
        dtype, shape = json.loads(node.attrs["text"])
        text = np.ndarray(tuple(shape), np.dtype(dtype), node[()].tobytes()).copy()
        return text if kind == "array" else text[()]
    if kind in ("array", "scalar"):
        return node[()].item() if node.attrs.get("python") else node[()]
    if kind == "json":
        return json.loads(node.attrs["json"])
    items = {str(child.attrs["name"]): _read(child) for child in node.values()}
    if kind == "pairs":
        return dict(items.values())
    if kind == "parts":
        return together(str(node.attrs["parts"]), [*items.values()])
    return items if kind == "dict" else {"list": list, "tuple": tuple}[kind](items.values())
