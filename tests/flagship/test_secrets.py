"""The student's process sees no expectation and no seed: its arguments, environment, descriptors and memory hold none."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from grader.assignment.expectations import Expectations
from grader.assignment.spec import load

ROOT = Path(__file__).resolve().parents[2]
RNN = "cs231n/classifiers/rnn.py"

SPY = '''

def spy(what, marker=None, start=0, size=0):
    """Tell what this process can see of itself."""
    import os
    spy.kept = marker
    if what == "descriptors":
        return "\\n".join(os.path.realpath(f"/proc/self/fd/{fd}") for fd in os.listdir("/proc/self/fd"))
    if what == "memory":
        with open("/proc/self/mem", "rb", 0) as memory:
            memory.seek(start)
            return np.frombuffer(memory.read(size), np.uint8)
    with open(f"/proc/self/{what}", "rb") as file:
        return file.read().decode("utf-8", "replace")
'''

CHECK = '''
from pathlib import Path
import numpy as np

SEEN = Path(__file__).resolve().parents[1] / "seen"
PIECE = 32 << 20


def test_spy(student):
    """What the student's process sees, after the checks before this one."""
    SEEN.mkdir()
    for what in ("cmdline", "environ", "descriptors", "maps"):
        (SEEN / what).write_text(student.spy(what, np.full(64, np.pi)))
    with (SEEN / "memory").open("wb") as memory:
        for line in (SEEN / "maps").read_text().splitlines():
            place, rights, *_, name = line.split(maxsplit=5) + [""]
            start, end = (int(address, 16) for address in place.split("-"))
            a_library = name.startswith("/") and "w" not in rights  # as it lies on disk
            if rights.startswith("r") and "[v" not in name and not a_library:
                for at in range(start, end, PIECE):
                    try:
                        memory.write(student.spy("memory", np.full(64, np.pi), at, min(PIECE, end - at)).tobytes())
                    except Exception:
                        pass  # a region that was given back meanwhile
'''


@pytest.fixture(scope="module")
def seen(changed: Callable, stubbed: Callable, graded: Callable, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What a spying submission saw while it was graded: the real assignment, with one check more that writes it down.

    Its functions are stubs, since right code computes the expected numbers itself.
    """
    folder = tmp_path_factory.mktemp("spied") / "assignment"
    shutil.copytree(ROOT / "assignment", folder, ignore=shutil.ignore_patterns("__pycache__"))
    (folder / "checks" / "test_spy.py").write_text(CHECK)
    spec = (folder / "assignment.toml").read_text(encoding="utf-8")
    spec = spec.replace('provides = ["CaptioningRNN"]', 'provides = ["CaptioningRNN", "spy"]')
    spec += '\n[[checks]]\nid = "spy"\nquestion = "q1"\npoints = 1\n'
    (folder / "assignment.toml").write_text(spec, encoding="utf-8")
    assignment = load(folder)
    for seed in ("public", "hidden"):  # the recorded numbers stay, so they fit the check that was added
        with h5py.File(assignment.expectations_path(seed), "r+") as file:
            provenance = json.loads(file.attrs["provenance"])
            file.attrs["provenance"] = json.dumps({**provenance, "assignment": assignment.digest})
    submission = stubbed(changed(), "cs231n/rnn_layers.py", RNN)
    with (submission / RNN).open("a", encoding="utf-8") as file:
        file.write(SPY)
    asked = [f"--only={check.id}" for check in assignment.spec.checks if not check.id.startswith("notebook")]
    done = graded(submission, "--assignment", str(folder), *asked)
    assert done.report["seed"] == "hidden"
    assert done.message("spy") == ""
    return folder / "seen"


def secrets() -> dict[str, bytes]:
    """Return pieces of everything that was recorded, and both seeds."""
    pieces: dict[str, bytes] = {}

    def add(name: str, value: Any) -> None:
        for key, item in value.items() if isinstance(value, dict) else ():
            add(f"{name} {key}", item)
        if isinstance(value, np.ndarray) and value.dtype.kind == "f" and value.size > 1:
            flat = value.ravel()
            at = next(i for i in range(flat.size - 1) if flat[i] and flat[i + 1])  # zeros stand everywhere
            pieces[name] = flat[at : at + 2].tobytes()

    for seed in ("public", "hidden"):
        stored = Expectations.read(ROOT / "assignment" / "expectations" / f"{seed}.h5")
        for case, record in stored.cases.items():
            for name, (value, _) in record.values.items():
                add(f"{seed} {case} {name}", value)
    number = stored.provenance.seed
    pieces["hidden seed, as text"] = number.encode()
    pieces["hidden seed, as bytes"] = int(number).to_bytes(16, "little")
    return pieces


@pytest.mark.parametrize("what", ["cmdline", "environ", "descriptors"])
def test_process_is_told_nothing(seen: Path, what: str) -> None:
    text = (seen / what).read_text()
    assert text
    secret = secrets()["hidden seed, as text"].decode()
    assert [word for word in ("expectations", ".h5", secret) if word in text] == []


def test_memory_holds_no_expectation(seen: Path) -> None:
    memory = (seen / "memory").read_bytes()
    assert np.full(64, np.pi).tobytes() in memory  # an input is there, so the search would find an expectation
    pieces = secrets()
    assert len(pieces) > 100
    assert [name for name, piece in pieces.items() if piece in memory] == []


def test_process_has_no_file_of_ours_open_or_mapped(seen: Path) -> None:
    assert "hdf5" not in (seen / "maps").read_text().lower()
