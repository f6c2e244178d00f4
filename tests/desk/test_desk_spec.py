"""What an assignment says about people's grading: parts under [[manual]], items under [[rubric]]."""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

sys.path.append(str(Path(__file__).parents[1] / "classroom"))

import mini

from grader import cli
from grader.assignment.spec import load
from grader.authoring.handout import contents
from grader.classroom.marks import written_answers
from grader.classroom.marks.decisions import ANSWER_OF, CHECK_OF
from grader.classroom.run import executors, worker
from grader.classroom.run.result_store import Store
from grader.classroom.run.results import class_file
from grader.errors import AssignmentError

TABLES = """
[[manual]]
id = "style"
points = 3
title = "Style of `double`"
function = "double"

[[manual]]
id = "plot"
points = 2
notebook = "Words.ipynb"
cell = "draw"

[[rubric]]
part = "Words/why"
text = "Names the gradient"
points = 1

[[rubric]]
part = "style"
text = "Reads well"
points = 2

[[rubric]]
part = "double"
text = "The wording was unclear"
points = 1.5
"""


def notebook(answer: str, code: str, outputs: list[object] | None = None) -> str:
    """Return the notebook with an answer and a plot."""
    tree = json.loads(mini.notebook(answer))
    cell = {
        "cell_type": "code",
        "id": "draw",
        "metadata": {"grader": {"role": "student"}},
        "execution_count": None,
    }
    asked = {"cell_type": "markdown", "id": "task", "metadata": {}, "source": "Plot the loss."}
    tree["cells"] += [asked, {**cell, "source": code, "outputs": outputs or []}]
    return json.dumps(tree)


@pytest.fixture(scope="module")
def assignment(tmp_path_factory: pytest.TempPathFactory) -> object:
    folder = tmp_path_factory.mktemp("spec") / "assignment"
    source = mini.ANSWER.replace(
        "*Write your answer here.*", "### BEGIN SOLUTION\nBecause.\n### END SOLUTION"
    )
    mini.build(folder)
    (folder / "notebooks/Words.ipynb").write_text(
        notebook(
            source, "### BEGIN SOLUTION\nplt.plot(secret_losses, secret_colour)\n### END SOLUTION"
        )
    )
    (folder / "assignment.toml").write_text(mini.SPEC + TABLES)
    from grader.authoring.record import record

    record(load(folder), reseed=False, again=False, progress=lambda line: None)
    return load(folder)


def test_parts_have_what_is_asked_and_the_authors_own_answer(assignment: object) -> None:
    found = {inline.id: inline for inline in written_answers.questions(assignment)}
    assert list(found) == ["Words/why", "plot", "style"]
    assert (found["Words/why"].question, found["Words/why"].model) == ("Why?", "Because.")
    assert found["plot"].question == "Plot the loss."
    assert "secret_losses" in found["plot"].model
    assert found["style"].title == "Style of `double`"
    assert "return 2 * x" in found["style"].model
    assert found["plot"].code
    assert found["style"].code


def test_the_class_begins_with_the_assignments_rubric(assignment: object) -> None:
    class_ = class_file(assignment, "digest", "folders", written_answers.questions(assignment), ())
    parts = [(item.part, item.points) for item in class_.rubric]
    assert parts == [
        (f"{ANSWER_OF}Words/why", 1),
        (f"{ANSWER_OF}style", 2),
        (f"{CHECK_OF}double", 1.5),
    ]


def test_a_students_cell_and_function_are_taken_with_their_outputs(assignment: object) -> None:
    shown = [{"output_type": "stream", "name": "stdout", "text": "a curve"}]
    files = {
        "mini.py": (
            b"import numpy as np\n\nclass Other:\n    def double(self):\n        pass\n\n"
            b"def double(x):\n    # my own way\n    return x + x\n\ndef shift(x):\n    return x\n"
        ),
        "Words.ipynb": notebook("mine", "plt.plot(x)", shown).encode(),
    }
    found = written_answers.written(assignment, written_answers.questions(assignment), files)
    assert (
        found["style"].text == "```python\ndef double(x):\n    # my own way\n    return x + x\n```"
    )
    assert "plt.plot(x)" in found["plot"].text
    assert "a curve" in found["plot"].text


@pytest.mark.parametrize(
    ("module", "waits"),
    [
        (b"", False),
        (b"\xff\xfe\x00", False),
        (b"def double(x):\n    raise NotImplementedError('double')\n", False),
        (b"def double(x):\n    pass\n", False),
        (b"def double(x:\n    return 2 * x\n", True),  # no Python, but somebody wrote it
    ],
)
def test_a_function_that_is_not_written_waits_for_nobody(
    assignment: object, module: bytes, waits: bool
) -> None:
    found = written_answers.written(
        assignment, written_answers.questions(assignment), {"mini.py": module}
    )
    assert ("style" in found) == waits


def test_neither_table_is_handed_out(assignment: object) -> None:
    files = contents.build(assignment).files
    everything = b"\n".join(files.values())
    for secret in (
        b"Names the gradient",
        b"Reads well",
        b"wording was unclear",
        b"[[manual]]",
        b"secret_losses",
    ):
        assert secret not in everything


@pytest.mark.parametrize(
    ("tables", "complaint"),
    [
        ('[[manual]]\nid = "a"\npoints = 1', "either a `function`"),
        (
            (
                '[[manual]]\nid = "a"\npoints = 1\nfunction = "double"\nnotebook ='
                ' "Words.ipynb"\ncell = "x"'
            ),
            "either",
        ),
        ('[[manual]]\nid = "double"\npoints = 1\nfunction = "double"', "id of a check"),
        ('[[manual]]\nid = "a b"\npoints = 1\nfunction = "double"', "letters"),
        ('[[manual]]\nid = "a"\npoints = 0\nfunction = "double"', "more than 0"),
        ('[[manual]]\nid = "a"\npoints = nan\nfunction = "double"', "more than 0"),
        ('[[manual]]\nid = "a"\npoints = 1\nfunction = "duoble"', "did you mean `double`"),
        ('[[manual]]\nid = "a"\npoints = 1\nnotebook = "No.ipynb"\ncell = "x"', "not under"),
        ('[[manual]]\nid = "a"\npoints = 1\nfunction = "double"\n' * 2, "twice"),
        ('[[rubric]]\npart = "doubel"\ntext = "x"\npoints = 1', "did you mean `double`"),
        (
            '[[rubric]]\npart = "Other/why"\ntext = "x"\npoints = 1',
            "not an answer, a part or a check",
        ),
        ('[[rubric]]\npart = "double"\ntext = " "\npoints = 1', "no text"),
        ('[[rubric]]\npart = "double"\ntext = "x"\npoints = inf', "a number"),
        ('[[rubric]]\npart = "double"\ntxt = "x"\npoints = 1', "did you mean `text`"),
    ],
)
def test_a_mistake_in_these_tables_is_one_clear_sentence(
    assignment: object, tmp_path: Path, tables: str, complaint: str
) -> None:
    folder = shutil.copytree(assignment.folder, tmp_path / "a")
    (folder / "assignment.toml").write_text(f"{mini.SPEC}\n{tables}")
    with pytest.raises(AssignmentError, match=complaint):
        load(folder)


def test_a_function_that_a_cell_defines_is_read_too(assignment: object, tmp_path: Path) -> None:
    folder = shutil.copytree(assignment.folder, tmp_path / "a")
    source = "### BEGIN SOLUTION\ndef draw(x):\n    return x\n### END SOLUTION"
    (folder / "notebooks/Words.ipynb").write_text(notebook("Because.", source))
    table = '[[manual]]\nid = "own"\npoints = 1\nnotebook = "Words.ipynb"\nfunction = "{}"'
    (folder / "assignment.toml").write_text(f"{mini.SPEC}\n{table.format('draw')}")
    changed = load(folder)
    parts = written_answers.questions(changed)
    assert "def draw(x):\n    return x" in parts[-1].model
    code = "def draw(x):\n    return 1\n\ndef draw(x):\n    return 2 * x"
    for text, answer in ((code, "return 2 * x"), ("y = 2", None), ("def draw(:", "def draw(:")):
        files = {"Words.ipynb": notebook("mine", text).encode()}
        found = written_answers.written(changed, parts, files).get("own")
        assert answer in found.text if answer else found is None
    (folder / "assignment.toml").write_text(f"{mini.SPEC}\n{table.format('paint')}")
    with pytest.raises(AssignmentError, match="defines 'paint'"):
        written_answers.questions(load(folder))


@pytest.mark.parametrize("cell", ["nothing", "asked"])
def test_a_cell_that_is_not_the_students_can_not_be_asked_for(
    assignment: object, tmp_path: Path, cell: str
) -> None:
    folder = shutil.copytree(assignment.folder, tmp_path / "a")
    table = f'[[manual]]\nid = "a"\npoints = 1\nnotebook = "Words.ipynb"\ncell = "{cell}"'
    (folder / "assignment.toml").write_text(f"{mini.SPEC}\n{table}")
    with pytest.raises(AssignmentError, match=cell):
        written_answers.questions(load(folder))


def test_a_class_that_is_graded_holds_the_parts_and_keeps_decisions_when_graded_again(
    assignment: object,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    sit_at: Callable[..., object],
) -> None:
    from here import Here

    monkeypatch.setattr(executors, "Lanes", Here)
    work = {
        "mini.py": mini.RIGHT,
        "Words.ipynb": notebook("**Your answer:**\n\nThe gradient.", "plt.plot(x)"),
    }
    for name in ("s1", "s2"):
        mini.write(tmp_path / "submissions" / name, work)
    command = ["batch", str(tmp_path / "submissions"), "--assignment", str(assignment.folder)]
    command += ["--isolation", "none", "--out", str(tmp_path / "class"), "--quiet"]
    assert cli.run(command) == 0
    desk = sit_at(Store(tmp_path / "class"))
    ta1 = desk.seat("ta1")
    assert [group.size for group in desk.groups("style")] == [2]
    item = desk.desk.view().items(desk.groups("style")[0].part)[0][0]
    assert desk.decide(ta1, "style", "s1", item=item).is_success
    desk.journal.close()
    mini.write(tmp_path / "submissions" / "s2", {"mini.py": mini.RIGHT.replace("2 * x", "x + x")})
    assert cli.run(command) == 0
    worker.close()
    rows = (tmp_path / "class/gradebook.csv").read_text().splitlines()
    header = rows[0].split(",")
    marks = [row.split(",")[header.index("style")] for row in rows[1:]]
    assert marks == ["2", ""]
    assert "Reads well" in (tmp_path / "class/s1/student.html").read_text()
    assert "Reads well" not in (tmp_path / "class/s2/student.html").read_text()
