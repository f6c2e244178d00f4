"""The reference solution against PyTorch, against numerical gradients, and as the source that stubs are made from.

PyTorch and the course's package are imported in one process of their own, so that neither their modules nor PyTorch's
threads get into the process that runs the other tests. A `check_*` function runs there; the `test_*` function beside it
names the cases.
"""

from __future__ import annotations

import ast
import importlib.util
import io
import re
import sys
import tokenize
import warnings
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np
import pytest

ROOT = Path(__file__).resolve().parents[3]
SOURCES = [ROOT / "solutions/cs231n/rnn_layers.py", ROOT / "solutions/cs231n/classifiers/rnn.py"]
BLOCK = re.compile(r"^( *)### BEGIN SOLUTION (.*)\n((?:.*\n)*?)\1### END SOLUTION\n", re.MULTILINE)

SHAPES = [(1, 1, 1, 1), (1, 1, 3, 5), (1, 4, 5, 3), (4, 1, 3, 5), (3, 6, 7, 4), (25, 16, 20, 30)]  # N, T, D, H
SMALL_SHAPES = SHAPES[:-1]
CELLS = ["rnn", "lstm"]
WORDS = {"a": 0, "<END>": 1, "red": 2, "<START>": 3, "cat": 4, "<NULL>": 5, "dog": 6, "blue": 7}
NULL, START, END = WORDS["<NULL>"], WORDS["<START>"], WORDS["<END>"]

needs_torch = pytest.mark.skipif(importlib.util.find_spec("torch") is None, reason="PyTorch is not installed")
Run = Callable[..., None]


@pytest.fixture(scope="module")
def in_course(course_tree: Path) -> Iterator[Run]:
    """Call a function of this module in a process that has the course's tree on its path; what it raises is raised."""
    with ProcessPoolExecutor(1, get_context("spawn"), _enter_course, (str(course_tree),)) as process:

        def run(check: Callable[..., None], *arguments: Any) -> None:
            process.submit(check, *arguments).result()

        yield run


def _enter_course(tree: str) -> None:
    sys.path.insert(0, tree)
    if importlib.util.find_spec("torch") is not None:
        import torch

        torch.set_num_threads(1)
    warnings.simplefilter("error")  # an overflow in the reference is an error, too


# What the checks have in common


def assert_close(got: Any, expected: Any, name: str, tolerance: float = 1e-9) -> None:
    expected = np.asarray(expected)
    assert np.shape(got) == expected.shape, f"{name}: shape {np.shape(got)}, expected {expected.shape}"
    scale = max(1.0, float(np.abs(expected).max(initial=0)))
    np.testing.assert_allclose(got, expected, rtol=tolerance, atol=tolerance * scale, err_msg=name)


def cell_inputs(cell: str, shape: tuple[int, int, int, int], scale: float = 1.0, dtype: Any = np.float64) -> list[Any]:
    """x, h0, Wx, Wh, b for the functions over time; a large scale drives the activations into saturation."""
    N, T, D, H = shape
    G = 4 * H if cell == "lstm" else H
    rng = np.random.default_rng(sum(shape))
    shapes = [(N, T, D), (N, H), (D, G), (H, G), (G,)]
    x, *others = [rng.standard_normal(s).astype(dtype) for s in shapes]
    return [(scale * x).astype(dtype), *others]


def torch_cell(cell: str, Wx: Any, Wh: Any, b: Any) -> Any:
    """PyTorch's RNN or LSTM with our weights: transposed, and the gates i, f, o, g put into its order i, f, g, o."""
    import torch

    D, H = Wx.shape[0], Wh.shape[0]
    module = (torch.nn.LSTM if cell == "lstm" else torch.nn.RNN)(D, H, batch_first=True, dtype=torch.float64)
    with torch.no_grad():
        module.weight_ih_l0.copy_(torch.tensor(to_torch_order(cell, Wx).T))
        module.weight_hh_l0.copy_(torch.tensor(to_torch_order(cell, Wh).T))
        module.bias_ih_l0.copy_(torch.tensor(to_torch_order(cell, b)))
        module.bias_hh_l0.zero_()
    return module


def to_torch_order(cell: str, array: Any) -> Any:
    """Exchange the last two of the LSTM's four blocks; doing it twice changes nothing, so it also leads back."""
    if cell == "rnn":
        return array
    i, f, o, g = np.split(array, 4, axis=-1)
    return np.concatenate([i, f, g, o], axis=-1)


def torch_weight_gradients(cell: str, module: Any) -> list[Any]:
    grads = [module.weight_ih_l0.grad.numpy().T, module.weight_hh_l0.grad.numpy().T, module.bias_ih_l0.grad.numpy()]
    return [to_torch_order(cell, grad) for grad in grads]


def captions_with_null(N: int, T: int) -> Any:
    """<START>, words (some of them repeated), <END>, and <NULL> after it: a different length in each row."""
    captions = np.full((N, T), NULL)
    words = [WORDS[word] for word in ("a", "red", "cat", "dog", "blue")]
    rng = np.random.default_rng(N * T)
    for row in range(N):
        length = T - row % (T - 1)  # from 2 to T
        captions[row, :length] = [START, *rng.choice(words, length - 2), END]
    return captions


def make_model(cell: str, dtype: Any, input_dim: int = 6, wordvec_dim: int = 5, hidden_dim: int = 12) -> Any:
    """A model whose parameters are large enough that a wrong state or gate shows, biases included."""
    from cs231n.classifiers.rnn import CaptioningRNN

    rng = np.random.default_rng(0)
    model = CaptioningRNN(WORDS, input_dim, wordvec_dim, hidden_dim, cell, dtype)
    for name, value in model.params.items():
        model.params[name] = rng.standard_normal(value.shape).astype(dtype)
    return model


# Over time and for one step, against PyTorch


def check_sequence_against_torch(cell: str, shape: tuple[int, int, int, int], scale: float) -> None:
    import torch
    from cs231n import rnn_layers

    x, h0, Wx, Wh, b = inputs = cell_inputs(cell, shape, scale)
    dh = np.random.default_rng(1).standard_normal((shape[0], shape[1], shape[3]))
    h, cache = getattr(rnn_layers, f"{cell}_forward")(*inputs)
    grads = getattr(rnn_layers, f"{cell}_backward")(dh, cache)

    module = torch_cell(cell, Wx, Wh, b)
    tx, th0 = torch.tensor(x, requires_grad=True), torch.tensor(h0[np.newaxis], requires_grad=True)
    th, _ = module(tx, (th0, torch.zeros_like(th0)) if cell == "lstm" else th0)
    th.backward(torch.tensor(dh))

    assert_close(h, th.detach().numpy(), "h")
    expected = [tx.grad.numpy(), th0.grad.numpy()[0], *torch_weight_gradients(cell, module)]
    for name, got, want in zip(["dx", "dh0", "dWx", "dWh", "db"], grads, expected, strict=True):
        assert_close(got, want, name)


@needs_torch
@pytest.mark.parametrize("scale", [1.0, 1e4])
@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("cell", CELLS)
def test_sequence_equals_torch(in_course: Run, cell: str, shape: tuple[int, int, int, int], scale: float) -> None:
    in_course(check_sequence_against_torch, cell, shape, scale)


def check_step_against_torch(cell: str, shape: tuple[int, int, int, int], scale: float) -> None:
    import torch
    from cs231n import rnn_layers

    x, *others = cell_inputs(cell, shape, scale)
    x, (prev_h, Wx, Wh, b) = x[:, 0], others
    rng = np.random.default_rng(1)
    prev_c, dnext_h, dnext_c = (rng.standard_normal(prev_h.shape) for _ in range(3))
    module = torch_cell(cell, Wx, Wh, b)
    tx, th, tc = (torch.tensor(a, requires_grad=True) for a in (x, prev_h, prev_c))
    if cell == "rnn":
        next_h, cache = rnn_layers.rnn_step_forward(x, prev_h, Wx, Wh, b)
        names, grads = ["dx", "dprev_h"], rnn_layers.rnn_step_backward(dnext_h, cache)
        _, tnext_h = module(tx[:, None], th[None])
        tnext_h[0].backward(torch.tensor(dnext_h))
    else:
        next_h, next_c, cache = rnn_layers.lstm_step_forward(x, prev_h, prev_c, Wx, Wh, b)
        names, grads = ["dx", "dprev_h", "dprev_c"], rnn_layers.lstm_step_backward(dnext_h, dnext_c, cache)
        _, (tnext_h, tnext_c) = module(tx[:, None], (th[None], tc[None]))
        torch.autograd.backward([tnext_h[0], tnext_c[0]], [torch.tensor(dnext_h), torch.tensor(dnext_c)])
        assert_close(next_c, tnext_c[0].detach().numpy(), "next_c")

    assert_close(next_h, tnext_h[0].detach().numpy(), "next_h")
    expected = [t.grad.numpy() for t in (tx, th, tc)[: len(names)]] + torch_weight_gradients(cell, module)
    for name, got, want in zip([*names, "dWx", "dWh", "db"], grads, expected, strict=True):
        assert_close(got, want, name)


@needs_torch
@pytest.mark.parametrize("scale", [1.0, 1e4])
@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("cell", CELLS)
def test_step_equals_torch(in_course: Run, cell: str, shape: tuple[int, int, int, int], scale: float) -> None:
    in_course(check_step_against_torch, cell, shape, scale)


# The same against numerical gradients


def check_sequence_gradients(cell: str, shape: tuple[int, int, int, int]) -> None:
    from cs231n import rnn_layers
    from cs231n.gradient_check import eval_numerical_gradient_array

    forward, backward = getattr(rnn_layers, f"{cell}_forward"), getattr(rnn_layers, f"{cell}_backward")
    inputs = cell_inputs(cell, shape)
    h, cache = forward(*inputs)
    dh = np.random.default_rng(1).standard_normal(h.shape)
    grads = backward(dh, cache)
    for name, array, grad in zip(["dx", "dh0", "dWx", "dWh", "db"], inputs, grads, strict=True):
        numerical = eval_numerical_gradient_array(lambda _: forward(*inputs)[0], array, dh)
        assert_close(grad, numerical, name, tolerance=1e-7)


@pytest.mark.parametrize("shape", SMALL_SHAPES)
@pytest.mark.parametrize("cell", CELLS)
def test_sequence_gradients_are_the_numerical_ones(in_course: Run, cell: str, shape: tuple[int, ...]) -> None:
    in_course(check_sequence_gradients, cell, shape)


def check_step_gradients(cell: str, shape: tuple[int, int, int, int]) -> None:
    from cs231n import rnn_layers
    from cs231n.gradient_check import eval_numerical_gradient_array

    x, prev_h, *weights = cell_inputs(cell, shape)
    rng = np.random.default_rng(1)
    names = ["dx", "dprev_h", "dprev_c", "dWx", "dWh", "db"]
    inputs = [x[:, 0].copy(), prev_h, rng.standard_normal(prev_h.shape), *weights]
    if cell == "rnn":
        names.remove("dprev_c")
        del inputs[2]
    *states, cache = getattr(rnn_layers, f"{cell}_step_forward")(*inputs)
    dstates = [rng.standard_normal(state.shape) for state in states]
    grads = getattr(rnn_layers, f"{cell}_step_backward")(*dstates, cache)

    def states_side_by_side(_: Any) -> Any:
        return np.concatenate(getattr(rnn_layers, f"{cell}_step_forward")(*inputs)[:-1], axis=1)

    for name, array, grad in zip(names, inputs, grads, strict=True):
        numerical = eval_numerical_gradient_array(states_side_by_side, array, np.concatenate(dstates, axis=1))
        assert_close(grad, numerical, name, tolerance=1e-7)


@pytest.mark.parametrize("shape", SMALL_SHAPES)
@pytest.mark.parametrize("cell", CELLS)
def test_step_gradients_are_the_numerical_ones(in_course: Run, cell: str, shape: tuple[int, ...]) -> None:
    in_course(check_step_gradients, cell, shape)


def check_inputs_and_cache_are_left_alone(cell: str) -> None:
    from cs231n import rnn_layers

    inputs = cell_inputs(cell, (3, 4, 5, 6))
    before = [array.copy() for array in inputs]
    h, cache = getattr(rnn_layers, f"{cell}_forward")(*inputs)
    dh = np.ones_like(h)
    first = getattr(rnn_layers, f"{cell}_backward")(dh, cache)
    second = getattr(rnn_layers, f"{cell}_backward")(dh, cache)
    for array, copy in zip([*inputs, dh], [*before, np.ones_like(h)], strict=True):
        np.testing.assert_array_equal(array, copy)
    for one, other in zip(first, second, strict=True):
        np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize("cell", CELLS)
def test_inputs_and_cache_are_left_as_they_were(in_course: Run, cell: str) -> None:
    in_course(check_inputs_and_cache_are_left_alone, cell)


# Word embeddings, sigmoid, the temporal layers


def check_word_embedding(ids: list[list[int]]) -> None:
    from cs231n.rnn_layers import word_embedding_backward, word_embedding_forward

    rng = np.random.default_rng(0)
    x, W = np.array(ids), rng.standard_normal((6, 4)).astype(np.float32)
    out, cache = word_embedding_forward(x, W)
    dout = rng.standard_normal(out.shape).astype(np.float32)
    dW = word_embedding_backward(dout, cache)

    expected_out, expected_dW = np.zeros((*x.shape, 4)), np.zeros((6, 4))
    for (n, t), word in np.ndenumerate(x):
        expected_out[n, t] = W[word]
        expected_dW[word] += dout[n, t]
    np.testing.assert_array_equal(out, expected_out)
    assert_close(dW, expected_dW, "dW", tolerance=1e-6)
    assert out.dtype == dW.dtype == np.float32


@pytest.mark.parametrize("ids", [[[0, 3, 1, 2], [2, 1, 0, 3]], [[5, 5, 5, 5]], [[4]], [[0], [0], [5]]])
def test_word_embedding_sums_over_repeated_words(in_course: Run, ids: list[list[int]]) -> None:
    in_course(check_word_embedding, ids)


def check_sigmoid() -> None:
    from cs231n.rnn_layers import sigmoid

    x = np.array([-1e4, -800, 0, 800, 1e4])
    np.testing.assert_array_equal(sigmoid(x), [0, 0, 0.5, 1, 1])
    np.testing.assert_array_equal(sigmoid(x.astype(np.float32)), np.array([0, 0, 0.5, 1, 1], dtype=np.float32))
    assert sigmoid(x.astype(np.float32)).dtype == np.float32
    z = np.linspace(-30, 30, 101)
    np.testing.assert_allclose(sigmoid(z), np.exp(z) / (1 + np.exp(z)), rtol=1e-14)


def test_sigmoid_is_stable(in_course: Run) -> None:
    in_course(check_sigmoid)


def check_temporal_affine(shape: tuple[int, int, int, int]) -> None:
    from cs231n.gradient_check import eval_numerical_gradient_array
    from cs231n.rnn_layers import temporal_affine_backward, temporal_affine_forward

    N, T, D, M = shape
    rng = np.random.default_rng(0)
    inputs = [rng.standard_normal(s) for s in ((N, T, D), (D, M), (M,))]
    out, cache = temporal_affine_forward(*inputs)
    x, w, b = inputs
    assert_close(out, np.stack([x[:, t] @ w + b for t in range(T)], axis=1), "out")
    dout = rng.standard_normal(out.shape)
    for name, array, grad in zip(["dx", "dw", "db"], inputs, temporal_affine_backward(dout, cache), strict=True):
        numerical = eval_numerical_gradient_array(lambda _: temporal_affine_forward(*inputs)[0], array, dout)
        assert_close(grad, numerical, name, tolerance=1e-7)


@pytest.mark.parametrize("shape", SMALL_SHAPES)
def test_temporal_affine(in_course: Run, shape: tuple[int, ...]) -> None:
    in_course(check_temporal_affine, shape)


def check_temporal_softmax_against_torch(N: int, T: int, scale: float) -> None:
    import torch
    from cs231n.rnn_layers import temporal_softmax_loss

    rng = np.random.default_rng(0)
    x, y, mask = scale * rng.standard_normal((N, T, 6)), rng.integers(6, size=(N, T)), rng.random((N, T)) < 0.7
    loss, dx = temporal_softmax_loss(x, y, mask)
    tx = torch.tensor(x, requires_grad=True)
    each = torch.nn.functional.cross_entropy(tx.reshape(-1, 6), torch.tensor(y).reshape(-1), reduction="none")
    expected = (each * torch.tensor(mask).reshape(-1)).sum() / N
    expected.backward()
    assert_close(loss, expected.item(), "loss")
    assert_close(dx, tx.grad.numpy(), "dx")


@needs_torch
@pytest.mark.parametrize("scale", [1.0, 1e4])
@pytest.mark.parametrize(("N", "T"), [(1, 1), (1, 5), (4, 1), (3, 6)])
def test_temporal_softmax_equals_torch(in_course: Run, N: int, T: int, scale: float) -> None:
    in_course(check_temporal_softmax_against_torch, N, T, scale)


def check_all_masked() -> None:
    from cs231n.rnn_layers import temporal_softmax_loss

    loss, dx = temporal_softmax_loss(np.ones((2, 3, 4)), np.zeros((2, 3), dtype=int), np.zeros((2, 3), dtype=bool))
    assert loss == 0
    assert not dx.any()


def test_temporal_softmax_of_nothing_but_null_is_zero(in_course: Run) -> None:
    in_course(check_all_masked)


# The model


def torch_loss(model: Any, features: Any, captions: Any) -> tuple[float, dict[str, Any]]:
    """The loss and its gradients, written with PyTorch's own layers and its autograd."""
    import torch

    p = {name: torch.tensor(np.asarray(v, dtype=np.float64), requires_grad=True) for name, v in model.params.items()}
    cell = torch_cell(model.cell_type, *(model.params[name] for name in ("Wx", "Wh", "b")))
    captions = torch.tensor(captions)
    h0 = (torch.tensor(features) @ p["W_proj"] + p["b_proj"])[None]
    words = torch.nn.functional.embedding(captions[:, :-1], p["W_embed"])
    h, _ = cell(words, (h0, torch.zeros_like(h0)) if model.cell_type == "lstm" else h0)
    scores = h @ p["W_vocab"] + p["b_vocab"]
    loss = torch.nn.functional.cross_entropy(
        scores.reshape(-1, scores.shape[2]), captions[:, 1:].reshape(-1), ignore_index=NULL, reduction="sum"
    ) / len(captions)
    loss.backward()
    grads = {name: tensor.grad.numpy() for name, tensor in p.items() if tensor.grad is not None}
    grads |= dict(zip(("Wx", "Wh", "b"), torch_weight_gradients(model.cell_type, cell), strict=True))
    return loss.item(), grads


def check_loss_against_torch(cell: str, N: int, T: int) -> None:
    model = make_model(cell, np.float64)
    features = np.random.default_rng(1).standard_normal((N, 6))
    captions = captions_with_null(N, T)
    loss, grads = model.loss(features, captions)
    expected_loss, expected_grads = torch_loss(model, features, captions)
    assert_close(loss, expected_loss, "loss")
    assert set(grads) == set(expected_grads) == set(model.params)
    for name, expected in expected_grads.items():
        assert_close(grads[name], expected, name)


@needs_torch
@pytest.mark.parametrize(("N", "T"), [(1, 2), (1, 6), (5, 2), (7, 6)])
@pytest.mark.parametrize("cell", CELLS)
def test_loss_equals_torch(in_course: Run, cell: str, N: int, T: int) -> None:
    in_course(check_loss_against_torch, cell, N, T)


def check_loss_gradients(cell: str) -> None:
    from cs231n.gradient_check import eval_numerical_gradient

    model = make_model(cell, np.float64, input_dim=3, wordvec_dim=4, hidden_dim=2)
    features, captions = np.random.default_rng(1).standard_normal((3, 3)), captions_with_null(3, 5)
    _, grads = model.loss(features, captions)
    for name, value in model.params.items():
        numerical = eval_numerical_gradient(lambda _: model.loss(features, captions)[0], value)
        assert_close(grads[name], numerical, name, tolerance=1e-7)


@pytest.mark.parametrize("cell", CELLS)
def test_loss_gradients_are_the_numerical_ones(in_course: Run, cell: str) -> None:
    in_course(check_loss_gradients, cell)


def check_sample_against_torch(cell: str, N: int, max_length: int) -> None:
    import torch

    model = make_model(cell, np.float64)
    features = np.random.default_rng(2).standard_normal((N, 6))
    captions = model.sample(features, max_length)

    module = torch_cell(cell, *(model.params[name] for name in ("Wx", "Wh", "b")))
    p = {name: torch.tensor(value) for name, value in model.params.items()}
    h = (torch.tensor(features) @ p["W_proj"] + p["b_proj"])[None]
    state = (h, torch.zeros_like(h)) if cell == "lstm" else h
    word, words = torch.full((N,), START), []
    with torch.no_grad():
        for _ in range(max_length):
            h, state = module(p["W_embed"][word][:, None], state)
            word = (h[:, 0] @ p["W_vocab"] + p["b_vocab"]).argmax(dim=1)
            words.append(word.numpy())
    np.testing.assert_array_equal(captions, np.stack(words, axis=1))
    assert captions.shape == (N, max_length)
    assert np.issubdtype(captions.dtype, np.integer)
    if min(N, max_length) > 5:
        assert len(np.unique(captions, axis=0)) > N // 2, "the case is too easy: the rows are alike"
        assert len(np.unique(captions)) > 4, "the case is too easy: hardly any word is used"


@needs_torch
@pytest.mark.parametrize(("N", "max_length"), [(1, 1), (1, 30), (4, 1), (12, 30)])
@pytest.mark.parametrize("cell", CELLS)
def test_sample_equals_a_greedy_loop_in_torch(in_course: Run, cell: str, N: int, max_length: int) -> None:
    in_course(check_sample_against_torch, cell, N, max_length)


def check_float32(cell: str) -> None:
    from cs231n import rnn_layers

    model = make_model(cell, np.float32)
    features = np.random.default_rng(1).standard_normal((4, 6)).astype(np.float32)
    loss, grads = model.loss(features, captions_with_null(4, 6))
    assert loss.dtype == np.float32
    assert {name: grad.dtype for name, grad in grads.items()} == dict.fromkeys(model.params, np.dtype(np.float32))
    exact, exact_grads = make_model(cell, np.float64), {}
    exact.params = {name: value.astype(np.float64) for name, value in model.params.items()}
    exact_loss, exact_grads = exact.loss(features.astype(np.float64), captions_with_null(4, 6))
    assert_close(loss, exact_loss, "loss", tolerance=1e-5)
    for name, grad in grads.items():
        assert_close(grad, exact_grads[name], name, tolerance=1e-4)

    h, cache = getattr(rnn_layers, f"{cell}_forward")(*cell_inputs(cell, (3, 4, 5, 6), dtype=np.float32))
    grads = getattr(rnn_layers, f"{cell}_backward")(np.ones_like(h), cache)
    assert {array.dtype for array in (h, *grads)} == {np.dtype(np.float32)}


@pytest.mark.parametrize("cell", CELLS)
def test_float32_models_stay_float32(in_course: Run, cell: str) -> None:
    in_course(check_float32, cell)


def check_new_model(cell: str) -> None:
    from cs231n.classifiers.rnn import CaptioningRNN

    G = 4 if cell == "lstm" else 1
    np.random.seed(3)
    model = CaptioningRNN(WORDS, cell_type=cell)
    np.random.seed(3)
    drawn = [("W_embed", 8, 128), ("W_proj", 512, 128), ("Wx", 128, 128 * G), ("Wh", 128, 128 * G), ("W_vocab", 128, 8)]
    for name, rows, columns in drawn:
        scale = 100 if name == "W_embed" else np.sqrt(rows)
        expected = (np.random.randn(rows, columns) / scale).astype(np.float32)
        np.testing.assert_array_equal(model.params[name], expected, err_msg=name)
    for name, size in [("b_proj", 128), ("b", 128 * G), ("b_vocab", 8)]:
        np.testing.assert_array_equal(model.params[name], np.zeros(size), err_msg=name)
    assert set(model.params) == {"W_embed", "W_proj", "Wx", "Wh", "W_vocab", "b_proj", "b", "b_vocab"}
    assert {value.dtype for value in model.params.values()} == {np.dtype(np.float32)}
    assert (model._null, model._start, model._end) == (NULL, START, END)


@pytest.mark.parametrize("cell", CELLS)
def test_new_model_has_the_parameters_of_the_exercise(in_course: Run, cell: str) -> None:
    in_course(check_new_model, cell)


def check_cell_type_is_checked() -> None:
    from cs231n.classifiers.rnn import CaptioningRNN

    try:
        CaptioningRNN(WORDS, cell_type="gru")
    except ValueError as error:
        assert "'gru'" in str(error)  # noqa: PT017 - in a process of its own, without pytest
    else:
        raise AssertionError("a cell_type that doesn't exist was taken")


def test_unknown_cell_type_is_refused(in_course: Run) -> None:
    in_course(check_cell_type_is_checked)


# The reference as the source of the stubs


def tokens_of(line: str) -> int:
    """How many tokens a line has, comments apart; a part of a longer statement is counted by its words."""
    without = {tokenize.COMMENT, tokenize.NL, tokenize.NEWLINE, tokenize.ENDMARKER, tokenize.INDENT, tokenize.DEDENT}
    try:
        return sum(token.type not in without for token in tokenize.generate_tokens(io.StringIO(line.strip()).readline))
    except tokenize.TokenError:
        return len(re.findall(r"\w+|[^\w\s]", line))


def code_of(line: str) -> str:
    """The line without its comment and without spaces, so that layout hides nothing."""
    return "".join(line.split("  #")[0].split())


def stub_of(source: str) -> str:
    return BLOCK.sub(r'\1raise NotImplementedError("\2")\n', source)


@pytest.mark.parametrize("source", SOURCES, ids=lambda path: path.name)
def test_every_function_to_write_has_one_solution_block(source: Path) -> None:
    text = source.read_text(encoding="utf-8")
    blocks = list(BLOCK.finditer(text))
    assert len(blocks) == text.count("### BEGIN SOLUTION") == text.count("### END SOLUTION")
    functions = [node for node in ast.walk(ast.parse(text)) if isinstance(node, ast.FunctionDef)]
    owners = []
    for block in blocks:
        line = text.count("\n", 0, block.start()) + 1
        owner = next(f for f in functions if f.lineno < line <= (f.end_lineno or 0) + 1)
        assert block[2].endswith(owner.name)
        assert re.match(r"Task \d\.\d( and \d\.\d)?: ", block[2])
        owners.append(owner.name)
    expected = {
        "rnn_layers.py": [
            *("rnn_step_forward", "rnn_step_backward", "rnn_forward", "rnn_backward"),
            *("word_embedding_forward", "word_embedding_backward"),
            *("lstm_step_forward", "lstm_step_backward", "lstm_forward", "lstm_backward"),
        ],
        "rnn.py": ["loss", "sample"],
    }
    assert owners == expected[source.name]


@pytest.mark.parametrize("source", SOURCES, ids=lambda path: path.name)
def test_stub_compiles_and_raises_at_once(source: Path) -> None:
    stub = stub_of(source.read_text(encoding="utf-8"))
    compile(stub, source.name, "exec")
    assert "SOLUTION" not in stub
    for function in ast.walk(ast.parse(stub)):
        if isinstance(function, ast.FunctionDef) and "NotImplementedError" in ast.unparse(function):
            assert isinstance(function.body[-1], ast.Raise), f"{function.name} has code behind its solution"


@pytest.mark.parametrize("source", SOURCES, ids=lambda path: path.name)
def test_no_solution_line_survives_outside_its_block(source: Path) -> None:
    solution = {
        code_of(line)
        for block in BLOCK.finditer(source.read_text(encoding="utf-8"))
        for line in block[3].splitlines()
        if tokens_of(line) >= 3
    }
    assert len(solution) >= 20
    handed_out = {path: stub_of(path.read_text(encoding="utf-8")) for path in SOURCES}
    handed_out |= {path: path.read_text(encoding="utf-8") for path in (ROOT / "assignment/cs231n").rglob("*.py")}
    for path, text in handed_out.items():
        for line in text.splitlines():
            assert code_of(line) not in solution, f"{path.name} gives away: {line.strip()}"
            comment = "".join(line.partition("#")[2].split())
            assert not any(code in comment for code in solution), f"{path.name} gives away: {line.strip()}"


def test_tasks_are_numbered_through() -> None:
    numbers = [
        n for path in SOURCES for n in re.findall(r"\d\.\d", " ".join(b[2] for b in BLOCK.finditer(path.read_text())))
    ]
    assert sorted(numbers) == [*(f"1.{k}" for k in range(1, 9)), *(f"2.{k}" for k in range(1, 7))]
