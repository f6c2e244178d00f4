"""The captioning model in another style: no layer function of the assignment is called, gradients are written out."""

import numpy as np

NAMES = "W_embed", "W_proj", "b_proj", "Wx", "Wh", "b", "W_vocab", "b_vocab"


class CaptioningRNN:
    def __init__(self, word_to_idx, input_dim=512, wordvec_dim=128, hidden_dim=128, cell_type="rnn", dtype=np.float32):
        if cell_type not in ("rnn", "lstm"):
            raise ValueError(cell_type)
        self.cell_type, self.dtype = cell_type, dtype
        self.word_to_idx = word_to_idx
        self.idx_to_word = dict(map(reversed, word_to_idx.items()))
        self._null, self._start, self._end = (word_to_idx.get(f"<{name}>") for name in ("NULL", "START", "END"))
        V, D, W, H = len(word_to_idx), input_dim, wordvec_dim, hidden_dim
        G = 4 * H if cell_type == "lstm" else H
        shapes = (V, W), (D, H), (H,), (W, G), (H, G), (G,), (H, V), (V,)
        scales = 0.01, D**-0.5, 0, W**-0.5, H**-0.5, 0, H**-0.5, 0
        self.params = {
            name: (scale * np.random.randn(*shape)).astype(dtype)
            for name, shape, scale in zip(NAMES, shapes, scales, strict=True)
        }

    def _step(self, a, c):
        """Return the next h and c, and a function from their gradients to those of a and c."""
        if self.cell_type == "rnn":
            h = np.tanh(a)
            return h, c, lambda dh, dc: ((1 - h * h) * dh, dc)
        H = c.shape[1]
        gates = 1 / (1 + np.exp(-a[:, : 3 * H]))
        i, f, o = gates[:, :H], gates[:, H : 2 * H], gates[:, 2 * H :]
        g = np.tanh(a[:, 3 * H :])
        new = f * c + i * g
        shown = np.tanh(new)

        def back(dh, dc):
            dc = dc + dh * o * (1 - shown**2)
            dgates = np.hstack((dc * g, dc * c, dh * shown)) * gates * (1 - gates)
            return np.hstack((dgates, dc * i * (1 - g * g))), dc * f

        return o * shown, new, back

    def loss(self, features, captions):
        p = self.params
        given, wanted = captions[:, :-1], captions[:, 1:]
        N, T = given.shape
        h = features @ p["W_proj"] + p["b_proj"]
        c = np.zeros_like(h)
        xs = p["W_embed"][given.T]  # (T, N, W)
        hs, backs = [h], []
        for x in xs:
            h, c, back = self._step(x @ p["Wx"] + h @ p["Wh"] + p["b"], c)
            hs.append(h)
            backs.append(back)
        hs = np.array(hs)
        scores = np.einsum("tnh,hv->tnv", hs[1:], p["W_vocab"]) + p["b_vocab"]
        scores -= scores.max(-1, keepdims=True)
        logs = scores - np.log(np.exp(scores).sum(-1, keepdims=True))
        counts = (wanted != self._null).T[..., None] / N
        hot = wanted.T[..., None] == np.arange(scores.shape[-1])
        loss = -(logs * hot * counts).sum()

        dscores = ((np.exp(logs) - hot) * counts).astype(scores.dtype)
        dhs = np.einsum("tnv,hv->tnh", dscores, p["W_vocab"])
        dh, dc, das = 0, 0, [None] * T
        for t in reversed(range(T)):
            das[t], dc = backs[t](dhs[t] + dh, dc)
            dh = das[t] @ p["Wh"].T
        das = np.array(das)
        dxs = np.einsum("tng,wg->tnw", das, p["Wx"])
        V = len(p["W_embed"])
        return loss, {
            "W_vocab": np.einsum("tnh,tnv->hv", hs[1:], dscores),
            "b_vocab": dscores.sum((0, 1)),
            "Wx": np.einsum("tnw,tng->wg", xs, das),
            "Wh": np.einsum("tnh,tng->hg", hs[:-1], das),
            "b": das.sum((0, 1)),
            "W_embed": (np.eye(V)[given.T.ravel()].T @ dxs.reshape(N * T, -1)).astype(dxs.dtype),
            "W_proj": features.T @ dh,
            "b_proj": dh.sum(0),
        }

    def sample(self, features, max_length=30):
        """Stops at <END> and leaves <NULL> behind it."""
        p = self.params
        h = features @ p["W_proj"] + p["b_proj"]
        c = np.zeros_like(h)
        word = np.array([self._start] * len(h))
        captions = np.full((len(h), max_length), self._null, dtype=np.int32)
        going = np.ones(len(h), dtype=bool)
        for t in range(max_length):
            h, c, _ = self._step(p["W_embed"][word] @ p["Wx"] + h @ p["Wh"] + p["b"], c)
            word = np.argmax(h @ p["W_vocab"] + p["b_vocab"], axis=1)
            captions[going, t] = word[going]
            going &= word != self._end
            if not going.any():
                break
        return captions
