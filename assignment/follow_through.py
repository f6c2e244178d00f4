"""Recipes of follow-through: what the checks' values should be, given what the student's own earlier functions answer.

Not part of the handout: it says how the parts make the whole.
"""

import itertools
from typing import NamedTuple

import numpy as np

from grader.checking.follow import gradients, recipe
from grader.checking.student import Value

# One `loss` and one `sample` serve both cells.
SAME_CODE = {"captioning_lstm_loss": "captioning_rnn_loss", "captioning_lstm_sample": "captioning_rnn_sample"}

RNN_GRADIENTS = ("dx", "dh0", "dWx", "dWh", "db")


# --- a backward pass, given the student's own forward pass -----------------------------------------------------------


@recipe("rnn_step_backward", after=["rnn_step_forward"])
def own_rnn_step(student, attempt, own):
    inputs, (upstream, _) = attempt.calls[0].args, attempt.calls[1].args
    names = ("dx", "dprev_h", "dWx", "dWh", "db")
    own.values(gradients(lambda *at: student.rnn_step_forward(*at)[0], inputs, upstream, names))


@recipe("rnn_backward", after=["rnn_step_forward", "rnn_forward"])
def own_rnn(student, attempt, own):
    inputs, (upstream, _) = attempt.calls[0].args, attempt.calls[1].args
    own.values(gradients(lambda *at: student.rnn_forward(*at)[0], inputs, upstream, RNN_GRADIENTS))


@recipe("lstm_step_backward", after=["lstm_step_forward"])
def own_lstm_step(student, attempt, own):
    inputs, (dnext_h, dnext_c, _) = attempt.calls[0].args, attempt.calls[1].args
    names = ("dx", "dprev_h", "dprev_c", "dWx", "dWh", "db")
    own.values(gradients(lambda *at: student.lstm_step_forward(*at)[:2], inputs, [dnext_h, dnext_c], names))


@recipe("lstm_backward", after=["lstm_step_forward", "lstm_forward"])
def own_lstm(student, attempt, own):
    inputs, (upstream, _) = attempt.calls[0].args, attempt.calls[1].args
    own.values(gradients(lambda *at: student.lstm_forward(*at)[0], inputs, upstream, RNN_GRADIENTS))


@recipe("word_embedding_backward", after=["word_embedding_forward"])
def own_embedding(student, attempt, own):
    inputs, (upstream, _) = attempt.calls[0].args, attempt.calls[1].args
    own.values(gradients(lambda *at: student.word_embedding_forward(*at)[0], inputs, upstream, (None, "dW")))


# --- the right backward pass, given what a wrong forward pass left in its cache ---------------------------------------


def sigmoid(a):
    return 1 / (1 + np.exp(-a))


def back_through(da, x, prev_h, Wx, Wh):
    """The gradients of x, prev_h, Wx, Wh and b, given that of x @ Wx + prev_h @ Wh + b."""
    return da @ Wx.T, da @ Wh.T, x.T @ da, prev_h.T @ da, da.sum(axis=0)


@recipe("rnn_step_backward", after=["rnn_step_forward"])
def right_rnn_step_backward_of_own_state(student, attempt, own):
    (x, prev_h, Wx, Wh, b), dnext_h = attempt.calls[0].args, attempt.calls[1].args[0]
    next_h, _ = student.rnn_step_forward(x, prev_h, Wx, Wh, b)
    names = ("dx", "dprev_h", "dWx", "dWh", "db")
    own.values(dict(zip(names, back_through(dnext_h * (1 - next_h**2), x, prev_h, Wx, Wh))))


@recipe("rnn_backward", after=["rnn_step_forward", "rnn_forward"])
def right_rnn_backward_of_own_states(student, attempt, own):
    (x, h0, *_), h = attempt.calls[0].args, student.rnn_forward(*attempt.calls[0].args)[0]
    own.values(back_over_states(attempt, list(np.moveaxis(x, 1, 0)), [h0, *np.moveaxis(h, 1, 0)[:-1]], h))


@recipe("rnn_backward", after=["rnn_forward"])
def right_rnn_backward_of_own_loop(student, attempt, own):
    steps = own_steps(student, "rnn", attempt.calls[0].args)
    h = np.stack([step.next_h for step in steps], axis=1)
    own.values(back_over_states(attempt, [step.inputs[0] for step in steps], [step.inputs[1] for step in steps], h))


def back_over_states(attempt, x, before, h):
    """The gradients of an RNN, from each step's input, the state before it and the one that it gave."""
    (_, _, Wx, Wh, _), dh = attempt.calls[0].args, attempt.calls[1].args[0]

    def step(t, carried):
        return *back_through((dh[:, t] + carried) * (1 - h[:, t] ** 2), x[t], before[t], Wx, Wh), None

    return back_in_time(step, dh.shape[1])


def back_in_time(step, T):
    """The gradients of a sequence, from those of its steps: step(t, dh) gives dx, dprev_h, dWx, dWh, db of step t."""
    carried, dx, sums = 0.0, [], [0.0, 0.0, 0.0]
    for t in reversed(range(T)):
        dx_t, carried, *weights, _ = step(t, carried)
        dx.append(dx_t)
        sums = [total + weight for total, weight in zip(sums, weights)]
    return dict(zip(RNN_GRADIENTS, (np.stack(dx[::-1], axis=1), carried, *sums)))


def gates_by_order(student, inputs, next_h, next_c):
    """The gates i, f, o, g in an order of the columns that gives the student's states: one choice, or none."""
    x, prev_h, prev_c, Wx, Wh, b = inputs
    blocks = np.split(x @ Wx + prev_h @ Wh + b, 4, axis=1)
    for order in itertools.permutations(range(4)):
        i, f, o = (sigmoid(blocks[k]) for k in order[:3])
        g = np.tanh(blocks[order[3]])
        c = f * prev_c + i * g
        if np.allclose(c, next_c) and np.allclose(o * np.tanh(c), next_h):
            return [(i, f, o, g)]
    return []


def gates_in_cache(student, inputs, next_h, next_c):
    """The gates that the student's own cache holds: a gate is what hangs on its own block of columns alone.

    What the forward pass made of them shows in the cache, whatever is wrong with it. Where several arrays hang on a
    block (before and after the nonlinearity), each is a choice.
    """
    *states, Wx, Wh, b = inputs
    found = arrays_in(student.lstm_step_forward(*inputs)[2], next_c.shape)
    changed = []
    for k in range(4):
        block = np.repeat(np.arange(4) == k, next_c.shape[1])  # (4H,)
        moved = arrays_in(student.lstm_step_forward(*states, Wx + block, Wh + block, b + block)[2], next_c.shape)
        changed.append([not np.array_equal(one, other) for one, other in zip(found, moved, strict=True)])
    gates = []
    for k, squash in enumerate((sigmoid, sigmoid, sigmoid, np.tanh)):
        own = [one for one, hangs in zip(found, zip(*changed)) if hangs[k] and sum(hangs) == 1]
        gates.append([squash(one) if np.abs(one).max() > 1 else one for one in own[:3]])
    return list(itertools.product(*gates))


def arrays_in(cache, shape):
    """The arrays of a shape (N, H) in a cache, in order; those of (N, 4H) as their four blocks of columns."""
    if isinstance(cache, Value):
        cache = cache.fetch()
    if isinstance(cache, dict):
        cache = tuple(cache.values())
    if isinstance(cache, list | tuple):
        return [array for item in cache for array in arrays_in(item, shape)]
    if not isinstance(cache, np.ndarray) or cache.dtype.kind != "f":
        return []
    if cache.shape == (shape[0], 4 * shape[1]):
        return np.split(cache, 4, axis=1)
    return [cache] if cache.shape == shape else []


def back_of_gates(step, gates, dnext_h, dnext_c):
    """dx, dprev_h, dWx, dWh, db, dprev_c of a step, with the gradients of the gates in the order i, f, o, g."""
    (x, prev_h, prev_c, Wx, Wh, _), (i, f, o, g), tanh_c = step.inputs, gates, np.tanh(step.next_c)
    dc = dnext_c + dnext_h * o * (1 - tanh_c**2)
    da = (dc * g * i * (1 - i), dc * prev_c * f * (1 - f), dnext_h * tanh_c * o * (1 - o), dc * i * (1 - g**2))
    return *back_through(np.concatenate(da, axis=1), x, prev_h, Wx, Wh), dc * f


def back_over_gates(steps, gates, dh):
    """The gradients of an LSTM, from its steps and their gates."""
    dc = np.zeros_like(dh[:, 0])

    def back(t, carried):
        nonlocal dc
        *gradients_of_step, dc = back_of_gates(steps[t], gates[t], dh[:, t] + carried, dc)
        return *gradients_of_step, dc

    return back_in_time(back, len(steps))


def right_lstm_step_backward(student, attempt, own, gates_of):
    inputs, upstream = attempt.calls[0].args, attempt.calls[1].args[:2]
    step = Step(inputs, *student.lstm_step_forward(*inputs))
    names = ("dx", "dprev_h", "dWx", "dWh", "db", "dprev_c")
    own.one_of(dict(zip(names, back_of_gates(step, gates, *upstream))) for gates in gates_of(student, *step[:3]))


def right_lstm_backward(student, attempt, own, gates_of):
    (x, h0, *_), dh = attempt.calls[0].args, attempt.calls[1].args[0]
    steps = own_steps(student, "lstm", attempt.calls[0].args)
    choices = list(zip(*(gates_of(student, *step[:3]) for step in steps)))
    before = [h0, *(step.next_h for step in steps[:-1])]  # which the weights' gradients may also be made from
    beside = [step._replace(inputs=(x[:, t], before[t], *step.inputs[2:])) for t, step in enumerate(steps)]
    own.one_of(back_over_gates(told, gates, dh) for told in (steps, beside) for gates in choices)


@recipe("lstm_step_backward", after=["lstm_step_forward"])
def right_lstm_step_backward_of_gates_by_order(student, attempt, own):
    right_lstm_step_backward(student, attempt, own, gates_by_order)


@recipe("lstm_step_backward", after=["lstm_step_forward"])
def right_lstm_step_backward_of_gates_in_cache(student, attempt, own):
    right_lstm_step_backward(student, attempt, own, gates_in_cache)


@recipe("lstm_backward", after=["lstm_step_forward", "lstm_forward"])
def right_lstm_backward_of_gates_by_order(student, attempt, own):
    right_lstm_backward(student, attempt, own, gates_by_order)


@recipe("lstm_backward", after=["lstm_step_forward", "lstm_forward"])
def right_lstm_backward_of_gates_in_cache(student, attempt, own):
    right_lstm_backward(student, attempt, own, gates_in_cache)


# --- a sequence, given the student's own steps -----------------------------------------------------------------------


class Step(NamedTuple):
    """One of the student's own steps: what it was given and what came of it; an RNN has no cell state."""

    inputs: tuple
    next_h: np.ndarray
    next_c: np.ndarray | None
    cache: object


def step_from(student, cell, x, h, c, weights):
    if cell == "lstm":
        return Step((x, h, c, *weights), *student.lstm_step_forward(x, h, c, *weights))
    next_h, cache = student.rnn_step_forward(x, h, *weights)
    return Step((x, h, *weights), next_h, None, cache)


def over_steps(student, cell, inputs):
    """The steps of the right loop, each the student's own; an LSTM's cell state is zero at the start."""
    x, h, *weights = inputs
    steps, c = [], np.zeros_like(h)
    for t in range(x.shape[1]):
        steps.append(step_from(student, cell, x[:, t], h, c, weights))
        h, c = steps[-1].next_h, steps[-1].next_c
    return steps


def own_steps(student, cell, inputs):
    """The steps of the student's own loop: of what is at hand for a step, what gives the state that he got.

    The usual comes first: this time step's input and the states of the step before. Where nothing explains a state,
    his loop is not one over his steps, and the right one stands for it.
    """
    x, h0, *weights = inputs
    states = (student.lstm_forward if cell == "lstm" else student.rnn_forward)(*inputs)[0]
    zero, one = np.zeros_like(h0), np.ones_like(h0)
    steps, h, c = [], h0, zero
    for t in range(x.shape[1]):
        xs, cells = (x[:, t], x[:, -1 - t], x[:, 0]), (c, zero, h0, one) if cell == "lstm" else (None,)
        for given in itertools.product(xs, (h, h0, zero), cells):
            step = step_from(student, cell, *given, weights)
            if np.allclose(step.next_h, states[:, t]):
                break
        else:
            return over_steps(student, cell, inputs)
        steps.append(step)
        h, c = step.next_h, step.next_c
    return steps


@recipe("rnn_forward", after=["rnn_step_forward"])
def rnn_of_own_steps(student, attempt, own):
    own.value("h", np.stack([step.next_h for step in over_steps(student, "rnn", attempt.calls[0].args)], axis=1))


@recipe("lstm_forward", after=["lstm_step_forward"])
def lstm_of_own_steps(student, attempt, own):
    own.value("h", np.stack([step.next_h for step in over_steps(student, "lstm", attempt.calls[0].args)], axis=1))


@recipe("rnn_backward", after=["rnn_step_forward", "rnn_step_backward", "rnn_forward"])
def rnn_back_over_own_steps(student, attempt, own):
    dh, steps = attempt.calls[1].args[0], own_steps(student, "rnn", attempt.calls[0].args)

    def back(t, carried):
        return *student.rnn_step_backward(dh[:, t] + carried, steps[t].cache), None

    own.values(back_in_time(back, len(steps)))


@recipe("lstm_backward", after=["lstm_step_forward", "lstm_step_backward", "lstm_forward"])
def lstm_back_over_own_steps(student, attempt, own):
    dh, steps = attempt.calls[1].args[0], own_steps(student, "lstm", attempt.calls[0].args)
    dc = np.zeros_like(dh[:, 0])

    def back(t, carried):
        nonlocal dc
        dx, dprev_h, dc, dWx, dWh, db = student.lstm_step_backward(dh[:, t] + carried, dc, steps[t].cache)
        return dx, dprev_h, dWx, dWh, db, None

    own.values(back_in_time(back, len(steps)))


# --- the captioning model, given the student's own layers ------------------------------------------------------------


class Own:
    """The student's layers put together to a model, with the parameters that the check set."""

    def __init__(self, student, cell, words, params):
        self.student, self.cell, self.words, self.params = student, cell, words, params

    def embed(self, ids):
        return self.student.word_embedding_forward(ids, self.params["W_embed"])[0]

    def start(self, features):
        return features @ self.params["W_proj"] + self.params["b_proj"]  # (N, H)

    def weights(self):
        return self.params["Wx"], self.params["Wh"], self.params["b"]

    def loss(self, features, captions):
        forward = self.student.lstm_forward if self.cell == "lstm" else self.student.rnn_forward
        h, _ = forward(self.embed(captions[:, :-1]), self.start(features), *self.weights())
        scores = h @ self.params["W_vocab"] + self.params["b_vocab"]  # (N, T, V)
        return softmax_loss(scores, captions[:, 1:], self.words["<NULL>"])[0]

    def sample(self, features, length):
        h, c = self.start(features), np.zeros((len(features), self.params["Wh"].shape[0]))
        word = np.full(len(features), self.words["<START>"])
        captions = []
        for _ in range(length):
            x = self.embed(word[:, None])[:, 0]
            if self.cell == "lstm":
                h, c, _ = self.student.lstm_step_forward(x, h, c, *self.weights())
            else:
                h, _ = self.student.rnn_step_forward(x, h, *self.weights())
            word = (h @ self.params["W_vocab"] + self.params["b_vocab"]).argmax(axis=1)
            captions.append(word)
        captions = np.stack(captions, axis=1)
        ended = captions == self.words["<END>"]
        return np.where(np.cumsum(ended, axis=1) - ended > 0, self.words["<NULL>"], captions)


def model_of(attempt):
    """What the check made its model of: the cell, the vocabulary and the constructor's other arguments."""
    made = attempt.calls[0]
    return made.kwargs["cell_type"], made.args[0], made.kwargs


FORWARD = {"rnn": ["rnn_step_forward", "rnn_forward", "word_embedding_forward"]}
FORWARD["lstm"] = ["lstm_step_forward", "lstm_forward", "word_embedding_forward"]
BACKWARD = {cell: [name.replace("forward", "backward") for name in names] for cell, names in FORWARD.items()}


@recipe("captioning_rnn_loss", after=FORWARD["rnn"] + BACKWARD["rnn"])
@recipe("captioning_lstm_loss", after=FORWARD["lstm"] + BACKWARD["lstm"])
def loss_of_own_layers(student, attempt, own):
    cell, words, _ = model_of(attempt)
    (features, captions), params = attempt.calls[1].args, attempt.items
    forward, backward = (
        (student.lstm_forward, student.lstm_backward) if cell == "lstm" else (student.rnn_forward, student.rnn_backward)
    )
    embedded, embedding = student.word_embedding_forward(captions[:, :-1], params["W_embed"])
    h0 = features @ params["W_proj"] + params["b_proj"]  # (N, H)
    h, cache = forward(embedded, h0, params["Wx"], params["Wh"], params["b"])
    loss, dscores = softmax_loss(h @ params["W_vocab"] + params["b_vocab"], captions[:, 1:], words["<NULL>"])
    dx, dh0, dWx, dWh, db = backward(dscores @ params["W_vocab"].T, cache)
    own.value("loss", loss)
    own.value("grads", {
        "W_proj": features.T @ dh0, "b_proj": dh0.sum(axis=0),
        "W_embed": student.word_embedding_backward(dx, embedding),
        "Wx": dWx, "Wh": dWh, "b": db,
        "W_vocab": np.einsum("nth,ntv->hv", h, dscores), "b_vocab": dscores.sum(axis=(0, 1)),
    })


@recipe("captioning_rnn_loss", after=FORWARD["rnn"])
@recipe("captioning_lstm_loss", after=FORWARD["lstm"])
def slopes_of_own_loss(student, attempt, own):
    cell, words, options = model_of(attempt)
    (features, captions), params = attempt.calls[1].args, attempt.items
    own.value("loss", Own(student, cell, words, params).loss(features, captions))
    model = student.CaptioningRNN(words, **{**options, "dtype": np.float64})
    for key, value in params.items():
        model.params[key] = value.astype(np.float64)

    def loss(key, array):
        model.params[key] = array
        value, _ = model.loss(features, captions)
        model.params[key] = params[key].astype(np.float64)
        return float(value)

    own.slopes("grads", loss, params)


def softmax_loss(scores, truth, null):
    """The loss of the scores (N, T, V), summed over time and divided by N, without <NULL>; and its gradient."""
    scores = scores - scores.max(axis=2, keepdims=True)
    logs = scores - np.log(np.exp(scores).sum(axis=2, keepdims=True))
    mask = (truth != null)[:, :, None]
    words = truth[:, :, None]
    loss = -float((np.take_along_axis(logs, words, axis=2) * mask).sum()) / len(truth)
    p = np.exp(logs)
    np.put_along_axis(p, words, np.take_along_axis(p, words, axis=2) - 1, axis=2)
    return loss, p * mask / len(truth)


@recipe("captioning_rnn_sample", after=["rnn_step_forward", "word_embedding_forward"])
@recipe("captioning_lstm_sample", after=["lstm_step_forward", "word_embedding_forward"])
def sample_of_own_layers(student, attempt, own):
    cell, words, _ = model_of(attempt)
    call = attempt.calls[1]
    own.value("captions", Own(student, cell, words, attempt.items).sample(call.args[0], call.kwargs["max_length"]))


# --- a notebook, given the student's own model -----------------------------------------------------------------------

LAYERS = {
    cell: [*FORWARD[cell], *BACKWARD[cell], f"captioning_{cell}_loss", f"captioning_{cell}_sample"] for cell in FORWARD
}


@recipe("notebook_rnn", after=LAYERS["rnn"], single=True)
@recipe("notebook_lstm", after=LAYERS["lstm"], single=True)
def notebook_of_own_model(student, attempt, own):
    """All code of the notebook is ours: where it runs to its end, it can only fail by the one mistake before it."""
    made, asked = attempt.calls[0], attempt.calls[1]
    model = student.CaptioningRNN(*made.args, **made.kwargs)
    for key, value in attempt.items.items():
        model.params[key] = value
    if asked.function.endswith("loss"):
        own.value("loss", model.loss(*asked.args)[0])
        own.accept(f"{made.kwargs['cell_type']}_final_loss")
    else:
        captions = np.asarray(model.sample(*asked.args, **asked.kwargs))
        ends = captions == made.args[0]["<END>"]
        behind = np.cumsum(ends, axis=1) - ends > 0
        own.value("first words", np.where(behind, made.args[0]["<NULL>"], captions))
        own.accept(f"{made.kwargs['cell_type']}_captions_right")
