"""Every cache is a dict."""

import numpy as np


def rnn_step_forward(x, prev_h, Wx, Wh, b):
    cache = dict(x=x, prev_h=prev_h, Wx=Wx, Wh=Wh)
    cache["next_h"] = np.tanh(x.dot(Wx) + prev_h.dot(Wh) + b)
    return cache["next_h"], cache


def rnn_step_backward(dnext_h, cache):
    d = dnext_h - dnext_h * cache["next_h"] ** 2
    return d.dot(cache["Wx"].T), d.dot(cache["Wh"].T), cache["x"].T.dot(d), cache["prev_h"].T.dot(d), d.sum(0)


def rnn_forward(x, h0, Wx, Wh, b):
    cache = {"T": x.shape[1], "D": x.shape[2]}
    h = {-1: h0}
    for t in range(cache["T"]):
        h[t], cache[t] = rnn_step_forward(x[:, t], h[t - 1], Wx, Wh, b)
    return np.stack([h[t] for t in range(cache["T"])], axis=1), cache


def rnn_backward(dh, cache):
    sums = {"dWx": 0, "dWh": 0, "db": 0}
    dx, back = {}, 0
    for t in reversed(range(cache["T"])):
        dx[t], back, dWx, dWh, db = rnn_step_backward(dh[:, t] + back, cache[t])
        sums["dWx"] = sums["dWx"] + dWx
        sums["dWh"] = sums["dWh"] + dWh
        sums["db"] = sums["db"] + db
    return np.stack([dx[t] for t in range(cache["T"])], axis=1), back, sums["dWx"], sums["dWh"], sums["db"]


def word_embedding_forward(x, W):
    return W[x, :], {"x": x, "rows": W.shape[0]}


def word_embedding_backward(dout, cache):
    dW = np.zeros((cache["rows"], dout.shape[-1]))
    np.add.at(dW, cache["x"], dout)
    return dW


def sigmoid(x):
    pos = x >= 0
    z = np.exp(-np.abs(x))
    return np.where(pos, 1, z) / (1 + z)


def lstm_step_forward(x, prev_h, prev_c, Wx, Wh, b):
    cache = {"x": x, "prev_h": prev_h, "prev_c": prev_c, "Wx": Wx, "Wh": Wh}
    a = x.dot(Wx) + prev_h.dot(Wh) + b
    for k, gate in enumerate("ifog"):
        part = a[:, k * prev_h.shape[1] : (k + 1) * prev_h.shape[1]]
        cache[gate] = np.tanh(part) if gate == "g" else sigmoid(part)
    next_c = cache["f"] * prev_c + cache["i"] * cache["g"]
    cache["shown"] = np.tanh(next_c)
    return cache["o"] * cache["shown"], next_c, cache


def lstm_step_backward(dnext_h, dnext_c, cache):
    dc = dnext_c + dnext_h * cache["o"] * (1 - cache["shown"] ** 2)
    d = {"i": dc * cache["g"], "f": dc * cache["prev_c"], "o": dnext_h * cache["shown"], "g": dc * cache["i"]}
    for gate in "ifo":
        d[gate] = d[gate] * cache[gate] * (1 - cache[gate])
    d["g"] = d["g"] * (1 - cache["g"] ** 2)
    a = np.concatenate([d[gate] for gate in "ifog"], axis=1)
    dx, dprev_h = a.dot(cache["Wx"].T), a.dot(cache["Wh"].T)
    return dx, dprev_h, dc * cache["f"], cache["x"].T.dot(a), cache["prev_h"].T.dot(a), a.sum(0)


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
    dx, sums, back_h, back_c = {}, {"dWx": 0, "dWh": 0, "db": 0}, 0, 0
    for t in reversed(range(len(cache))):
        dx[t], back_h, back_c, dWx, dWh, db = lstm_step_backward(dh[:, t] + back_h, back_c, cache[t])
        for name, value in {"dWx": dWx, "dWh": dWh, "db": db}.items():
            sums[name] = sums[name] + value
    return np.stack([dx[t] for t in range(len(cache))], axis=1), back_h, sums["dWx"], sums["dWh"], sums["db"]


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
