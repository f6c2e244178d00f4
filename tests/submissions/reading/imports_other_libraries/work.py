try:
    import torch
except ImportError:
    torch = None


def forward(x, w):
    return torch.tanh(torch.as_tensor(x) @ torch.as_tensor(w)), None


def backward(dy, cache):
    return torch.zeros(1), torch.zeros(1)
