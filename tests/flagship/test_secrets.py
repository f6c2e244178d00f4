"""The student's process sees no expectation and no seed: arguments, environment, descriptors and
memory hold none.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import plain_forks
import pytest

from grader.assignment.expectations import Expectations
from grader.assignment.spec import load
from grader.grading.grade import Options, grade

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
def seen(changed: Callable, stubbed: Callable, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What a spying submission saw while it was graded: the real assignment, with one check more
    that writes it down.

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
    # the recorded numbers stay, so they fit the check that was added
    for seed in ("public", "hidden"):
        with h5py.File(assignment.expectations_path(seed), "r+") as file:
            provenance = json.loads(file.attrs["provenance"])
            file.attrs["provenance"] = json.dumps({**provenance, "assignment": assignment.digest})
    submission = stubbed(changed(), "cs231n/rnn_layers.py", RNN)
    with (submission / RNN).open("a", encoding="utf-8") as file:
        file.write(SPY)
    asked = [check.id for check in assignment.spec.checks if not check.notebook]
    # no wall stands between the process and its memory
    options = Options(isolation="none", only=frozenset(asked))
    # and it is a process of the product's own, not a fork of the tests'
    with plain_forks.as_the_product_does():
        report = grade(assignment, submission, options).report
    assert report.seed == "hidden"
    assert next(check.message for check in report.checks if check.id == "spy") == ""
    return folder / "seen"


def secret_numbers(seed: str) -> np.ndarray:
    """Return every float that was recorded, but for what is no secret.

    That is an output that holds nothing else than its inputs, and the tanh of one where all gates
    are open or shut.
    """

    def floats(value: Any) -> Iterator[np.ndarray]:
        for item in value.values() if isinstance(value, dict) else ():
            yield from floats(item)
        if isinstance(value, np.ndarray | np.generic) and value.dtype == np.float64:
            yield np.ravel(value)

    stored = Expectations.read(ROOT / "assignment" / "expectations" / f"{seed}.h5")
    found = [
        number
        for (check, case), record in stored.cases.items()
        if check != "word_embedding_forward" and "large inputs" not in case
        for value, _ in record.values.values()
        for number in floats(value)
    ]
    numbers = np.concatenate(found)
    return numbers[numbers.view(np.uint64) & 0xFFFF != 0]  # zeros and halves stand everywhere


def hidden_seed() -> str:
    """Return the seed that no student may know, as decimal digits."""
    return Expectations.read(ROOT / "assignment" / "expectations" / "hidden.h5").provenance.seed


@pytest.mark.parametrize("what", ["cmdline", "environ", "descriptors"])
def test_process_is_told_nothing(seen: Path, what: str) -> None:
    text = (seen / what).read_text()
    assert text
    assert [word for word in ("expectations", ".h5", hidden_seed()) if word in text] == []


def test_memory_holds_no_expectation(seen: Path) -> None:
    memory = np.fromfile(seen / "memory", dtype=np.float64).view(np.uint64)
    # an input is there: the search finds what it should
    assert np.float64(np.pi).view(np.uint64) in memory
    for seed in ("public", "hidden"):
        numbers = secret_numbers(seed).view(np.uint64)
        assert len(numbers) > 1000
        assert np.isin(memory, numbers).sum() == 0


def test_memory_holds_no_seed(seen: Path) -> None:
    memory, number = (seen / "memory").read_bytes(), hidden_seed()
    assert b"rnn_step_forward" in memory
    assert number.encode() not in memory
    assert int(number).to_bytes(16, "little") not in memory


def test_process_has_never_loaded_what_reads_expectations(seen: Path) -> None:
    assert "hdf5" not in (seen / "maps").read_text().lower()
