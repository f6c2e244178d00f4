def forward(x, w):
    return input()
