"""`assignment.toml`: a mistake in it is one clear sentence with the path to it; what it names is
found.
"""

from __future__ import annotations

from pathlib import Path

import pytest
from toy import SPEC, build

from grader.assignment.spec import Assignment, load
from grader.errors import AssignmentError
from grader.limits import Limits


def refused(folder: Path, old: str, new: str) -> str:
    """Load the toy's spec with a change and return why that is refused."""
    assert SPEC.count(old) == 1, old
    with pytest.raises(AssignmentError) as caught:
        build(folder, spec=SPEC.replace(old, new))
    message = str(caught.value)
    assert message.startswith(f"{folder / 'assignment.toml'}: ")
    assert "\n" not in message
    return message.removeprefix(f"{folder / 'assignment.toml'}: ")


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('title = "A toy"', 'tilte = "A toy"', "unknown key `tilte`: did you mean `title`?"),
        ('title = "A toy"', "", "the key `title` is missing at the top level"),
        ('title = "A toy"', "title = 3", "Expected `str`, got `int` - at `title`"),
        (
            'title = "Functions"',
            'titel = "Functions"',
            "unknown key `titel` in `questions[0]` ('q1'): did you mean `title`?",
        ),
        (
            "points = 1",
            'points = "1"',
            "Expected `float`, got `str` - at `checks[3].points` ('noise')",
        ),
        (
            "points = 1",
            "point = 1",
            "unknown key `point` in `checks[3]` ('noise'): did you mean `points`?",
        ),
        ("points = 1", "", "the key `points` is missing in `checks[3]` ('noise')"),
        (
            "points = 1",
            "points = 1\nreference_points = 0.5",
            "`noise` says `reference_points`, which is for checks with `in_box = true`",
        ),
        (
            "points = 1",
            "points = 1\nin_box = true\nreference_points = 1.0",
            "`noise` says that the reference has 1 of its 1 points: give a smaller number",
        ),
        (
            "points = 1",
            'points = 1\nvisibility = "secret"',
            "Invalid enum value 'secret' - at `checks[3].visibility` ('noise'): write one of visible, hidden",
        ),
        (
            "[provided]",
            '[late]\npercent_of = "all"\n[provided]',
            "at `late.percent_of`: write one of points, max",
        ),
        ("points = 1", "points = -2", "check `noise` has -2 points: give it 0 or more"),
        ("points = 1", "points = nan", "check `noise` has nan points: give it 0 or more"),
        ("points = 1", "points = inf", "check `noise` has inf points: give it 0 or more"),
        (
            'requires = ["center"]',
            'requires = ["centre"]',
            "requires 'centre', which is not a check: did you mean `center`?",
        ),
        (
            'requires = ["center"]',
            'requires = ["count"]',
            "check `center_backward` requires `count`, which is not run before it: list that one first",
        ),
        ('requires = ["center"]', 'requires = ["center_backward"]', "which is not run before it"),
        (
            'requires = ["center"]',
            "weights = { a = 0 }",
            "gives its case 'a' the weight 0: it must be more than 0",
        ),
        (
            'requires = ["center"]',
            "weights = { a = nan }",
            "gives its case 'a' the weight nan: it must be more than 0",
        ),
        (
            'requires = ["center"]',
            "times_reference = 1",
            "`times_reference` of check `center_backward` is 1",
        ),
        ('requires = ["center"]', "times_reference = inf", "is inf: it must be more than 1"),
        (
            'requires = ["center"]',
            'requires = "center"',
            "Expected `array`, got `str` - at `checks[1].requires`",
        ),
        ('notebook = "Toy.ipynb"', 'notebook = "Tyo.ipynb"', "'Tyo.ipynb'"),
        (
            'question = "q2"',
            'question = "q3"',
            "check `notebook` belongs to the question 'q3', but the questions are q1, q2",
        ),
        ('id = "q2"', 'id = "q1"', "`questions` names 'q1' twice"),
        ('id = "noise"', 'id = "count"', "`checks` names 'count' twice"),
        ('"Tally"]', '"Tally", "count"]', "`provides` names 'count' twice"),
        (
            'path = "pack/toy.py"',
            'path = "/pack/toy.py"',
            "the path '/pack/toy.py' must be relative",
        ),
        (
            'path = "pack/toy.py"',
            'path = "pack/../../toy.py"',
            "must be relative, with '/' and without '..'",
        ),
        (
            'path = "pack/toy.py"',
            "path = 'pack\\toy.py'",
            "must be relative, with '/' and without '..'",
        ),
        (
            '"notebooks/Toy.ipynb"',
            '"notebooks/Other.ipynb"',
            "'notebooks/Other.ipynb' does not exist in",
        ),
        ('"pack" = "pack"', '"pakc" = "pack"', "'pakc' does not exist in"),
        ('"pack" = "pack"', '"pack" = "../pack"', "the path '../pack' must be relative"),
        (
            '"pack" = "pack"',
            '"../data" = "pack"',
            "the source '../data' leads out of the assignment's folder",
        ),
        (
            '"pack" = "pack"',
            '"pack/../../data" = "pack"',
            "'pack/../../data' leads out of the assignment's folder",
        ),
        (
            '"pack" = "pack"',
            '"C:/data" = "pack"',
            "the source 'C:/data' leads out of the assignment's folder",
        ),
        (
            '"notebooks/Toy.ipynb"',
            '"../Toy.ipynb"',
            "the source '../Toy.ipynb' leads out of the assignment's folder",
        ),
        (
            'path = "pack/toy.py"',
            'path = "./toy.py"',
            "the path './toy.py' should be written 'toy.py'",
        ),
        (
            'path = "pack/toy.py"',
            'path = "numpy.py"',
            "the file 'numpy.py' would be imported as `numpy`, which is",
        ),
        (
            'path = "pack/toy.py"',
            'path = "random/toy.py"',
            "would be imported as `random`, which is a module of",
        ),
        (
            'path = "Toy.ipynb"',
            'path = "Toy.ipynb"\nsource = "notebooks/Toy.ipynb"\n[[notebooks]]\npath = "Toy.ipynb"',
            "`notebooks` names 'Toy.ipynb' twice",
        ),
        (
            'path = "Toy.ipynb"',
            'path = "a/Toy.ipynb"\nsource = "notebooks/Toy.ipynb"\n[[notebooks]]\npath = "b/Toy.ipynb"',
            "two `notebooks` have the file name 'Toy.ipynb': reports keep notebooks by that name, so rename one",
        ),
        ("schema = 1", "schema = 2", "`schema` is 2, this grader reads 1"),
        ('name = "toy"', 'name = "a toy/.."', "`name` is 'a toy/..': use letters, digits"),
        (
            "call_seconds = 20",
            "call_second = 20",
            "unknown key `call_second` in `limits`: did you mean `call_seconds`?",
        ),
        (
            "call_seconds = 20",
            "call_seconds = 0",
            "`limits.call_seconds` is 0: it must be more than 0",
        ),
        ("call_seconds = 20", "memory_mb = -1", "`limits.memory_mb` is -1: it must be more than 0"),
        (
            "call_seconds = 20",
            "memory_mb = 99999999999",
            "`limits.memory_mb` is 1e+11: it must be at most 1000000",
        ),
        (
            "call_seconds = 20",
            "call_seconds = nan",
            "`limits.call_seconds` is nan: it must be more than 0",
        ),
    ],
)
def test_mistake_is_one_clear_sentence(tmp_path: Path, old: str, new: str, message: str) -> None:
    assert message in refused(tmp_path, old, new)


@pytest.mark.parametrize(
    ("checks", "message"),
    [
        ("", "`[[checks]]` is missing at the top level"),
        (
            '[checks]\nid = "a"',
            "at `checks`: write `[[checks]]`, with two brackets, over each of its entries",
        ),
        ("checks = [1]", "Expected `object`, got `int` - at `checks[0]`"),
        ("[[checks]]\nid = 3", "Expected `str`, got `int` - at `checks[0].id`"),
    ],
)
def test_checks_that_are_none_are_told_how_to_be_written(
    tmp_path: Path, checks: str, message: str
) -> None:
    spec = 'schema = 1\nname = "a"\ntitle = "A"\nquestions = []\n' + checks
    (tmp_path / "assignment.toml").write_text(spec, encoding="utf-8")
    with pytest.raises(AssignmentError) as caught:
        load(tmp_path)
    assert message in str(caught.value)


def test_mark_at_the_beginning_that_some_editors_write_is_no_mistake(tmp_path: Path) -> None:
    build(tmp_path)
    path = tmp_path / "assignment.toml"
    path.write_text(path.read_text(encoding="utf-8"), encoding="utf-8-sig")
    assert load(tmp_path).spec.name == "toy"


def test_broken_toml_names_the_line(tmp_path: Path) -> None:
    assert "at line 2" in refused(tmp_path, "schema = 1", "schema = ")


def test_folder_without_a_spec_is_told(tmp_path: Path) -> None:
    with pytest.raises(AssignmentError, match=r"is not an assignment: it has no assignment\.toml"):
        load(tmp_path)
    with pytest.raises(AssignmentError):
        load(tmp_path / "nowhere")
    (tmp_path / "assignment.toml").write_bytes(b"\xff")
    with pytest.raises(AssignmentError):
        load(tmp_path)


@pytest.fixture
def assignment(tmp_path: Path) -> Assignment:
    return build(tmp_path)


def test_what_is_left_out_has_its_default(assignment: Assignment) -> None:
    assert assignment.spec.limits.memory_mb == Limits().memory_mb
    assert assignment.spec.limits.call_seconds == 20
    assert assignment.spec.checks[0].visibility == "visible"


def test_names_lead_to_what_they_name(assignment: Assignment) -> None:
    assert assignment.check("count").points == 2
    assert assignment.check("nothing") is None
    assert assignment.notebook("Toy.ipynb").source == "notebooks/Toy.ipynb"
    assert assignment.spec.files[0].module == "pack.toy"
    assert assignment.reference == assignment.folder / "reference"


def test_provided_files_are_all_but_the_students(tmp_path: Path) -> None:
    (tmp_path / "pack" / "__pycache__").mkdir(parents=True)
    (tmp_path / "pack" / "__pycache__" / "x.pyc").write_bytes(b"")
    (tmp_path / "pack" / "toy.py").write_text("# the author's own")
    (tmp_path / "pack" / "data").mkdir()
    (tmp_path / "pack" / "data" / "a.csv").write_text("")
    assignment = build(tmp_path)
    assert set(assignment.provided) == {"pack/__init__.py", "pack/given.py", "pack/data/a.csv"}
    assert set(assignment.links) == {"pack/__init__.py", "pack/given.py", "pack/data"}


@pytest.mark.parametrize(
    ("path", "changes"),
    [
        ("assignment.toml", True),
        ("checks/test_toy.py", True),
        ("notebooks/Toy.ipynb", True),
        ("pack/given.py", True),
        ("pack/new.py", True),
        ("reference/pack/toy.py", False),  # it has a digest of its own
        ("README.md", False),
        ("pack/__pycache__/given.pyc", False),
    ],
)
def test_digest_changes_with_all_that_a_verdict_hangs_on(
    tmp_path: Path, path: str, changes: bool
) -> None:
    before = build(tmp_path).digest
    (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
    with (tmp_path / path).open("a") as file:
        file.write("\n")
    assert (load(tmp_path).digest != before) is changes


def test_reference_may_lie_beside_the_assignment_and_a_handout_keeps_data_around_it(
    tmp_path: Path,
) -> None:
    (tmp_path / "data").mkdir()
    beside = SPEC.replace('reference = "reference"', 'reference = "../solutions"')
    assert build(tmp_path / "a", spec=beside).reference == tmp_path / "solutions"
    handout = SPEC.replace('reference = "reference"', 'handout_of = "0"').replace(
        '"pack" = "pack"', '"../data" = "data"'
    )
    assert build(tmp_path / "b", spec=handout).spec.provided == {"../data": "data"}


def test_digest_does_not_hang_on_where_the_assignment_lies(tmp_path: Path) -> None:
    assert build(tmp_path / "a").digest == build(tmp_path / "b" / "c").digest
