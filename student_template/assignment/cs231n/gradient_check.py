"""Numerical gradients by central differences, to hold analytic ones against. Use float64: float32 is too coarse."""

import numpy as np


def rel_error(x, y):
    """
    The largest relative error between two arrays of the same shape, element by element.

    Differing shapes raise a ValueError: broadcasting would compare numbers that don't belong together, and let a
    gradient of the wrong shape pass.
    """
    x, y = np.asarray(x), np.asarray(y)
    if x.shape != y.shape:
        raise ValueError(f"the shapes differ: {x.shape} and {y.shape}")
    if x.size == 0:
        return 0.0
    return np.max(np.abs(x - y) / np.maximum(1e-8, np.abs(x) + np.abs(y)))


def eval_numerical_gradient(f, x, verbose=False, h=1e-5):
    """
    The gradient of f at x, where f gives a number.

    Inputs:
    - f: Function of one array
    - x: Where to take the gradient, a float array; it is changed on the way and restored
    - verbose: Print each entry
    - h: How far to step to either side

    Returns:
    - The gradient, of the same shape as x
    """
    _check_floats(x)
    grad = np.zeros_like(x)
    for index in np.ndindex(x.shape):
        above, below = _on_either_side(f, x, index, h)
        grad[index] = (above - below) / (2 * h)
        if verbose:
            print(index, grad[index])
    return grad


def eval_numerical_gradient_array(f, x, df, h=1e-5):
    """
    The gradient of a loss with respect to x, where f gives an array and df is the loss's gradient with respect to that.

    Inputs:
    - f: Function of one array, that gives an array (or a number)
    - x: Where to take the gradient, a float array; it is changed on the way and restored
    - df: Gradient of the loss with respect to f(x), of the same shape as f(x)
    - h: How far to step to either side

    Returns:
    - The gradient, of the same shape as x
    """
    _check_floats(x)
    grad = np.zeros_like(x)
    for index in np.ndindex(x.shape):
        above, below = _on_either_side(f, x, index, h)
        if np.shape(above) != np.shape(df):
            raise ValueError(f"f gives the shape {np.shape(above)}, but df has the shape {np.shape(df)}")
        grad[index] = np.sum((above - below) * df) / (2 * h)
    return grad


def grad_check_sparse(f, x, analytic_grad, num_checks=10, h=1e-5):
    """
    Print numerical and analytic gradient of f, which gives a number, at a few entries of x that are drawn at random.

    Inputs:
    - f: Function of one array
    - x: Where to take the gradient, a float array; it is changed on the way and restored
    - analytic_grad: The gradient to check, of the same shape as x
    - num_checks: At how many entries
    - h: How far to step to either side
    """
    _check_floats(x)
    for _ in range(num_checks):
        index = tuple(np.random.randint(size) for size in x.shape)
        above, below = _on_either_side(f, x, index, h)
        numerical, analytic = (above - below) / (2 * h), analytic_grad[index]
        error = rel_error(numerical, analytic)
        print(f"numerical: {numerical:f} analytic: {analytic:f}, relative error: {error:e}")


def _on_either_side(f, x, index, h):
    """What f gives with the entry of x a step h above, and below; the entry is restored afterwards."""
    value = x[index]
    try:
        x[index] = value + h
        above = np.array(f(x))  # a copy: f may give back the same array each time
        x[index] = value - h
        below = np.array(f(x))
    finally:
        x[index] = value
    return above, below


def _check_floats(x):
    """In an array of integers a small step would be lost without a word, and every gradient be zero."""
    if not isinstance(x, np.ndarray) or not np.issubdtype(x.dtype, np.floating):
        raise TypeError("x must be a NumPy array of floats")
