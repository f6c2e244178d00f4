"""A captioning model: from the features of a picture to a sentence, by a vanilla RNN or an LSTM."""

import numpy as np

from ..layers import affine_backward, affine_forward
from ..rnn_layers import (
    lstm_backward,
    lstm_forward,
    lstm_step_forward,
    rnn_backward,
    rnn_forward,
    rnn_step_forward,
    temporal_affine_backward,
    temporal_affine_forward,
    temporal_softmax_loss,
    word_embedding_backward,
    word_embedding_forward,
)


class CaptioningRNN:
    """
    A recurrent network that writes a caption for a picture, given the picture's features.

    The features, of dimension D, set the first hidden state, of dimension H. Words come from a vocabulary of V words
    and become vectors of dimension W. The model has no regularisation.

    The checks ask for a single picture and a single time step as well, for vocabularies of a few words and of hundreds,
    and for parameters of float32 and float64. Special words may have any ids.
    """

    def __init__(self, word_to_idx, input_dim=512, wordvec_dim=128, hidden_dim=128, cell_type="rnn", dtype=np.float32):
        """
        Make a model with random weights, drawn from np.random.

        Inputs:
        - word_to_idx: Dictionary from the V words of the vocabulary to their ids
        - input_dim: Dimension D of the picture's features
        - wordvec_dim: Dimension W of the word vectors
        - hidden_dim: Dimension H of the hidden state
        - cell_type: 'rnn' or 'lstm'
        - dtype: Type of the parameters: float32 to train, float64 to check gradients
        """
        if cell_type not in ("rnn", "lstm"):
            raise ValueError(f"cell_type is {cell_type!r}; it must be 'rnn' or 'lstm'")

        self.cell_type = cell_type
        self.dtype = dtype
        self.word_to_idx = word_to_idx
        self.idx_to_word = {idx: word for word, idx in word_to_idx.items()}
        self._null = word_to_idx["<NULL>"]
        self._start = word_to_idx.get("<START>")
        self._end = word_to_idx.get("<END>")

        vocab_size = len(word_to_idx)
        num_blocks = {"rnn": 1, "lstm": 4}[cell_type]  # the LSTM's three gates and block input, beside each other
        params = {
            # The vectors of all words
            "W_embed": np.random.randn(vocab_size, wordvec_dim) / 100,
            # From the picture's features to the first hidden state
            "W_proj": np.random.randn(input_dim, hidden_dim) / np.sqrt(input_dim),
            "b_proj": np.zeros(hidden_dim),
            # The cell
            "Wx": np.random.randn(wordvec_dim, num_blocks * hidden_dim) / np.sqrt(wordvec_dim),
            "Wh": np.random.randn(hidden_dim, num_blocks * hidden_dim) / np.sqrt(hidden_dim),
            "b": np.zeros(num_blocks * hidden_dim),
            # From the hidden state to the scores of all words
            "W_vocab": np.random.randn(hidden_dim, vocab_size) / np.sqrt(hidden_dim),
            "b_vocab": np.zeros(vocab_size),
        }
        self.params = {name: value.astype(dtype) for name, value in params.items()}

    def loss(self, features, captions):
        """
        Loss of the captions, given the pictures' features, and its gradients with respect to all parameters.

        Inputs:
        - features: Features of the pictures, of shape (N, D)
        - captions: Captions as word ids, of shape (N, T): <START>, the words, <END>, then <NULL> up to T

        Returns a tuple of:
        - loss: The loss, a number
        - grads: Dictionary with the same keys as self.params: the gradients
        """
        # The network reads every word but the last and is to answer each with the word that follows it, so what goes
        # in and what should come out are the captions, shifted by one. An answer that should be <NULL> doesn't count.
        captions_in = captions[:, :-1]
        captions_out = captions[:, 1:]
        mask = captions_out != self._null

        W_proj, b_proj = self.params["W_proj"], self.params["b_proj"]
        W_embed = self.params["W_embed"]
        Wx, Wh, b = self.params["Wx"], self.params["Wh"], self.params["b"]
        W_vocab, b_vocab = self.params["W_vocab"], self.params["b_vocab"]

        # Forward, in five steps: (1) an affine layer makes the first hidden state from the features, (2) the embedding
        # makes vectors of the words that go in, (3) the RNN or the LSTM, by self.cell_type, makes hidden states of
        # these, (4) a temporal affine layer makes scores of all words from each, (5) the temporal softmax compares the
        # scores with the words that should come out, where the mask is true. Scores may be as large as 1,000, of which
        # the exponential is infinite: temporal_softmax_loss takes care of that.
        # Backward: the same steps from the last to the first. Each function that you need is imported above.
        #----------------------------------------------------------------------
        # Task 1.7 and 2.5: CaptioningRNN.loss: your code goes here, in place of the next line.
        #----------------------------------------------------------------------
        raise NotImplementedError('Task 1.7 and 2.5: CaptioningRNN.loss')

    def sample(self, features, max_length=30):
        """
        Write a caption for each picture, taking at each time step the word with the highest score.

        The first word that goes in is <START>; then each word that comes out goes in at the next time step. <START>
        itself is not part of the caption: the first column is the first word that came out. After <END> you may stop
        and leave <NULL> in the rest of the row, or simply go on; both are right.

        Inputs:
        - features: Features of the pictures, of shape (N, D)
        - max_length: How many words to write for each picture

        Returns:
        - captions: Word ids, integers of shape (N, max_length)
        """
        N = features.shape[0]
        captions = np.full((N, max_length), self._null, dtype=np.int64)

        W_proj, b_proj = self.params["W_proj"], self.params["b_proj"]
        W_embed = self.params["W_embed"]
        Wx, Wh, b = self.params["Wx"], self.params["Wh"], self.params["b"]
        W_vocab, b_vocab = self.params["W_vocab"], self.params["b_vocab"]

        # The first hidden state is made as in loss; an LSTM's first cell state is zero. Then one word at a time: its
        # vector, one step of the cell (the step function, not the one for whole sequences), the scores of all words,
        # the best of them for each picture. No word is known before the one that precedes it, so this needs a loop.
        #----------------------------------------------------------------------
        # Task 1.8 and 2.6: CaptioningRNN.sample: your code goes here, in place of the next line.
        #----------------------------------------------------------------------
        raise NotImplementedError('Task 1.8 and 2.6: CaptioningRNN.sample')
