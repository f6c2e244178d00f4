"""The loss with a softmax of its own, gradients in a defaultdict, everything in time order."""

from collections import defaultdict

import numpy as np

from ..layers import affine_backward, affine_forward
from ..rnn_layers import *


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
        p = self.params
        steps = captions.shape[1] - 1
        N = captions.shape[0]
        h0, first = affine_forward(features, p["W_proj"], p["b_proj"])
        x, words = word_embedding_forward(captions[:, :steps], p["W_embed"])
        if self.cell_type == "lstm":
            h, cell = lstm_forward(x, h0, p["Wx"], p["Wh"], p["b"])
        else:
            h, cell = rnn_forward(x, h0, p["Wx"], p["Wh"], p["b"])
        loss, grads, dh = 0.0, defaultdict(float), np.zeros_like(h)
        for t in range(steps):
            scores, cache = affine_forward(h[:, t], p["W_vocab"], p["b_vocab"])
            top = scores.max(axis=1)
            log_total = top + np.log(np.exp(scores - top[:, None]).sum(axis=1))
            dscores = np.exp(scores - log_total[:, None])
            for n in range(N):
                right = captions[n, t + 1]
                if right == self._null:
                    dscores[n] = 0
                else:
                    loss += float(log_total[n] - scores[n, right]) / N
                    dscores[n, right] -= 1
            dh[:, t], dW, db = affine_backward(dscores / N, cache)
            grads["W_vocab"] += dW
            grads["b_vocab"] += db
        backward = lstm_backward if self.cell_type == "lstm" else rnn_backward
        dx, dh0, grads["Wx"], grads["Wh"], grads["b"] = backward(dh, cell)
        grads["W_embed"] = word_embedding_backward(dx, words)
        _, grads["W_proj"], grads["b_proj"] = affine_backward(dh0, first)
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
