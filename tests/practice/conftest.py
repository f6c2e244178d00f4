"""A handout of the toy, with the reference as the student's work, and a notebook's kernel in it."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from toy import REFERENCE, Toy


class Shown(NamedTuple):
    """What a cell showed."""

    text: str
    html: str
    raised: str


@pytest.fixture
def handout(toy: Toy, tmp_path: Path) -> Path:
    """The folder of a student who has solved all tasks of the toy."""
    folder = tmp_path / "toy"
    shutil.copytree(toy.assignment.folder, folder / "assignment")
    shutil.rmtree(folder / "assignment" / "reference")
    (folder / "assignment" / "expectations" / "hidden.h5").unlink()
    spec = folder / "assignment" / "assignment.toml"
    text = spec.read_text(encoding="utf-8").replace(
        'reference = "reference"', f'handout_of = "{toy.assignment.digest}"'
    )
    spec.write_text(text, encoding="utf-8")
    shutil.copytree(toy.assignment.folder / "pack", folder / "pack")
    (folder / "pack" / "toy.py").write_text(REFERENCE, encoding="utf-8")
    shutil.copy(toy.assignment.folder / "notebooks" / "Toy.ipynb", folder)
    return folder


@pytest.fixture
def kernel(handout: Path) -> Iterator[Callable[[str], Shown]]:
    """A function that runs a cell in a real kernel in the handout."""
    from jupyter_client.manager import start_new_kernel

    manager, client = start_new_kernel(cwd=str(handout))

    def run(code: str) -> Shown:
        texts: list[str] = []
        pages: list[str] = []
        errors: list[str] = []

        def take(message: dict[str, Any]) -> None:
            content = message["content"]
            if message["msg_type"] == "stream":
                texts.append(content["text"])
            elif message["msg_type"] in ("display_data", "execute_result"):
                texts.append(content["data"]["text/plain"])
                pages.append(content["data"].get("text/html", ""))
            elif message["msg_type"] == "error":
                errors.append(content["ename"])

        client.execute_interactive(code, output_hook=take, timeout=120)
        return Shown("\n".join(texts), "\n".join(pages), "\n".join(errors))

    try:
        yield run
    finally:
        client.stop_channels()
        manager.shutdown_kernel(now=True)
