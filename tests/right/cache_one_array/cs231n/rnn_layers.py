"""The cache of a step is a single array, everything in one row and taken apart again by its sizes."""

import numpy as np


def pack(*arrays):
    """One row of numbers: how many arrays, their shapes, their entries."""
    head = [len(arrays)]
    for array in arrays:
        head += [array.ndim, *array.shape]
    return np.concatenate([np.array(head, dtype=float)] + [array.ravel() for array in arrays])


def unpack(row):
    row = list(row)
    shapes = []
    for _ in range(int(row.pop(0))):
        ndim = int(row.pop(0))
        shapes.append([int(row.pop(0)) for _ in range(ndim)])
    arrays, at = [], 0
    for shape in shapes:
        size = int(np.prod(shape))
        arrays.append(np.array(row[at : at + size]).reshape(shape))
        at += size
    return arrays


def rnn_step_forward(x, prev_h, Wx, Wh, b):
    next_h = np.tanh(x @ Wx + prev_h @ Wh + b)
    return next_h, pack(x, prev_h, Wx, Wh, next_h)


def rnn_step_backward(dnext_h, cache):
    x, prev_h, Wx, Wh, next_h = unpack(cache)
    da = dnext_h * (1 - next_h**2)
    return da @ Wx.T, da @ Wh.T, x.T @ da, prev_h.T @ da, da.sum(axis=0)


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
    back, sums, dx = 0, None, []
    for t in reversed(range(dh.shape[1])):
        dx_t, back, *weights = rnn_step_backward(dh[:, t] + back, cache[t])
        sums = weights if sums is None else [a + b for a, b in zip(sums, weights)]
        dx.insert(0, dx_t)
    return (np.stack(dx, axis=1), back, *sums)


def word_embedding_forward(x, W):
    return W[x], pack(x, np.array([len(W)]))


def word_embedding_backward(dout, cache):
    x, size = unpack(cache)
    dW = np.zeros((int(size[0]), dout.shape[2]))
    np.add.at(dW, x.astype(int), dout)
    return dW


def sigmoid(x):
    pos = x >= 0
    z = np.exp(-np.abs(x))
    return np.where(pos, 1, z) / (1 + z)


def lstm_step_forward(x, prev_h, prev_c, Wx, Wh, b):
    a_i, a_f, a_o, a_g = np.split(x @ Wx + prev_h @ Wh + b, 4, axis=1)
    i, f, o, g = sigmoid(a_i), sigmoid(a_f), sigmoid(a_o), np.tanh(a_g)
    next_c = f * prev_c + i * g
    return o * np.tanh(next_c), next_c, pack(x, prev_h, prev_c, Wx, Wh, i, f, o, g, next_c)


def lstm_step_backward(dnext_h, dnext_c, cache):
    x, prev_h, prev_c, Wx, Wh, i, f, o, g, next_c = unpack(cache)
    shown = np.tanh(next_c)
    dc = dnext_c + dnext_h * o * (1 - shown**2)
    da = np.hstack((dc * g * i * (1 - i), dc * prev_c * f * (1 - f), dnext_h * shown * o * (1 - o), dc * i * (1 - g**2)))
    return da @ Wx.T, da @ Wh.T, dc * f, x.T @ da, prev_h.T @ da, da.sum(axis=0)


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
    back_h, back_c, sums, dx = 0, 0, None, []
    for t in reversed(range(dh.shape[1])):
        dx_t, back_h, back_c, *weights = lstm_step_backward(dh[:, t] + back_h, back_c, cache[t])
        sums = weights if sums is None else [a + b for a, b in zip(sums, weights)]
        dx.insert(0, dx_t)
    return (np.stack(dx, axis=1), back_h, *sums)


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
