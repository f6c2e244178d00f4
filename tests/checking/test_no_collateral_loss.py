"""What is beside a task may be broken, missing, renamed or untidy: it is told, and it costs nothing
there.
"""

from __future__ import annotations

import contextlib
import copy
import json
import textwrap
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest

from grader.assignment.spec import Assignment, load
from grader.grading.grade import Graded, Grader, Options

BASICS = Path(__file__).resolve().parents[2] / "examples" / "numpy-basics"
FULL = 18
pytestmark = pytest.mark.usefixtures("few_examples")
Cell = dict[str, Any]
Give = Callable[..., Graded]


@pytest.fixture(scope="module")
def grader() -> Iterator[Grader]:
    with Grader(load(BASICS), Options(isolation="auto")) as grader:
        yield grader


@pytest.fixture
def give(grader: Grader, tmp_path: Path) -> Give:
    """Hand in the reference's notebook, its cells changed by a function; or files by their names."""

    def handed_in(
        change: Callable[[list[Cell]], list[Cell] | None] | None = None, **files: bytes
    ) -> Graded:
        folder = tmp_path / "handin"
        folder.mkdir(exist_ok=True)
        if change is not None:
            (folder / "numpy_basics.ipynb").write_bytes(notebook(change))
        for name, data in files.items():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_bytes(data)
        return grader.grade(folder)

    return handed_in


@contextlib.contextmanager
def hurried(grader: Grader, **seconds: float) -> Iterator[None]:
    """Give the assignment less time meanwhile."""
    patient = grader.assignment
    limits = msgspec.structs.replace(patient.spec.limits, **seconds)
    spec = msgspec.structs.replace(patient.spec, limits=limits)
    grader.assignment = Assignment(patient.folder, spec)
    try:
        yield
    finally:
        grader.assignment = patient


def notebook(change: Callable[[list[Cell]], list[Cell] | None] = lambda cells: None) -> bytes:
    tree = json.loads((BASICS / "numpy_basics.ipynb").read_bytes())
    tree["cells"] = change(tree["cells"]) or tree["cells"]
    return json.dumps(tree).encode()


def code(source: str, id: str = "mine", **metadata: Any) -> Cell:  # noqa: A002
    return {
        "cell_type": "code", "id": id, "source": source, "metadata": metadata, "outputs": [], "execution_count": None,
    }  # fmt: skip


def at(cells: list[Cell], id: str) -> int:  # noqa: A002
    return [cell["id"] for cell in cells].index(id)


def lost(graded: Graded) -> set[str]:
    return {check.id for check in graded.report.checks if check.points < check.max_points}


def told(graded: Graded) -> str:
    return " ".join(
        [
            *graded.report.notes,
            *graded.report.look,
            *(check.message for check in graded.report.checks),
        ]
    )


# --- cells that raise ---

RAISING = {
    "1 / 0": "ZeroDivisionError",
    "def broken(:": "SyntaxError",
    "this is only a note to myself": "SyntaxError",
    "x = [1, 2\n": "SyntaxError",
    "import google.colab": "No module named 'google'",
    "from ipywidgets import interact": "No module named 'ipywidgets'",
    "from public_tests import *": "No module named 'public_tests'",
    "import cs231n_of_mine.layers": "No module named 'cs231n_of_mine'",
    "import torchvision_of_mine": "No module named 'torchvision_of_mine'",
    "%%sql\nSELECT 1": "UsageError",
    "name = input('your name? ')": "EOFError",
    "assert evens(2)[0] == 1, 'my own test'": "my own test",
    "raise KeyboardInterrupt": "KeyboardInterrupt",
    "raise SystemExit(1)": "SystemExit",
    "exit()": "SystemExit",
    "raise type('Odd', (BaseException,), {})()": "Odd",
    "raise RecursionError('deep')": "RecursionError",
    "open('/content/drive/data.csv')": "FileNotFoundError",
    "np.int(3)": "AttributeError",
    "undefined_name": "NameError",
    "evens('three')": "TypeError",
}
ENDING = {
    "import os\nos._exit(3)": "ended its process: exit code 3",
    "import ctypes\nctypes.string_at(0)": "a segmentation fault",
    "import os\nos.abort()": "an abort",
    "import os, signal\nos.kill(os.getpid(), signal.SIGTERM)": "SIGTERM",
}
TROUBLES = RAISING | ENDING
FIRST = ("1 / 0", "def broken(:", "import os\nos._exit(3)")  # one of each kind
ALONE = ("1 / 0", "def broken(:", "raise KeyboardInterrupt", "raise SystemExit(1)", *ENDING)


@pytest.mark.parametrize(
    ("source", "place"),
    [*((source, "last") for source in ALONE), *((source, "first") for source in FIRST)],
)
def test_a_cell_in_trouble_is_told_and_costs_nothing(give: Give, source: str, place: str) -> None:
    def change(cells: list[Cell]) -> None:
        cells.insert(1 if place == "first" else len(cells), code(source))

    graded = give(change)
    assert TROUBLES[source] in told(graded)
    assert graded.report.score == FULL, told(graded)
    assert f"(`{source.splitlines()[0].replace('`', '')}`)" in told(graded)


def test_every_cell_that_raises_is_told_and_none_costs_anything(give: Give) -> None:
    graded = give(
        lambda cells: [*cells, *(code(source, f"mine{n}") for n, source in enumerate(RAISING))]
    )
    assert graded.report.score == FULL, told(graded)
    for source, said in RAISING.items():
        cell = f"(`{source.splitlines()[0].replace('`', '')}`)"
        notes = [note for note in graded.report.notes if cell in note]
        assert any(said in note for note in notes), (source, graded.report.notes)


def test_a_magic_that_is_not_there_is_passed_over_within_its_cell(give: Give) -> None:
    magics = ["%matplotlib widget", "%matplotlib qt", "%load_ext nb_black", "%autosave_it 60"]

    def change(cells: list[Cell]) -> None:
        for number, source in enumerate(magics):
            cells.insert(2, code(f"{source}\nwidth_{number} = 3", f"magic{number}"))
            cells.append(code(f"width_{number} + 1", f"mine{number}"))

    graded = give(change)
    assert graded.report.score == FULL
    assert not [note for note in graded.report.notes if "raised" in note]


def test_a_cell_that_never_ends_is_interrupted_and_the_next_one_runs(
    give: Give, grader: Grader
) -> None:
    catching = "while True:\n    try:\n        while True: pass\n    except BaseException: pass"
    endless = ["while True:\n    pass", catching]

    def change(cells: list[Cell]) -> None:
        cells[2:2] = [code(source, f"mine{n}") for n, source in enumerate(endless)]

    with hurried(grader, cell_seconds=4.0, notebook_seconds=120.0):
        graded = give(change)
    assert graded.report.score == FULL, told(graded)
    assert told(graded).count("still running after the limit of 4 seconds") == 2


def test_slow_cells_leave_time_for_the_definitions_behind_them(give: Give, grader: Grader) -> None:
    def change(cells: list[Cell]) -> None:
        cells[2:2] = [code("import time\ntime.sleep(60)", f"mine{n}") for n in range(4)]

    with hurried(grader, cell_seconds=4.0, notebook_seconds=8.0):
        graded = give(change)
    assert graded.report.score == FULL, told(graded)
    assert "took the notebook's whole time" in told(graded)


def test_threads_and_processes_of_cells_work_or_are_told(give: Give) -> None:
    trying = (
        "import threading\nthread = threading.Thread(target=lambda: None)\nthread.start(); thread.join()",
        "import asyncio\nasync def one(): return 1\nprint(await one())",
        "import asyncio\nasync def one():\n    await asyncio.sleep(0)\n    return 1\nprint(await one())",
        "import subprocess, sys\nprint(subprocess.run([sys.executable, '-c', 'print(1)'], capture_output=True).stdout)",
        "import multiprocessing\nwith multiprocessing.Pool(2) as pool:\n    print(pool.map(abs, [-1, 2]))",
        "from concurrent.futures import ThreadPoolExecutor as Pool\nwith Pool() as pool: list(pool.map(abs, [1]))",
    )
    graded = give(lambda cells: [*cells, *(code(one, f"mine{n}") for n, one in enumerate(trying))])
    assert graded.report.score == FULL, told(graded)


def test_what_the_box_does_not_have_is_said_in_a_sentence(give: Give) -> None:
    lacking = {
        "multiprocessing.Pool(2)": "without the shared semaphores",
        "urllib.request.urlopen('http://127.0.0.1:9')": "without a network",
        "socket.create_connection(('127.0.0.1', 9))": "without a network",
    }
    imports = code("import multiprocessing, socket, urllib.request", "imports")
    tried = [code(source, f"mine{n}") for n, source in enumerate(lacking)]
    notes = give(lambda cells: [*cells, imports, *tried]).report.notes
    for source, sentence in lacking.items():
        assert any(f"(`{source}`)" in note and sentence in note for note in notes), notes


def test_a_notebook_that_dies_in_cell_after_cell_gains_nothing(give: Give) -> None:
    graded = give(
        lambda cells: [*cells, *(code(f"import os; os._exit({n})", f"mine{n}") for n in range(9))]
    )
    assert graded.report.score == 0
    assert "is lost: cell [16]" in told(graded)


def test_a_tag_says_that_a_cell_may_raise(give: Give) -> None:
    graded = give(lambda cells: [*cells, code("1 / 0", tags=["raises-exception"])])
    assert graded.report.score == FULL
    assert "ZeroDivisionError" not in told(graded)


# --- tasks that are wrong cost themselves ---


INSTEAD = (
    "def {}(:",
    "1 / 0",
    "import not_there",
    "raise NotImplementedError('task')",
    "import os; os._exit(1)",
    "",
)


@pytest.mark.parametrize(
    ("task", "instead"),
    [
        *(("evens", instead) for instead in INSTEAD),
        *((task, INSTEAD[n]) for task in ("running-mean", "distances") for n in (0, 4)),
    ],
)
def test_a_task_that_stops_costs_its_own_points_alone(give: Give, task: str, instead: str) -> None:
    name = task.replace("-", "_")

    def change(cells: list[Cell]) -> None:
        cells[at(cells, task)]["source"] = instead.format(name)

    graded = give(change)
    assert lost(graded) == {name}
    message = next(check.message for check in graded.report.checks if check.id == name)
    assert f"`{name}` is not" in message, message


def test_a_function_that_never_ends_costs_its_own_points_alone(give: Give, grader: Grader) -> None:
    for body in ("while True: pass", "import os; os._exit(1)"):

        def change(cells: list[Cell], body: str = body) -> None:
            cells[at(cells, "standardise")]["source"] = (
                f"def standardise(x):\n    if len(x) != 3:\n        {body}"
            )

        with hurried(grader, call_seconds=4.0):
            assert lost(give(change)) == {"standardise"}


def test_the_cell_that_stopped_what_others_need_is_one_cause(give: Give) -> None:
    def change(cells: list[Cell]) -> None:
        tasks = [cells.pop(at(cells, id_)) for id_ in ("evens", "standardise", "summary")]
        merged = "\n\n".join("".join(task["source"]) for task in tasks)
        cells.insert(3, code("if lookup['today']:\n" + textwrap.indent(merged, "    ")))

    graded = give(change)
    assert lost(graded) == {"evens", "standardise", "summary"}
    (look,) = graded.report.look
    assert (
        look
        == "cell [2] (`if lookup['today']:`) stopped, and `evens`, `standardise`, `summary` need it"
    )
    assert all(
        "NameError: name 'lookup'" in check.message
        for check in graded.report.checks
        if not check.points
    )


# --- where the work stands ---


def stub(name: str) -> str:
    return f"def {name}(*given):\n    raise NotImplementedError('{name}')"


def bare(cells: list[Cell]) -> list[Cell]:
    """Return the cells as a copy into a new notebook leaves them: no ids, no metadata."""
    return [{**cell, "id": f"n{place}", "metadata": {}} for place, cell in enumerate(cells)]


def split(cells: list[Cell]) -> None:
    place = at(cells, "standardise")
    cells[place]["source"] = "def centred(x):\n    return x - x.mean(axis=0)"
    cells.insert(place + 1, code("def standardise(x):\n    return centred(x) / x.std(axis=0)"))


def merged(cells: list[Cell]) -> None:
    first, second = cells[at(cells, "evens")], cells.pop(at(cells, "standardise"))
    first["source"] = "".join(first["source"]) + "\n\n" + "".join(second["source"])


def moved_below(cells: list[Cell]) -> None:
    cells.append(cells.pop(at(cells, "evens")))


def moved_with_its_helper(cells: list[Cell]) -> None:
    del cells[at(cells, "evens")]
    cells += [
        code("two = 2", "two"),
        code("double = two * 1\ndef evens(n): return double * np.arange(n)", "evens"),
    ]


def above_the_stub(cells: list[Cell]) -> None:
    place = at(cells, "evens")
    mine = code("".join(cells[place]["source"]))
    cells[place]["source"] = stub("evens")
    cells.insert(place, mine)


def below_the_stub(cells: list[Cell]) -> None:
    place = at(cells, "evens")
    cells.append(code("".join(cells[place]["source"])))
    cells[place]["source"] = stub("evens")


def in_place_of_the_stub(cells: list[Cell]) -> None:
    place = at(cells, "evens")
    cells[place] = code("".join(cells[place]["source"]))


def as_text(cells: list[Cell]) -> None:
    cell = cells[at(cells, "evens")]
    cell["cell_type"] = "markdown"
    del cell["outputs"], cell["execution_count"]


def older_edition(cells: list[Cell]) -> None:
    cells[at(cells, "set-up")]["id"] = "imports"
    cells[at(cells, "evens")]["id"] = "even-numbers"
    del cells[at(cells, "try-evens")]


WHERE = [
    split,
    merged,
    moved_below,
    moved_with_its_helper,
    above_the_stub,
    below_the_stub,
    in_place_of_the_stub,
]


@pytest.mark.parametrize("ids", ["ids kept", "ids gone"])
@pytest.mark.parametrize("change", [*WHERE, as_text, older_edition, lambda cells: None])
def test_work_is_found_wherever_it_stands(
    give: Give, change: Callable[[list[Cell]], None], ids: str
) -> None:
    def changed(cells: list[Cell]) -> list[Cell]:
        cells = copy.deepcopy(cells)
        change(cells)
        return cells if ids == "ids kept" else bare(cells)

    graded = give(changed)
    assert graded.report.score == FULL, told(graded)
    if change in (above_the_stub, below_the_stub) and ids == "ids kept":
        assert "the place for `evens` was left as it was handed out" in told(graded)


@pytest.mark.parametrize(
    "source",
    [
        "evens = evens(3)",
        "evens = None",
        "del evens",
        "evens, n = 3, 4",
        "for evens in range(3):\n    pass",
        "%reset -f",
    ],
)
def test_a_function_whose_name_a_later_cell_takes_still_counts(give: Give, source: str) -> None:
    graded = give(lambda cells: [*cells, code(source)])
    assert graded.report.score == FULL, told(graded)
    assert (
        "`evens` was bound to something else, or deleted, by a later cell; the function counts"
        in told(graded)
    )


def test_names_that_a_cell_takes_away_are_there_for_the_others_and_that_is_told(
    give: Give,
) -> None:
    taking = {  # the first is run last
        "np = None": "(`np = None`) took the name `np` away",
        "range = 5": "`range`, a function of Python's own",
        "len = print = 3": "`len`, a function of Python's own",
        "%reset -f": "",
        "import os, time\nif not os.fork():\n    time.sleep(1)": "",
    }

    def change(cells: list[Cell]) -> None:
        for number, source in enumerate(taking):
            cells.insert(2, code(source, f"mine{number}"))

    graded = give(change)
    assert graded.report.score == FULL, told(graded)
    assert [said for said in taking.values() if said not in told(graded)] == []


def test_what_is_added_to_the_assignments_cells_is_there(give: Give) -> None:
    def change(cells: list[Cell]) -> None:
        cells[at(cells, "set-up")]["source"] = "import numpy as np\nimport math"
        cells[at(cells, "evens")]["source"] = "def evens(n):\n    raise NotImplementedError"
        cells[at(cells, "try-evens")]["source"] = (
            "def evens(n):\n    return np.arange(n) * int(math.sqrt(4))\nevens(5)"
        )

    graded = give(change)
    assert graded.report.score == FULL, told(graded)
    assert "the imports and functions in it are kept" in told(graded)
    assert "the place for `evens` was left" in told(graded)


def test_a_later_definition_of_a_function_counts(give: Give) -> None:
    assert lost(give(lambda cells: [*cells, code("def evens(n):\n    return np.zeros(n)")])) == {
        "evens"
    }


# --- files ---


def half(cells: list[Cell]) -> None:
    for task in ("evens", "distances"):
        cells[at(cells, task)]["source"] = stub(task)


def untouched(cells: list[Cell]) -> None:
    for task in ("evens", "standardise", "running-mean", "summary", "one-hot", "distances"):
        cells[at(cells, task)]["source"] = stub(task.replace("-", "_"))


@pytest.mark.parametrize(
    "beside",
    [
        {},
        {"note.txt": b"Dear grader", "data.csv": b"1,2"},
        {"helper.py": b"x = 1"},
        {"other.ipynb": b"{}"},
    ],
)
def test_a_renamed_notebook_is_taken_whatever_lies_beside_it(
    give: Give, beside: dict[str, bytes]
) -> None:
    graded = give(None, **{"Homework 1 (final).ipynb": notebook(), **beside})
    assert graded.report.score == FULL
    assert any("was taken from `Homework 1 (final).ipynb`" in note for note in graded.report.notes)


@pytest.mark.parametrize(
    "other",
    [
        "numpy_basics-Copy1.ipynb",
        ".ipynb_checkpoints/numpy_basics-checkpoint.ipynb",
        "my solution.ipynb",
    ],
)
def test_the_file_that_holds_the_work_counts(give: Give, other: str) -> None:
    graded = give(untouched, **{other: notebook()})
    assert graded.report.score == FULL, told(graded)


def test_a_copy_with_less_work_is_passed_over_and_a_person_asked(give: Give) -> None:
    graded = give(lambda cells: None, **{"numpy_basics-Copy1.ipynb": notebook(half)})
    assert graded.report.score == FULL
    assert "two files may be" in " ".join(graded.report.look)


def test_an_untouched_copy_beside_the_work_asks_nobody(give: Give) -> None:
    graded = give(lambda cells: None, **{"numpy_basics-Copy1.ipynb": notebook(untouched)})
    assert graded.report.score == FULL
    assert graded.report.look == ()


def test_a_saved_web_page_says_what_it_is_and_what_to_do(give: Give) -> None:
    graded = give(
        None, **{"numpy_basics.ipynb": b"<!DOCTYPE html>\n<html><body>Jupyter</body></html>"}
    )
    assert graded.report.score == 0
    assert "a web page that was saved under a notebook's name" in told(graded)
    assert "Download" in " ".join(graded.report.look)


# --- cells that stop half way ---


def sources(cells: list[Cell]) -> dict[str, str]:
    """Return the tasks' sources by the names that they define."""
    return {
        cell["id"]: "".join(cell["source"])
        for cell in cells
        if cell["cell_type"] == "code" and cell["metadata"].get("grader")
    }


def in_one(cells: list[Cell], *between: str) -> list[Cell]:
    """Return a notebook with all tasks in one cell, and these lines between one and the next."""
    parts: list[str] = []
    for number, source in enumerate(sources(cells).values()):
        parts += [source, *between[number : number + 1]]
    return [code("import numpy as np"), code("\n\n".join(parts))]


STOPS = {
    "1 / 0": "ZeroDivisionError",
    "from public_tests import *": "No module named 'public_tests'",
    "print(evens(3)": "SyntaxError",
    "this is more prose": "SyntaxError",
    "raise SystemExit": "SystemExit",
    "import os\nos._exit(1)": "ended its process",
    "%matplotlib inline\nassert False": "AssertionError",
}


@pytest.mark.parametrize("line", STOPS)
def test_tasks_behind_what_stops_their_cell_still_count(give: Give, line: str) -> None:
    graded = give(lambda cells: in_one(cells, "", line))
    assert graded.report.score == FULL, told(graded)
    assert STOPS[line] in told(graded)


def test_of_a_cell_with_many_tasks_only_what_cannot_be_read_is_lost(give: Give) -> None:
    def change(cells: list[Cell]) -> list[Cell]:
        (task,) = [cell for cell in cells if cell["id"] == "standardise"]
        task["source"] = "".join(task["source"]).replace("(x):", "(x)")
        return in_one(cells)

    assert lost(give(change)) == {"standardise"}


@pytest.mark.parametrize("head", ["%%time\n", "%%capture\n", "import os\nif True:\n    os\n"])
def test_a_task_whose_cell_ends_badly_counts_under_a_magic_too(give: Give, head: str) -> None:
    def change(cells: list[Cell]) -> None:
        (task,) = [cell for cell in cells if cell["id"] == "evens"]
        task["source"] = f"{head}1 / 0\n" + "".join(task["source"])

    graded = give(change)
    assert graded.report.score == FULL, told(graded)


def test_a_helper_that_a_later_cell_deletes_is_there_for_the_checks(give: Give) -> None:
    def change(cells: list[Cell]) -> None:
        (task,) = [cell for cell in cells if cell["id"] == "evens"]
        task["source"] = "factor = 2\ndef times(n):\n    return factor * n\n\n" + "".join(
            task["source"]
        ).replace("2 * np", "times(1) * np")
        cells.append(code("del times, factor"))

    graded = give(change)
    assert graded.report.score == FULL, told(graded)


def test_what_a_scratch_cell_draws_changes_no_later_draw_of_the_assignments_cells() -> None:
    kernel = pytest.importorskip("grader.sandbox.inside.work.cells.kernel")
    draws = kernel.RandomStates()
    first = np.random.get_state()[1].copy()
    for seed in (7, 8):  # two scratch cells, one after the other
        draws.keep()
        np.random.seed(seed)
    draws.go_on()
    assert (np.random.get_state()[1] == first).all()
    np.random.seed(9)  # an assignment's cell
    of_theirs = np.random.get_state()[1].copy()
    draws.go_on()
    assert (np.random.get_state()[1] == of_theirs).all()


# --- what a cell changes of the process ---

CHANGES = {
    "np.sqrt = np.sum = lambda *a, **k: 0": "`numpy.sqrt`",
    "from numpy import *\nsummary = standardise = evens\nfrom math import *": "",
    "np.sum = 0": "took the name `numpy.sum` away",
    "np.array = None": "`numpy.array`",
    "np.arange = np.zeros = 5": "`numpy.arange`",
    "del np.sqrt": "`numpy.sqrt`",
    "np.linalg = 3": "`numpy.linalg`",
    "np.pi = 3.14": "`numpy.pi`",
    "import math\nmath.sqrt = 3": "`math.sqrt`",
    "import builtins\nbuiltins.len = 3": "`builtins.len`",
    "import matplotlib.pyplot as plt\nplt.plot = [1, 2]": "`matplotlib.pyplot.plot`",
    "import sys\nsys.setrecursionlimit(80)": "`sys.setrecursionlimit`",
    "np.seterr(all='raise')": "",
    "np.set_printoptions(precision=1)": "",
    "import warnings\nwarnings.simplefilter('error')": "",
    "import os\nos.mkdir('there')\nos.chdir('there')": "",
    "import os\nos.mkdir('gone')\nos.chdir('gone')\nos.rmdir('../gone')": "",
    "import sys\nsys.stdout = None": "",
    "import sys\nsys.stderr = sys.stdout = open('out.txt', 'w')": "",
    "import sys\nsys.path.clear()": "",
    "import sys\nsys.path = None": "`sys.path`",
    "import random\nrandom.seed(1)\nnp.random.seed(1)": "",
    "import matplotlib.pyplot as plt\nplt.switch_backend('agg')": "",
    "import gc\ngc.disable()": "",
    "import sys\nsys.modules.pop('numpy')": "",
    "import sys\nfor name in [*sys.modules]:\n    sys.modules.pop(name)": "",
    "import os\nos.environ.clear()": "",
    "np.random = np.random.seed": "`numpy.random`",
}


# each in a cell of its own, one behind the other
SETTINGS = (
    "np.seterr(all='raise')",
    "np.set_printoptions(precision=1)",
    "import warnings\nwarnings.simplefilter('error')",
    "import random\nrandom.seed(1)\nnp.random.seed(1)",
    "import matplotlib.pyplot as plt\nplt.switch_backend('agg')",
    "import gc\ngc.disable()",
)
NAMES = (
    "np.array = None",
    "np.arange = np.zeros = 5",
    "np.linalg = 3",
    "np.pi = 3.14",
    "import math\nmath.sqrt = 3",
    "import builtins\nbuiltins.len = 3",
    "import matplotlib.pyplot as plt\nplt.plot = [1, 2]",
)
TOGETHER = (SETTINGS, NAMES)


@pytest.mark.parametrize(
    "sources",
    [
        *TOGETHER,
        *((source,) for source in CHANGES if not any(source in some for some in TOGETHER)),
    ],
)
def test_what_cells_change_of_the_process_costs_the_others_nothing(
    give: Give, sources: tuple[str, ...]
) -> None:
    def change(cells: list[Cell]) -> None:
        cells[2:2] = [code(source, f"mine{n}") for n, source in enumerate(sources)]

    graded = give(change)
    assert graded.report.score == FULL, told(graded)
    assert [CHANGES[source] for source in sources if CHANGES[source] not in told(graded)] == []
