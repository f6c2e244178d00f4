"""The documentation: links lead somewhere, commands exist, generated pages are fresh, the tutorial runs as shown."""

from __future__ import annotations

import argparse
import importlib.util
import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from grader.cli import parser

ROOT = Path(__file__).resolve().parents[1]
PAGES = sorted([ROOT / "README.md", *(ROOT / "docs").glob("*.md")])
pages = pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)

_FENCE = re.compile(r"^( *)```(\w*)\n(.*?)^\1```$", re.MULTILINE | re.DOTALL)
_LINK = re.compile(r"(?<!!)\[[^\]]*\]\(([^)\s]+)\)|!\[[^\]]*\]\(([^)\s]+)\)")
_INLINE = re.compile(r"`(grader [^`]*)`")


def prose(page: Path) -> str:
    """Return a page without its blocks of code."""
    return _FENCE.sub("", page.read_text(encoding="utf-8"))


def blocks(page: Path, *languages: str) -> Iterator[tuple[str, str]]:
    """Yield language and text of a page's blocks of code."""
    for _, language, text in _FENCE.findall(page.read_text(encoding="utf-8")):
        if language in languages:
            yield language, text


# --- links ----------------------------------------------------------------------------------------------------------


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
        assert not anchor or anchor in anchors(target), f"{page.name} links to {link}: no such heading"


# --- commands -------------------------------------------------------------------------------------------------------


def commands() -> dict[str, argparse.ArgumentParser]:
    (found,) = [action for action in parser()._actions if isinstance(action, argparse._SubParsersAction)]
    return dict(found.choices)


def named(page: Path) -> Iterator[list[str]]:
    """Yield the words of every `grader ...` that a page speaks of, its own program's name left out."""
    lines = [line for _, text in blocks(page, "sh", "console") for line in text.splitlines()]
    told = [line.split("grader ", 1)[1] for line in lines if re.match(r"(?:\S*/)?grader ", line.rpartition("&& ")[2])]
    told += [command.removeprefix("grader ") for command in _INLINE.findall(prose(page))]
    for command in told:
        yield shlex.split(command.replace("…", "").split(" #")[0])


@pages
def test_commands_exist_with_their_options(page: Path) -> None:
    known = commands()
    for words in named(page):
        name, *rest = words
        assert name in known or name.startswith("-"), f"{page.name} speaks of `grader {name}`, which is no command"
        actions = (known[name] if name in known else parser())._actions
        options = {option for action in actions for option in action.option_strings}
        for word in rest if name in known else words:
            if word.startswith("-"):
                assert word in options, f"{page.name} speaks of `grader {name} {word}`: no such option"


def test_commands_are_found_in_the_pages() -> None:
    found = [words[0] for page in PAGES for words in named(page)]
    assert {"new", "record", "check", "handout", "batch"} <= set(found)


def test_every_command_is_documented() -> None:
    found = {words[0] for page in PAGES for words in named(page)}
    assert set(commands()) - found == set()


# --- generated ------------------------------------------------------------------------------------------------------


def test_the_reference_of_the_spec_is_fresh() -> None:
    spec = importlib.util.spec_from_file_location("make_spec", ROOT / "docs" / "make_spec.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    assert module.page() == (ROOT / "docs" / "spec.md").read_text(encoding="utf-8"), "run python docs/make_spec.py"


# --- the tutorial ---------------------------------------------------------------------------------------------------


def lines_as_shown(shown: str, printed: str) -> Iterator[str]:
    """Yield the lines of a shown output that do not stand in what was printed, in their order; `...` is anything."""
    at = 0
    for line in shown.splitlines():
        if line.strip() in ("", "..."):
            continue
        pattern = r"[^\n]*".join(r"\s+".join(map(re.escape, part.split())) for part in line.split("..."))
        match = re.compile(pattern.replace(r"[^\n]*", r"\s*[^\n]*")).search(printed, at)
        if match is None:
            yield line
        else:
            at = match.end()


@pytest.mark.skipif(sys.platform == "win32", reason="the tutorial speaks to a POSIX shell")
def test_the_tutorial_gives_what_it_shows(tmp_path: Path) -> None:
    bin_ = tmp_path / "bin"
    bin_.mkdir()
    (bin_ / "grader").write_text(f'#!/bin/sh\nexec "{sys.executable}" -m grader "$@"\n', encoding="utf-8")
    (bin_ / "grader").chmod(0o755)
    environment = {
        **os.environ, "PATH": f"{bin_}{os.pathsep}{os.environ['PATH']}", "PYTHONPATH": str(ROOT), "COLUMNS": "200",
        "OPENBLAS_NUM_THREADS": "1", "PYTHONDONTWRITEBYTECODE": "1",
    }  # fmt: skip
    work, printed = tmp_path, ""
    steps = 0
    for language, text in blocks(ROOT / "docs" / "authors.md", "sh", "text"):
        if language == "text":
            assert list(lines_as_shown(text, printed)) == [], printed
            continue
        script = f"cd '{work}'\n{text}\ncode=$?\npwd > '{tmp_path}/where'\nexit $code\n"
        done = subprocess.run(
            ["/bin/sh", "-c", script], env=environment, capture_output=True, text=True, timeout=300, check=False
        )
        printed = done.stdout
        assert done.returncode in (0, 1), f"{text}\n{done.stdout}\n{done.stderr}"
        assert not done.stderr, done.stderr
        work = Path((tmp_path / "where").read_text().strip())
        steps += 1
    assert steps >= 6
