"""A release: wheel and sdist hold what they should, and the wheel does its work in an empty folder.

The environment in which it is tried holds the wheel and what it says that it needs, taken from this
one, and nothing
else: a dependency that isn't declared is missing there.
"""

from __future__ import annotations

import email.message
import email.parser
import importlib.metadata
import os
import re
import shutil
import subprocess
import sys
import tarfile
import tomllib
import venv
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from documentation import DOCS, ROOT, blocks
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

import grader

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
LITTER = {
    "__pycache__",
    ".pytest_cache",
    ".hypothesis",
    ".tox",
    ".venv",
    ".git",
    ".ipynb_checkpoints",
}


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the sdist, and the wheel that was made of it."""
    out = tmp_path_factory.mktemp("dist")
    command = [sys.executable, "-m", "build", "--no-isolation", "--outdir", out, ROOT]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=300)
    assert done.returncode == 0, done.stdout + done.stderr
    return out


@pytest.fixture(scope="module")
def wheel(built: Path) -> Path:
    (path,) = built.glob("*.whl")
    return path


def metadata(wheel: Path) -> email.message.Message:
    with zipfile.ZipFile(wheel) as archive:
        (name,) = [name for name in archive.namelist() if name.endswith(".dist-info/METADATA")]
        return email.parser.Parser().parsestr(archive.read(name).decode())


# --- what is in it --------------------------------------------------------------------------------


def test_the_wheel_holds_the_package_and_nothing_else(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
        entries = archive.read(f"grader-{grader.__version__}.dist-info/entry_points.txt").decode()
    package = {
        name for name in names if not name.startswith(f"grader-{grader.__version__}.dist-info/")
    }
    there = {
        path.relative_to(ROOT).as_posix()
        for path in (ROOT / "grader").rglob("*")
        if path.is_file() and not LITTER.intersection(path.parts)
    }
    assert package == there
    assert {
        "grader/py.typed",
        "grader/checking/session/checks.ini",
        "grader/authoring/templates/README.md.j2",
    } <= package
    assert f"grader-{grader.__version__}.dist-info/licenses/LICENSE" in names
    assert "grader = grader.__main__:main" in entries


def test_the_wheel_says_what_it_is_and_needs(wheel: Path) -> None:
    told = metadata(wheel)
    assert (told["Name"], told["Version"]) == ("grader", grader.__version__)
    assert told["License-Expression"] == "Apache-2.0"
    needs = {
        str(Requirement(need))
        for need in told.get_all("Requires-Dist") or []
        if "extra ==" not in need
    }
    assert needs == {str(Requirement(need)) for need in PROJECT["dependencies"]}


def test_the_sdist_holds_all_that_tests_and_courses_need(built: Path) -> None:
    (path,) = built.glob("*.tar.gz")
    with tarfile.open(path) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
    needed = {
        "assignment/assignment.toml", "assignment/expectations/hidden.h5", "solutions/cs231n/rnn_layers.py",
        "student_template/tox.ini", "examples/numpy-basics/numpy_basics.ipynb",
        "examples/two-layer-net/data/spiral.csv", "tests/lowest.txt", "tests/submissions/assignment/assignment.toml",
        "docs/conf.py", "docs/pictures/report-mixed.png", "benchmarks/run.py", "tox.ini", "pyproject.toml",
        "README.md", "CHANGELOG.md", "CITATION.cff", "CONTRIBUTING.md", "LICENSE",
    }  # fmt: skip
    assert needed - names == set()
    assert {name for name in names if LITTER.intersection(name.split("/"))} == set()


# --- what is said of it ---------------------------------------------------------------------------


def test_the_version_stands_in_one_place() -> None:
    assert PROJECT["dynamic"] == ["version"]
    for name in ("pyproject.toml", "CITATION.cff", "README.md", "docs/conf.py"):
        text = (ROOT / name).read_text(encoding="utf-8")
        assert not re.search(rf"(?<![\d.]){re.escape(grader.__version__)}(?![\d.])", text), name


def test_the_changelog_begins_with_this_version_or_what_follows_it() -> None:
    headings = re.findall(
        r"^## (\S+)", (ROOT / "CHANGELOG.md").read_text(encoding="utf-8"), re.MULTILINE
    )
    assert headings[0] in ("Unreleased", grader.__version__)


def test_the_citation_names_no_made_up_people_and_the_licence_of_the_project() -> None:
    import yaml

    told = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    assert (told["cff-version"], told["type"], told["title"]) == (
        "1.2.0",
        "software",
        PROJECT["name"],
    )
    assert told["message"]
    assert told["authors"] == [{"name": "The grader developers"}]  # an entity: no names of people
    assert told["license"] == PROJECT["license"]
    assert told["abstract"] == PROJECT["description"]


# What the tests in a browser need, which are skipped with the lowest versions.
PAGES = ("playwright", "axe-playwright-python", "jupyterlab")


def test_the_lowest_versions_are_those_that_the_project_allows() -> None:
    text = (ROOT / "tests" / "lowest.txt").read_text(encoding="utf-8")
    first = [line for line in text.partition("\n\n")[0].splitlines() if not line.startswith("#")]
    pinned = {
        canonicalize_name(name): version
        for name, _, version in (line.partition("==") for line in first)
    }
    allowed = {}
    extras = PROJECT["optional-dependencies"]
    for text in (*PROJECT["dependencies"], *extras["author"], *extras["class"], *extras["test"]):
        need = Requirement(text)
        (bound,) = need.specifier
        if bound.operator == ">=" and need.name not in PAGES:
            allowed[canonicalize_name(need.name)] = bound.version
    assert pinned == allowed


# --- what it does ---------------------------------------------------------------------------------


def needed_by(requirements: list[str]) -> Iterator[importlib.metadata.Distribution]:
    """Yield the distributions that requirements ask for, and those that these ask for in turn."""
    waiting = [(Requirement(text), "") for text in requirements]
    seen: set[tuple[str, str]] = set()
    given: set[str] = set()
    while waiting:
        need, extra = waiting.pop()
        if need.marker is not None and not need.marker.evaluate({"extra": extra}):
            continue
        name = canonicalize_name(need.name)
        distribution = importlib.metadata.distribution(need.name)
        for wanted in {"", *need.extras}:
            if (name, wanted) not in seen:
                seen.add((name, wanted))
                waiting += [(Requirement(text), wanted) for text in distribution.requires or []]
        if name not in given:
            given.add(name)
            yield distribution


def lay(distribution: importlib.metadata.Distribution, site: Path) -> None:
    """Put a distribution's files into another environment: linked, or copied where that is on
    another disk.
    """
    for file in distribution.files or []:
        source = Path(str(file.locate()))
        target = site / str(file)
        if ".." in file.parts or not source.is_file() or target.exists():  # in bin/, or named twice
            continue
        target.parent.mkdir(parents=True, exist_ok=True)
        try:
            os.link(source, target)
        except OSError:
            shutil.copy2(source, target)


@pytest.fixture(scope="module")
def environment(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """The variables of a shell in which a fresh environment is active that holds the wheel and what
    it needs.
    """
    folder = tmp_path_factory.mktemp("fresh") / ".venv"
    venv.create(folder, symlinks=os.name != "nt")
    binaries = folder / ("Scripts" if os.name == "nt" else "bin")
    python = binaries / Path(sys.executable).name
    if not python.exists():
        python = next(binaries.glob("python*"))
    ask = "import sysconfig; print(sysconfig.get_path('purelib'))"
    site = Path(
        subprocess.run(
            [python, "-c", ask], capture_output=True, text=True, check=True
        ).stdout.strip()
    )
    needs = metadata(wheel).get_all("Requires-Dist") or []
    extras = PROJECT["optional-dependencies"]
    for distribution in needed_by([*needs, *extras["author"], *extras["class"]]):
        lay(distribution, site)
    install = ["install", "-q", "--no-deps", "--no-index", wheel]
    subprocess.run([sys.executable, "-m", "pip", "--python", python, *install], check=True)
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("PYTHON", "PYTEST", "VIRTUAL_ENV"))
    }
    return {
        **kept, "PATH": f"{binaries}{os.pathsep}{os.environ['PATH']}", "COLUMNS": "200", "OPENBLAS_NUM_THREADS": "1",
    }  # fmt: skip


def run(
    environment: dict[str, str], folder: Path, *command: str
) -> subprocess.CompletedProcess[str]:
    program = shutil.which(command[0], path=environment["PATH"])
    assert program is not None
    return subprocess.run(
        [program, *command[1:]], cwd=folder, env=environment, capture_output=True, text=True, encoding="utf-8",
        timeout=120, check=False,
    )  # fmt: skip


def test_the_wheel_works_from_an_empty_folder(environment: dict[str, str], tmp_path: Path) -> None:
    where = run(
        environment, tmp_path, "python", "-c", "import grader; print(grader.__file__)"
    ).stdout
    assert Path(where.strip()).is_relative_to(
        Path(environment["PATH"].partition(os.pathsep)[0]).parent
    )
    assert (
        run(environment, tmp_path, "grader", "--version").stdout.strip()
        == f"grader {grader.__version__}"
    )
    assert "grade one submission" in run(environment, tmp_path, "grader", "--help").stdout
    doctor = run(environment, tmp_path, "grader", "doctor")
    assert doctor.returncode in (0, 2), doctor.stderr  # 2: no sandbox works on this machine
    assert "missing" not in doctor.stdout
    assert "isolation tiers, strongest first" in doctor.stdout
    nothing = run(environment, tmp_path, "grader", "check", "nothing")
    assert (nothing.returncode, list(tmp_path.iterdir())) == (2, []), nothing.stderr


# --- the tutorial ---------------------------------------------------------------------------------


def lines_as_shown(shown: str, printed: str) -> Iterator[str]:
    """Yield the lines of a shown output that do not stand in what was printed, in their order;
    `...` is anything.
    """
    at = 0
    for line in shown.splitlines():
        if line.strip() in ("", "..."):
            continue
        pattern = r"[^\n]*".join(
            r"\s+".join(map(re.escape, part.split())) for part in line.split("...")
        )
        match = re.compile(pattern.replace(r"[^\n]*", r"\s*[^\n]*")).search(printed, at)
        if match is None:
            yield line
        else:
            at = match.end()


def test_lines_that_are_not_printed_in_their_order_are_found() -> None:
    printed = "passed  ranks   5 / 5   12 ms\nScore: 15 / 15\n"
    assert list(lines_as_shown("passed     ranks 5 / 5 ...\n...\nScore: 15 / 15", printed)) == []
    assert list(lines_as_shown("Score: 15 / 15\npassed ranks ...", printed)) == ["passed ranks ..."]
    assert list(lines_as_shown("Score: 14 / 15", printed)) == ["Score: 14 / 15"]


@pytest.mark.skipif(sys.platform == "win32", reason="the tutorial speaks to a POSIX shell")
def test_the_tutorial_gives_what_it_shows(environment: dict[str, str], tmp_path: Path) -> None:
    """By copy and paste, a block at a time; what the first block installs is in the environment."""
    work, printed, compared = tmp_path, "", 0
    first, *steps = blocks(DOCS / "tutorial.md", "console", "sh", "text")
    assert first.text.splitlines() == [
        "python3 -m venv .venv",
        ". .venv/bin/activate",
        'pip install ".[author,class]"',
    ]
    for language, text, _ in steps:
        if language == "text":
            assert list(lines_as_shown(text, printed)) == [], printed
            compared += 1
            continue
        script = f"cd '{work}'\n{text}\ncode=$?\npwd > '{tmp_path}/where'\nexit $code\n"
        done = run(environment, tmp_path, "/bin/sh", "-c", script)
        printed = done.stdout
        failing = "ben" in text or "batch" in text  # ben's solution is wrong
        assert (done.returncode, done.stderr) == (int(failing), ""), (
            f"{text}\n{done.stdout}\n{done.stderr}"
        )
        work = Path((tmp_path / "where").read_text().strip())
    assert compared >= 6
