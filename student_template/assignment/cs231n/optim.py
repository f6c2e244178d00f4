"""Update rules for gradient descent.

Each takes a parameter `w`, the gradient `dw` of the same shape, and a dictionary `config` of settings, in which it also
keeps what it must remember until the next step. It returns the next value of the parameter, and the config to give to
the next call. Settings that are not in the config get the defaults named below. Neither w nor dw is changed.
"""

import numpy as np


def sgd(w, dw, config=None):
    """
    Stochastic gradient descent.

    config:
    - learning_rate: 1e-2
    """
    config = _with_defaults(config, learning_rate=1e-2)
    return w - config["learning_rate"] * dw, config


def sgd_momentum(w, dw, config=None):
    """
    Stochastic gradient descent with momentum.

    config:
    - learning_rate: 1e-2
    - momentum: 0.9; with 0 this is plain gradient descent
    - velocity: the running step, of the same shape as w
    """
    config = _with_defaults(config, learning_rate=1e-2, momentum=0.9)
    velocity = config.get("velocity", np.zeros_like(w))
    config["velocity"] = config["momentum"] * velocity - config["learning_rate"] * dw
    return w + config["velocity"], config


def rmsprop(w, dw, config=None):
    """
    RMSProp: each number of the parameter has a step of its own, scaled by the recent size of its gradient.

    config:
    - learning_rate: 1e-2
    - decay_rate: 0.99, how much of the running average stays at each step
    - epsilon: 1e-8, keeps from dividing by zero
    - cache: the running average of the squared gradient, of the same shape as w
    """
    config = _with_defaults(config, learning_rate=1e-2, decay_rate=0.99, epsilon=1e-8)
    decay = config["decay_rate"]
    config["cache"] = decay * config.get("cache", np.zeros_like(w)) + (1 - decay) * dw**2
    return w - config["learning_rate"] * dw / (np.sqrt(config["cache"]) + config["epsilon"]), config


def adam(w, dw, config=None):
    """
    Adam: running averages of the gradient and of its square, both corrected for having started at zero.

    config:
    - learning_rate: 1e-3
    - beta1: 0.9, how much of the gradient's average stays at each step
    - beta2: 0.999, the same for the squared gradient
    - epsilon: 1e-8, keeps from dividing by zero
    - m, v: the two averages, of the same shape as w
    - t: how many steps have been taken
    """
    config = _with_defaults(config, learning_rate=1e-3, beta1=0.9, beta2=0.999, epsilon=1e-8, t=0)
    beta1, beta2 = config["beta1"], config["beta2"]
    config["t"] += 1
    config["m"] = beta1 * config.get("m", np.zeros_like(w)) + (1 - beta1) * dw
    config["v"] = beta2 * config.get("v", np.zeros_like(w)) + (1 - beta2) * dw**2
    m_corrected = config["m"] / (1 - beta1 ** config["t"])
    v_corrected = config["v"] / (1 - beta2 ** config["t"])
    return w - config["learning_rate"] * m_corrected / (np.sqrt(v_corrected) + config["epsilon"]), config


def _with_defaults(config, **defaults):
    """Fill in, in the caller's own dictionary, what it leaves open: the dictionary goes on to the next step."""
    config = {} if config is None else config
    for name, value in defaults.items():
        config.setdefault(name, value)
    return config
