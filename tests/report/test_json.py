"""``report.json``: the contract's fields, the schema, and what is left out for students."""

from __future__ import annotations

import json as stdlib_json
from pathlib import Path

import jsonschema
import msgspec
import pytest

from grader.model import Report
from grader.report import Audience, json_report

from . import samples

SCHEMA = Path(__file__).parents[2] / "docs" / "report.schema.json"
REPORTS = (samples.passing, samples.template, samples.mixed, samples.faulty, samples.hostile)


def test_the_committed_schema_is_fresh() -> None:
    assert SCHEMA.read_bytes() == json_report.schema(), (
        "write json.schema() to docs/report.schema.json"
    )


@pytest.mark.parametrize("audience", Audience)
@pytest.mark.parametrize("make", REPORTS)
def test_every_report_keeps_to_the_schema(make: object, audience: Audience) -> None:
    data = stdlib_json.loads(json_report.render(make(), audience=audience))  # type: ignore[operator]
    schema = stdlib_json.loads(SCHEMA.read_text(encoding="utf-8"))
    jsonschema.Draft202012Validator.check_schema(schema)
    jsonschema.validate(data, schema, cls=jsonschema.Draft202012Validator)


def test_the_schema_refuses_a_status_of_its_own_making() -> None:
    data = stdlib_json.loads(json_report.render(samples.passing(), audience=Audience.STUDENT))
    data["checks"][0]["status"] = "great"
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(
            data, stdlib_json.loads(json_report.schema()), cls=jsonschema.Draft202012Validator
        )


def test_the_contract_s_fields_are_there() -> None:
    data = stdlib_json.loads(json_report.render(samples.mixed(), audience=Audience.INSTRUCTOR))
    assert list(data)[:8] == [
        "schema", "assignment", "title", "submission", "score", "max_score", "isolation", "seconds",
    ]  # fmt: skip
    wanted = {
        "id",
        "question",
        "title",
        "points",
        "max_points",
        "status",
        "visibility",
        "message",
        "hint",
        "seconds",
    }
    assert all(wanted <= set(check) for check in data["checks"])
    assert (data["score"], data["isolation"]) == (48.5, "landlock")


def test_a_report_reads_back_as_it_was() -> None:
    report = samples.mixed()
    assert (
        msgspec.json.decode(json_report.render(report, audience=Audience.INSTRUCTOR), type=Report)
        == report
    )


def test_nothing_of_a_hidden_check_s_details_reaches_a_student() -> None:
    text = json_report.render(samples.mixed(), audience=Audience.STUDENT)
    assert b"SECRET" not in text
    assert b"secret" not in text
    check = next(c for c in stdlib_json.loads(text)["checks"] if c["visibility"] == "hidden")
    assert (check["points"], check["max_points"], check["status"], check["cases"]) == (
        12.0,
        20.0,
        "fail",
        [],
    )


def test_the_same_report_gives_the_same_bytes() -> None:
    assert json_report.render(samples.hostile(), audience=Audience.STUDENT) == json_report.render(
        samples.hostile(), audience=Audience.STUDENT
    )
