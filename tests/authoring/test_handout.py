"""The handout of a small assignment, taken apart: what is in it, what is not, and what is refused."""

from __future__ import annotations

import io
import json
import re
import shutil
import time
import tomllib
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from small_assignment import CHECKS, HELPERS, REFERENCE, SPEC, recorded, write

from grader.assignment.expectations import Expectations
from grader.assignment.spec import Assignment, load
from grader.authoring.handout import contents, handout_folder, leak_check, selection
from grader.authoring.handout.contents import Handout
from grader.authoring.handout.pages import parts
from grader.authoring.handout.wheel import wheel_name
from grader.authoring.strip import Block
from grader.errors import AssignmentError, UsageError
from grader.grading import scoring
from grader.grading.grade import Options, grade
from grader.zips import zipped


@pytest.fixture(scope="module")
def assignment(tmp_path_factory: pytest.TempPathFactory) -> Assignment:
    """The small assignment, recorded."""
    return recorded(write(tmp_path_factory.mktemp("small")))


@pytest.fixture(scope="module")
def made(assignment: Assignment) -> Handout:
    return contents.build(assignment)


@pytest.fixture
def tree(assignment: Assignment, tmp_path: Path) -> Path:
    """A copy of the recorded assignment's tree, to be changed."""
    shutil.copytree(
        assignment.folder.parent, tmp_path / "tree", ignore=shutil.ignore_patterns("__pycache__")
    )
    return tmp_path / "tree"


def everything(archive: bytes, prefix: str = "") -> Iterator[tuple[str, bytes]]:
    """Yield every file of a zip, those of wheels within it included."""
    with zipfile.ZipFile(io.BytesIO(archive)) as opened:
        for name in opened.namelist():
            data = opened.read(name)
            yield prefix + name, data
            if name.endswith(".whl"):
                yield from everything(data, f"{prefix}{name}/")


# --- what is in it --------------------------------------------------------------------------------


def test_handout_holds_stubs_support_notebooks_checks_and_pages(made: Handout) -> None:
    assert set(made.files) == {
        *("README.md", "tox.ini", "toxfile.py", "pytest.ini", ".gitignore", "Work.ipynb"),
        *("lib/__init__.py", "lib/helpers.py", "lib/sums.py"),
        *(
            "assignment/assignment.toml",
            "assignment/checks/test_sums.py",
            "assignment/expectations/public.h5",
        ),
        *(
            "assignment/lib/__init__.py",
            "assignment/lib/helpers.py",
            "assignment/notebooks/Work.ipynb",
        ),
    }
    assert (
        made.files["lib/helpers.py"] == made.files["assignment/lib/helpers.py"] == HELPERS.encode()
    )


def test_archive_is_one_folder_with_a_wheel(made: Handout) -> None:
    names = [name for name, _ in everything(made.archive())]
    assert all(name.startswith("sums/") for name in names)
    wheels = [name for name in names if name.endswith(".whl")]
    assert len(wheels) == 1
    assert wheels[0].startswith("sums/wheels/grader-")
    assert {name for name in names if "/wheels/" not in name} == {
        f"sums/{name}" for name in made.files
    }


def test_spec_is_the_authors_without_reference_and_hidden_checks(
    made: Handout, assignment: Assignment
) -> None:
    spec = tomllib.loads(made.files["assignment/assignment.toml"].decode())
    assert [check["id"] for check in spec["checks"]] == ["add_up", "halves", "scale_by"]
    assert spec["checks"][1]["requires"] == ["add_up"]
    assert "reference" not in spec
    assert spec["handout_of"] == assignment.digest


def test_big_provided_files_are_kept_once_and_small_ones_beside_them_twice(tree: Path) -> None:
    (tree / "assignment/data").mkdir()
    (tree / "assignment/data/big.bin").write_bytes(bytes(contents.SHARED_SIZE + 1))
    spec = SPEC.replace('"lib" = "lib"', '"lib" = "lib"\n"data" = "lib/data"')
    made = contents.build(recorded(write(tree, {"assignment/assignment.toml": spec})))
    assert [name for name in made.files if name.endswith("big.bin")] == ["lib/data/big.bin"]
    assert "assignment/lib/helpers.py" in made.files
    provided = tomllib.loads(made.files["assignment/assignment.toml"].decode())["provided"]
    assert provided == {"lib": "lib", "../lib/data": "lib/data"}


# --- what is not in it ----------------------------------------------------------------------------


def test_no_solution_is_in_any_file_of_the_zip_or_its_wheel(made: Handout) -> None:
    lines = [line.strip() for block in made.blocks for line in block.lines]
    telling = [line for line in lines if line not in ("return total", "return self")]
    assert {"total[index] = a[index] + b[index]", "return np.multiply(x, 0.5)"} < set(telling)
    assert "Halving twice is quartering once." in telling
    for name, data in everything(made.archive()):
        assert [line for line in telling if line.encode() in data] == [], name


def test_nothing_of_hidden_checks_is_in_the_zip(made: Handout, assignment: Assignment) -> None:
    hidden = Expectations.read(assignment.expectations_path("hidden"))
    assert ("add_many", "61") in hidden.cases
    secrets = [
        b"add_many",
        b"SECRET_LENGTHS",
        b"secret_offset",
        b"4711.25",
        b"A trap for those",
        b"Adds long vectors",
    ]
    secrets += [hidden.provenance.seed.encode(), int(hidden.provenance.seed).to_bytes(16, "little")]
    for seed in ("hidden", "public"):
        for (check, _), record in Expectations.read(
            assignment.expectations_path(seed)
        ).cases.items():
            if seed == "hidden" or check == "add_many":
                secrets += [
                    value.tobytes()
                    for value, _ in record.values.values()
                    if value[..., -1] not in (0, 2)
                ]
    assert len(secrets) >= 12
    for name, data in everything(made.archive()):
        assert [secret for secret in secrets if secret in data] == [], name
        assert "hidden.h5" not in name
        assert "/misconceptions/" not in name


def test_public_expectations_are_those_of_the_checks_within(made: Handout, tmp_path: Path) -> None:
    (tmp_path / "public.h5").write_bytes(made.files["assignment/expectations/public.h5"])
    stored = Expectations.read(tmp_path / "public.h5")
    assert {check for check, _ in stored.cases} == {"add_up", "halves", "scale_by"}
    assert stored.provenance.seed == "2016"


def test_public_expectations_are_copied_as_they_are_where_none_is_hidden(tree: Path) -> None:
    spec = SPEC.replace('visibility = "hidden"\n', "")
    assignment = recorded(write(tree, {"assignment/assignment.toml": spec}))
    within = contents.build(assignment).files["assignment/expectations/public.h5"]
    assert within == assignment.expectations_path("public").read_bytes()


# --- hidden tests are cut out ---------------------------------------------------------------------


def test_tests_go_with_decorators_comments_and_what_only_they_used() -> None:
    left = selection.without_tests(CHECKS, {"add_up", "halves", "scale_by"})
    for gone in (
        "add_many",
        "SECRET_LENGTHS",
        "secret_offset",
        "A trap",
        "import math",
        "@pytest.fixture",
    ):
        assert gone not in left
    compile(left, "test_sums.py", "exec")
    assert "import numpy as np\nimport pytest\n\n\ndef vectors(rng, length):\n" in left
    assert selection.without_tests(left, {"add_up", "halves", "scale_by"}) == left


def test_unused_helpers_stay_where_no_removed_test_used_them() -> None:
    text = "SPARE = 1\n\n\ndef test_a():\n    pass\n\n\ndef test_b():\n    pass\n"
    assert selection.without_tests(text, {"a"}) == "SPARE = 1\n\n\ndef test_a():\n    pass\n"


def test_helpers_of_helpers_go_too() -> None:
    helpers = "A = 1\nB = A + 1\n\n\ndef help_b():\n    return B\n\n\n"
    text = f"{helpers}def test_b():\n    help_b()\n\n\ndef test_a():\n    pass\n"
    assert selection.without_tests(text, {"a"}) == "\n\ndef test_a():\n    pass\n"


def test_hidden_test_that_is_no_plain_function_is_refused(tree: Path) -> None:
    checks = CHECKS.replace("def test_scale_by", "if True:\n  def test_scale_by")
    spec = SPEC.replace('id = "scale_by"', 'id = "scale_by"\nvisibility = "hidden"')
    changed = {"assignment/checks/test_sums.py": checks, "assignment/assignment.toml": spec}
    assignment = recorded(write(tree, changed))
    with pytest.raises(
        AssignmentError, match=r"checks/test_sums\.py still mentions the check `scale_by`"
    ):
        contents.build(assignment)


# --- proof ----------------------------------------------------------------------------------------


def altered(made: Handout, name: str, old: str, new: str) -> Handout:
    """Return a handout with one file's text otherwise."""
    text = made.files[name].decode()
    assert old in text
    return Handout(made.name, {**made.files, name: text.replace(old, new, 1).encode()}, made.blocks)


def leaks(made: Handout) -> list[tuple[str, int]]:
    """Return path and line of each leak, the wheel left aside."""
    return [
        (leak.path, leak.line)
        for leak in leak_check.leaks(made.blocks, leak_check.texts(zipped(made.files)))
    ]


def test_template_earns_nothing_and_says_so_check_by_check(
    made: Handout, assignment: Assignment
) -> None:
    leak_check.prove(made, assignment)


@pytest.mark.parametrize(
    "line",
    [
        "total[index] = a[index] + b[index]",
        "    total [index]=a[ index ]+b[index]  # spaced otherwise",
        "# total[index] = a[index] + b[index]",
        "x = 1  # total = zeros_like(a)",
        "if a: total[index] = a[index] + b[index]; return",
        "total[index] = \\\n    a[index] + b[index]",
        '"""Try `total[index] = a[index] + b[index]`."""',
        "# Note that every entry gets its partner added",
    ],
)
@pytest.mark.parametrize("name", ["lib/helpers.py", "assignment/checks/test_sums.py", "README.md"])
def test_line_of_a_solution_is_found_wherever_it_stands(
    made: Handout, name: str, line: str
) -> None:
    first = made.files[name].decode().split("\n")[0]
    assert leaks(altered(made, name, first, f"{first}\n{line}")) == [(name, 2)]


def test_line_of_a_solution_left_in_a_stub_is_found(made: Handout) -> None:
    hint = altered(made, "lib/sums.py", "# Begin with zeros.", "# total = zeros_like(a)")
    assert leaks(hint) == [("lib/sums.py", 8)]


def test_refusal_names_file_line_and_text(made: Handout, assignment: Assignment) -> None:
    leaking = altered(made, "lib/helpers.py", "import numpy", "total = zeros_like(a)\nimport numpy")
    with pytest.raises(
        AssignmentError, match=r"sums/lib/helpers\.py, line 3: 'total = zeros_like \( a \)'"
    ):
        leak_check.prove(leaking, assignment)


@pytest.mark.parametrize(
    "text",
    [
        "Think of `return np.multiply(x, 0.5)`.",
        "> Halving twice is quartering once.",
        "x = np.ones(2)\\n# return np.multiply(x, 0.5)",
    ],
)
@pytest.mark.parametrize("place", ["# Halves", '"role": "provided"'])
def test_line_of_a_solution_in_a_notebook_is_found(made: Handout, place: str, text: str) -> None:
    into = text if place == "# Halves" else f'{place}, "note": "{text}"'
    found = leaks(altered(made, "Work.ipynb", place, into))
    assert {path for path, _ in found} == {"Work.ipynb"}


def test_line_of_a_solution_in_the_wheel_is_found(made: Handout) -> None:
    lines = Path(scoring.__file__).read_text(encoding="utf-8").splitlines()
    own = max((line for line in lines if " = " in line), key=len)
    found = leak_check.leaks([Block("", "", (own,))], leak_check.texts(made.archive()))
    assert [leak.path for leak in found] == [
        f"sums/wheels/{wheel_name()}/grader/grading/scoring.py"
    ]


def test_a_line_that_the_grader_itself_has_may_be_one_of_a_solution(
    made: Handout, assignment: Assignment
) -> None:
    lines = Path(scoring.__file__).read_text(encoding="utf-8").splitlines()
    own = max((line for line in lines if " = " in line), key=len)
    same = Handout(made.name, made.files, (*made.blocks, Block("", "", (own,))))
    assert list(leak_check.leaks_of(same, assignment)) == []
    elsewhere = altered(same, "lib/helpers.py", "import numpy", f"{own}\nimport numpy")
    assert [leak.path for leak in leak_check.leaks_of(elsewhere, assignment)] == [
        "sums/lib/helpers.py"
    ]


def test_what_a_visible_check_has_within_a_longer_line_may_be_one_of_a_solution(
    made: Handout, assignment: Assignment
) -> None:
    longer = "# if a: total[index] = a[index] + b[index]; return"
    shown = altered(
        made, "assignment/checks/test_sums.py", "import numpy", f"{longer}\nimport numpy"
    )
    assert leaks(shown)
    assert list(leak_check.leaks_of(shown, assignment)) == []
    stub = altered(made, "lib/sums.py", "# Begin with zeros.", longer)
    assert [leak.path for leak in leak_check.leaks_of(stub, assignment)] == ["sums/lib/sums.py"]


@pytest.mark.parametrize("name", ["lines.json", "broken.ipynb", "broken.zip", "broken.whl"])
def test_provided_file_that_is_not_what_its_name_says_is_searched_as_text(name: str) -> None:
    data = b"{'a': 1}\ntotal = zeros_like(a)\n"
    texts = leak_check.texts(
        zipped(
            {
                name: data,
                "cut.zip": zipped({"b": b"c"})[:-30],
                "half.zip": b"PK\x05\x06" + bytes(18),
            }
        )
    )
    assert list(leak_check.leaks([Block("", "", ("total = zeros_like(a)",))], texts)) == [
        leak_check.Leak(name, 2, "total = zeros_like ( a )")
    ]


@pytest.mark.parametrize(
    ("solution", "text", "leaks"),
    [
        ("n += 1", "n += 1", True),  # a whole line of three tokens
        ("n += 1", "# n += 1", True),
        ("n += 1", "while n < 3: n += 1", False),  # within a longer line by chance
        ("return n", "return n", False),  # two tokens give nothing away
        ("return 'n'", "return 'n'", False),
        ('d["key"] = f(n)', "d['key'] = f(n)", True),
        ("n = f(n)", "m = 2; n = f(n)", True),  # six tokens
        ("n = f(n)", "min = f(n)", False),
        ("# (N, T)", "# (N, T)", False),  # a shape
        ("# first sum over time", "x = 1  # first sum over time", True),
        ("n = 1e-5 * m", "n = 1e-5*m", True),
        ("n = '#' + m  # why", "n = '#' + m", True),
        ("", "\n\n", False),
    ],
)
def test_what_counts_as_a_leak(solution: str, text: str, leaks: bool) -> None:
    assert bool(list(leak_check.leaks([Block("", "", (solution,))], {"a.py": text}))) == leaks


def without_task_2(reference: str = REFERENCE) -> str:
    """Return the reference with `scale_by` for all to see."""
    start, end = (
        reference.index("    ### BEGIN SOLUTION Task 2\n"),
        reference.index("\n\n\nclass Model"),
    )
    return reference[:start] + "    return a * factor" + reference[end:]


def test_template_that_earns_points_is_refused(tree: Path) -> None:
    assignment = recorded(write(tree, {"solutions/lib/sums.py": without_task_2()}))
    with pytest.raises(AssignmentError, match="the untouched template gets 1 point for `scale_by`"):
        leak_check.prove(contents.build(assignment), assignment)


def test_template_that_earns_points_in_a_hidden_check_is_refused(tree: Path) -> None:
    spec = SPEC.replace('id = "scale_by"', 'id = "scale_by"\nvisibility = "hidden"')
    changes = {"solutions/lib/sums.py": without_task_2(), "assignment/assignment.toml": spec}
    assignment = recorded(write(tree, changes))
    with pytest.raises(AssignmentError, match="the untouched template gets 1 point for `scale_by`"):
        leak_check.prove(contents.build(assignment), assignment)


def test_template_that_fails_otherwise_than_by_its_stubs_is_refused(
    made: Handout, assignment: Assignment
) -> None:
    broken = altered(
        made, "lib/sums.py", "raise NotImplementedError('Task 1: add_up')", "raise ValueError(a)"
    )
    with pytest.raises(
        AssignmentError, match="`add_up` should find the untouched template not implemented yet"
    ):
        leak_check.prove(broken, assignment)


# --- what can't be built --------------------------------------------------------------------------


@pytest.mark.parametrize(
    "file", ["solutions/lib/sums.py", "assignment/lib/helpers.py", "assignment/checks/test_sums.py"]
)
def test_stale_expectations_are_refused(tree: Path, file: str) -> None:
    with (tree / file).open("a") as changed:
        changed.write("# changed\n")
    with pytest.raises(AssignmentError, match=r"public\.h5 is stale: .*; run `grader record`"):
        contents.build(load(tree / "assignment"))


def test_expectations_that_were_never_recorded_are_named(tmp_path: Path) -> None:
    with pytest.raises(AssignmentError, match=r"public\.h5: run `grader record`"):
        contents.build(write(tmp_path))


def test_markers_in_a_provided_file_are_refused(tree: Path) -> None:
    marked = HELPERS + "### BEGIN SOLUTION\n### END SOLUTION\n"
    with pytest.raises(
        AssignmentError, match=r"lib/helpers\.py is provided, so it can't have solution markers"
    ):
        contents.build(write(tree, {"assignment/lib/helpers.py": marked}))


def test_broken_markers_are_named_with_file_and_line(tree: Path) -> None:
    broken = REFERENCE.replace("    ### END SOLUTION\n\n\ndef scale_by", "\n\ndef scale_by")
    with pytest.raises(
        AssignmentError, match=r"^lib/sums\.py, line 19: .*the block that began at line 9"
    ):
        contents.build(write(tree, {"solutions/lib/sums.py": broken}))


def test_stub_that_does_not_compile_is_named_with_its_line(tree: Path) -> None:
    marked = REFERENCE.replace(
        "    ### BEGIN SOLUTION Task 1: add_up\n", "    if a:\n    ### BEGIN SOLUTION\n", 1
    )
    with pytest.raises(AssignmentError, match=r"^lib/sums\.py, line 13: the stub does not compile"):
        contents.build(write(tree, {"solutions/lib/sums.py": marked}))


@pytest.mark.parametrize("name", ["submit", "all", "notebooks", "Q 1"])
def test_question_that_can_be_no_tox_environment_is_named(tree: Path, name: str) -> None:
    spec = SPEC.replace('name = "add"', f'name = "{name}"')
    with pytest.raises(
        AssignmentError, match=f"question `q1` would be the tox environment '{name}'"
    ):
        parts(write(tree, {"assignment/assignment.toml": spec}).spec)


def test_windows_files_give_the_same_stubs(made: Handout, tree: Path) -> None:
    windows = "\ufeff" + REFERENCE.replace("\n", "\r\n")
    again = contents.build(recorded(write(tree, {"solutions/lib/sums.py": windows})))
    assert again.files["lib/sums.py"] == made.files["lib/sums.py"]


# --- parts ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("asked", ["q1", "add"])
def test_partial_handout_is_about_its_question_alone(
    assignment: Assignment, tmp_path: Path, asked: str
) -> None:
    part = contents.build(assignment, (asked,))
    leak_check.prove(part, assignment)
    readme, tox = part.files["README.md"].decode(), part.files["tox.ini"].decode()
    for gone in ("scale_by", "Scaling", "q2", "Model"):
        assert gone not in readme.replace("Sums {and} products # all", "")
        assert gone not in tox
    assert "later part of the assignment" in readme
    assert "tox -e add" in readme
    handout_folder.write_tree(tmp_path, part.files)
    report = grade(load(tmp_path / "assignment"), tmp_path, Options(isolation="none")).report
    assert [check.id for check in report.checks] == ["add_up", "halves"]
    assert report.max_score == 3
    stored = Expectations.read(tmp_path / "assignment/expectations/public.h5")
    assert {check for check, _ in stored.cases} == {"add_up", "halves"}


def test_handout_has_what_check_files_share(tree: Path) -> None:
    fixture = "import pytest\n\n\n@pytest.fixture\ndef most():\n    return 3\n"
    (tree / "assignment/checks/conftest.py").write_text(fixture)
    assert (
        "assignment/checks/conftest.py" in contents.build(recorded(load(tree / "assignment"))).files
    )


def test_partial_handout_leaves_out_the_other_questions_notebooks(assignment: Assignment) -> None:
    part = contents.build(assignment, ("q2",))
    assert "Work.ipynb" not in part.files
    assert "jupyter" not in part.files["tox.ini"].decode()
    assert "notebook" not in part.files["README.md"].decode()
    leak_check.prove(part, assignment)


def test_unknown_question_is_named(assignment: Assignment) -> None:
    with pytest.raises(AssignmentError, match=r"there is no question 'q3' \(there are: q1, q2\)"):
        contents.build(assignment, ("q3",))


def test_question_of_hidden_checks_alone_is_refused(tree: Path) -> None:
    spec = SPEC.replace('id = "scale_by"', 'id = "scale_by"\nvisibility = "hidden"')
    assignment = recorded(write(tree, {"assignment/assignment.toml": spec}))
    with pytest.raises(AssignmentError, match="every check that was asked for is hidden"):
        contents.build(assignment, ("q2",))


# --- pages ----------------------------------------------------------------------------------------


def test_readme_tells_points_hidden_checks_and_follow_through(made: Handout) -> None:
    readme = " ".join(made.files["README.md"].decode().split())
    assert "**Adding** (3 points)" in readme
    assert "| `add_up` | 2 |" in readme
    assert "and some more, on other numbers" in readme
    assert "A mistake costs only once" in readme


def test_readme_keeps_quiet_about_what_there_is_not(tree: Path) -> None:
    spec = re.sub(r"requires = .*\n", "", SPEC.replace('visibility = "hidden"\n', ""))
    assignment = write(tree, {"assignment/assignment.toml": spec})
    readme = " ".join(contents.build(recorded(assignment)).files["README.md"].decode().split())
    assert "some more" not in readme
    assert "costs only once" not in readme
    assert "later part" not in readme


def test_readme_is_well_formed_markdown(made: Handout) -> None:
    readme = made.files["README.md"].decode()
    assert "\n\n\n" not in readme
    assert readme.count("```") % 2 == 0
    prose = [line for line in readme.split("\n") if not line.startswith(("- `", "|"))]
    assert max(map(len, prose)) <= 120


# --- the same to the byte -------------------------------------------------------------------------


def test_building_twice_gives_the_same_bytes(assignment: Assignment, made: Handout) -> None:
    time.sleep(1.1)  # HDF5 would keep seconds, zip every two
    again = contents.build(load(assignment.folder))
    assert again.files == made.files
    assert again.archive() == made.archive()


# --- on disk --------------------------------------------------------------------------------------


def test_template_is_written_and_then_the_same(made: Handout, tmp_path: Path) -> None:
    folder = tmp_path / "deep" / "template"
    handout_folder.write_template(made, folder)
    assert list(handout_folder.differences(made, folder)) == []
    assert [path.name for path in folder.parent.iterdir()] == ["template"]
    handout_folder.write_template(made, folder)  # over itself
    assert list(handout_folder.differences(made, folder)) == []


def test_differences_are_named(made: Handout, tmp_path: Path) -> None:
    handout_folder.write_template(made, tmp_path / "template")
    (tmp_path / "template/lib/sums.py").write_text("changed")
    (tmp_path / "template/tox.ini").unlink()
    (tmp_path / "template/notes.txt").write_text("new")
    (tmp_path / "template/.tox").mkdir()
    (tmp_path / "template/.tox/log").write_text("left behind by a run")
    assert sorted(handout_folder.differences(made, tmp_path / "template")) == [
        "lib/sums.py differs",
        "notes.txt should not be there",
        "tox.ini is missing",
    ]


def test_writing_removes_what_should_not_be_there(made: Handout, tmp_path: Path) -> None:
    handout_folder.write_template(made, tmp_path / "template")
    (tmp_path / "template/old.py").write_text("old")
    handout_folder.write_template(made, tmp_path / "template")
    assert not (tmp_path / "template/old.py").exists()


def test_folder_of_something_else_is_never_overwritten(made: Handout, tree: Path) -> None:
    # the author's own root holds assignment/assignment.toml too
    for folder in (tree, tree / "solutions"):
        with pytest.raises(UsageError, match="so it is not overwritten"):
            handout_folder.write_template(made, folder)
    assert (tree / "solutions/lib/sums.py").is_file()


def test_empty_folder_may_be_filled(made: Handout, tmp_path: Path) -> None:
    handout_folder.write_template(made, tmp_path)
    assert list(handout_folder.differences(made, tmp_path)) == []


def test_notebooks_of_the_handout_are_empty(made: Handout) -> None:
    for name in ("Work.ipynb", "assignment/notebooks/Work.ipynb"):
        cells = json.loads(made.files[name])["cells"]
        assert all(cell["outputs"] == [] for cell in cells if cell["cell_type"] == "code")
        assert "raise NotImplementedError('Task 4: half_of')" in "".join(cells[1]["source"])
