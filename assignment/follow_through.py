"""Recipes of follow-through: what the checks' values should be, given what the student's own earlier functions answer.

Not part of the handout: it says how the parts make the whole.
"""

import itertools

import numpy as np

from grader.checking.follow import gradients, recipe

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
    (x, h0, Wx, Wh, b), dh = attempt.calls[0].args, attempt.calls[1].args[0]
    h, _ = student.rnn_forward(x, h0, Wx, Wh, b)
    before = np.concatenate([h0[:, None], h[:, :-1]], axis=1)

    def step(t, carried):
        return *back_through((dh[:, t] + carried) * (1 - h[:, t] ** 2), x[:, t], before[:, t], Wx, Wh), 0.0

    own.values(back_in_time(step, dh.shape[1]))


def back_in_time(step, T):
    """The gradients of a sequence, from those of its steps: step(t, dh) gives dx, dprev_h, dWx, dWh, db of step t."""
    carried, dx, sums = 0.0, [], [0.0, 0.0, 0.0]
    for t in reversed(range(T)):
        dx_t, carried, *weights, _ = step(t, carried)
        dx.append(dx_t)
        sums = [total + weight for total, weight in zip(sums, weights)]
    return dict(zip(RNN_GRADIENTS, (np.stack(dx[::-1], axis=1), carried, *sums)))


class OwnGates:
    """An LSTM step whose gates stand in the order that the student's forward pass takes them in."""

    def __init__(self, student, x, prev_h, prev_c, Wx, Wh, b):
        self.inputs = x, prev_h, prev_c, Wx, Wh
        self.next_h, self.next_c, _ = student.lstm_step_forward(x, prev_h, prev_c, Wx, Wh, b)
        blocks = np.split(x @ Wx + prev_h @ Wh + b, 4, axis=1)
        for order in itertools.permutations(range(4)):
            i, f, o = (sigmoid(blocks[k]) for k in order[:3])
            g = np.tanh(blocks[order[3]])
            next_c = f * prev_c + i * g
            if np.allclose(next_c, self.next_c) and np.allclose(o * np.tanh(next_c), self.next_h):
                self.gates = i, f, o, g
                return
        raise ValueError("no order of the gates gives the student's states")

    def backward(self, dnext_h, dnext_c):
        """dx, dprev_h, dWx, dWh, db, dprev_c, with the gradients of the gates in the order i, f, o, g."""
        x, prev_h, prev_c, Wx, Wh = self.inputs
        i, f, o, g = self.gates
        tanh_c = np.tanh(self.next_c)
        dc = dnext_c + dnext_h * o * (1 - tanh_c**2)
        da = (dc * g * i * (1 - i), dc * prev_c * f * (1 - f), dnext_h * tanh_c * o * (1 - o), dc * i * (1 - g**2))
        return *back_through(np.concatenate(da, axis=1), x, prev_h, Wx, Wh), dc * f


@recipe("lstm_step_backward", after=["lstm_step_forward"])
def right_lstm_step_backward_of_own_gates(student, attempt, own):
    step = OwnGates(student, *attempt.calls[0].args)
    dx, dprev_h, dWx, dWh, db, dprev_c = step.backward(*attempt.calls[1].args[:2])
    own.values({"dx": dx, "dprev_h": dprev_h, "dprev_c": dprev_c, "dWx": dWx, "dWh": dWh, "db": db})


@recipe("lstm_backward", after=["lstm_step_forward", "lstm_forward"])
def right_lstm_backward_of_own_gates(student, attempt, own):
    (x, h, Wx, Wh, b), dh = attempt.calls[0].args, attempt.calls[1].args[0]
    steps, c, dc = [], np.zeros_like(h), np.zeros_like(h)
    for t in range(x.shape[1]):
        steps.append(OwnGates(student, x[:, t], h, c, Wx, Wh, b))
        h, c = steps[-1].next_h, steps[-1].next_c

    def step(t, carried):
        nonlocal dc
        *gradients_of_step, dc = steps[t].backward(dh[:, t] + carried, dc)
        return *gradients_of_step, dc

    own.values(back_in_time(step, dh.shape[1]))


# --- a sequence, given the student's own steps -----------------------------------------------------------------------


def rnn_over_steps(student, x, h, Wx, Wh, b):
    """The hidden states that the student's own step gives, (N, T, H), and its caches."""
    states, caches = [], []
    for t in range(x.shape[1]):
        h, cache = student.rnn_step_forward(x[:, t], h, Wx, Wh, b)
        states.append(h)
        caches.append(cache)
    return np.stack(states, axis=1), caches


def lstm_over_steps(student, x, h, Wx, Wh, b):
    """The same for the LSTM, from a cell state of zero."""
    states, caches, c = [], [], np.zeros_like(h)
    for t in range(x.shape[1]):
        h, c, cache = student.lstm_step_forward(x[:, t], h, c, Wx, Wh, b)
        states.append(h)
        caches.append(cache)
    return np.stack(states, axis=1), caches


@recipe("rnn_forward", after=["rnn_step_forward"])
def rnn_of_own_steps(student, attempt, own):
    own.value("h", rnn_over_steps(student, *attempt.calls[0].args)[0])


@recipe("lstm_forward", after=["lstm_step_forward"])
def lstm_of_own_steps(student, attempt, own):
    own.value("h", lstm_over_steps(student, *attempt.calls[0].args)[0])


@recipe("rnn_backward", after=["rnn_step_forward", "rnn_step_backward"])
def rnn_back_over_own_steps(student, attempt, own):
    dh = attempt.calls[1].args[0]
    _, caches = rnn_over_steps(student, *attempt.calls[0].args)

    def step(t, carried):
        return *student.rnn_step_backward(dh[:, t] + carried, caches[t]), None

    own.values(back_in_time(step, len(caches)))


@recipe("lstm_backward", after=["lstm_step_forward", "lstm_step_backward"])
def lstm_back_over_own_steps(student, attempt, own):
    dh = attempt.calls[1].args[0]
    _, caches = lstm_over_steps(student, *attempt.calls[0].args)
    dc = np.zeros_like(dh[:, 0])

    def step(t, carried):
        nonlocal dc
        dx, dprev_h, dc, dWx, dWh, db = student.lstm_step_backward(dh[:, t] + carried, dc, caches[t])
        return dx, dprev_h, dWx, dWh, db, None

    own.values(back_in_time(step, len(caches)))


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
