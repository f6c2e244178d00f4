"""The two notebooks: their form, as grader and handout need it, and what they show when the reference runs in them."""

from __future__ import annotations

import base64
import io
import json
import os
import re
import shutil
import tokenize
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

import nbformat
import numpy as np
import pytest
from nbclient import NotebookClient
from PIL import Image

ROOT = Path(__file__).resolve().parents[3]
FOLDER = ROOT / "assignment" / "notebooks"
NAMES = ("RNN_Captioning", "LSTM_Captioning")
BEGIN, END = "### BEGIN SOLUTION", "### END SOLUTION"

# The grader puts provided cells back by their ids, in submissions from earlier handouts too: an id once given stays.
IDS = {
    "RNN_Captioning": [
        *("title", "how-to-work", "set-up-text", "set-up", "helpers-text", "helpers"),
        *("data-text", "data-load", "data-captions-text", "data-captions", "data-pictures"),
        *("rnn-step-forward-text", "rnn-step-forward-check", "rnn-step-backward-text", "rnn-step-backward-check"),
        *("rnn-forward-text", "rnn-forward-check", "rnn-backward-text", "rnn-backward-check"),
        *("word-embedding-forward-text", "word-embedding-forward-check"),
        *("word-embedding-backward-text", "word-embedding-backward-check"),
        *("temporal-affine-text", "temporal-affine-check", "temporal-softmax-text", "temporal-softmax-check"),
        *("model-loss-text", "model-loss-check", "model-gradients-text", "model-gradients-check"),
        *("overfit-text", "overfit", "overfit-plot"),
        *("sample-text", "sample-training-check", "sample-training-pictures"),
        *("sample-validation-text", "sample-validation-pictures"),
        *("question", "question-answer", "hand-in"),
    ],
    "LSTM_Captioning": [
        *("title", "how-to-work", "set-up-text", "set-up", "helpers-text", "helpers"),
        *("data-text", "data-load", "data-pictures"),
        *("lstm-step-forward-text", "lstm-step-forward-check", "lstm-step-backward-text", "lstm-step-backward-check"),
        *("lstm-forward-text", "lstm-forward-check", "lstm-backward-text", "lstm-backward-check"),
        *("gradient-reach-text", "gradient-reach"),
        *("model-loss-text", "model-loss-check", "model-gradients-text", "model-gradients-check"),
        *("overfit-text", "overfit", "overfit-plot"),
        *("sample-text", "sample-training-check", "sample-training-pictures"),
        *("sample-validation-text", "sample-validation-pictures"),
        *("question", "question-answer", "hand-in"),
    ],
}

PARAMETERS = ("W_embed", "W_proj", "W_vocab", "Wh", "Wx", "b", "b_proj", "b_vocab")
STORED = {  # compared with numbers in the notebook, nine or more digits of them
    "RNN_Captioning": {
        *("rnn_step_forward next_h", "rnn_forward h", "word_embedding_forward out"),
        *("temporal_softmax_loss even", "captioning_rnn_loss loss"),
    },
    "LSTM_Captioning": {
        *("lstm_step_forward next_h", "lstm_step_forward next_c", "lstm_forward h", "captioning_lstm_loss loss"),
    },
}
GRADIENTS = {
    "RNN_Captioning": {
        *(f"rnn_step_backward {name}" for name in ("dx", "dprev_h", "dWx", "dWh", "db")),
        *(f"rnn_backward {name}" for name in ("dx", "dh0", "dWx", "dWh", "db")),
        "word_embedding_backward dW",
        *(f"temporal_affine {name}" for name in ("dx", "dw", "db")),
        "temporal_softmax_loss dx",
        *(f"captioning_rnn_loss d{name}" for name in PARAMETERS),
    },
    "LSTM_Captioning": {
        *(f"lstm_step_backward {name}" for name in ("dx", "dprev_h", "dprev_c", "dWx", "dWh", "db")),
        *(f"lstm_backward {name}" for name in ("dx", "dh0", "dWx", "dWh", "db")),
        *(f"captioning_lstm_loss d{name}" for name in PARAMETERS),
    },
}


def read(name: str) -> nbformat.NotebookNode:
    return nbformat.read(FOLDER / f"{name}.ipynb", as_version=4)


def source_of(name: str, cell_id: str) -> str:
    return next(cell.source for cell in read(name).cells if cell.id == cell_id)


# ---- form ----


@pytest.mark.parametrize("name", NAMES)
def test_a_notebook_is_valid_and_stands_as_nbformat_writes_it(name: str) -> None:
    notebook = read(name)
    nbformat.validate(notebook)
    assert (notebook.nbformat, notebook.nbformat_minor) == (4, 5)
    assert notebook.metadata.kernelspec.name == "python3"
    text = (FOLDER / f"{name}.ipynb").read_bytes().decode("utf-8")
    assert text == nbformat.writes(notebook).rstrip("\n") + "\n"
    assert list(json.loads(text)) == ["cells", "metadata", "nbformat", "nbformat_minor"]


@pytest.mark.parametrize("name", NAMES)
def test_cell_ids_are_unique_and_stay_as_they_are(name: str) -> None:
    ids = [cell.id for cell in read(name).cells]
    assert [cell_id for cell_id, count in Counter(ids).items() if count > 1] == []
    assert ids == IDS[name]


@pytest.mark.parametrize("name", NAMES)
def test_code_cells_have_no_outputs(name: str) -> None:
    for cell in read(name).cells:
        if cell.cell_type == "code":
            assert cell.outputs == [], cell.id
            assert cell.execution_count is None, cell.id


@pytest.mark.parametrize("name", NAMES)
def test_every_cell_has_a_role_and_the_student_has_one_to_write_in(name: str) -> None:
    roles = {cell.id: cell.metadata.grader.role for cell in read(name).cells}
    assert set(roles.values()) == {"provided", "student"}
    assert [cell_id for cell_id, role in roles.items() if role == "student"] == ["question-answer"]


@pytest.mark.parametrize("name", NAMES)
def test_the_answer_stands_between_markers_below_a_line_that_stays(name: str) -> None:
    lines = source_of(name, "question-answer").splitlines()
    assert lines[0] == "**Your answer:**"
    assert lines.count(BEGIN) == lines.count(END) == 1
    assert lines[-1] == END
    assert len(" ".join(lines[lines.index(BEGIN) + 1 : -1]).split()) > 60


def significant_lines(source: str) -> set[str]:
    """The lines of at least three tokens, comments left out, each as its tokens joined by blanks."""
    found = set()
    for line in source.splitlines():
        try:
            read_tokens = list(tokenize.generate_tokens(io.StringIO(line.strip()).readline))
            tokens = [token.string for token in read_tokens if token.type != tokenize.COMMENT and token.string.strip()]
        except (tokenize.TokenError, IndentationError):  # a line of a longer statement, or prose
            tokens = re.findall(r"\w+|[^\w\s]", line)
        if len(tokens) >= 3:
            found.add(" ".join(tokens))
    return found


def solution_bodies(source: str) -> str:
    return "\n".join(re.findall(rf"{re.escape(BEGIN)}[^\n]*\n(.*?){re.escape(END)}", source, flags=re.DOTALL))


@pytest.mark.parametrize("name", NAMES)
def test_no_provided_cell_holds_a_line_of_a_solution(name: str) -> None:
    references = [path.read_text(encoding="utf-8") for path in sorted((ROOT / "solutions").rglob("*.py"))]
    answers = [source_of(each, "question-answer") for each in NAMES]
    solution = significant_lines("\n".join(solution_bodies(text) for text in [*references, *answers]))
    assert len(solution) > 60
    for cell in read(name).cells:
        if cell.metadata.grader.role == "provided":
            assert "SOLUTION" not in cell.source, cell.id
            assert significant_lines(cell.source) & solution == set(), cell.id


# ---- what it shows with the reference ----

READ_VALUES = """
import json
print(json.dumps({
    'errors': errors,
    'captions_right': CELL_captions_right,
    'final_loss': CELL_final_loss,
    'loss_history': [float(loss) for loss in small_CELL_solver.loss_history],
    'written': [written, written_unseen],
    'learned': learned,
    'validation': truth_unseen,
    'model': type(small_CELL_model).__name__,
    'cell_type': small_CELL_model.cell_type,
    'dtypes': sorted({str(value.dtype) for value in small_CELL_model.params.values()}),
    'start_kept': float(np.mean([f'<START> {ours}' == theirs for ours, theirs in zip(written, learned)])),
}))
"""


@dataclass(frozen=True)
class Run:
    """What an executed notebook left: the values that the automatic check reads, its texts and its figures."""

    values: dict[str, object]
    texts: dict[str, str]
    figures: dict[str, list[tuple[int, int]]]


def execute(name: str, tree: Path) -> Run:
    notebook = read(name)
    cell_type = "rnn" if name == "RNN_Captioning" else "lstm"
    notebook.cells.append(nbformat.v4.new_code_cell(READ_VALUES.replace("CELL", cell_type), id="read-values"))
    one_thread = dict.fromkeys(("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"), "1")
    client = NotebookClient(notebook, timeout=120, kernel_name="python3", resources={"metadata": {"path": str(tree)}})
    client.execute(env={**os.environ, **one_thread})
    texts, figures = {}, {}
    for cell in notebook.cells:
        outputs = cell.get("outputs", [])
        texts[cell.id] = "".join(output.text for output in outputs if output.output_type == "stream")
        pictures = [output.data["image/png"] for output in outputs if "image/png" in output.get("data", {})]
        figures[cell.id] = [Image.open(BytesIO(base64.b64decode(picture))).size for picture in pictures]
    return Run(json.loads(texts.pop("read-values")), texts, figures)


@pytest.fixture(scope="module", params=NAMES)
def runs(
    request: pytest.FixtureRequest, course_tree: Path, tmp_path_factory: pytest.TempPathFactory
) -> tuple[str, Run, Run]:
    """Both runs of a notebook, each in a fresh kernel, in a copy of the course tree."""
    tree = tmp_path_factory.mktemp("notebooks") / "tree"
    shutil.copytree(course_tree, tree)
    return request.param, execute(request.param, tree), execute(request.param, tree)


def test_every_value_is_compared_and_right(runs: tuple[str, Run, Run]) -> None:
    name, run, _ = runs
    errors = run.values["errors"]
    assert set(errors) == STORED[name] | GRADIENTS[name]
    assert {key: error for key, error in errors.items() if not error < (1e-7 if key in STORED[name] else 1e-6)} == {}
    shown = "".join(run.texts.values())
    assert shown.count("relative error") == len(errors)
    assert "wrong" not in shown


def test_the_small_model_learns_its_captions_by_heart(runs: tuple[str, Run, Run]) -> None:
    name, run, _ = runs
    assert run.values["model"] == "CaptioningRNN"
    assert run.values["cell_type"] == name.split("_")[0].lower()
    assert run.values["dtypes"] == ["float32"]
    assert len(run.values["learned"]) == 50
    assert run.values["captions_right"] >= 0.9
    assert run.values["start_kept"] == 0
    assert run.values["final_loss"] < 0.2
    losses = run.values["loss_history"]
    assert run.values["final_loss"] == pytest.approx(np.mean(losses[-10:]))
    expected_at_first = float(re.search(r"expected at first: ([\d.]+)", run.texts["overfit"])[1])
    assert losses[0] == pytest.approx(expected_at_first, rel=0.25)


def test_it_writes_words_for_pictures_it_has_not_seen(runs: tuple[str, Run, Run]) -> None:
    _, run, _ = runs
    vocabulary = set(" ".join(run.values["learned"]).split())
    for caption in run.values["written"][1]:
        assert 2 < len(caption.split()) < 30
        assert set(caption.split()) <= vocabulary


def test_two_runs_give_equal_values(runs: tuple[str, Run, Run]) -> None:
    _, first, second = runs
    assert first.values == second.values


def test_figures_are_shown_where_the_text_speaks_of_them(runs: tuple[str, Run, Run]) -> None:
    name, run, _ = runs
    shown = {cell_id: sizes for cell_id, sizes in run.figures.items() if sizes}
    own = {"RNN_Captioning": set(), "LSTM_Captioning": {"gradient-reach"}}[name]
    expected = {"data-pictures", "overfit-plot", "sample-training-pictures", "sample-validation-pictures"}
    assert set(shown) == expected | own
    for cell_id, sizes in shown.items():
        assert len(sizes) == 1, cell_id
        assert min(sizes[0]) >= 300, (cell_id, sizes)


# ---- what it shows with mistakes ----

IN_PROCESS = """
import json, sys
from pathlib import Path

import matplotlib
matplotlib.use('Agg')

cells = {cell['id']: ''.join(cell['source']) for cell in json.loads(Path(sys.argv[1]).read_text('utf-8'))['cells']}
space = {}
exec('\\n'.join(line for line in cells['set-up'].splitlines() if not line.startswith('%')), space)
exec(cells['helpers'], space)
"""


@pytest.mark.parametrize(
    ("name", "function", "cell_id"),
    [
        ("RNN_Captioning", "rnn_step_backward", "rnn-step-backward-check"),
        ("RNN_Captioning", "rnn_backward", "rnn-backward-check"),
        ("LSTM_Captioning", "lstm_step_backward", "lstm-step-backward-check"),
        ("LSTM_Captioning", "lstm_backward", "lstm-backward-check"),
    ],
)
def test_a_wrong_gradient_is_seen_under_its_own_name_only(
    run_course: Callable[..., str], name: str, function: str, cell_id: str
) -> None:
    script = (
        IN_PROCESS
        + """
function, cell_id = sys.argv[2:]
right, seen = space[function], []

def run(wrong):
    def changed(*arguments):
        results = list(right(*arguments))
        if wrong is not None:
            results[wrong] = results[wrong] * 1.001
        return tuple(results)
    space.update({function: changed, 'errors': {}})
    exec(cells[cell_id], space)
    return [key for key, error in space['errors'].items() if error > 1e-6], list(space['errors'])

none, names = run(None)
print(json.dumps({'none': none, 'names': names, 'seen': [run(k)[0] for k in range(len(names))]}))
"""
    )
    answer = json.loads(run_course(script, str(FOLDER / f"{name}.ipynb"), function, cell_id).splitlines()[-1])
    assert answer["none"] == []
    assert len(answer["names"]) == {"lstm_step_backward": 6}.get(function, 5)
    assert answer["seen"] == [[each] for each in answer["names"]]


def test_compare_says_in_words_what_is_wrong_and_never_stops(run_course: Callable[..., str]) -> None:
    name = NAMES[0]  # the helpers of the other are the same, as the next test says
    script = (
        IN_PROCESS
        + """
compare, np = space['compare'], space['np']
compare('right', np.ones(3), [1.0, 1.0, 1.0])
compare('off', np.ones(3), np.full(3, 1.1))
compare('shape', np.ones(3), np.ones((1, 3)))
compare('missing', np.ones(3), None)
compare('ragged', np.ones(3), [[1.0], [1.0, 2.0]])
compare('text', np.ones(3), 'abc')
compare('nan', np.ones(3), np.array([1.0, np.nan, 1.0]))
compare('expected nan', np.array([1.0, np.nan]), np.ones(2))
print(json.dumps(space['errors']))
"""
    )
    lines = run_course(script, str(FOLDER / f"{name}.ipynb")).splitlines()
    errors = json.loads(lines.pop())
    said = {key: re.sub(r"\s+", " ", line[32:]) for key, line in zip(errors, lines, strict=True)}
    assert said == {
        "right": "relative error 0.0e+00 ok",
        "off": "relative error 4.8e-02 wrong: should be below 1e-06",
        "shape": "has shape (1, 3), should have (3,)",
        "missing": "is NoneType, should be an array of shape (3,)",
        "ragged": "is list, should be an array of shape (3,)",
        "text": "is str, should be an array of shape (3,)",
        "nan": "has values that are infinite or not a number",
        "expected nan": "has values that are infinite or not a number",
    }
    assert errors.pop("right") == 0
    assert errors.pop("off") == pytest.approx(0.1 / 2.1)
    assert set(errors.values()) == {np.inf}


def test_both_notebooks_bring_the_same_helpers() -> None:
    first, second = (source_of(name, "helpers") for name in NAMES)
    assert first == second


def test_no_line_of_code_is_wider_than_the_page() -> None:
    sources = [cell.source for name in NAMES for cell in read(name).cells if cell.cell_type == "code"]
    assert max(len(line) for source in sources for line in source.splitlines()) <= 120
