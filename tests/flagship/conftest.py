"""The flagship, graded by the real command line: submissions made from the reference by small changes of its text."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import pytest

ROOT = Path(__file__).resolve().parents[2]
LAYERS, RNN = "cs231n/rnn_layers.py", "cs231n/classifiers/rnn.py"


class Change(NamedTuple):
    """A piece of a file's text and what stands there instead; the piece stands in it ``times`` times."""

    file: str
    old: str
    new: str
    times: int = 1


class Graded(NamedTuple):
    """One submission, graded."""

    code: int
    report: dict[str, Any]
    folder: Path  # of the report's files
    err: str

    @property
    def not_passed(self) -> set[str]:
        return {check["id"] for check in self.report["checks"] if check["status"] != "pass"}

    def message(self, check: str) -> str:
        return next(entry["message"] for entry in self.report["checks"] if entry["id"] == check)


@pytest.fixture(scope="session")
def changed(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Path]:
    """Return a function that makes a submission: the reference with changes."""

    def make(*changes: Change) -> Path:
        folder = tmp_path_factory.mktemp("submission")
        for name in (LAYERS, RNN):
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(ROOT / "solutions" / name, folder / name)
        for change in changes:
            path = folder / change.file
            text = path.read_text(encoding="utf-8")
            assert text.count(change.old) == change.times, f"the reference no longer has {change.old!r}"
            path.write_text(text.replace(change.old, change.new), encoding="utf-8")
        return folder

    return make


@pytest.fixture(scope="session")
def graded(cli: Callable[..., Any], tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Graded]:
    """Return a function that grades a folder with ``grader check`` and reads what it wrote."""

    def grade(submission: Path, *arguments: str) -> Graded:
        out = tmp_path_factory.mktemp("out") / "report"
        run = cli("check", submission, "--isolation", "none", "--out", out, *arguments)
        report = out / "report.json"
        return Graded(run.code, json.loads(report.read_bytes()) if report.is_file() else {}, out, run.err)

    return grade
