"""What must hold of grading right and half-done submissions of the flagship."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from xml.etree import ElementTree

from grader.assignment.spec import load

LAYERS, RNN = "cs231n/rnn_layers.py", "cs231n/classifiers/rnn.py"
ROOT = Path(__file__).resolve().parents[2]
CHECKS = {check.id: check.points for check in load(ROOT / "assignment").spec.checks}
MODEL = {
    *(
        "captioning_rnn_loss",
        "captioning_rnn_sample",
        "captioning_lstm_loss",
        "captioning_lstm_sample",
    ),
    *("notebook_rnn", "notebook_lstm"),
}


def test_command_line_gives_the_reference_100_and_three_reports(
    cli: Callable, tmp_path: Path
) -> None:
    out = tmp_path / "report"
    assert cli("check", "solutions", "--isolation", "none", "--out", out).code == 0
    report = json.loads((out / "report.json").read_bytes())
    assert report["score"] == report["max_score"] == 100
    assert [question["points"] for question in report["questions"]] == [50, 50]
    assert {path.name for path in out.iterdir()} == {
        "report.html",
        "report.json",
        "junit.xml",
        "notebooks",
    }
    assert {path.name for path in (out / "notebooks").iterdir()} == {
        *("RNN_Captioning.ipynb", "LSTM_Captioning.ipynb")
    }
    suites = ElementTree.parse(out / "junit.xml")
    assert not suites.findall(".//failure")
    assert len(suites.findall(".//testcase")) >= len(CHECKS)


def test_rewrite_in_another_style_gets_100(graded: Callable) -> None:
    done = graded(ROOT / "tests" / "submissions" / "right" / "einsum")
    assert done.not_passed == set()
    assert (done.code, done.report["score"]) == (0, 100)


def test_rewrite_that_changes_a_gradient_in_place_is_told_so(graded: Callable) -> None:
    done = graded(
        ROOT / "tests" / "submissions" / "right" / "einsum", "--only", "lstm_step_backward"
    )
    notes = [
        note
        for check in done.report["checks"]
        for case in check["cases"]
        for note in case.get("notes", [])
    ]
    assert done.code == 0
    assert notes
    assert all("lstm_step_backward" in note and "in place" in note for note in notes)


def test_layers_without_a_model_get_the_layers_points(
    changed: Callable, stubbed: Callable, graded: Callable
) -> None:
    done = graded(stubbed(changed(), RNN))
    assert done.not_passed == MODEL
    assert (done.code, done.report["score"]) == (
        1,
        sum(p for id_, p in CHECKS.items() if id_ not in MODEL),
    )
    for id_ in MODEL:
        assert "not implemented yet" in done.message(id_)


def test_untouched_stubs_get_nothing(
    changed: Callable, stubbed: Callable, graded: Callable
) -> None:
    done = graded(stubbed(changed(), LAYERS, RNN))
    assert (done.code, done.report["score"]) == (1, 0)
    assert {check["status"] for check in done.report["checks"]} == {"fail", "skip"}
    assert all("not implemented yet" in check["message"] for check in done.report["checks"])
