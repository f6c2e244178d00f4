"""The layers of a captioning model: a vanilla RNN, an LSTM, word embeddings, and what they need around them.

Every forward function returns its output and a cache, and leaves its inputs as they were. The backward function beside
it takes the gradient of the loss with respect to that output, and the cache, and returns the gradients with respect to
the inputs. What stands in a cache is up to you.

Letters in the shapes: N captions in the minibatch, T time steps, D numbers per word vector, H numbers per hidden state,
V words in the vocabulary. Any of these lengths may be one, and the axis is there all the same: the checks ask for a
single caption, a single time step, vectors and states of a single number.
"""

import numpy as np


def rnn_step_forward(x, prev_h, Wx, Wh, b):
    """
    Forward pass for a single time step of a vanilla RNN with a tanh activation.

    Inputs:
    - x: Input of this time step, of shape (N, D)
    - prev_h: Hidden state of the previous time step, of shape (N, H)
    - Wx: Weights from the input to the hidden state, of shape (D, H)
    - Wh: Weights from the previous hidden state to the next one, of shape (H, H)
    - b: Biases, of shape (H,)

    Returns a tuple of:
    - next_h: Hidden state of this time step, of shape (N, H)
    - cache: Values that the backward pass needs
    """
    # The input and the previous hidden state each go through their weights, the sum of both and the biases goes
    # through the activation. Put into the cache what the derivative will need: look for a form of the derivative of
    # tanh that uses its output.
    #--------------------------------------------------------------------------
    # Task 1.1: rnn_step_forward: your code goes here, in place of the next line.
    #--------------------------------------------------------------------------
    raise NotImplementedError('Task 1.1: rnn_step_forward')


def rnn_step_backward(dnext_h, cache):
    """
    Backward pass for a single time step of a vanilla RNN.

    Inputs:
    - dnext_h: Gradient of the loss with respect to the next hidden state, of shape (N, H)
    - cache: The cache of rnn_step_forward

    Returns a tuple of:
    - dx: Gradient with respect to the input, of shape (N, D)
    - dprev_h: Gradient with respect to the previous hidden state, of shape (N, H)
    - dWx: Gradient with respect to the input's weights, of shape (D, H)
    - dWh: Gradient with respect to the hidden state's weights, of shape (H, H)
    - db: Gradient with respect to the biases, of shape (H,)
    """
    # Go back through the activation first. The five gradients then follow as in an affine layer; their shapes tell
    # you which factor to transpose and on which side it stands.
    #--------------------------------------------------------------------------
    # Task 1.2: rnn_step_backward: your code goes here, in place of the next line.
    #--------------------------------------------------------------------------
    raise NotImplementedError('Task 1.2: rnn_step_backward')


def rnn_forward(x, h0, Wx, Wh, b):
    """
    Forward pass of a vanilla RNN over a whole sequence, with the same weights at every time step.

    Inputs:
    - x: Inputs of all time steps, of shape (N, T, D)
    - h0: Initial hidden state, of shape (N, H)
    - Wx: Weights from the input to the hidden state, of shape (D, H)
    - Wh: Weights from the previous hidden state to the next one, of shape (H, H)
    - b: Biases, of shape (H,)

    Returns a tuple of:
    - h: Hidden states of all time steps, of shape (N, T, H); h0 is not among them
    - cache: Values that the backward pass needs
    """
    # Walk forward in time with rnn_step_forward. Each step starts from the hidden state that the step before it left.
    #--------------------------------------------------------------------------
    # Task 1.3: rnn_forward: your code goes here, in place of the next line.
    #--------------------------------------------------------------------------
    raise NotImplementedError('Task 1.3: rnn_forward')


def rnn_backward(dh, cache):
    """
    Backward pass of a vanilla RNN over a whole sequence.

    Inputs:
    - dh: Gradients of the loss with respect to the hidden states of all time steps, of shape (N, T, H). These come
      from what uses each hidden state outside the RNN, so they say nothing yet of the path through later time steps.
    - cache: The cache of rnn_forward

    Returns a tuple of:
    - dx: Gradient with respect to the inputs, of shape (N, T, D)
    - dh0: Gradient with respect to the initial hidden state, of shape (N, H)
    - dWx: Gradient with respect to the input's weights, of shape (D, H)
    - dWh: Gradient with respect to the hidden state's weights, of shape (H, H)
    - db: Gradient with respect to the biases, of shape (H,)
    """
    # Walk backward in time. A hidden state is used twice, by the layers above it and by the next time step, and both
    # send a gradient back. The weights are used at every time step: what does that mean for their gradients?
    # rnn_step_backward is all you need; a quicker way for the weights is there to be found once this works.
    #--------------------------------------------------------------------------
    # Task 1.4: rnn_backward: your code goes here, in place of the next line.
    #--------------------------------------------------------------------------
    raise NotImplementedError('Task 1.4: rnn_backward')


def word_embedding_forward(x, W):
    """
    Forward pass for word embeddings: each word is given by its id and becomes its vector.

    Inputs:
    - x: Word ids, integers from 0 to V - 1, of shape (N, T)
    - W: The vectors of all words, of shape (V, D)

    Returns a tuple of:
    - out: The vectors of the words in x, of shape (N, T, D)
    - cache: Values that the backward pass needs
    """
    # NumPy can do this in one line, without a loop: see its documentation on indexing with arrays of integers.
    #--------------------------------------------------------------------------
    # Task 1.5: word_embedding_forward: your code goes here, in place of the next line.
    #--------------------------------------------------------------------------
    raise NotImplementedError('Task 1.5: word_embedding_forward')


def word_embedding_backward(dout, cache):
    """
    Backward pass for word embeddings. The ids are integers and have no gradient; only the vectors get one.

    Inputs:
    - dout: Gradient of the loss with respect to the output, of shape (N, T, D)
    - cache: The cache of word_embedding_forward

    Returns:
    - dW: Gradient with respect to the vectors of all words, of shape (V, D)
    """
    # A word may stand in the captions many times, or not at all. Assigning, or += with an array of ids, keeps only one
    # of several contributions to the same row; look at np.add.at.
    #--------------------------------------------------------------------------
    # Task 1.6: word_embedding_backward: your code goes here, in place of the next line.
    #--------------------------------------------------------------------------
    raise NotImplementedError('Task 1.6: word_embedding_backward')


def sigmoid(x):
    """
    The logistic function 1 / (1 + exp(-x)), element by element, for an x of any size.
    """
    # Where exp(-x) overflows it is infinite, and 1 / (1 + infinity) = 0 is the right limit: no cause for a warning.
    with np.errstate(over="ignore"):
        return 1 / (1 + np.exp(-x))


def lstm_step_forward(x, prev_h, prev_c, Wx, Wh, b):
    """
    Forward pass for a single time step of an LSTM.

    The 4H columns of the weights and biases belong to the input gate i, the forget gate f, the output gate o and the
    block input g, H columns each, in this order.

    Inputs:
    - x: Input of this time step, of shape (N, D)
    - prev_h: Hidden state of the previous time step, of shape (N, H)
    - prev_c: Cell state of the previous time step, of shape (N, H)
    - Wx: Weights from the input, of shape (D, 4H)
    - Wh: Weights from the previous hidden state, of shape (H, 4H)
    - b: Biases, of shape (4H,)

    Returns a tuple of:
    - next_h: Hidden state of this time step, of shape (N, H)
    - next_c: Cell state of this time step, of shape (N, H)
    - cache: Values that the backward pass needs
    """
    # Begin as in the vanilla RNN, up to its activation, and take the result apart along its second axis. Three of the
    # four parts are gates, which open from 0 to 1; the fourth runs from -1 to 1. One gate decides what stays of the
    # previous cell state, one what is added to it, one what is shown of it. Use the stable sigmoid above.
    #--------------------------------------------------------------------------
    # Task 2.1: lstm_step_forward: your code goes here, in place of the next line.
    #--------------------------------------------------------------------------
    raise NotImplementedError('Task 2.1: lstm_step_forward')


def lstm_step_backward(dnext_h, dnext_c, cache):
    """
    Backward pass for a single time step of an LSTM.

    Inputs:
    - dnext_h: Gradient of the loss with respect to the next hidden state, of shape (N, H)
    - dnext_c: Gradient of the loss with respect to the next cell state, of shape (N, H). It says nothing yet of the
      path from the cell state through the hidden state of the same time step.
    - cache: The cache of lstm_step_forward

    Returns a tuple of:
    - dx: Gradient with respect to the input, of shape (N, D)
    - dprev_h: Gradient with respect to the previous hidden state, of shape (N, H)
    - dprev_c: Gradient with respect to the previous cell state, of shape (N, H)
    - dWx: Gradient with respect to the input's weights, of shape (D, 4H)
    - dWh: Gradient with respect to the hidden state's weights, of shape (H, 4H)
    - db: Gradient with respect to the biases, of shape (4H,)
    """
    # Draw the graph of the step and go through it from the end. Two paths meet in the next cell state. Every gate has
    # its own derivative, which its output alone determines. Once the four parts stand beside each other again, in the
    # order of the columns, the rest is as in the vanilla RNN. Leave dnext_h and dnext_c as they were given.
    #--------------------------------------------------------------------------
    # Task 2.2: lstm_step_backward: your code goes here, in place of the next line.
    #--------------------------------------------------------------------------
    raise NotImplementedError('Task 2.2: lstm_step_backward')


def lstm_forward(x, h0, Wx, Wh, b):
    """
    Forward pass of an LSTM over a whole sequence, with the same weights at every time step.

    The cell state is zero at the start. It stays inside the LSTM: it is passed on from step to step, not returned.

    Inputs:
    - x: Inputs of all time steps, of shape (N, T, D)
    - h0: Initial hidden state, of shape (N, H)
    - Wx: Weights from the input, of shape (D, 4H)
    - Wh: Weights from the previous hidden state, of shape (H, 4H)
    - b: Biases, of shape (4H,)

    Returns a tuple of:
    - h: Hidden states of all time steps, of shape (N, T, H); h0 is not among them
    - cache: Values that the backward pass needs
    """
    # As for the vanilla RNN, with two states to pass on in place of one.
    #--------------------------------------------------------------------------
    # Task 2.3: lstm_forward: your code goes here, in place of the next line.
    #--------------------------------------------------------------------------
    raise NotImplementedError('Task 2.3: lstm_forward')


def lstm_backward(dh, cache):
    """
    Backward pass of an LSTM over a whole sequence.

    Inputs:
    - dh: Gradients of the loss with respect to the hidden states of all time steps, of shape (N, T, H). These come
      from what uses each hidden state outside the LSTM, so they say nothing yet of the path through later time steps.
    - cache: The cache of lstm_forward

    Returns a tuple of:
    - dx: Gradient with respect to the inputs, of shape (N, T, D)
    - dh0: Gradient with respect to the initial hidden state, of shape (N, H)
    - dWx: Gradient with respect to the input's weights, of shape (D, 4H)
    - dWh: Gradient with respect to the hidden state's weights, of shape (H, 4H)
    - db: Gradient with respect to the biases, of shape (4H,)
    """
    # As for the vanilla RNN, with two gradients to hand back from step to step. Which gradient does the last cell state
    # get, of which no later step and no other layer makes use? lstm_step_backward is all you need.
    #--------------------------------------------------------------------------
    # Task 2.4: lstm_backward: your code goes here, in place of the next line.
    #--------------------------------------------------------------------------
    raise NotImplementedError('Task 2.4: lstm_backward')


def temporal_affine_forward(x, w, b):
    """
    Forward pass for an affine layer that is applied at every time step, with the same weights.

    Inputs:
    - x: Inputs of all time steps, of shape (N, T, D)
    - w: Weights, of shape (D, M)
    - b: Biases, of shape (M,)

    Returns a tuple of:
    - out: Outputs of all time steps, of shape (N, T, M)
    - cache: Values that the backward pass needs: (x, w, b, out)
    """
    num_captions, num_steps, input_dim = x.shape
    out = (x.reshape(-1, input_dim) @ w + b).reshape(num_captions, num_steps, w.shape[1])
    return out, (x, w, b, out)


def temporal_affine_backward(dout, cache):
    """
    Backward pass for an affine layer that is applied at every time step.

    Inputs:
    - dout: Gradient of the loss with respect to the outputs, of shape (N, T, M)
    - cache: The cache of temporal_affine_forward

    Returns a tuple of:
    - dx: Gradient with respect to the inputs, of shape (N, T, D)
    - dw: Gradient with respect to the weights, of shape (D, M)
    - db: Gradient with respect to the biases, of shape (M,)
    """
    x, w, _, _ = cache
    dout_flat = dout.reshape(-1, dout.shape[2])
    dx = (dout_flat @ w.T).reshape(*x.shape)
    dw = x.reshape(-1, x.shape[2]).T @ dout_flat
    return dx, dw, dout_flat.sum(axis=0)


def temporal_softmax_loss(x, y, mask, verbose=False):
    """
    Softmax loss over the vocabulary at every time step, for captions of different lengths.

    The losses of all time steps are summed, the ones that the mask leaves out apart, and divided by the number of
    captions N.

    Inputs:
    - x: Scores of all words at all time steps, of shape (N, T, V)
    - y: Ids of the right words, of shape (N, T), from 0 to V - 1
    - mask: Booleans of shape (N, T): whether x[n, t] counts towards the loss
    - verbose: Print the shape of the gradient with all time steps in one row

    Returns a tuple of:
    - loss: The loss, a number
    - dx: Gradient of the loss with respect to the scores, of shape (N, T, V)
    """
    num_captions, num_steps, vocab_size = x.shape
    x_flat = x.reshape(num_captions * num_steps, vocab_size)
    y_flat = y.reshape(num_captions * num_steps)
    mask_flat = mask.reshape(num_captions * num_steps)
    rows = np.arange(num_captions * num_steps)

    # Taking the largest score from all leaves the probabilities as they are and keeps exp from overflowing.
    shifted = x_flat - x_flat.max(axis=1, keepdims=True)
    log_probs = shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))
    loss = -np.sum(mask_flat * log_probs[rows, y_flat]) / num_captions

    dx_flat = np.exp(log_probs)
    dx_flat[rows, y_flat] -= 1
    dx_flat *= mask_flat[:, np.newaxis]
    dx_flat /= num_captions
    if verbose:
        print("dx_flat:", dx_flat.shape)  # noqa: T201 - asked for by verbose
    return loss, dx_flat.reshape(num_captions, num_steps, vocab_size)
