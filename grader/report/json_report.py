"""``report.json``: the report as data, and the JSON Schema that it keeps to."""

from __future__ import annotations

from typing import Any

import msgspec

from grader.model import REPORT_SCHEMA, Report
from grader.report.audience import Audience, view


def render(report: Report, *, audience: Audience) -> bytes:
    """Return the report as indented JSON in UTF-8, for an audience."""
    shown = view(report, audience)
    try:
        data = msgspec.json.encode(shown)
    except UnicodeEncodeError:
        data = msgspec.json.encode(_encodable(msgspec.to_builtins(shown)))
    return msgspec.json.format(data, indent=2) + b"\n"


def schema() -> bytes:
    """Return the JSON Schema of ``report.json``, which is in ``docs/report.schema.json``."""
    tree = msgspec.json.schema(Report)
    tree = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": f"The report of one graded submission, schema {REPORT_SCHEMA}",
        **tree,
    }
    return msgspec.json.format(msgspec.json.encode(tree), indent=2) + b"\n"


def _encodable(data: Any) -> Any:
    """Return data whose strings are valid Unicode: a student's may hold half a surrogate pair."""
    if isinstance(data, str):
        return data if data.isascii() else data.encode("utf-8", "replace").decode()
    if isinstance(data, dict):
        return {key: _encodable(value) for key, value in data.items()}
    if isinstance(data, (list, tuple)):
        return [_encodable(value) for value in data]
    return data
