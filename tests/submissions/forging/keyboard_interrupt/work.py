def forward(x, w):
    raise KeyboardInterrupt


def backward(dy, cache):
    raise GeneratorExit
