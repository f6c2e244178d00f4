"""The flagship's handout, from the zip that students get: what is in it, what is not, and a
student's first day.
"""

from __future__ import annotations

import contextlib
import io
import os
import re
import shutil
import subprocess
import sys
import tokenize
import tomllib
import venv
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import h5py
import numpy as np
import pytest

from grader.assignment.expectations import Expectations
from grader.assignment.spec import load
from grader.authoring.handout import contents
from grader.authoring.strip import Block
from grader.grading.grade import Grader, Options, grade
from grader.model import Report, Status

ROOT = Path(__file__).resolve().parents[2]
LAYERS, RNN = "cs231n/rnn_layers.py", "cs231n/classifiers/rnn.py"
NOTEBOOKS = ("RNN_Captioning.ipynb", "LSTM_Captioning.ipynb")
CHECKS = load(ROOT / "assignment").spec.checks
FUNCTIONS = frozenset(check.id for check in CHECKS if not check.notebook)


@pytest.fixture(scope="module")
def archive(cli: Callable[..., Any], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The zip that ``grader handout`` makes."""
    out = tmp_path_factory.mktemp("dist")
    done = cli("handout", "--out", out, "--template", out / "template")
    assert done.code == 0, done.err
    return out / "captioning-handout.zip"


@pytest.fixture
def work(archive: Path, tmp_path: Path) -> Path:
    """A student's folder, freshly unzipped."""
    with zipfile.ZipFile(archive) as opened:
        opened.extractall(tmp_path)
    return tmp_path / "captioning"


def everything(data: bytes, prefix: str = "") -> Iterator[tuple[str, bytes]]:
    """Yield every file of a zip, those of the wheel within it included."""
    with zipfile.ZipFile(io.BytesIO(data)) as opened:
        for name in opened.namelist():
            content = opened.read(name)
            yield prefix + name, content
            if name.endswith(".whl"):
                yield from everything(content, f"{prefix}{name}/")


def practise(work: Path, *only: str) -> Report:
    """Check a student's folder as ``tox`` does."""
    return grade(
        load(work / "assignment"), work, Options(isolation="none", only=frozenset(only))
    ).report


# --- the zip, taken apart -------------------------------------------------------------------------


def test_zip_holds_what_students_need_and_nothing_else(archive: Path) -> None:
    names = {name.removeprefix("captioning/") for name, _ in everything(archive.read_bytes())}
    mine = {name for name in names if not name.startswith(("wheels/", "cs231n/datasets/"))}
    provided = {
        path.relative_to(ROOT / "assignment").as_posix()
        for path in (ROOT / "assignment/cs231n").rglob("*.py")
    }
    checks = {
        f"assignment/checks/{path.name}" for path in (ROOT / "assignment/checks").glob("*.py")
    }
    assert mine == {
        *("README.md", "tox.ini", "toxfile.py", "pytest.ini", ".gitignore", LAYERS, RNN, *NOTEBOOKS),
        *provided, *(f"assignment/{name}" for name in provided), *checks,
        *("assignment/assignment.toml", "assignment/expectations/public.h5"),
        "assignment/expectations/known-mistakes-public.json",
        *(f"assignment/notebooks/{name}" for name in NOTEBOOKS),
    }  # fmt: skip
    assert any(name.endswith("coco2014_captions.h5") for name in names)
    assert any("/grader/practice/pytest_plugin.py" in name for name in names)  # of the wheel


def tokens_of(line: str) -> Iterator[tokenize.TokenInfo]:
    """Yield a line's tokens up to where it goes on in the next line."""
    with contextlib.suppress(tokenize.TokenError, SyntaxError):
        yield from tokenize.generate_tokens(io.StringIO(line.strip()).readline)


def solution_lines() -> set[str]:
    """Return the lines between markers, of three tokens or more, comments aside: found otherwise
    than `prove` does.
    """
    texts = [(ROOT / "solutions" / name).read_text(encoding="utf-8") for name in (LAYERS, RNN)]
    kinds = (tokenize.NAME, tokenize.OP, tokenize.NUMBER, tokenize.STRING)
    found = set()
    for body in re.findall(
        r"### BEGIN SOLUTION[^\n]*\n(.*?)### END SOLUTION", "\n".join(texts), re.DOTALL
    ):
        for line in body.split("\n"):
            tokens = [token for token in tokens_of(line) if token.type in kinds]
            if len(tokens) >= 3:
                found.add(line.strip()[: tokens[-1].end[1]])
    return found


def test_no_line_of_a_solution_is_in_any_file(archive: Path) -> None:
    lines = solution_lines()
    assert len(lines) > 90
    assert ["next_h = np.tanh(x @ Wx + prev_h @ Wh + b)", " (N, H)"][0] in lines
    for name, data in everything(archive.read_bytes()):
        if name.endswith(".whl"):
            continue
        text = data.decode("utf-8", "ignore").replace('\\"', '"')
        whole = {re.sub(r"\s+#.*|\\n.*", "", line).strip(' ",#') for line in text.split("\n")}
        assert lines & whole == set(), name
        assert [line for line in lines if len(line) > 25 and line in text] == [], name


def test_no_answer_of_a_notebook_is_in_any_file(archive: Path) -> None:
    sources = "".join(
        (ROOT / "assignment/notebooks" / name).read_text(encoding="utf-8") for name in NOTEBOOKS
    )
    bodies = re.findall(r"### BEGIN SOLUTION[^\n]*\n(.*?)### END SOLUTION", sources, re.DOTALL)
    lines = [line.strip(' ",').removesuffix("\\n") for body in bodies for line in body.split("\n")]
    answers = [line for line in lines if len(line) > 20]
    assert len(answers) > 10
    for name, data in everything(archive.read_bytes()):
        assert [answer for answer in answers if answer.encode() in data] == [], name


def floats(value: Any) -> Iterator[bytes]:
    """Yield the bytes of each float64 in a recorded value, round numbers such as 0.5 left out."""
    for item in (
        value.values()
        if isinstance(value, dict)
        else value
        if isinstance(value, list | tuple)
        else ()
    ):
        yield from floats(item)
    if isinstance(value, np.ndarray) and value.dtype == np.float64:
        yield from (
            data for data in (entry.tobytes() for entry in value.ravel()) if data[:4] != bytes(4)
        )


def test_nothing_hidden_is_in_any_file(archive: Path) -> None:
    hidden = Expectations.read(ROOT / "assignment/expectations/hidden.h5")
    seed = hidden.provenance.seed
    seeds = (seed.encode(), int(seed).to_bytes(16, "little"), int(seed).to_bytes(16, "big"))
    answers = {
        data
        for record in hidden.cases.values()
        for value, _ in record.values.values()
        for data in floats(value)
    }
    assert len(answers) > 1000
    for name, data in everything(archive.read_bytes()):
        assert not name.endswith(("hidden.h5", "known-mistakes.json")), name
        assert "/misconceptions/" not in name
        assert [secret for secret in seeds if secret in data] == [], name
        if name.endswith("public.h5"):
            assert {data[at : at + 8] for at in range(len(data) - 7)} & answers == set()


def test_no_known_mistake_is_in_any_file(archive: Path) -> None:
    told = []
    for path in sorted((ROOT / "assignment/misconceptions").glob("*.toml")):
        mistake = tomllib.loads(path.read_text(encoding="utf-8"))
        told += [mistake["name"], *[line for line in mistake["hint"].split("\n") if len(line) > 20]]
    assert len(told) > 60
    for name, data in everything(archive.read_bytes()):
        if name.endswith("known-mistakes-public.json"):  # students are told these hints in practice
            continue
        assert [piece for piece in told if len(piece) > 20 and piece.encode() in data] == [], name


def test_public_expectations_are_those_that_were_recorded(work: Path) -> None:
    given = work / "assignment/expectations/public.h5"
    assert given.read_bytes() == (ROOT / "assignment/expectations/public.h5").read_bytes()
    with h5py.File(given) as file:
        assert FUNCTIONS <= set(file) <= {check.id for check in CHECKS}


def test_notebooks_have_no_outputs(work: Path) -> None:
    for name in NOTEBOOKS:
        text = (work / name).read_text(encoding="utf-8")
        assert '"outputs": []' in text
        assert "output_type" not in text


# --- up to date and the same everywhere -----------------------------------------------------------


def test_committed_template_is_up_to_date_and_is_what_the_zip_holds(
    inline: Callable[..., Any], work: Path
) -> None:
    done = inline("handout", "--check")
    assert (done.code, done.out) == (0, "student_template is up to date\n")
    shutil.rmtree(work / "wheels")
    committed, unzipped = (
        {
            path.relative_to(root).as_posix(): path.read_bytes()
            for path in root.rglob("*")
            if path.is_file()
        }
        for root in (ROOT / "student_template", work)
    )
    assert {name: data for name, data in committed.items() if ".tox/" not in name} == unzipped


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of what a handout is made from, and of the committed template."""
    root = tmp_path_factory.mktemp("copy")
    for name in ("assignment", "solutions", "student_template"):
        shutil.copytree(
            ROOT / name, root / name, ignore=shutil.ignore_patterns("__pycache__", ".tox", "report")
        )
    return root


def edited(data: bytes, old: bytes, new: bytes) -> bytes:
    assert old in data
    return data.replace(old, new, 1)


@pytest.mark.parametrize(
    ("name", "old", "new"),
    [
        (f"solutions/{LAYERS}", b"### BEGIN SOLUTION Task 1.1", b"# One more hint.\n    ### BEGIN SOLUTION Task 1.1"),
        # within a solution
        (f"solutions/{LAYERS}", b"next_h = np.tanh(", b"next_h = 1.0 * np.tanh("),
        ("assignment/notebooks/LSTM_Captioning.ipynb", b"BEGIN SOLUTION\\n", b"BEGIN SOLUTION\\n\",\n    \"Well: "),
        ("assignment/cs231n/layers.py", b"\n", b"  \n"),
        ("assignment/data/coco_captioning/train2014_urls.txt", b"\n", b"\n\n"),
        ("assignment/checks/test_rnn.py", b"\n", b"\n# more\n"),
        ("assignment/assignment.toml", b"points = 6", b"points = 6.5"),
        (f"student_template/{LAYERS}", b"raise NotImplementedError", b"raise  NotImplementedError"),
    ],
)  # fmt: skip
def test_check_is_red_after_any_edit(
    inline: Callable[..., Any], tree: Path, name: str, old: bytes, new: bytes
) -> None:
    before = (tree / name).read_bytes()
    (tree / name).write_bytes(edited(before, old, new))
    try:
        done = inline("handout", "--check", cwd=tree)
    finally:
        (tree / name).write_bytes(before)
    assert done.code in (1, 2)
    assert "out of date: student_template/" in done.out or "public.h5 is stale" in done.err


def test_check_is_green_on_the_copy_and_red_for_a_file_more_or_less(
    inline: Callable[..., Any], tree: Path
) -> None:
    assert inline("handout", "--check", cwd=tree).code == 0
    moved = (tree / "student_template/pytest.ini").rename(tree / "student_template/more.ini")
    done = inline("handout", "--check", cwd=tree)
    moved.rename(tree / "student_template/pytest.ini")
    assert done.code == 1
    assert done.out.splitlines()[:2] == [
        "out of date: student_template/pytest.ini is missing",
        "out of date: student_template/more.ini should not be there",
    ]


def test_zip_is_the_same_from_elsewhere(
    inline: Callable[..., Any], archive: Path, tree: Path, tmp_path: Path
) -> None:
    # from another working directory, and of a copy of the assignment
    done = inline(
        "handout", "--assignment", tree / "assignment", "--out", tmp_path, "--template",
        tmp_path / "t", cwd=tmp_path,
    )  # fmt: skip
    assert done.code == 0, done.err
    assert (tmp_path / archive.name).read_bytes() == archive.read_bytes()


# --- filling in -----------------------------------------------------------------------------------


def fill(work: Path, block: Block) -> None:
    """Put a solution in the place of its stub."""
    for name in (LAYERS, RNN):
        text = (work / name).read_text(encoding="utf-8")
        stub = re.compile(
            rf"(?: *#[^\n]*\n){{3}} *raise NotImplementedError\({re.escape(repr(block.task))}\)"
        )
        text, count = stub.subn(lambda _: "\n".join(block.lines), text)
        if count:
            (work / name).write_text(text, encoding="utf-8")
            return
    raise AssertionError(f"no stub for {block.task}")


def code_blocks() -> list[Block]:
    return [block for block in contents.build(load(ROOT / "assignment")).blocks if block.task]


def test_untouched_template_has_no_point_and_sixteen_clear_lines(work: Path) -> None:
    report = practise(work)
    assert (report.score, report.max_score, len(report.checks)) == (0, 100, 16)
    for check in report.checks:
        assert re.search(r"`[\w.]+`.* is not implemented yet", check.message), check.message
    assert report.isolation == "none"
    assert all("not answered yet: " in note for note in report.notes)


# The layers, in the order in which they are filled in, and the checks that they let pass; the
# model's functions come last.
STAGES = (
    ("rnn_step_forward", "rnn_step_backward", "rnn_forward", "rnn_backward"),
    ("word_embedding_forward", "word_embedding_backward"),
    ("lstm_step_forward", "lstm_step_backward", "lstm_forward", "lstm_backward"),
)


def test_the_functions_that_are_filled_in_pass_and_no_others_up_to_full_marks(work: Path) -> None:
    blocks = iter(code_blocks())
    done: set[str] = set()
    with Grader(load(work / "assignment"), Options(isolation="none", only=FUNCTIONS)) as grader:
        for stage in STAGES:
            for _ in stage:
                fill(work, next(blocks))
            done.update(stage)
            checks = grader.grade(work).report.checks
            assert {check.id for check in checks if check.status is Status.PASS} == done
    for block in blocks:
        fill(work, block)
    report = practise(work)
    assert report.score == report.max_score == 100


# --- a student's own changes ----------------------------------------------------------------------


def test_own_tests_and_changed_support_files_do_no_harm_and_are_named(
    graded: Callable[..., Any], work: Path, tmp_path: Path
) -> None:
    for block in code_blocks():
        fill(work, block)
    (work / "cs231n/layers.py").write_text("def affine_forward(x, w, b):\n    return None\n")
    (work / "test_mine.py").write_text("raise SystemExit\n")
    report = practise(work, "captioning_rnn_loss")
    assert report.score == report.max_score
    handed_in = tmp_path / "handed-in"
    for name in ("cs231n", "test_mine.py", *NOTEBOOKS):
        handed_in.mkdir(exist_ok=True)
        (work / name).rename(handed_in / name)
    done = graded(handed_in, "--only", "captioning_rnn_loss", "--only", "rnn_forward")
    assert done.not_passed == set()
    for notes in (report.notes, done.report["notes"]):
        assert any(
            "`cs231n/layers.py` was changed, and the change was not used" in note for note in notes
        )
        assert any("were not run" in note and "`test_mine.py`" in note for note in notes)


def test_changed_checks_win_nothing(graded: Callable[..., Any], work: Path) -> None:
    shutil.rmtree(work / "assignment/checks")
    (work / "assignment/checks").mkdir()
    (work / "assignment/checks/test_all.py").write_text(
        "".join(f"def test_{check.id}(): pass\n" for check in CHECKS)
    )
    # on his own machine a student may tell himself what he likes
    assert practise(work).score == 100
    shutil.copyfile(
        work / "assignment/expectations/public.h5", work / "assignment/expectations/hidden.h5"
    )
    done = graded(work, "--only", "rnn_step_forward", "--only", "lstm_forward")
    assert done.report["score"] == 0
    assert done.report["seed"] == "hidden"


def test_practice_makes_no_fuss_about_its_own_files(inline: Callable[..., Any], work: Path) -> None:
    arguments = (
        "check",
        ".",
        "--assignment",
        "assignment",
        "--isolation",
        "none",
        "--only",
        "notebook_rnn",
    )
    assert inline(*arguments, cwd=work).code == 1
    assert inline("submit", ".", "--assignment", "assignment", cwd=work).code == 0
    for name in (
        ".tox/all/x",
        ".pytest_cache/x",
        ".venv/x",
        "cs231n/__pycache__/x.pyc",
        ".ipynb_checkpoints/x.ipynb",
    ):
        (work / name).parent.mkdir(parents=True, exist_ok=True)
        (work / name).write_bytes(b"")
    (work / "RNN_Captioning.ipynb").write_text(
        (work / "RNN_Captioning.ipynb")
        .read_text()
        .replace('"execution_count": null', '"execution_count": 3')
    )
    assert (work / "report/notebooks/RNN_Captioning.ipynb").is_file()
    assert (work / "captioning-submission.zip").is_file()
    assert practise(work, "rnn_step_forward").notes == ()


def test_zip_to_hand_in_can_be_made_again_and_checked_where_it_lies(
    inline: Callable[..., Any], work: Path
) -> None:
    for _ in range(2):
        assert inline("submit", ".", "--assignment", "assignment", cwd=work).code == 0
    arguments = ("--assignment", "assignment", "--isolation", "none", "--only", "rnn_step_forward")
    done = inline("check", "captioning-submission.zip", *arguments, cwd=work)
    assert done.code == 1
    assert "`rnn_step_forward` is not implemented yet" in done.out
    assert "Note:" not in done.out


# --- a part ---------------------------------------------------------------------------------------


def test_partial_handout_of_the_first_question(inline: Callable[..., Any], tmp_path: Path) -> None:
    before = (ROOT / "student_template/README.md").stat().st_mtime_ns
    done = inline("handout", "--question", "q1", "--out", tmp_path)
    assert done.code == 0, done.err
    assert (ROOT / "student_template/README.md").stat().st_mtime_ns == before
    with zipfile.ZipFile(tmp_path / "captioning-q1-handout.zip") as opened:
        opened.extractall(tmp_path)
    work = tmp_path / "captioning"
    readme = (work / "README.md").read_text(encoding="utf-8")
    assert "lstm" not in readme.lower().replace(
        "image captioning with a vanilla rnn and an lstm", ""
    )
    assert not (work / "LSTM_Captioning.ipynb").exists()
    report = practise(work)
    assert (report.score, report.max_score, len(report.checks)) == (0, 50, 9)
    with h5py.File(work / "assignment/expectations/public.h5") as file:
        assert not [name for name in file if "lstm" in name]


# --- any system -----------------------------------------------------------------------------------

BLOCK = '''\
"""Makes the modules that only Linux or POSIX have unavailable to the grader, as on another system."""
import builtins, sys

POSIX = {"fcntl", "resource", "pwd", "grp", "termios", "pty", "tty", "syslog", "posix", "crypt", "_posixsubprocess"}
OURS = {"landlock", "bubblewrap", "warm", "trial", "granted"}
INSIDE = {"zygote", "wall", "warden", "syscalls", "tree", "scratch", "view"}
LINUX = {f"grader.sandbox.{name}" for name in OURS} | {f"grader.sandbox.inside.{name}" for name in INSIDE}
LINUX |= {"landlockpy", "pyseccomp"}


class Finder:
    def find_spec(self, name, path=None, target=None):
        if name in LINUX:
            raise ImportError(f"blocked: {name}")


def guarded(name, globals=None, locals=None, fromlist=(), level=0):
    asking = (globals or {}).get("__name__", "")
    if name.split(".")[0] in POSIX and asking.split(".")[0] == "grader":
        raise ImportError(f"blocked: {name}, asked for by {asking}")
    return unguarded(name, globals, locals, fromlist, level)


unguarded, builtins.__import__ = builtins.__import__, guarded
sys.meta_path.insert(0, Finder())
for probe in ("import fcntl", "import grader.sandbox.landlock", "from grader.sandbox.inside.walls import wall"):
    try:
        exec(probe, {"__name__": "grader.probe"})
    except ImportError:
        continue
    raise SystemExit(f"not blocked: {probe}")
with open(SEEN, "a") as seen:
    print(sys.argv[0], file=seen)
'''

RUN = """\
import runpy, sys
sys.executable, sys.argv = WORKER, sys.argv[1:]
exec(compile(open(BLOCK).read(), BLOCK, "exec"))
runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="the worker's stand-in is a shell script")
@pytest.mark.parametrize("command", ["check", "submit", "pytest"])
def test_student_needs_nothing_that_only_linux_has(
    work: Path, tmp_path: Path, command: str
) -> None:
    seen, block, worker, start = (
        tmp_path / name for name in ("seen", "block.py", "python", "run.py")
    )
    block.write_text(f"SEEN = {str(seen)!r}\n{BLOCK}")
    # The worker is started as `python -I -X utf8 -c CODE DESCRIPTOR`: the same, with the block
    # before the code.
    begin = f"exec(compile(open({str(block)!r}).read(), 'block', 'exec'))"
    worker.write_text(
        f'#!/bin/sh\nexec "{sys.executable}" "$1" "$2" "$3" "$4" "{begin}\n$5" "$6"\n'
    )
    worker.chmod(0o755)
    start.write_text(f"WORKER, BLOCK = {str(worker)!r}, {str(block)!r}\n{RUN}")
    arguments = {
        "check": [
            *("grader", "check", ".", "--assignment", "assignment", "--isolation", "none"),
            *("--only", "rnn_step_forward", "--only", "notebook_rnn"),
        ],
        "submit": ["grader", "submit", ".", "--assignment", "assignment"],
        "pytest": ["pytest", "-k", "rnn_step_forward or notebook_rnn"],
    }
    fill(work, code_blocks()[0])
    done = subprocess.run(
        [sys.executable, start, *arguments[command]], cwd=work, env=clean_environment(),
        capture_output=True, text=True, encoding="utf-8", timeout=300, check=False,
    )  # fmt: skip
    output = done.stdout + done.stderr
    assert "blocked" not in output
    assert done.returncode == (0 if command == "submit" else 1), output
    told = {
        "check": "Score: 6 / 11",
        "submit": "is ready to be handed in",
        "pytest": "2 failed, 6 passed",
    }
    assert told[command] in output
    processes = seen.read_text().splitlines()
    # this one, the functions' worker and the notebook's
    assert len(processes) >= (1 if command == "submit" else 3)


# --- the README, as written -----------------------------------------------------------------------


class Step(NamedTuple):
    """A command of the README, what it ended with and what it printed."""

    command: str
    code: int
    out: str


def clean_environment(**more: str) -> dict[str, str]:
    """Return this environment without what an outer tox, virtual environment or pytest put there."""
    inherited = ("TOX_", "PYTEST_", "PYTHON", "VIRTUAL_ENV", "COV_")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(inherited)}
    return {**kept, "OPENBLAS_NUM_THREADS": "1", **more}


def shell_blocks(text: str) -> list[list[str]]:
    """Return the commands of each block of a Markdown text that is for a shell."""
    blocks = re.findall(r"^( *)```sh\n(.*?)^ *```$", text, re.MULTILINE | re.DOTALL)
    return [[line.strip() for line in body.splitlines() if line.strip()] for _, body in blocks]


def inline_commands(text: str) -> list[str]:
    """Return the commands that stand in the sentences of a Markdown text."""
    spans = re.findall(r"`([^`\n]+)`", re.sub(r"```.*?```", "", text, flags=re.DOTALL))
    return [
        span
        for span in dict.fromkeys(spans)
        if re.fullmatch(r"(?:tox|py|python3|pip|pytest)(?: .*)?", span)
    ]


class Machine:
    """A machine with Python and nothing else: a fresh virtual environment, first on the path, that
    is also `py`.
    """

    def __init__(self, folder: Path, work: Path) -> None:
        venv.create(folder, with_pip=True, symlinks=True)
        for name in ("py", "python3"):
            (folder / "bin" / name).unlink(missing_ok=True)
            (folder / "bin" / name).write_text(f'#!/bin/sh\nexec "{folder}/bin/python" "$@"\n')
            (folder / "bin" / name).chmod(0o755)
        path = os.pathsep.join([str(folder / "bin"), "/usr/bin", "/bin"])
        # Python compiles what is imported; pip would compile all that it installs, for longer than
        # it takes to install it.
        self._environment = clean_environment(PATH=path, COLUMNS="120", PIP_NO_COMPILE="1")
        self._work = work

    def run(self, *commands: str) -> list[Step]:
        """Run commands in one shell, one after the other."""
        script = "".join(
            f'{{ {command}\n}} 2>&1; code=$?; echo; echo "@@@ $code"\n' for command in commands
        )
        done = subprocess.run(
            ["sh", "-c", script], cwd=self._work, env=self._environment, stdin=subprocess.DEVNULL,
            capture_output=True, text=True, encoding="utf-8", timeout=1800, check=False,
        )  # fmt: skip
        ends = re.findall(r"(.*?)\n@@@ (\d+)\n", done.stdout, re.DOTALL)
        assert len(ends) == len(commands), done.stdout + done.stderr
        return [
            Step(command, int(code), out)
            for command, (out, code) in zip(commands, ends, strict=True)
        ]


# Commands that do what `tox` does, and what is run for them: they start the same tox, which need
# not grade once more.
OTHER_SPELLINGS = {
    "python3 -m tox": "python3 -m tox config -k commands",
    "py -m tox": "py -m tox config -k commands",
    "tox -- --open": "tox config -k commands",  # there is no browser to open
}
# These serve until they are ended, and one is a big download: only whether tox understands them.
ENDLESS = {"tox -e jupyter", "tox -e watch"}
# A student's pip compiles what it installs. Here it does not, and a worker, which writes no bytecode,
# would compile what a notebook loads in every run.
COMPILE = (
    ".tox/all/bin/python -c 'import matplotlib.pyplot, grader.sandbox.inside.work.cells.kernel'"
)
# This installs once more what the first `tox` did: tried last, with the grader's wheel alone.
AGAIN = "tox -r"


@pytest.mark.skipif(sys.platform == "win32", reason="the commands are run by a POSIX shell")
def test_students_day_as_the_readme_has_it(
    work: Path, tmp_path: Path, graded: Callable[..., Any]
) -> None:
    readme = (work / "README.md").read_text(encoding="utf-8")
    machine = Machine(tmp_path / "machine", work)
    blocks = shell_blocks(readme)
    (first,) = machine.run(*blocks[0])
    if first.code and not os.environ.get("CI"):
        pytest.skip(f"the package index can't be reached: {first.out[-200:]}")

    steps: dict[str, Step] = {}
    for block in blocks:
        commands = [command.split("  #")[0].strip() for command in block]
        ending = [command for command in commands if command not in ENDLESS]
        if ending:
            steps |= {step.command: step for step in machine.run(*ending)}
        if "tox" in ending:
            (compiled,) = machine.run(COMPILE)
            assert compiled.code == 0, compiled.out
    for command in inline_commands(readme):
        if command not in (*ENDLESS, *steps, AGAIN):
            steps[command] = machine.run(OTHER_SPELLINGS.get(command, command))[0]

    graders = {
        command for command in steps if re.match(r"(tox|py -m tox|python3 -m tox)\b", command)
    }
    assert {
        "tox",
        "tox -e rnn",
        "tox -e lstm",
        "tox -e notebooks",
        "tox -e pytest",
        "tox -e submit",
    } < graders
    assert {
        "python3 -m tox",
        "py -m tox",
        "py -m pip install tox",
        ". .venv/bin/activate",
    } < set(steps)
    assert AGAIN in inline_commands(readme)
    for command, step in steps.items():
        # as every check of an untouched template must
        fails = command in graders - {"tox -e submit", *OTHER_SPELLINGS}
        assert step.code == (1 if fails else 0), f"{command}\n{step.out}"

    assert "Score: 0 / 100" in steps["tox"].out
    assert "practice, not sandboxed" in steps["tox"].out
    assert re.search(r"^report: .*report\.html$", steps["tox"].out, re.MULTILINE)
    for check in CHECKS:
        assert re.search(rf"^(failed|skipped) +{check.id} ", steps["tox"].out, re.MULTILINE)
    assert "Score: 0 / 45" in steps["tox -e rnn"].out
    assert "Score: 0 / 45" in steps["tox -e lstm"].out
    assert "Score: 0 / 10" in steps["tox -e notebooks"].out
    assert re.search(r"\d+ failed, \d+ skipped", steps["tox -e pytest"].out)
    assert (work / "report/report.html").is_file()
    (config,) = machine.run("tox config -e jupyter -k commands deps")
    assert "commands = jupyter lab" in config.out
    assert "jupyterlab" in config.out
    (config,) = machine.run("tox config -e watch -k commands")
    assert "grader watch" in config.out

    fill(work, code_blocks()[0])
    (rnn,) = machine.run("tox -e rnn")
    assert "Score: 6 / 45" in rnn.out
    (submit,) = machine.run("tox -e submit")
    assert "rnn_step_forward" not in submit.out
    assert "rnn_step_backward" in submit.out
    done = graded(work / "captioning-submission.zip", "--only", "rnn_step_forward")
    assert done.report["score"] == 6
    assert done.report["notes"] == []

    made, broken = work / ".tox/all/bin/grader", work / ".tox/all/broken"
    broken.write_bytes(made.read_bytes())
    made.unlink()
    (again,) = machine.run(f"PIP_NO_DEPS=1 {AGAIN} --notest")
    assert again.code == 0, again.out
    assert made.is_file()
    assert not broken.exists()
