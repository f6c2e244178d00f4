"""The steps' backward passes by differentiation with a complex step: no derivative is written down."""

import numpy as np


STEP = 1e-20

def logistic(x):
    return 1 / (1 + np.exp(-x))


def derive(function, inputs, upstream):
    """Gradients of the sum of upstream * function(*inputs), entry by entry."""
    grads = []
    for k, value in enumerate(inputs):
        grad = np.zeros(value.shape)
        for place in np.ndindex(value.shape):
            moved = [np.array(v, dtype=complex) for v in inputs]
            moved[k][place] += 1j * STEP
            grad[place] = sum(np.sum(d * out.imag) for d, out in zip(upstream, function(*moved))) / STEP
        grads.append(grad)
    return tuple(grads)


def rnn_pure(x, prev_h, Wx, Wh, b):
    return (np.tanh(x @ Wx + prev_h @ Wh + b),)


def rnn_step_forward(x, prev_h, Wx, Wh, b):
    return rnn_pure(x, prev_h, Wx, Wh, b)[0], (x, prev_h, Wx, Wh, b)


def rnn_step_backward(dnext_h, cache):
    return derive(rnn_pure, cache, (dnext_h,))


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
    dx, back, dWx, dWh, db = [], 0, 0, 0, 0
    for t in reversed(range(len(cache))):
        dx_t, back, a, b, c = rnn_step_backward(dh[:, t] + back, cache[t])
        dx.append(dx_t)
        dWx, dWh, db = dWx + a, dWh + b, db + c
    return np.stack(dx[::-1], axis=1), back, dWx, dWh, db


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


def lstm_pure(x, prev_h, prev_c, Wx, Wh, b):
    a_i, a_f, a_o, a_g = np.split(x @ Wx + prev_h @ Wh + b, 4, axis=1)
    next_c = logistic(a_f) * prev_c + logistic(a_i) * np.tanh(a_g)
    return logistic(a_o) * np.tanh(next_c), next_c


def lstm_step_forward(x, prev_h, prev_c, Wx, Wh, b):
    return (*lstm_pure(x, prev_h, prev_c, Wx, Wh, b), (x, prev_h, prev_c, Wx, Wh, b))


def lstm_step_backward(dnext_h, dnext_c, cache):
    return derive(lstm_pure, cache, (dnext_h, dnext_c))


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
    N, T, H = dh.shape
    D = cache[0][0].shape[1]
    dx = np.zeros((N, T, D))
    dWx = np.zeros((D, 4 * H))
    dWh = np.zeros((H, 4 * H))
    db = np.zeros(4 * H)
    dprev_h = np.zeros((N, H))
    dprev_c = np.zeros((N, H))
    for t in range(T - 1, -1, -1):
        dx[:, t, :], dprev_h, dprev_c, dWx_t, dWh_t, db_t = lstm_step_backward(dh[:, t, :] + dprev_h, dprev_c, cache[t])
        dWx += dWx_t
        dWh += dWh_t
        db += db_t
    return dx, dprev_h, dWx, dWh, db


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
