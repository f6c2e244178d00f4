def forward(x, w):
    while True:
        pass
