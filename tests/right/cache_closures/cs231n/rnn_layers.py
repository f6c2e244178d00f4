"""Every cache is a function: the backward pass calls it."""

import numpy as np


def rnn_step_forward(x, prev_h, Wx, Wh, b):
    next_h = np.tanh(x @ Wx + prev_h @ Wh + b)

    def backward(dnext_h):
        da = dnext_h * (1 - next_h**2)
        return da @ Wx.T, da @ Wh.T, x.T @ da, prev_h.T @ da, da.sum(axis=0)

    return next_h, backward


def rnn_step_backward(dnext_h, cache):
    return cache(dnext_h)


def rnn_forward(x, h0, Wx, Wh, b):
    h, backs = [h0], []
    for t in range(x.shape[1]):
        h_t, back = rnn_step_forward(x[:, t], h[-1], Wx, Wh, b)
        h.append(h_t)
        backs.append(back)

    def backward(dh):
        dprev, grads = np.zeros_like(h0), []
        for t, back in reversed(list(enumerate(backs))):
            grads.append(back(dh[:, t] + dprev))
            dprev = grads[-1][1]
        dx, _, dWx, dWh, db = zip(*reversed(grads))
        return np.stack(dx, axis=1), dprev, sum(dWx), sum(dWh), sum(db)

    return np.stack(h[1:], axis=1), backward


def rnn_backward(dh, cache):
    return cache(dh)


def word_embedding_forward(x, W):
    def backward(dout):
        dW = np.zeros(W.shape)
        for place in np.ndindex(x.shape):
            dW[x[place]] += dout[place]
        return dW

    return W[x], backward


def word_embedding_backward(dout, cache):
    return cache(dout)


def sigmoid(x):
    pos = x >= 0
    z = np.exp(-np.abs(x))
    return np.where(pos, 1, z) / (1 + z)


def lstm_step_forward(x, prev_h, prev_c, Wx, Wh, b):
    a = x @ Wx + prev_h @ Wh + b
    H = prev_h.shape[1]
    i, f, o, g = sigmoid(a[:, :H]), sigmoid(a[:, H : 2 * H]), sigmoid(a[:, 2 * H : -H]), np.tanh(a[:, -H:])
    next_c = f * prev_c + i * g
    tanh_c = np.tanh(next_c)

    def backward(dnext_h, dnext_c):
        dc = dnext_c + dnext_h * o * (1 - tanh_c**2)
        da = np.hstack([dc * g * i * (1 - i), dc * prev_c * f * (1 - f), dnext_h * tanh_c * o * (1 - o), dc * i * (1 - g**2)])
        return da @ Wx.T, da @ Wh.T, dc * f, x.T @ da, prev_h.T @ da, da.sum(axis=0)

    return o * tanh_c, next_c, backward


def lstm_step_backward(dnext_h, dnext_c, cache):
    return cache(dnext_h, dnext_c)


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
    dprev_h, dprev_c, grads = np.zeros_like(dh[:, 0]), np.zeros_like(dh[:, 0]), []
    for t, back in reversed(list(enumerate(cache))):
        grads.append(back(dh[:, t] + dprev_h, dprev_c))
        dprev_h, dprev_c = grads[-1][1:3]
    dx, _, _, dWx, dWh, db = zip(*reversed(grads))
    return np.stack(dx, axis=1), dprev_h, sum(dWx), sum(dWh), sum(db)


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
