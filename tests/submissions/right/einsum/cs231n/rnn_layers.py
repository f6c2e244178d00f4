"""Every function written in another style than the reference's: einsum, gates as one array, all time steps at once.

No function of this file calls another one of the assignment's, and every cache is a dict.
"""

import numpy as np


def rnn_step_forward(x, prev_h, Wx, Wh, b):
    both = np.concatenate((x, prev_h), axis=-1)
    weights = np.concatenate((Wx, Wh), axis=0)
    h = np.tanh(np.einsum("nk,kh->nh", both, weights) + b)
    return [h, {"both": both, "weights": weights, "slope": 1 - h * h}]


def rnn_step_backward(dnext_h, cache):
    da = cache["slope"] * dnext_h
    D = cache["weights"].shape[0] - cache["weights"].shape[1]
    dboth = np.einsum("nh,kh->nk", da, cache["weights"])
    dweights = np.einsum("nk,nh->kh", cache["both"], da)
    return [dboth[:, :D], dboth[:, D:], dweights[:D], dweights[D:], np.einsum("nh->h", da)]


def rnn_forward(x, h0, Wx, Wh, b):
    T = x.shape[1]
    inputs = np.einsum("ntd,dh->tnh", x, Wx) + b  # one matrix product over all time steps
    states = np.empty((T + 1, *h0.shape), dtype=inputs.dtype)
    states[0] = h0
    for t in range(T):
        np.tanh(inputs[t] + states[t].dot(Wh), out=states[t + 1])
    return states[1:].transpose(1, 0, 2), {"x": x, "states": states, "Wx": Wx, "Wh": Wh}


def rnn_backward(dh, cache):
    x, states = cache["x"], cache["states"]
    da = np.zeros_like(states[1:])
    back = np.zeros_like(states[0])
    for t in range(len(da) - 1, -1, -1):
        da[t] = (1 - np.square(states[t + 1])) * (dh[:, t] + back)
        back = np.einsum("nh,kh->nk", da[t], cache["Wh"])
    return (
        np.einsum("tnh,dh->ntd", da, cache["Wx"]),
        back,
        np.einsum("ntd,tnh->dh", x, da),
        np.einsum("tnk,tnh->kh", states[:-1], da),
        da.sum((0, 1)),
    )


def word_embedding_forward(x, W):
    chosen = np.eye(len(W), dtype=W.dtype)[x]  # (N, T, V), a one for each word
    return np.einsum("ntv,vd->ntd", chosen, W), {"chosen": chosen}


def word_embedding_backward(dout, cache):
    return np.einsum("ntv,ntd->vd", cache["chosen"], dout)


def sigmoid(x):
    return 0.5 * (1 + np.tanh(0.5 * x))


def _squash(a):
    """Return the gates (4, N, H), in the order i, f, o, g, of their arguments (N, 4H)."""
    a = np.stack(np.array_split(a, 4, axis=-1))
    return np.concatenate((0.5 * (1 + np.tanh(0.5 * a[:3])), np.tanh(a[3:])))


def _unsquash(gates, dgates):
    slopes = np.concatenate((gates[:3] * (1 - gates[:3]), 1 - gates[3:] ** 2))
    return np.einsum("knh,knh->nkh", slopes, dgates).reshape(gates.shape[1], -1)


def lstm_step_forward(x, prev_h, prev_c, Wx, Wh, b):
    gates = _squash(np.einsum("nd,dg->ng", x, Wx) + np.einsum("nh,hg->ng", prev_h, Wh) + b)
    c = gates[1] * prev_c + gates[0] * gates[3]
    shown = np.tanh(c)
    kept = {"x": x, "h": prev_h, "c": prev_c, "Wx": Wx, "Wh": Wh, "gates": gates, "shown": shown}
    return gates[2] * shown, c, kept


def lstm_step_backward(dnext_h, dnext_c, cache):
    i, f, o, g = gates = cache["gates"]
    dnext_c += dnext_h * o * (1 - cache["shown"] ** 2)  # in place, as many do
    dgates = np.stack((dnext_c * g, dnext_c * cache["c"], dnext_h * cache["shown"], dnext_c * i))
    da = _unsquash(gates, dgates)
    return (
        np.einsum("ng,dg->nd", da, cache["Wx"]),
        np.einsum("ng,hg->nh", da, cache["Wh"]),
        dnext_c * f,
        np.einsum("nd,ng->dg", cache["x"], da),
        np.einsum("nh,ng->hg", cache["h"], da),
        da.sum(0),
    )


def lstm_forward(x, h0, Wx, Wh, b):
    N, T, _ = x.shape
    inputs = np.einsum("ntd,dg->tng", x, Wx) + b
    hs, cs, gates = [h0], [np.zeros_like(h0)], []
    for t in range(T):
        gates.append(_squash(inputs[t] + hs[-1] @ Wh))
        cs.append(gates[-1][1] * cs[-1] + gates[-1][0] * gates[-1][3])
        hs.append(gates[-1][2] * np.tanh(cs[-1]))
    h = np.asarray(hs[1:]).swapaxes(0, 1)
    return h, {"x": x, "hs": np.asarray(hs), "cs": np.asarray(cs), "gates": gates, "Wx": Wx, "Wh": Wh}


def lstm_backward(dh, cache):
    hs, cs, gates = cache["hs"], cache["cs"], cache["gates"]
    T = dh.shape[1]
    da = np.empty((T, dh.shape[0], 4 * dh.shape[2]), dtype=dh.dtype)
    back_h, back_c = np.zeros_like(hs[0]), np.zeros_like(cs[0])
    for t in range(T)[::-1]:
        i, f, o, g = gates[t]
        shown = np.tanh(cs[t + 1])
        at_h = dh[:, t] + back_h
        at_c = back_c + at_h * o * (1 - shown**2)
        da[t] = _unsquash(gates[t], np.stack((at_c * g, at_c * cs[t], at_h * shown, at_c * i)))
        back_h, back_c = da[t] @ cache["Wh"].T, at_c * f
    return (
        np.einsum("tng,dg->ntd", da, cache["Wx"]),
        back_h,
        np.einsum("ntd,tng->dg", cache["x"], da),
        np.einsum("tnh,tng->hg", hs[:-1], da),
        np.einsum("tng->g", da),
    )


def temporal_affine_forward(x, w, b):
    return np.einsum("ntd,dm->ntm", x, w) + b, {"x": x, "w": w}


def temporal_affine_backward(dout, cache):
    dx = np.einsum("ntm,dm->ntd", dout, cache["w"])
    dw = np.einsum("ntd,ntm->dm", cache["x"], dout)
    return dx, dw, dout.sum((0, 1))


def temporal_softmax_loss(x, y, mask, verbose=False):
    scores = x - x.max(-1, keepdims=True)
    share = np.exp(scores) / np.exp(scores).sum(-1, keepdims=True)
    right = np.take_along_axis(share, y[..., None], axis=-1)[..., 0]
    loss = -(np.log(right) * mask).sum() / len(x)
    wanted = np.arange(x.shape[-1]) == y[..., None]
    return loss, (share - wanted) * mask[..., None] / len(x)
