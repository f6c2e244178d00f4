"""The model put together from a base class and mixins, with parameters drawn in another order."""

import numpy as np

from ..layers import *
from ..rnn_layers import *


class Vocabulary:
    def __init__(self, word_to_idx):
        self.word_to_idx = word_to_idx
        self.idx_to_word = dict(zip(word_to_idx.values(), word_to_idx.keys()))

    _null = property(lambda self: self.word_to_idx["<NULL>"])
    _start = property(lambda self: self.word_to_idx["<START>"])
    _end = property(lambda self: self.word_to_idx["<END>"])


class Parameters(dict):
    """A dict that can also be read by attribute."""

    __getattr__ = dict.__getitem__

    def add(self, name, *shape):
        scale = 0 if name.startswith("b") else 1 / np.sqrt(shape[0])
        self[name] = (scale * np.random.standard_normal(shape)).astype(self["dtype"])


class CaptioningRNN(Vocabulary):
    def __init__(self, word_to_idx, input_dim=512, wordvec_dim=128, hidden_dim=128, cell_type="rnn", dtype=np.float32):
        super().__init__(word_to_idx)
        self.cell_type, self.dtype = cell_type, dtype
        blocks = 1 + 3 * (cell_type == "lstm")
        self.params = Parameters(dtype=dtype)
        self.params.add("b_vocab", len(word_to_idx))
        self.params.add("W_vocab", hidden_dim, len(word_to_idx))
        self.params.add("b", blocks * hidden_dim)
        self.params.add("Wh", hidden_dim, blocks * hidden_dim)
        self.params.add("Wx", wordvec_dim, blocks * hidden_dim)
        self.params.add("W_embed", len(word_to_idx), wordvec_dim)
        self.params["W_embed"] *= np.sqrt(len(word_to_idx)) / 100
        self.params.add("b_proj", hidden_dim)
        self.params.add("W_proj", input_dim, hidden_dim)
        del self.params["dtype"]

    def loss(self, features, captions):
        captions_in = captions[:, :-1]
        captions_out = captions[:, 1:]
        mask = captions_out != self._null
        p = self.params
        h0, cache_proj = affine_forward(features, p["W_proj"], p["b_proj"])
        x, cache_embed = word_embedding_forward(captions_in, p["W_embed"])
        if self.cell_type == "rnn":
            h, cache_h = rnn_forward(x, h0, p["Wx"], p["Wh"], p["b"])
        else:
            h, cache_h = lstm_forward(x, h0, p["Wx"], p["Wh"], p["b"])
        scores, cache_scores = temporal_affine_forward(h, p["W_vocab"], p["b_vocab"])
        loss, dscores = temporal_softmax_loss(scores, captions_out, mask)
        grads = {}
        dh, grads["W_vocab"], grads["b_vocab"] = temporal_affine_backward(dscores, cache_scores)
        if self.cell_type == "rnn":
            dx, dh0, grads["Wx"], grads["Wh"], grads["b"] = rnn_backward(dh, cache_h)
        else:
            dx, dh0, grads["Wx"], grads["Wh"], grads["b"] = lstm_backward(dh, cache_h)
        grads["W_embed"] = word_embedding_backward(dx, cache_embed)
        _, grads["W_proj"], grads["b_proj"] = affine_backward(dh0, cache_proj)
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
