"""Annotations, dataclasses, match, walrus, positional-only parameters."""

from dataclasses import dataclass

import numpy as np


@dataclass(slots=True)
class Tape:
    x: np.ndarray
    prev_h: np.ndarray
    Wx: np.ndarray
    Wh: np.ndarray
    outputs: tuple[np.ndarray, ...]
    prev_c: np.ndarray | None = None

def weights(tape: Tape, da: np.ndarray) -> tuple[np.ndarray, ...]:
    return tape.x.T @ da, tape.prev_h.T @ da, da.sum(axis=0)


def rnn_step_forward(x: np.ndarray, prev_h: np.ndarray, Wx: np.ndarray, Wh: np.ndarray, b: np.ndarray, /) -> tuple[np.ndarray, Tape]:
    return (next_h := np.tanh(x @ Wx + prev_h @ Wh + b)), Tape(x, prev_h, Wx, Wh, (next_h,))


def rnn_step_backward(dnext_h: np.ndarray, cache: Tape, /) -> tuple[np.ndarray, ...]:
    match cache:
        case Tape(outputs=(next_h,)):
            da = dnext_h * (1 - next_h**2)
        case _:
            raise TypeError("not a tape of the vanilla RNN")
    return da @ cache.Wx.T, da @ cache.Wh.T, *weights(cache, da)


def rnn_forward(x, h0, Wx, Wh, b):
    N, T, D = x.shape
    H = h0.shape[1]
    h = np.zeros((N, T, H))
    cache = []
    prev_h = h0
    for t in range(T):
        h[:, t, :], step = rnn_step_forward(x[:, t, :], prev_h, Wx, Wh, b)
        prev_h = h[:, t, :]
        cache.append(step)
    return h, cache


def rnn_backward(dh: np.ndarray, cache: list[Tape]) -> tuple[np.ndarray, ...]:
    dx, sums, dprev_h = [], [0, 0, 0], np.zeros_like(dh[:, 0])
    for dh_t, tape in zip(dh.swapaxes(0, 1)[::-1], cache[::-1], strict=True):
        dx_t, dprev_h, *more = rnn_step_backward(dh_t + dprev_h, tape)
        sums = [a + b for a, b in zip(sums, more, strict=True)]
        dx.append(dx_t)
    return np.stack(dx[::-1], axis=1), dprev_h, *sums


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
    i, f, o, g = (np.tanh(a) if k == 3 else sigmoid(a) for k, a in enumerate(np.split(x @ Wx + prev_h @ Wh + b, 4, axis=1)))
    tanh_c = np.tanh(next_c := f * prev_c + i * g)
    return o * tanh_c, next_c, Tape(x, prev_h, Wx, Wh, (i, f, o, g, tanh_c), prev_c)


def lstm_step_backward(dnext_h, dnext_c, cache):
    i, f, o, g, tanh_c = cache.outputs
    dc = dnext_c + dnext_h * o * (1 - tanh_c**2)
    da = np.hstack([dc * g * i * (1 - i), dc * cache.prev_c * f * (1 - f), dnext_h * tanh_c * o * (1 - o), dc * i * (1 - g**2)])
    return da @ cache.Wx.T, da @ cache.Wh.T, dc * f, *weights(cache, da)


def lstm_forward(x, h0, Wx, Wh, b):
    N, T, D = x.shape
    H = h0.shape[1]
    h = np.zeros((N, T, H))
    cache = []
    prev_h, prev_c = h0, np.zeros((N, H))
    for t in range(T):
        prev_h, prev_c, step = lstm_step_forward(x[:, t, :], prev_h, prev_c, Wx, Wh, b)
        h[:, t, :] = prev_h
        cache.append(step)
    return h, cache


def lstm_backward(dh, cache):
    dx, sums, dprev_h, dprev_c = [], [0, 0, 0], np.zeros_like(dh[:, 0]), np.zeros_like(dh[:, 0])
    for dh_t, tape in zip(dh.swapaxes(0, 1)[::-1], cache[::-1], strict=True):
        dx_t, dprev_h, dprev_c, *more = lstm_step_backward(dh_t + dprev_h, dprev_c, tape)
        sums = [a + b for a, b in zip(sums, more, strict=True)]
        dx.append(dx_t)
    return np.stack(dx[::-1], axis=1), dprev_h, *sums


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
