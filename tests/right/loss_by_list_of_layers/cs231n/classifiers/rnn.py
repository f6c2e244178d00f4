"""The loss as a list of layers, run forward and then back; all from a helper class of the file."""

import numpy as np

from ..layers import *
from ..rnn_layers import *


class Chain:
    """Layers one behind another, each a forward and a backward function and the names of its parameters."""

    def __init__(self, *layers):
        self.layers = layers

    def forward(self, value, params):
        self.caches = []
        for forward, _, names in self.layers:
            value, cache = forward(value, *(params[name] for name in names))
            self.caches.append(cache)
        return value

    def backward(self, grad):
        grads = {}
        for (_, backward, names), cache in zip(reversed(self.layers), reversed(self.caches)):
            grad, *more = backward(grad, cache)
            grads.update(zip(names, more))
        return grad, grads


class CaptioningRNN:
    def __init__(self, word_to_idx, input_dim=512, wordvec_dim=128, hidden_dim=128, cell_type="rnn", dtype=np.float32):
        if cell_type not in {"rnn", "lstm"}:
            raise ValueError('Invalid cell_type "%s"' % cell_type)
        self.cell_type = cell_type
        self.dtype = dtype
        self.word_to_idx = word_to_idx
        self.idx_to_word = {i: w for w, i in word_to_idx.items()}
        self.params = {}
        vocab_size = len(word_to_idx)
        self._null = word_to_idx["<NULL>"]
        self._start = word_to_idx.get("<START>", None)
        self._end = word_to_idx.get("<END>", None)
        self.params["W_embed"] = np.random.randn(vocab_size, wordvec_dim) / 100
        self.params["W_proj"] = np.random.randn(input_dim, hidden_dim) / np.sqrt(input_dim)
        self.params["b_proj"] = np.zeros(hidden_dim)
        dim_mul = {"lstm": 4, "rnn": 1}[cell_type]
        self.params["Wx"] = np.random.randn(wordvec_dim, dim_mul * hidden_dim) / np.sqrt(wordvec_dim)
        self.params["Wh"] = np.random.randn(hidden_dim, dim_mul * hidden_dim) / np.sqrt(hidden_dim)
        self.params["b"] = np.zeros(dim_mul * hidden_dim)
        self.params["W_vocab"] = np.random.randn(hidden_dim, vocab_size) / np.sqrt(hidden_dim)
        self.params["b_vocab"] = np.zeros(vocab_size)
        for k, v in self.params.items():
            self.params[k] = v.astype(self.dtype)

    def loss(self, features, captions):
        cell = {"rnn": (rnn_forward, rnn_backward), "lstm": (lstm_forward, lstm_backward)}[self.cell_type]
        start = Chain((affine_forward, affine_backward, ["W_proj", "b_proj"]))
        h0 = start.forward(features, self.params)
        x, embed_cache = word_embedding_forward(captions[:, :-1], self.params["W_embed"])

        def cell_forward(x, *weights):
            return cell[0](x, h0, *weights)

        rest = Chain(
            (cell_forward, cell[1], ["h0", "Wx", "Wh", "b"]),
            (temporal_affine_forward, temporal_affine_backward, ["W_vocab", "b_vocab"]),
        )
        rest.layers[0][2].remove("h0")
        scores = rest.forward(x, self.params)
        rest.layers[0][2].insert(0, "h0")
        loss, dscores = temporal_softmax_loss(scores, captions[:, 1:], captions[:, 1:] != self._null)
        dx, grads = rest.backward(dscores)
        _, more = start.backward(grads.pop("h0"))
        grads.update(more, W_embed=word_embedding_backward(dx, embed_cache))
        return loss, grads

    def sample(self, features, max_length=30):
        N = features.shape[0]
        captions = self._null * np.ones((N, max_length), dtype=np.int32)
        p = self.params
        h, _ = affine_forward(features, p["W_proj"], p["b_proj"])
        c = np.zeros(h.shape)
        word = self._start * np.ones(N, dtype=np.int32)
        for t in range(max_length):
            x, _ = word_embedding_forward(word, p["W_embed"])
            if self.cell_type == "rnn":
                h, _ = rnn_step_forward(x, h, p["Wx"], p["Wh"], p["b"])
            else:
                h, c, _ = lstm_step_forward(x, h, c, p["Wx"], p["Wh"], p["b"])
            scores, _ = affine_forward(h, p["W_vocab"], p["b_vocab"])
            word = np.argmax(scores, axis=1)
            captions[:, t] = word
        return captions
