"""Input and state side by side, and so their weights: one product in the place of two."""

import numpy as np


def rnn_step_forward(x, prev_h, Wx, Wh, b):
    ones = np.ones((x.shape[0], 1))
    z = np.hstack((x, prev_h, ones))
    W = np.vstack((Wx, Wh, b))
    next_h = np.tanh(z.dot(W))
    return next_h, (z, W, next_h, x.shape[1])


def rnn_step_backward(dnext_h, cache):
    z, W, next_h, D = cache
    da = (1 - next_h**2) * dnext_h
    dz, dW = da.dot(W.T), z.T.dot(da)
    return dz[:, :D], dz[:, D:-1], dW[:D], dW[D:-1], dW[-1]


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


def rnn_backward(dh, cache):
    D = cache[0][3]
    dx, back, dWx, dWh, db = np.zeros(dh.shape[:2] + (D,)), 0, 0, 0, 0
    for t in reversed(range(len(cache))):
        dx[:, t], back, a, b, c = rnn_step_backward(dh[:, t] + back, cache[t])
        dWx, dWh, db = dWx + a, dWh + b, db + c
    return dx, back, dWx, dWh, db


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
    z = np.c_[x, prev_h]
    W = np.r_[Wx, Wh]
    gates = (z @ W + b).reshape(len(x), 4, -1).transpose(1, 0, 2)
    i, f, o, g = *sigmoid(gates[:3]), np.tanh(gates[3])
    next_c = f * prev_c + i * g
    return o * np.tanh(next_c), next_c, (z, W, prev_c, i, f, o, g, next_c, x.shape[1])


def lstm_step_backward(dnext_h, dnext_c, cache):
    z, W, prev_c, i, f, o, g, next_c, D = cache
    shown = np.tanh(next_c)
    dc = dnext_c + dnext_h * o * (1 - shown**2)
    da = np.stack((dc * g * i * (1 - i), dc * prev_c * f * (1 - f), dnext_h * shown * o * (1 - o), dc * i * (1 - g**2)), axis=1)
    da = da.reshape(len(z), -1)
    dz, dW = da @ W.T, z.T @ da
    return dz[:, :D], dz[:, D:], dc * f, dW[:D], dW[D:], da.sum(axis=0)


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
    D = cache[0][-1]
    dx, back_h, back_c, dWx, dWh, db = np.zeros(dh.shape[:2] + (D,)), 0, 0, 0, 0, 0
    for t in reversed(range(len(cache))):
        dx[:, t], back_h, back_c, a, b, c = lstm_step_backward(dh[:, t] + back_h, back_c, cache[t])
        dWx, dWh, db = dWx + a, dWh + b, db + c
    return dx, back_h, dWx, dWh, db


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
