"""What Python can't read of a module is replaced piece by piece, and every line keeps its number."""

from __future__ import annotations

from typing import Any

import pytest

from grader.sandbox.inside.work.files import mending
from grader.sandbox.inside.work.files.mending import MOST_CHARACTERS, MOST_TRIES, RAISES, mended

FIRST = (
    'import numpy as np\n\n\ndef first(x):\n    """One.\n\nNot indented (\n    """\n    return x\n'
)
BODY = "def second(x):\n    y = x\n{}\n    return y\n"
LAST = '\n\n@np.vectorize\ndef third(x):\n    return "third"\n'
BROKEN = {
    "Python 2's print": "    print x",
    "Python 2's except": "    try:\n        pass\n    except E, e:\n        pass",
    "a bracket that is not closed": "    y = np.dot(x, y",
    "a bracket too much": "    y = np.dot(x, y))",
    "a colon left out": "    for t in range(3)\n        y += t",
    "a line too far in": "      y = 2",
    "tabs among spaces": "\ty = 2",
    "markers of a merge": "<<<<<<< HEAD\n    y = 1\n=======\n    y = 2\n>>>>>>> other",
    "prose at the margin": "note that this is hard",
    "a statement at the margin": "y = 2",
    "a text that is not closed": '    """ an explanation',
    "a return at the margin": "return y",
    "a nested function": "    def inner(x)\n        return x\n",
}


def run(text: str) -> dict[str, object]:
    space: dict[str, object] = {}
    exec(compile(text, "work.py", "exec"), space)
    return space


@pytest.mark.parametrize("line", BROKEN.values(), ids=BROKEN)
def test_function_that_can_not_be_read_raises_and_the_rest_stays(line: str) -> None:
    text = FIRST + BODY.format(line) + LAST
    new, found = mended(text, "work.py")

    ((name, error),) = found
    assert name == "second"
    assert text.split("\n")[error.lineno - 1] == error.text
    assert 10 < error.lineno <= 10 + line.count("\n") + 3
    space = run(new)
    assert space["first"](3) == 3
    assert space["third"](0) == "third"
    space[RAISES] = lambda number: found[number].error
    with pytest.raises(SyntaxError):
        space["second"](3)
    assert new.count("\n") == text.count("\n")
    assert new.split("\n").index("def third(x):") == text.split("\n").index("def third(x):")


@pytest.mark.parametrize(
    "line",
    ["this is my answer", "<<<<<<< HEAD", "print 'done'", "W = np.zeros(3", "from a import"],
)
def test_line_between_functions_costs_no_function(line: str) -> None:
    new, found = mended(f"{FIRST}\n{line}\n\n{BODY.format('')}{LAST}", "work.py")
    assert [name for name, _ in found] == [""]
    assert {"first", "second", "third"} <= run(new).keys()


def test_method_that_can_not_be_read_leaves_the_others() -> None:
    text = (
        "class Model(object):\n    size = 3\n\n    @staticmethod\n    def loss(self)\n        return 1\n\n"
        "    def sample(self):\n        return 2\n"
    )
    new, ((name, error),) = mended(text, "work.py")
    assert (name, error.lineno) == ("Model.loss", 5)
    model = run(new)["Model"]()
    assert (model.sample(), model.size) == (2, 3)
    assert callable(model.loss)


def test_class_whose_head_can_not_be_read_raises() -> None:
    new, found = mended(
        "class Model(object)\n    size = 3\n\n\ndef f():\n    return 1\n", "work.py"
    )
    assert [name for name, _ in found] == ["Model"]
    assert run(new)["f"]() == 1


def test_error_that_only_the_whole_file_shows_is_found() -> None:
    new, ((name, error),) = mended(f"{FIRST}\nfrom __future__ import division\n", "work.py")
    assert (name, error.lineno) == ("", 11)
    assert run(new)["first"](1) == 1


def test_what_can_be_read_is_not_changed() -> None:
    text = FIRST + BODY.format("    y = [1,\n2]\n# at the margin") + LAST
    assert mended(text, "work.py") == (text, [])


@pytest.mark.parametrize(
    "text",
    [
        "\n".join(f"x y z {number}" for number in range(20_000)),
        "\n".join(f"def f{number}(:\n    pass" for number in range(6_000)),
        "\n".join(f"x = ({number}" for number in range(3_000)),
        "\n".join('x = """' for _ in range(3_001)),
        "(" * 5_000,
        f"x = '{'a' * MOST_CHARACTERS}",
    ],
    ids=["prose", "heads", "brackets", "texts", "nested", "long"],
)
def test_work_is_bounded(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    compiled: list[int] = []

    def counting(text: str, *arguments: Any, **options: Any) -> Any:
        compiled.append(len(text))
        return compile(text, *arguments, **options)

    monkeypatch.setattr(mending, "compile", counting, raising=False)
    mended(text, "work.py")
    assert len(compiled) <= MOST_TRIES
    assert sum(compiled) <= MOST_CHARACTERS
