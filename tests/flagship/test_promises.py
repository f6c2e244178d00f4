"""What must hold of grading right and half-done submissions of the flagship."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from xml.etree import ElementTree

from grader.assignment.spec import load

ROOT = Path(__file__).resolve().parents[2]
CHECKS = {check.id: check.points for check in load(ROOT / "assignment").spec.checks}
LOSS_STUB = 'raise NotImplementedError("Task 1.7: CaptioningRNN.loss")'
MODEL = {
    *("captioning_rnn_loss", "captioning_rnn_sample", "captioning_lstm_loss", "captioning_lstm_sample"),
    *("notebook_rnn", "notebook_lstm"),
}


def stubbed(text: str) -> str:
    """Return a file with every marked solution replaced by a stub, as a handout has it."""
    lines, skipping = [], False
    for line in text.splitlines(keepends=True):
        if "### BEGIN SOLUTION" in line:
            skipping = True
            lines.append(line.split("###")[0] + f"raise NotImplementedError({line.split('SOLUTION ')[1].strip()!r})\n")
        if not skipping:
            lines.append(line)
        skipping = skipping and "### END SOLUTION" not in line
    return "".join(lines)


def test_reference_gets_100_and_three_reports(graded: Callable) -> None:
    done = graded(ROOT / "solutions")
    assert done.code == 0, done.err
    assert done.report["score"] == done.report["max_score"] == 100
    assert [question["points"] for question in done.report["questions"]] == [50, 50]
    assert {path.name for path in done.folder.iterdir()} == {"report.html", "report.json", "junit.xml", "notebooks"}
    assert {path.name for path in (done.folder / "notebooks").iterdir()} == {
        *("RNN_Captioning.ipynb", "LSTM_Captioning.ipynb")
    }
    suites = ElementTree.parse(done.folder / "junit.xml")
    assert not suites.findall(".//failure")
    assert len(suites.findall(".//testcase")) >= len(CHECKS)


def test_rewrite_in_another_style_gets_100(graded: Callable) -> None:
    done = graded(ROOT / "tests" / "submissions" / "right" / "einsum")
    assert done.not_passed == set()
    assert (done.code, done.report["score"]) == (0, 100)


def test_rewrite_that_changes_a_gradient_in_place_is_told_so(graded: Callable) -> None:
    done = graded(ROOT / "tests" / "submissions" / "right" / "einsum", "--only", "lstm_step_backward")
    notes = [note for check in done.report["checks"] for case in check["cases"] for note in case.get("notes", [])]
    assert done.code == 0
    assert notes
    assert all("lstm_step_backward" in note and "in place" in note for note in notes)


def test_layers_without_a_model_get_the_layers_points(changed: Callable, graded: Callable) -> None:
    submission = changed()
    model = submission / "cs231n/classifiers/rnn.py"
    model.write_text(stubbed(model.read_text()))
    done = graded(submission)
    assert done.not_passed == MODEL
    assert (done.code, done.report["score"]) == (1, sum(p for id_, p in CHECKS.items() if id_ not in MODEL))
    for id_ in MODEL:
        assert "not implemented yet" in done.message(id_)
    assert "CaptioningRNN.loss" in done.message("captioning_lstm_loss") or "loss" in done.message("captioning_lstm_loss")


def test_untouched_stubs_get_nothing(changed: Callable, graded: Callable) -> None:
    submission = changed()
    for name in ("cs231n/rnn_layers.py", "cs231n/classifiers/rnn.py"):
        (submission / name).write_text(stubbed((submission / name).read_text()))
    done = graded(submission)
    assert (done.code, done.report["score"]) == (1, 0)
    assert {check["status"] for check in done.report["checks"]} == {"fail", "skip"}
    assert all("not implemented yet" in check["message"] for check in done.report["checks"])
