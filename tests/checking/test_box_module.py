"""The author's helper module in the box, and further modules of the students' own."""

from __future__ import annotations

from pathlib import Path

import pytest
from toy import Toy, build

from grader.assignment.spec import Assignment
from grader.authoring import record
from grader.authoring.handout.selection import check_files
from grader.errors import AssignmentError
from grader.grading.grade import Options, grade, wanted
from grader.grading.intake.take import take

SPEC = """
schema = 1
name = "helped"
title = "Helped"
reference = "reference"
own_modules = ["utils*.py", "pack/own_*.py"]

[[questions]]
id = "q"
title = "Q"

[[files]]
path = "pack/toy.py"
provides = ["letters"]

[[checks]]
id = "letters"
question = "q"
points = 1
"""

REFERENCE = """
class Bag:
    def __init__(self, text):
        self.text = text


def letters(text):
    return Bag(text)
"""
CHECKS = '''
def test_letters(student, expect):
    """The letters."""
    expect("letters", student.box.as_list(student.letters("hello")))
'''
BOX = "def as_list(bag):\n    return sorted(set(bag.text))\n"


def made(folder: Path, spec: str = SPEC, box: str = BOX) -> Assignment:
    """Return a recorded assignment with a helper module."""
    (folder / "a" / "checks").mkdir(parents=True)
    (folder / "a" / "checks" / "box.py").write_text(box)
    assignment = build(folder / "a", spec=spec, checks=CHECKS, reference=REFERENCE)
    record.record(assignment, reseed=False, again=False, progress=lambda line: None)
    return assignment


def test_an_authors_helper_turns_objects_into_data_in_the_box(tmp_path: Path) -> None:
    assignment = made(tmp_path)
    toy = Toy(assignment, tmp_path / "s")
    assert toy.grade(REFERENCE).report.score == 1
    assert toy.grade(REFERENCE.replace("Bag(text)", "Bag(text[1:])")).report.score == 0
    graded = toy.grade(REFERENCE.replace("self.text =", "self.words ="))
    assert "`box.as_list` raised AttributeError" in graded["letters"].message
    assert "checks/box.py" in check_files(assignment, assignment.spec)


def test_without_a_helper_module_the_author_reads_a_sentence(tmp_path: Path) -> None:
    assignment = build(tmp_path / "a", spec=SPEC, checks=CHECKS, reference=REFERENCE)
    with pytest.raises(AssignmentError, match=r"there is no `checks/box.py`"):
        record.record(assignment, reseed=False, again=False, progress=lambda line: None)


def test_modules_that_a_pattern_allows_are_taken_along(tmp_path: Path) -> None:
    assignment = made(tmp_path)
    files = {
        "pack/toy.py": "import utils_text\nfrom pack.own_bag import Bag\n\n\ndef letters(text):\n"
        "    return Bag(utils_text.same(text))\n",
        "utils_text.py": "def same(text):\n    return text\n",
        "pack/own_bag.py": "class Bag:\n    def __init__(self, text):\n        self.text = text\n",
        "other.py": "1 / 0\n",
    }
    for place, text in files.items():
        path = tmp_path / "s" / "hw" / place
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    report = grade(assignment, tmp_path / "s", Options(isolation="none")).report
    assert report.score == 1, report
    notes = " ".join(report.notes)
    assert "other.py" in notes
    assert "utils_text.py" not in notes
    digest = take(tmp_path / "s", wanted(assignment)).digest
    (tmp_path / "s" / "hw" / "utils_text.py").write_text("def same(text):\n    return text[1:]\n")
    again = grade(assignment, tmp_path / "s", Options(isolation="none")).report
    assert again.score == 0
    assert take(tmp_path / "s", wanted(assignment)).digest != digest


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ('own_modules = ["../*.py"]', "`own_modules` has"),
        ('own_modules = ["*.txt"]', "`own_modules` has"),
        ('box = "checks/none.py"', "there is no such file"),
        ('requires = ["pandas; rm -rf /"]', "`requires` has"),
    ],
)
def test_what_is_wrong_with_these_keys_is_told(tmp_path: Path, line: str, told: str) -> None:
    spec = SPEC.replace('own_modules = ["utils*.py", "pack/own_*.py"]', line)
    with pytest.raises(AssignmentError, match=told):
        build(tmp_path / "a", spec=spec, checks=CHECKS, reference=REFERENCE)
