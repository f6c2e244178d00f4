import numpy as np


def forward(x, w):
    y = np.zeros(x.shape[0])
    for n in range(x.shape[0]):
        total = 0.0
        for d in range(x.shape[1]):
            total += x[n, d] * w[d]
        y[n] = np.tanh(total)
    return y, (x, w, y)


def backward(dy, cache):
    x, w, y = cache
    dx, dw = np.zeros_like(x), np.zeros_like(w)
    for n in range(x.shape[0]):
        da = dy[n] * (1 - y[n] ** 2)
        for d in range(x.shape[1]):
            dx[n, d] = da * w[d]
            dw[d] += da * x[n, d]
    return dx, dw
