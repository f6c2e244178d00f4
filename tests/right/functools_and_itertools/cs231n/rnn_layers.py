"""Folds and partial applications in the place of loops."""

from functools import partial, reduce
from itertools import accumulate
from operator import add

import numpy as np


def rnn_step_forward(x, prev_h, Wx, Wh, b):
    next_h = np.tanh(np.dot(x, Wx) + np.dot(prev_h, Wh) + b)
    cache = (x, prev_h, Wx, Wh, next_h)
    return next_h, cache


def rnn_step_backward(dnext_h, cache):
    x, prev_h, Wx, Wh, next_h = cache
    dtanh = (1 - next_h * next_h) * dnext_h
    dx = np.dot(dtanh, Wx.T)
    dprev_h = np.dot(dtanh, Wh.T)
    dWx = np.dot(x.T, dtanh)
    dWh = np.dot(prev_h.T, dtanh)
    db = np.sum(dtanh, axis=0)
    return dx, dprev_h, dWx, dWh, db


def rnn_forward(x, h0, Wx, Wh, b):
    step = lambda last, x_t: rnn_step_forward(x_t, last[0], Wx, Wh, b)
    _, *states = accumulate(np.moveaxis(x, 1, 0), step, initial=(h0, None))
    h, cache = zip(*states)
    return np.moveaxis(np.asarray(h), 0, 1), cache


def rnn_backward(dh, cache):
    def back(later, given):
        return rnn_step_backward(given[0] + later[1], given[1])

    pairs = list(zip(np.moveaxis(dh, 1, 0), cache))[::-1]
    _, *grads = accumulate(pairs, back, initial=(None, np.zeros_like(dh[:, 0])))
    dx, dprev_h, *weights = zip(*grads)
    return (np.moveaxis(np.asarray(dx[::-1]), 0, 1), dprev_h[-1], *map(partial(reduce, add), weights))


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
    H = prev_h.shape[1]
    a = np.dot(x, Wx) + np.dot(prev_h, Wh) + b
    i = sigmoid(a[:, :H])
    f = sigmoid(a[:, H : 2 * H])
    o = sigmoid(a[:, 2 * H : 3 * H])
    g = np.tanh(a[:, 3 * H :])
    next_c = f * prev_c + i * g
    next_h = o * np.tanh(next_c)
    cache = (x, prev_h, prev_c, Wx, Wh, i, f, o, g, next_c)
    return next_h, next_c, cache


def lstm_step_backward(dnext_h, dnext_c, cache):
    x, prev_h, prev_c, Wx, Wh, i, f, o, g, next_c = cache
    tanh_c = np.tanh(next_c)
    dc = dnext_c + dnext_h * o * (1 - tanh_c**2)
    di = dc * g
    df = dc * prev_c
    do = dnext_h * tanh_c
    dg = dc * i
    da = np.hstack((di * i * (1 - i), df * f * (1 - f), do * o * (1 - o), dg * (1 - g**2)))
    dx = np.dot(da, Wx.T)
    dprev_h = np.dot(da, Wh.T)
    dprev_c = dc * f
    dWx = np.dot(x.T, da)
    dWh = np.dot(prev_h.T, da)
    db = np.sum(da, axis=0)
    return dx, dprev_h, dprev_c, dWx, dWh, db


def lstm_forward(x, h0, Wx, Wh, b):
    step = lambda last, x_t: lstm_step_forward(x_t, last[0], last[1], Wx, Wh, b)
    _, *states = accumulate(np.moveaxis(x, 1, 0), step, initial=(h0, h0 * 0))
    h, _, cache = zip(*states)
    return np.moveaxis(np.asarray(h), 0, 1), cache


def lstm_backward(dh, cache):
    def back(later, given):
        return lstm_step_backward(given[0] + later[1], later[2], given[1])

    zero = np.zeros_like(dh[:, 0])
    pairs = list(zip(np.moveaxis(dh, 1, 0), cache))[::-1]
    _, *grads = accumulate(pairs, back, initial=(None, zero, zero))
    dx, dprev_h, _, *weights = zip(*grads)
    return (np.moveaxis(np.asarray(dx[::-1]), 0, 1), dprev_h[-1], *map(partial(reduce, add), weights))


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
