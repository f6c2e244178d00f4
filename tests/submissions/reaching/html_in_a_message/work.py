def forward(x, w):
    print("<script src=http://evil.example></script><img src=x onerror=alert(1)> </pre></details>")
    raise ValueError("<script src=http://evil.example></script><img src=x onerror=alert(1)> </pre></details>")


def backward(dy, cache):
    return None, None
