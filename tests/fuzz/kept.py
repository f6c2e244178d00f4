"""The kept corpus of the fuzzers: `corpus.zip`, with a folder for each target."""

from __future__ import annotations

import zipfile
from collections.abc import Mapping
from pathlib import Path

from grader.files import write_atomically
from grader.zips import zipped

ARCHIVE = Path(__file__).with_name("corpus.zip")


def corpus() -> dict[str, dict[str, bytes]]:
    """Return the inputs of each target by their names."""
    found: dict[str, dict[str, bytes]] = {}
    with zipfile.ZipFile(ARCHIVE) as archive:
        for path in archive.namelist():
            target, _, name = path.partition("/")
            found.setdefault(target, {})[name] = archive.read(path)
    return found


def keep(target: str, inputs: Mapping[str, bytes]) -> None:
    """Add inputs of a target to the corpus; those of the same name are replaced."""
    whole = corpus()
    whole.setdefault(target, {}).update(inputs)
    files: dict[str, bytes] = {}
    for name, own in whole.items():
        for input_name, data in own.items():
            files[f"{name}/{input_name}"] = data
    write_atomically(ARCHIVE, zipped(files))
