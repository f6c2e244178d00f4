"""`requires`: carried into the handout's tox.ini, Gradescope's setup.sh, Classroom 50's autograder
and the doctor.
"""

from __future__ import annotations

import io
import zipfile
from pathlib import Path

import pytest
from toy import SPEC, build

from grader.assignment.spec import Assignment
from grader.authoring import record
from grader.authoring.handout import bare_run
from grader.authoring.handout.pages import pages
from grader.classroom.exports import classroom50
from grader.classroom.exports.gradescope import autograder_zip
from grader.cli.doctor import _packages
from grader.errors import AssignmentError

REQUIRES = 'requires = ["numpy>=2,<99", "no-such-package==1"]\n'


@pytest.fixture
def assignment(tmp_path: Path) -> Assignment:
    """The toy, with packages that it requires."""
    return build(tmp_path / "a", spec=SPEC.replace('name = "toy"\n', f'name = "toy"\n{REQUIRES}'))


def test_the_handouts_tox_installs_them(assignment: Assignment) -> None:
    text = pages(assignment, assignment.spec)["tox.ini"].decode()
    assert text.count("  numpy>=2,<99\n  no-such-package==1\n") == 2


def test_setup_and_autograder_install_them(assignment: Assignment) -> None:
    record.record(assignment, reseed=False, progress=lambda line: None)
    with zipfile.ZipFile(io.BytesIO(autograder_zip(assignment, "g.whl", b""))) as archive:
        setup = archive.read("setup.sh").decode()
    assert "\"wheels/g.whl\" 'numpy>=2,<99' no-such-package==1" in setup
    script = classroom50.autograder("T", assignment.spec.requires).decode()
    compile(script, "autograder.py", "exec")
    assert '["numpy>=2,<99", "no-such-package==1"]' in script


def test_the_doctor_looks_for_them(
    assignment: Assignment, capsys: pytest.CaptureFixture[str]
) -> None:
    assert _packages(assignment.folder) == 1
    said = capsys.readouterr().out
    assert "works  numpy>=2,<99" in said
    assert "no     no-such-package==1: missing; pip install 'no-such-package==1'" in said


def test_a_bare_run_tells_what_ended_it(tmp_path: Path) -> None:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("x/wheels/none-1-py3-none-any.whl", b"no wheel")
    with pytest.raises(AssignmentError, match="installing packages ended with 1"):
        bare_run.prove(buffer.getvalue(), "x", ())
