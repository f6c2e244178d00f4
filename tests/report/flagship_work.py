"""The flagship's work as it is handed in: right, untouched, and broken in eleven ways."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from grader.assignment.misconceptions import apply, load

ROOT = Path(__file__).resolve().parents[2]
LAYERS, MODEL, NOTEBOOK = (
    "cs231n/rnn_layers.py",
    "cs231n/classifiers/rnn.py",
    "RNN_Captioning.ipynb",
)
STEP = "rnn_step_forward(x, prev_h, Wx, Wh, b)"
FLOOD = (
    f"def {STEP}:\n    for n in range(9_000):\n        print('<b>loss</b>', n)\n    return x, None"
)
ALL: frozenset[str] = frozenset()
RNN = frozenset({"rnn_step_forward", "rnn_step_backward", "rnn_forward", "word_embedding_forward"})
Files = dict[str, bytes]


class Submission(NamedTuple):
    """What is handed in, and which checks it is graded by."""

    files: Callable[[], Files]
    checks: frozenset[str] = RNN
    hasty: bool = False


def reference() -> Files:
    """Return the reference's files."""
    return {name: (ROOT / "solutions" / name).read_bytes() for name in (LAYERS, MODEL)}


def template() -> Files:
    """Return the handout as a student finds it."""
    folder = ROOT / "student_template"
    found = [
        path for path in folder.rglob("*") if path.is_file() and "__pycache__" not in path.parts
    ]
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in found}


def known(*names: str) -> Files:
    """Return the reference with known mistakes."""
    files = reference()
    for name in names:
        files |= apply(load(ROOT / "assignment" / "misconceptions" / f"{name}.toml"), files)
    return files


def ending_in(text: str) -> Files:
    """Return the reference with something more at the end of its first file."""
    files = reference()
    return files | {LAYERS: files[LAYERS] + f"\n\n{text}\n".encode()}


def cut_notebook() -> Files:
    """Return the reference with a notebook that was not written to its end."""
    return reference() | {NOTEBOOK: (ROOT / "student_template" / NOTEBOOK).read_bytes()[:4_000]}


FLAGSHIP = {
    "reference": Submission(reference, ALL),
    "template": Submission(template, ALL),
    "tanh-left-out": Submission(lambda: known("rnn-tanh-missing")),
    "two-mistakes": Submission(lambda: known("rnn-state-not-passed-on", "embedding-gradient-assigned")),
    "syntax-error": Submission(lambda: ending_in("def unfinished(:")),
    "exception": Submission(lambda: ending_in(f"def {STEP}:\n    return x @ Wx.T + prev_h, None")),
    "wrong-shape": Submission(lambda: ending_in(f"def {STEP}:\n    return np.zeros((1, 2, 3)), None")),
    "nan": Submission(lambda: ending_in(f"def {STEP}:\n    return prev_h * np.nan, None")),
    "hang": Submission(
        lambda: ending_in("def word_embedding_forward(x, W):\n    while True:\n        pass"),
        frozenset({"word_embedding_forward"}),
        hasty=True,
    ),
    "missing-file": Submission(lambda: {MODEL: reference()[MODEL]}),
    "broken-notebook": Submission(cut_notebook, frozenset({"notebook_rnn"})),
    "printed-flood": Submission(lambda: ending_in(FLOOD)),
    "python-2": Submission(lambda: ending_in("print 'done'")),
}  # fmt: skip


def lay_down(submission: Submission, folder: Path) -> Path:
    """Write a submission's files into a folder."""
    for path, data in submission.files().items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(data)
    return folder
