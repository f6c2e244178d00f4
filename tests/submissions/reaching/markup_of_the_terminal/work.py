def forward(x, w):
    print("[/red] [bold][link=http://evil.example]full marks[/link] [/] \\[x] :pile_of_poo:")
    raise ValueError("[/red] [bold][link=http://evil.example]full marks[/link] [/] \\[x] :pile_of_poo:")


def backward(dy, cache):
    return None, None
