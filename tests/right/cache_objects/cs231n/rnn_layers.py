"""Every cache is an object of a class of this file, which does the backward pass itself."""

import numpy as np


class Step:
    def __init__(self, x, prev_h, Wx, Wh, b):
        self.x, self.prev_h, self.Wx, self.Wh = x, prev_h, Wx, Wh
        self.a = x @ Wx + prev_h @ Wh + b

    def back(self, da):
        return da @ self.Wx.T, da @ self.Wh.T, self.x.T @ da, self.prev_h.T @ da, da.sum(0)

class RNNStep(Step):
    def forward(self):
        self.h = np.tanh(self.a)
        return self.h

    def backward(self, dh):
        return self.back(dh * (1 - self.h**2))

class LSTMStep(Step):
    def forward(self, prev_c):
        self.prev_c = prev_c
        self.gates = [squash(part) for squash, part in zip((sigmoid, sigmoid, sigmoid, np.tanh), np.hsplit(self.a, 4))]
        i, f, o, g = self.gates
        self.c = f * prev_c + i * g
        return o * np.tanh(self.c), self.c

    def backward(self, dh, dc):
        i, f, o, g = self.gates
        t = np.tanh(self.c)
        dc = dc + dh * o * (1 - t * t)
        da = np.hstack([dc * g * i * (1 - i), dc * self.prev_c * f * (1 - f), dh * t * o * (1 - o), dc * i * (1 - g * g)])
        dx, dprev_h, dWx, dWh, db = self.back(da)
        return dx, dprev_h, dc * f, dWx, dWh, db

class Sequence:
    def __init__(self):
        self.steps = []

    def __len__(self):
        return len(self.steps)

def rnn_step_forward(x, prev_h, Wx, Wh, b):
    step = RNNStep(x, prev_h, Wx, Wh, b)
    return step.forward(), step


def rnn_step_backward(dnext_h, cache):
    return cache.backward(dnext_h)


def rnn_forward(x, h0, Wx, Wh, b):
    sequence, states, h = Sequence(), [], h0
    for x_t in x.swapaxes(0, 1):
        h, step = rnn_step_forward(x_t, h, Wx, Wh, b)
        states.append(h)
        sequence.steps.append(step)
    return np.array(states).swapaxes(0, 1), sequence


def rnn_backward(dh, cache):
    dprev, out = 0, []
    for t in reversed(range(len(cache))):
        out.append(cache.steps[t].backward(dh[:, t] + dprev))
        dprev = out[-1][1]
    dx = np.stack([o[0] for o in out[::-1]], axis=1)
    return (dx, dprev) + tuple(sum(o[k] for o in out) for k in (2, 3, 4))


def word_embedding_forward(x, W):
    return W[x], (x, W.shape)


def word_embedding_backward(dout, cache):
    x, shape = cache
    dW = np.zeros(shape)
    np.add.at(dW, x, dout)
    return dW


def sigmoid(x):
    pos = x >= 0
    z = np.exp(-np.abs(x))
    return np.where(pos, 1, z) / (1 + z)


def lstm_step_forward(x, prev_h, prev_c, Wx, Wh, b):
    step = LSTMStep(x, prev_h, Wx, Wh, b)
    return step.forward(prev_c) + (step,)


def lstm_step_backward(dnext_h, dnext_c, cache):
    return cache.backward(dnext_h, dnext_c)


def lstm_forward(x, h0, Wx, Wh, b):
    sequence, states, h, c = Sequence(), [], h0, np.zeros_like(h0)
    for x_t in x.swapaxes(0, 1):
        h, c, step = lstm_step_forward(x_t, h, c, Wx, Wh, b)
        states.append(h)
        sequence.steps.append(step)
    return np.array(states).swapaxes(0, 1), sequence


def lstm_backward(dh, cache):
    dprev_h, dprev_c, out = 0, 0, []
    for t in reversed(range(len(cache))):
        out.append(cache.steps[t].backward(dh[:, t] + dprev_h, dprev_c))
        dprev_h, dprev_c = out[-1][1:3]
    dx = np.stack([o[0] for o in out[::-1]], axis=1)
    return (dx, dprev_h) + tuple(sum(o[k] for o in out) for k in (3, 4, 5))


def temporal_affine_forward(x, w, b):
    N, T, D = x.shape
    M = b.shape[0]
    out = x.reshape(N * T, D).dot(w).reshape(N, T, M) + b
    return out, (x, w)


def temporal_affine_backward(dout, cache):
    x, w = cache
    N, T, D = x.shape
    rows = dout.reshape(N * T, -1)
    dx = rows.dot(w.T).reshape(N, T, D)
    dw = x.reshape(N * T, D).T.dot(rows)
    return dx, dw, dout.sum(axis=(0, 1))


def temporal_softmax_loss(x, y, mask, verbose=False):
    N, T, V = x.shape
    x_flat = x.reshape(N * T, V)
    y_flat = y.reshape(N * T)
    mask_flat = mask.reshape(N * T)
    probs = np.exp(x_flat - np.max(x_flat, axis=1, keepdims=True))
    probs /= np.sum(probs, axis=1, keepdims=True)
    loss = -np.sum(mask_flat * np.log(probs[np.arange(N * T), y_flat])) / N
    dx_flat = probs.copy()
    dx_flat[np.arange(N * T), y_flat] -= 1
    dx_flat /= N
    dx_flat *= mask_flat[:, None]
    return loss, dx_flat.reshape(N, T, V)
