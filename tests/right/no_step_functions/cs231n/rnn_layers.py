"""The sequences do without the step functions: one product for all inputs, one for all gradients."""

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
    a = x @ Wx + b
    h = np.empty_like(a)
    last = h0
    for t in range(x.shape[1]):
        h[:, t] = last = np.tanh(a[:, t] + last @ Wh)
    return h, (x, h0, Wx, Wh, h)


def rnn_backward(dh, cache):
    x, h0, Wx, Wh, h = cache
    slope = 1 - h**2
    da = np.zeros_like(h)
    after = np.zeros_like(h0)
    for t in range(h.shape[1])[::-1]:
        da[:, t] = slope[:, t] * (dh[:, t] + after)
        after = da[:, t] @ Wh.T
    before = np.concatenate((h0[:, None, :], h[:, :-1]), axis=1)
    flat = lambda array: array.reshape(-1, array.shape[-1])
    return da @ Wx.T, after, flat(x).T @ flat(da), flat(before).T @ flat(da), flat(da).sum(axis=0)


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
    N, T, _ = x.shape
    H = h0.shape[1]
    a = x @ Wx + b
    h, c = np.empty((N, T, H)), np.empty((N, T, H))
    last_h, last_c = h0, np.zeros((N, H))
    for t in range(T):
        a[:, t] += last_h @ Wh
        i, f, o = sigmoid(a[:, t, : 3 * H]).reshape(N, 3, H).swapaxes(0, 1)
        c[:, t] = last_c = f * last_c + i * np.tanh(a[:, t, 3 * H :])
        h[:, t] = last_h = o * np.tanh(last_c)
    return h, (x, h0, Wx, Wh, a, h, c)


def lstm_backward(dh, cache):
    x, h0, Wx, Wh, a, h, c = cache
    N, T, H = h.shape
    before_h = np.concatenate((h0[:, None], h[:, :-1]), axis=1)
    before_c = np.concatenate((np.zeros((N, 1, H)), c[:, :-1]), axis=1)
    i, f, o = (sigmoid(a[:, :, k * H : (k + 1) * H]) for k in range(3))
    g, shown = np.tanh(a[:, :, 3 * H :]), np.tanh(c)
    da = np.zeros_like(a)
    after_h, after_c = np.zeros((N, H)), np.zeros((N, H))
    for t in range(T)[::-1]:
        at_h = dh[:, t] + after_h
        at_c = after_c + at_h * o[:, t] * (1 - shown[:, t] ** 2)
        da[:, t, :H] = at_c * g[:, t] * i[:, t] * (1 - i[:, t])
        da[:, t, H : 2 * H] = at_c * before_c[:, t] * f[:, t] * (1 - f[:, t])
        da[:, t, 2 * H : 3 * H] = at_h * shown[:, t] * o[:, t] * (1 - o[:, t])
        da[:, t, 3 * H :] = at_c * i[:, t] * (1 - g[:, t] ** 2)
        after_h, after_c = da[:, t] @ Wh.T, at_c * f[:, t]
    flat = lambda array: array.reshape(-1, array.shape[-1])
    return da @ Wx.T, after_h, flat(x).T @ flat(da), flat(before_h).T @ flat(da), flat(da).sum(axis=0)


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
