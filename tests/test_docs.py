"""The documentation: links lead somewhere, commands exist, generated pages are fresh, code and
how-tos run as shown.

The tutorial is followed in test_release.py, in an environment of its own.
"""

from __future__ import annotations

import argparse
import csv
import importlib
import inspect
import os
import re
import shlex
import shutil
import subprocess
import sys
import tomllib
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType

import pytest
from documentation import DOCS, PAGES, ROOT, blocks, prose

from grader import cli
from grader.assignment.spec import load
from grader.authoring import new, record
from grader.checking.api.expect import Expect
from grader.classroom.marks import overrides
from grader.classroom.run import executors, worker
from grader.model import CheckResult, Report, Status, Tier, Visibility
from grader.report import json_report as report_json
from grader.report.audience import Audience

pages = pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())

_LINK = re.compile(r"(?<!!)\[[^\]]*\]\(([^)\s]+)\)|!\[[^\]]*\]\(([^)\s]+)\)")
_INLINE = re.compile(r"`(grader [^`]*)`")


# --- links ----------------------------------------------------------------------------------------


def anchors(page: Path) -> set[str]:
    """Return the anchors of a page's headings, as GitHub makes them."""
    headings = re.findall(r"^#+ (.+)$", prose(page), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pages
def test_links_resolve(page: Path) -> None:
    for found in _LINK.findall(re.sub(r"(?<!\[)`[^`]*`(?!\])", "", prose(page))):
        link = found[0] or found[1]
        if link.startswith(("http://", "https://")):
            continue
        path, _, anchor = link.partition("#")
        target = (page.parent / path).resolve() if path else page
        assert target.exists(), f"{page.name} links to {link}, which is not there"
        assert not anchor or anchor in anchors(target), (
            f"{page.name} links to {link}: no such heading"
        )


def test_every_file_that_contributing_names_exists() -> None:
    text = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    named = re.findall(r"`(\w[\w.-]*/[\w./-]*)`", text)
    assert len(named) > 10
    assert [name for name in named if not (ROOT / name).exists()] == []


def test_every_page_is_in_the_site() -> None:
    listed = [
        line for block in blocks(DOCS / "index.md", "{toctree}") for line in block.text.splitlines()
    ]
    there = {page.relative_to(DOCS).with_suffix("").as_posix() for page in DOCS.rglob("*.md")}
    assert {line for line in listed if line and not line.startswith(":")} == there - {"index"}


def test_a_site_with_a_dead_link_or_a_foreign_script_is_refused(tmp_path: Path) -> None:
    (tmp_path / "index.html").write_text(
        '<link rel="stylesheet" href="https://fonts.example/x.css"><script src="//cdn.example/x.js"></script>'
        '<a id="here" href="gone.html">1</a><a href="#there">2</a><a href="#here">3</a><a href="https://x.example">4</a>'
    )
    (tmp_path / "a.css").write_text(
        "@import 'https://x.example/a.css'; b { background: url(data:image/png;base64,) }"
    )
    told = list(program("check_site").problems(tmp_path))
    assert len(told) == 5, told
    assert [
        name
        for name in ("fonts.example", "cdn.example", "gone.html", "#there", "a.css")
        if name in "".join(told)
    ]


# --- commands -------------------------------------------------------------------------------------


def commands() -> dict[str, argparse.ArgumentParser]:
    (found,) = [
        action for action in cli.parser()._actions if isinstance(action, argparse._SubParsersAction)
    ]
    return dict(found.choices)


def shown(page: Path) -> Iterator[list[str]]:
    """Yield the words of every `grader ...` in a page's shell blocks, the program's own name left
    out.
    """
    for block in blocks(page, "sh", "console", "bash"):
        for line in block.text.replace("\\\n", " ").splitlines():
            if re.match(r"(?:\S*/)?grader ", line.rpartition("&& ")[2]):
                yield shlex.split(line.split("grader ", 1)[1].split(" #")[0].split(" || ")[0])


def spoken_of(page: Path) -> Iterator[list[str]]:
    """Yield the words of every `grader ...` within a page's sentences."""
    for command in _INLINE.findall(prose(page)):
        yield shlex.split(command.removeprefix("grader ").replace("…", ""))


@pages
def test_commands_that_are_shown_are_taken(page: Path) -> None:
    for words in shown(page):
        given = [re.sub(r"^\$\w+", "1", word) for word in words]  # a variable of the shell's
        try:
            cli.parser().parse_args(given)
        except SystemExit as error:  # of --help and --version 0
            if error.code:
                pytest.fail(f"{page.name} shows `grader {shlex.join(words)}`")


@pages
def test_commands_that_are_spoken_of_exist_with_their_options(page: Path) -> None:
    known = commands()
    for words in spoken_of(page):
        name, *rest = words
        if name == "COMMAND":
            continue
        assert name in known or name.startswith("-"), (
            f"{page.name} speaks of `grader {name}`, which is not a command"
        )
        actions = (known[name] if name in known else cli.parser())._actions
        options = {option for action in actions for option in action.option_strings}
        for word in rest if name in known else words:
            if word.startswith("-"):
                assert word in options, (
                    f"{page.name} speaks of `grader {name} {word}`: no such option"
                )


def test_commands_are_found_in_the_pages() -> None:
    found = {words[0] for page in PAGES for words in shown(page)}
    assert {"new", "record", "check", "handout", "batch", "export", "merge", "doctor"} <= found


def test_every_command_is_in_a_guide() -> None:
    guides = [page for page in PAGES if page.name != "command-line.md"]
    found = {words[0] for page in guides for words in (*shown(page), *spoken_of(page))}
    assert set(commands()) - found == set()


def test_everything_that_expect_offers_is_in_the_guide() -> None:
    guide = (DOCS / "authors.md").read_text(encoding="utf-8")
    offered = {
        name
        for name, _ in inspect.getmembers(Expect, inspect.isfunction)
        if not name.startswith("_")
    }
    assert {name for name in offered - {"expected"} if f"expect.{name}" not in guide} == set()


# --- generated ------------------------------------------------------------------------------------


def program(name: str) -> ModuleType:
    """Import a program of docs/."""
    sys.path.insert(0, str(DOCS))
    try:
        return importlib.import_module(name)
    finally:
        sys.path.remove(str(DOCS))


def test_the_reference_of_the_spec_is_fresh() -> None:
    assert program("make_spec").page() == (DOCS / "spec.md").read_text(encoding="utf-8"), (
        "run python docs/make_spec.py"
    )


@pytest.mark.parametrize("name", ["command-line.md", "report-json.md"])
def test_the_generated_references_are_fresh(name: str) -> None:
    made = program("make_reference").PAGES[name]()
    assert made == (DOCS / name).read_text(encoding="utf-8"), "run python docs/make_reference.py"


def test_the_api_page_is_fresh() -> None:
    assert program("make_api").page() == (DOCS / "api.md").read_text(encoding="utf-8"), (
        "run python docs/make_api.py"
    )


# --- code -----------------------------------------------------------------------------------------


@pytest.fixture
def graded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A folder in which something was graded; code in the pages runs there."""
    check = CheckResult(
        "first", "q1", "First.", 1.0, 2.0, Status.FAIL, Visibility.VISIBLE, "off", "", 0.1
    )
    report = Report(
        1,
        "week-1",
        "Week 1",
        "ada",
        1.0,
        2.0,
        Tier.LANDLOCK,
        0.1,
        "2026-05-01T00:00:00+00:00",
        (),
        (check,),
    )
    (tmp_path / "report").mkdir()
    (tmp_path / "report" / "report.json").write_bytes(
        report_json.render(report, audience=Audience.INSTRUCTOR)
    )
    monkeypatch.chdir(tmp_path)


@pytest.mark.usefixtures("graded")
@pages
def test_python_in_the_pages_runs(page: Path) -> None:
    names: dict[str, object] = {"__name__": "__main__"}
    for block in blocks(page, "python"):
        if not block.reason:
            exec(compile(block.text, page.name, "exec"), names)


@pages
def test_toml_in_the_pages_is_toml_and_overrides_are_taken(page: Path, tmp_path: Path) -> None:
    for block in blocks(page, "toml"):
        tree = tomllib.loads(block.text)
        if "adjust" in tree:
            (tmp_path / "overrides.toml").write_text(block.text, encoding="utf-8")
            assert overrides.read(tmp_path / "overrides.toml").adjust


def test_no_block_is_of_a_language_that_nothing_looks_at() -> None:
    known = ("sh", "console", "bash", "text", "python", "toml", "{toctree}", "")
    for page in PAGES:
        found = re.findall(r"^ *```(\S+)$", page.read_text(encoding="utf-8"), re.MULTILINE)
        assert set(found) <= set(known), page


# --- the how-tos ----------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def week(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The assignment that `grader new week-1` makes, recorded."""
    folder = tmp_path_factory.mktemp("week") / "week-1"
    new.create(folder, new.scaffold(folder.name))
    record.record(load(folder / "assignment"), reseed=False, progress=lambda line: None)
    return folder


@pytest.fixture
def follow(
    week: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Callable[[str], None]]:
    """A function that runs the commands of a how-to, in this process, beside the assignment."""
    shutil.copytree(week, tmp_path, dirs_exist_ok=True)
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(ROOT / "tests" / "classroom")
    monkeypatch.setattr(executors, "Lanes", importlib.import_module("here").Here)

    def run(name: str) -> None:
        for words in (words for block in shown_in(DOCS / "how-to" / name) for words in block):
            trusted = ["--isolation", "none"] if words[0] == "batch" else []
            assert cli.run([*words, "--quiet", *trusted]) == 0, words

    yield run
    worker.close()


def shown_in(page: Path) -> Iterator[list[list[str]]]:
    """Yield the commands of each block that is there to be copied."""
    for block in blocks(page, "sh"):
        yield [shlex.split(line.removeprefix("grader ")) for line in block.text.splitlines()]


def zipped(path: Path, files: dict[str, bytes]) -> None:
    with zipfile.ZipFile(path, "w") as archive:
        for name, data in files.items():
            archive.writestr(name, data)


def table(path: str) -> list[dict[str, str]]:
    with Path(path).open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def test_canvas_is_followed(follow: Callable[[str], None]) -> None:
    zipped(
        Path("submissions.zip"),
        {"doejane_LATE_1001_51_first.py": Path("solutions/first.py").read_bytes()},
    )
    Path("from-canvas.csv").write_text(
        "Student,ID,SIS User ID,SIS Login ID,Section,Week 1 (77)\n    Points Possible,,,,,10\n"
        '"Doe, Jane",1001,s1,jane,1,\n"Roe, Bo",1002,s2,bo,1,\n'
    )
    follow("canvas.md")
    assert [(row["ID"], row["Week 1 (77)"]) for row in table("to-canvas.csv")] == [
        ("", "12"), ("1001", "10"), ("1002", ""),
    ]  # fmt: skip


def test_moodle_is_followed(follow: Callable[[str], None]) -> None:
    zipped(
        Path("submissions.zip"),
        {"Jane Doe_501_assignsubmission_file/first.py": Path("solutions/first.py").read_bytes()},
    )
    Path("worksheet.csv").write_text(
        "Identifier,Full name,Email address,Status,Grade,Maximum grade,Feedback comments\n"
        "Participant 501,Jane Doe,j@x,Submitted,,12,\nParticipant 502,Bo Roe,b@x,-,,12,\n"
    )
    follow("moodle.md")
    assert [(row["Identifier"], row["Grade"]) for row in table("to-moodle.csv")] == [
        ("Participant 501", "10"), ("Participant 502", ""),
    ]  # fmt: skip
    assert "<assignment>week1</assignment>" in Path("to-moodle.xml").read_text(encoding="utf-8")


def test_gradescope_is_followed(follow: Callable[[str], None]) -> None:
    metadata = b"submission_1:\n  :submitters:\n  - :name: Jane\n    :sid: s1\n  :created_at: 2026-04-20 08:00:00 Z\n"
    work = Path("solutions/first.py").read_bytes()
    zipped(
        Path("submissions.zip"),
        {"x/submission_metadata.yml": metadata, "x/submission_1/first.py": work},
    )
    follow("gradescope.md")
    with zipfile.ZipFile("autograder.zip") as archive:
        names = archive.namelist()
    assert {"setup.sh", "run_autograder", "assignment/expectations/hidden.h5"} <= set(names)
    assert not any("solutions" in name for name in names)
    assert [(row["id"], row["score"]) for row in table("class/gradebook.csv")] == [("s1", "10")]


def test_classroom_50_is_followed(follow: Callable[[str], None]) -> None:
    place = Path("submissions/dl-week-1-jdoe/first.py")
    place.parent.mkdir(parents=True)
    place.write_bytes(Path("solutions/first.py").read_bytes())
    Path("students.csv").write_text(
        "username,first_name,last_name,email,section,github_id\njdoe,Jane,Doe,jd@x,,1\n"
    )
    follow("classroom-50.md")
    with zipfile.ZipFile("dist/week-1-handout.zip") as archive:
        assert any(name.startswith("week-1/wheels/") for name in archive.namelist())
    assert "classroom50-results" in Path("autograder.py").read_text(encoding="utf-8")
    assert [(row["id"], row["score"]) for row in table("class/gradebook.csv")] == [("jdoe", "10")]


@pytest.mark.skipif(sys.platform == "win32", reason="Slurm's scripts are for a POSIX shell")
def test_slurm_is_followed(follow: Callable[[str], None], tmp_path: Path) -> None:
    for student in ("ada", "ben"):
        shutil.copytree("solutions", f"submissions/{student}")
    (script,) = blocks(DOCS / "how-to" / "slurm.md", "bash")
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "grader").write_text(f'#!/bin/sh\nexec "{sys.executable}" -m grader "$@"\n')
    (tmp_path / "bin" / "grader").chmod(0o755)
    environment = {
        **os.environ, "PATH": f"{tmp_path / 'bin'}{os.pathsep}{os.environ['PATH']}", "PYTHONPATH": str(ROOT),
        "OPENBLAS_NUM_THREADS": "1", "SLURM_CPUS_PER_TASK": "1",
    }  # fmt: skip
    for task in (1, 2):
        subprocess.run(
            ["/bin/bash", "-c", script.text], env={**environment, "SLURM_ARRAY_TASK_ID": str(task)}, check=True,
            capture_output=True, timeout=120,
        )  # fmt: skip
    follow("slurm.md")
    assert [(row["id"], row["score"]) for row in table("class/gradebook.csv")] == [
        ("ada", "10"),
        ("ben", "10"),
    ]
