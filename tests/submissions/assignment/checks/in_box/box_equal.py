assert triple(2) == 6
