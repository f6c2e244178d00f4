"""The support code that students are given, and the ways in which their files may import it."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

RunCourse = Callable[..., str]


def test_layers_have_the_numerical_gradients(run_course: RunCourse) -> None:
    run_course("""
        import numpy as np
        from cs231n import layers
        from cs231n.gradient_check import eval_numerical_gradient, eval_numerical_gradient_array, rel_error

        rng = np.random.default_rng(0)
        for shape in [(1, 1), (1, 4), (3, 4), (3, 2, 2)]:  # an affine layer takes examples of any shape
            x, w, b = inputs = rng.standard_normal(shape), rng.standard_normal((np.prod(shape[1:]), 5)), rng.random(5)
            out, cache = layers.affine_forward(*inputs)
            np.testing.assert_allclose(out, x.reshape(len(x), -1) @ w + b)
            dout = rng.standard_normal(out.shape)
            for array, grad in zip(inputs, layers.affine_backward(dout, cache), strict=True):
                numerical = eval_numerical_gradient_array(lambda _: layers.affine_forward(*inputs)[0], array, dout)
                assert rel_error(grad, numerical) < 1e-7

        x, dout = rng.standard_normal((2, 4, 5))
        out, cache = layers.relu_forward(x)
        assert (out == np.where(x > 0, x, 0)).all()
        numerical = eval_numerical_gradient_array(lambda z: layers.relu_forward(z)[0], x, dout)
        assert rel_error(layers.relu_backward(dout, cache), numerical) < 1e-7

        y = np.array([0, 4, 2, 2])
        loss, dx = layers.softmax_loss(x, y)
        probabilities = np.exp(x) / np.exp(x).sum(axis=1, keepdims=True)
        np.testing.assert_allclose(loss, -np.log(probabilities[range(4), y]).mean())
        assert rel_error(dx, eval_numerical_gradient(lambda z: layers.softmax_loss(z, y)[0], x)) < 1e-7
    """)


def test_softmax_loss_is_stable(run_course: RunCourse) -> None:
    run_course("""
        import warnings
        import numpy as np
        from cs231n.layers import softmax_loss

        warnings.simplefilter("error")
        loss, dx = softmax_loss(np.array([[1e4, -1e4, 0.0], [-1e4, 1e4, 1e4]]), np.array([1, 2]))
        np.testing.assert_allclose(loss, (2e4 + np.log(2)) / 2)
        np.testing.assert_allclose(dx, [[0.5, -0.5, 0], [0, 0.25, -0.25]])
    """)


UPDATES = {  # two steps from w = (1, -2) with the gradients (0.5, 1) and (-1, 0.25), worked out by hand
    "sgd": ({"learning_rate": 0.1}, lambda: [1 - 0.05 + 0.1, -2 - 0.1 - 0.025]),
    "sgd_momentum": (
        {"learning_rate": 0.1, "momentum": 0.5},
        lambda: [1 - 0.05 + (0.5 * -0.05 + 0.1), -2 - 0.1 + (0.5 * -0.1 - 0.025)],
    ),
    "rmsprop": (
        {"learning_rate": 0.1, "decay_rate": 0.5, "epsilon": 0.0},
        lambda: [
            1 - 0.05 / 0.125**0.5 + 0.1 / (0.0625 + 0.5) ** 0.5,
            -2 - 0.1 / 0.5**0.5 - 0.025 / (0.25 + 0.03125) ** 0.5,
        ],
    ),
    "adam": (
        {"learning_rate": 0.1, "beta1": 0.5, "beta2": 0.75, "epsilon": 0.0},
        lambda: [
            1 - 0.1 - 0.1 * ((0.125 - 0.5) / 0.75) / ((0.046875 + 0.25) / 0.4375) ** 0.5,
            -2 - 0.1 - 0.1 * ((0.25 + 0.125) / 0.75) / ((0.1875 + 0.015625) / 0.4375) ** 0.5,
        ],
    ),
}


@pytest.mark.parametrize("rule", UPDATES)
def test_update_rules_take_the_right_steps(run_course: RunCourse, rule: str) -> None:
    config, expected = UPDATES[rule]
    run_course(f"""
        import numpy as np
        from cs231n import optim

        rule, config = optim.{rule}, {config!r}
        w = np.array([1.0, -2.0], dtype=np.float32)
        first, config = rule(w, np.array([0.5, 1.0], dtype=np.float32), config)
        second, config = rule(first, np.array([-1.0, 0.25], dtype=np.float32), config)
        np.testing.assert_allclose(second, {expected()!r}, rtol=1e-6)
        assert second.dtype == np.float32
        assert (w == [1, -2]).all(), "the parameter itself was changed"
    """)


def test_update_rules_have_the_exercises_defaults(run_course: RunCourse) -> None:
    printed = run_course("""
        import json
        import numpy as np
        from cs231n import optim

        def settings(rule):
            w, config = rule(np.ones(2), np.ones(2))
            return {name: value for name, value in config.items() if not isinstance(value, np.ndarray)}

        rules = (optim.sgd, optim.sgd_momentum, optim.rmsprop, optim.adam)
        print(json.dumps({rule.__name__: settings(rule) for rule in rules}))
    """)
    assert json.loads(printed) == {
        "sgd": {"learning_rate": 1e-2},
        "sgd_momentum": {"learning_rate": 1e-2, "momentum": 0.9},
        "rmsprop": {"learning_rate": 1e-2, "decay_rate": 0.99, "epsilon": 1e-8},
        "adam": {"learning_rate": 1e-3, "beta1": 0.9, "beta2": 0.999, "epsilon": 1e-8, "t": 1},
    }


def test_rel_error_refuses_differing_shapes(run_course: RunCourse) -> None:
    printed = run_course("""
        import numpy as np
        from cs231n.gradient_check import rel_error

        assert rel_error(np.ones(3), np.ones(3)) == 0
        np.testing.assert_allclose(rel_error(np.array([1.0, 2.0]), np.array([1.0, 3.0])), 0.2)
        assert np.isnan(rel_error(np.array([1.0, np.nan]), np.ones(2)))
        try:
            rel_error(np.ones((1, 4)), np.ones(4))
        except ValueError as error:
            print(error)
    """)
    assert printed == "the shapes differ: (1, 4) and (4,)\n"


def test_numerical_gradients_restore_their_input_and_refuse_integers(run_course: RunCourse) -> None:
    printed = run_course("""
        import numpy as np
        from cs231n.gradient_check import eval_numerical_gradient, eval_numerical_gradient_array

        x = np.array([[0.1, 0.2], [0.3, 0.7]])
        before = x.copy()
        np.testing.assert_allclose(eval_numerical_gradient(lambda z: (z**3).sum(), x), 3 * x**2, rtol=1e-8)
        df = np.array([[1.0, -2.0], [3.0, 0.0]])
        # a function that hands out the array it was given is one that changes under the caller's hands
        np.testing.assert_allclose(eval_numerical_gradient_array(lambda z: z, x, df), df, rtol=1e-9)
        assert (x == before).all()
        for call in (
            lambda: eval_numerical_gradient(np.sum, np.array([1, 2])),
            lambda: eval_numerical_gradient_array(lambda z: z, x, np.ones(2)),
        ):
            try:
                call()
            except (TypeError, ValueError) as error:
                print(error)
    """)
    assert printed.splitlines() == [
        "x must be a NumPy array of floats",
        "f gives the shape (2, 2), but df has the shape (2,)",
    ]


def test_sparse_gradient_check_prints_both_gradients(run_course: RunCourse) -> None:
    printed = run_course("""
        import numpy as np
        from cs231n.gradient_check import grad_check_sparse

        np.random.seed(0)
        grad_check_sparse(lambda z: (z**2).sum(), np.ones((2, 3)), np.full((2, 3), 2.0), num_checks=2)
        grad_check_sparse(lambda z: (z**2).sum(), np.ones((2, 3)), np.full((2, 3), 6.0), num_checks=1)
    """).splitlines()
    assert len(printed) == 3
    assert all(line.startswith("numerical: 2.000000 analytic: 2.000000, relative error: ") for line in printed[:2])
    assert printed[2].endswith("analytic: 6.000000, relative error: 5.000000e-01")


SOLVER = """
    import numpy as np
    from cs231n.captioning_solver import CaptioningSolver
    from cs231n.classifiers.rnn import CaptioningRNN

    rng = np.random.default_rng(0)
    words = {"<NULL>": 0, "<START>": 1, "<END>": 2, "a": 3, "cat": 4, "dog": 5}
    data = {
        "train_captions": np.array([[1, 3, 4, 2], [1, 3, 5, 2], [1, 4, 2, 0], [1, 5, 2, 0]] * 3),
        "train_image_idxs": np.tile(np.arange(4), 3),
        "train_features": rng.standard_normal((4, 8)).astype(np.float32),
        "train_urls": np.array(["one", "two", "three", "four"]),
    }
    np.random.seed(0)
    model = CaptioningRNN(words, input_dim=8, wordvec_dim=6, hidden_dim=16, cell_type={cell!r})
"""


@pytest.mark.parametrize("cell", ["rnn", "lstm"])
def test_solver_overfits_a_few_captions(run_course: RunCourse, cell: str) -> None:
    run_course(
        SOLVER.replace("{cell!r}", repr(cell))
        + """
    solver = CaptioningSolver(model, data, update_rule="adam", optim_config={"learning_rate": 0.02}, lr_decay=0.99,
                              batch_size=6, num_epochs=60, verbose=False)
    solver.train()
    assert solver.epoch == 60
    assert len(solver.loss_history) == 120
    assert solver.loss_history[0] > 3
    assert solver.loss_history[-1] < 0.3
    np.testing.assert_allclose(solver.optim_configs["Wh"]["learning_rate"], 0.02 * 0.99**60)
    means = np.reshape(solver.loss_history, (60, 2)).mean(axis=1)
    np.testing.assert_allclose(solver.best_loss, means.min())
    assert solver.best_params.keys() == model.params.keys()
    assert {w.dtype for w in model.params.values()} == {np.dtype(np.float32)}
    written = model.sample(data["train_features"], max_length=2)
    assert (written == data["train_captions"][:4, 1:3]).all()
    """
    )


def test_solver_prints_as_asked_and_refuses_an_unknown_rule(run_course: RunCourse) -> None:
    printed = run_course(
        SOLVER.replace("{cell!r}", "'rnn'")
        + """
    CaptioningSolver(model, data, batch_size=4, num_epochs=2, print_every=4).train()
    CaptioningSolver(model, data, batch_size=4, num_epochs=2, verbose=False).train()
    try:
        CaptioningSolver(model, data, update_rule="np")
    except ValueError as error:
        print(error)
    """
    ).splitlines()
    assert [line.partition(" loss: ")[0] for line in printed[:2]] == ["(Iteration 1 / 6)", "(Iteration 5 / 6)"]
    assert printed[2:] == ["update_rule is 'np'; it must be one of sgd, sgd_momentum, rmsprop, adam"]


# Students' files, of the 2016 exercise and of later editions, import the support code in several ways.

EARLY_LAYERS = "import numpy as np\n\ndef rnn_step_forward(x, prev_h, Wx, Wh, b):\n    return np.tanh(x), ()\n"
OWN_AFFINE = EARLY_LAYERS + "\ndef affine_forward(x, w, b):\n    return 'my own', ()\n"
ABSOLUTE = "from cs231n.layers import *\nfrom cs231n.rnn_layers import *\n"
RELATIVE = "from ..layers import *\nfrom ..rnn_layers import *\n"
LATER = "import numpy as np\nfrom ..rnn_layers import *\n"


@pytest.mark.parametrize(
    ("rnn_layers", "imports", "affine_is"),
    [
        (EARLY_LAYERS, ABSOLUTE, "cs231n.layers"),
        (EARLY_LAYERS, RELATIVE, "cs231n.layers"),
        (OWN_AFFINE, RELATIVE, "cs231n.rnn_layers"),
        (OWN_AFFINE, LATER, "cs231n.rnn_layers"),
        ("from .layers import *\n" + EARLY_LAYERS, LATER, "cs231n.layers"),
        ("from cs231n.layers import affine_forward, affine_backward\n" + EARLY_LAYERS, LATER, "cs231n.layers"),
    ],
    ids=["2016", "relative", "later edition", "its affine alone", "star in the layers", "named in the layers"],
)
def test_students_imports_work(
    course_tree: Path, tmp_path: Path, rnn_layers: str, imports: str, affine_is: str
) -> None:
    package = tmp_path / "cs231n"
    shutil.copytree(course_tree / "cs231n", package, ignore=shutil.ignore_patterns("datasets"))
    (package / "rnn_layers.py").write_text(rnn_layers, encoding="utf-8")
    (package / "classifiers" / "rnn.py").write_text(
        f"{imports}\nclass CaptioningRNN:\n    known = (np, rnn_step_forward, affine_forward)\n", encoding="utf-8"
    )
    asked = "from cs231n.classifiers.rnn import CaptioningRNN; print(CaptioningRNN.known[2].__module__)"
    done = subprocess.run(
        [sys.executable, "-c", asked],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout.strip() == affine_is, done.stderr
