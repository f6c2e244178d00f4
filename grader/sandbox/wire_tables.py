"""Takes values of pandas, SciPy and PyTorch apart and puts them together. A library is loaded only
if a value needs it.

As in `wire_types`, the parts come from a student's process, so each is checked before it is used. A
table's index may describe more rows than there are bytes, and a sparse matrix more entries. Both
are counted by the number of rows or entries, and the index of a table without columns is bounded.
"""

from __future__ import annotations

import datetime
import importlib
import math
import re
import sys
from collections.abc import Callable
from typing import Any

import numpy as np

from grader.sandbox.wire_json import are_all

MAX_ROWS = 500_000  # of an index without columns
# rows that an index may count without naming them: as many as all bytes of a message could name
MAX_INDEX = 1 << 25
MAX_COLUMNS = 2_000
MAX_LEVELS = 20
MAX_LINES = 1_000_000  # of a sparse matrix in another form than that of coordinates
MAX_CATEGORIES = 5_000  # pandas looks for doubled ones by their hashes, which a student can choose
LIBRARIES = ("pandas", "scipy", "torch")
KINDS = frozenset({"frame", "series", "index", "rows", "levels", "column", "sparse", "missing"})

# The dtypes of columns that go as lists of values. Their names are a student's, so these alone are
# asked of pandas.
_DTYPES = re.compile(
    r"object|str|string|boolean|category|ordered category|U?Int(?:8|16|32|64)|Float(?:32|64)"
    r"|datetime64\[(?:s|ms|us|ns),"
    r" (?:UTC(?:[+-]\d\d:\d\d)?|[A-Z][A-Za-z_]{1,20}(?:/[A-Z][A-Za-z_-]{1,30}){1,2})\]"
)
_FORMATS = ("coo", "csr", "csc", "bsr", "dia", "lil", "dok")


def library(value: Any) -> str:
    """Return which of the libraries a value's class belongs to, or nothing."""
    module = getattr(type(value), "__module__", "")
    name = module.partition(".")[0] if isinstance(module, str) else ""
    return name if name in LIBRARIES and name in sys.modules else ""


def taken_apart(value: Any) -> tuple[str, list[Any]] | None:
    """Return the kind and the parts of a value of one of the libraries, None for any other."""
    name = library(value)
    if name == "pandas":
        return _pandas(value)
    if name == "scipy":
        return _sparse(value)
    return _tensor(value) if name == "torch" else None


def together(kind: str, items: list[Any]) -> Any:
    """Return a value made from its parts; parts that do not fit may raise any exception."""
    if kind == "sparse":
        return _a_sparse(*items)
    pandas = importlib.import_module("pandas")
    return _OF_PANDAS[kind](pandas, *items)


def besides(kind: str, items: list[Any]) -> int:
    """Return the size in bytes of a value, without its parts."""
    if kind == "rows" and len(items) == 4 and are_all(int, items[:3]) and items[2]:
        return 8 * len(range(*items[:3]))
    if kind == "sparse" and len(items) == 5 and _is_shape(items[1]):
        return 8 * int(math.prod(items[1]))
    return 0


def _is_shape(shape: Any) -> bool:
    if type(shape) is not list or len(shape) != 2 or not are_all(int, shape):
        return False
    return bool(min(shape) >= 0 and max(shape) < 1 << 62)


# --- taking apart ---------------------------------------------------------------------------------


def _pandas(value: Any) -> tuple[str, list[Any]] | None:
    pandas = sys.modules["pandas"]
    if isinstance(value, pandas.DataFrame):
        if value.shape[1] > MAX_COLUMNS:
            return None
        columns = [_column(value.iloc[:, place]) for place in range(value.shape[1])]
        return "frame", [value.index, value.columns, columns]
    if isinstance(value, pandas.Series):
        return "series", [value.index, value.name, _column(value)]
    if isinstance(value, pandas.Index):
        return _apart_index(value)
    if isinstance(value, pandas.Timestamp):
        return (
            ("datetime", [value.isoformat()])
            if value.tzinfo
            else _numpy_moment(value.to_datetime64())
        )
    if isinstance(value, pandas.Timedelta):
        return _numpy_moment(value.to_timedelta64())
    if value is pandas.NaT or value is pandas.NA:
        return "missing", ["NaT" if value is pandas.NaT else "NA"]
    if isinstance(value, pandas.api.extensions.ExtensionArray):
        return "column", _listed(pandas.Series(value))
    return None


def _numpy_moment(value: Any) -> tuple[str, list[Any]]:
    unit = np.datetime_data(value.dtype)[0]
    return ("datetime64" if value.dtype.kind == "M" else "timedelta64"), [
        unit,
        value.astype(np.int64),
    ]


def _apart_index(index: Any) -> tuple[str, list[Any]] | None:
    pandas = sys.modules["pandas"]
    if isinstance(index, pandas.RangeIndex):
        if len(index) > MAX_INDEX:
            return None
        return "rows", [index.start, index.stop, index.step, index.name]
    if isinstance(index, pandas.MultiIndex):
        codes = [np.asarray(one, dtype=np.int64) for one in index.codes]
        return "levels", [[*index.names], [*index.levels], codes]
    return "index", [index.name, _column(index.to_series())]


def _column(series: Any) -> Any:
    """Return a column as an array if NumPy's kinds can hold it, and else as what `_a_column`
    takes.
    """
    dtype = series.dtype
    if isinstance(dtype, np.dtype) and dtype.kind in "biufcmM":
        return np.ascontiguousarray(series.to_numpy())
    return series.array


def _listed(series: Any) -> list[Any]:
    """Return the name of a column's dtype and its values, of which the missing ones are None."""
    pandas = sys.modules["pandas"]
    name = str(series.dtype)
    if isinstance(series.dtype, pandas.CategoricalDtype):
        if len(series.cat.categories) > MAX_CATEGORIES:
            raise ValueError("too many categories")
        word = "ordered category" if series.dtype.ordered else "category"
        return [word, series.cat.codes.to_numpy().astype(np.int64), series.cat.categories]
    if _DTYPES.fullmatch(name) is None:
        raise ValueError(f"a column of dtype {name}")
    if name.startswith("datetime64"):
        moments = series.dt.tz_convert("UTC").dt.tz_localize(None)
        return [name, np.ascontiguousarray(moments.to_numpy())]
    missing = series.isna().to_numpy() if name != "object" else np.zeros(len(series), bool)
    items = zip(series.tolist(), missing.tolist(), strict=True)
    return [name, [None if gone else item for item, gone in items]]


def _sparse(value: Any) -> tuple[str, list[Any]] | None:
    sparse = sys.modules.get("scipy.sparse")
    if (
        sparse is None
        or not sparse.issparse(value)
        or value.ndim != 2
        or value.dtype.kind not in "biufc"
    ):
        return None
    entries = value.tocoo(copy=True)
    entries.sum_duplicates()
    row, column = np.array(entries.row, dtype=np.int64), np.array(entries.col, dtype=np.int64)
    return "sparse", [value.format, [*map(int, value.shape)], np.array(entries.data), row, column]


def _tensor(value: Any) -> tuple[str, list[Any]] | None:
    torch = sys.modules["torch"]
    if not isinstance(value, torch.Tensor):
        return None
    plain = value.detach().to_dense() if value.layout != torch.strided else value.detach()
    plain = plain.cpu().resolve_conj().resolve_neg()
    array = plain.float().numpy() if plain.dtype == torch.bfloat16 else plain.numpy()
    return "ndarray", [np.array(array)]


# --- putting together -----------------------------------------------------------------------------


def _name(name: Any) -> Any:
    """Return a name that is text, a number, a date or a tuple of these."""
    for part in name if type(name) is tuple else (name,):
        if part is not None and not isinstance(
            part, str | int | float | datetime.date | np.generic
        ):
            raise TypeError("a name that is none")
    return name


def _values(pandas: Any, values: Any) -> Any:
    plain = type(values) is np.ndarray and values.ndim == 1 and values.dtype.kind in "biufcmM"
    if not plain and not isinstance(values, pandas.api.extensions.ExtensionArray):
        raise ValueError("a column that is none")
    return values


def _index(pandas: Any, index: Any) -> Any:
    if not isinstance(index, pandas.Index):
        raise ValueError("an index that is none")
    return index


def _a_frame(pandas: Any, index: Any, names: Any, columns: Any) -> Any:
    rows, titles = _index(pandas, index), _index(pandas, names)
    if type(columns) is not list or len(columns) != len(titles) or len(columns) > MAX_COLUMNS:
        raise ValueError("a table of other columns")
    if not columns and len(rows) > MAX_ROWS:
        raise ValueError("a table of rows without columns")
    values = [_values(pandas, column) for column in columns]
    if not set(map(len, values)) <= {len(rows)}:
        raise ValueError("columns of other lengths than the index")
    frame = pandas.DataFrame(dict(enumerate(values)), index=rows, copy=False)
    frame.columns = titles
    return frame


def _a_series(pandas: Any, index: Any, name: Any, values: Any) -> Any:
    rows, column = _index(pandas, index), _values(pandas, values)
    if len(rows) != len(column):
        raise ValueError("a series whose index does not fit")
    return pandas.Series(column, rows, name=_name(name), copy=False)


def _missing(pandas: Any, which: Any) -> Any:
    return {"NaT": pandas.NaT, "NA": pandas.NA}[which]


def _a_range(pandas: Any, start: Any, stop: Any, step: Any, name: Any) -> Any:
    ends = (start, stop, step)
    if not are_all(int, ends) or max(map(abs, ends)) >= 1 << 62:
        raise ValueError("rows of what are no integers")
    if len(range(start, stop, step)) > MAX_INDEX:
        raise ValueError("more rows than a message could hold")
    return pandas.RangeIndex(start, stop, step, name=_name(name))


def _an_index(pandas: Any, name: Any, values: Any) -> Any:
    return pandas.Index(_values(pandas, values), name=_name(name), copy=False)


def _levels(pandas: Any, names: Any, levels: Any, codes: Any) -> Any:
    """Return an index of several levels; no hash of what is in them is asked for, so doubled
    entries stay.
    """
    parts = (names, levels, codes)
    if not are_all(list, parts) or len(set(map(len, parts))) > 1:
        raise ValueError("levels that do not fit")
    if not 0 < len(levels) <= MAX_LEVELS:
        raise ValueError("too many levels")
    for level, places in zip(levels, codes, strict=True):
        entries = _index(pandas, level)
        if (
            type(places) is not np.ndarray
            or places.dtype != np.int64
            or places.shape != codes[0].shape
        ):
            raise ValueError("codes that are none")
        if places.ndim != 1 or (
            len(places) and not (places.min() >= -1 and places.max() < len(entries))
        ):
            raise ValueError("a code beside its level")
    return pandas.MultiIndex(levels, codes, names=[*map(_name, names)], verify_integrity=False)


def _a_column(pandas: Any, dtype: Any, values: Any, categories: Any = None) -> Any:
    if type(dtype) is not str or _DTYPES.fullmatch(dtype) is None:
        raise ValueError("a column of a dtype that may not cross")
    if dtype.endswith("category"):
        index = _index(pandas, categories)
        if len(index) > MAX_CATEGORIES:
            raise ValueError("too many categories")
        if type(values) is not np.ndarray or values.dtype != np.int64 or values.ndim != 1:
            raise ValueError("categories that are none")
        return pandas.Categorical.from_codes(
            values, categories=index, ordered=dtype.startswith("ordered")
        )
    if dtype.startswith("datetime64"):
        if type(values) is not np.ndarray or values.dtype.kind != "M":
            raise ValueError("moments that are none")
        zone = dtype.partition(", ")[2].rstrip("]")
        return pandas.Series(values, copy=False).dt.tz_localize("UTC").dt.tz_convert(zone).array
    if type(values) is not list:
        raise ValueError("a column that is not a list")
    if dtype == "object":
        made = np.empty(len(values), dtype=object)
        made[:] = values
        return pandas.arrays.NumpyExtensionArray(made)
    return pandas.array(values, dtype=dtype)


def _a_sparse(form: Any, shape: Any, data: Any, row: Any, column: Any) -> Any:
    if form not in _FORMATS or not _is_shape(shape):
        raise ValueError("a sparse matrix that is none")
    if not are_all(np.ndarray, (data, row, column)):
        raise ValueError("a sparse matrix that is none")
    fits = data.ndim == 1 and data.shape == row.shape == column.shape
    if (
        not fits
        or data.dtype.kind not in "biufc"
        or row.dtype != np.int64
        or column.dtype != np.int64
    ):
        raise ValueError("entries of other lengths")
    for places, length in zip((row, column), shape, strict=True):
        if len(places) and not (places.min() >= 0 and places.max() < length):
            raise ValueError("an entry beside the matrix")
    found = importlib.import_module("scipy.sparse").coo_array(
        (data, (row, column)), shape=tuple(shape)
    )
    small = max(shape) <= MAX_LINES  # of which the other forms keep an array each
    return found.asformat(form) if form in ("csr", "csc") and small else found


_OF_PANDAS: dict[str, Callable[..., Any]] = {
    "frame": _a_frame,
    "series": _a_series,
    "missing": _missing,
    "index": _an_index,
    "rows": _a_range,
    "levels": _levels,
    "column": _a_column,
}
