"""What a student runs: the handout's tests and the hand-in."""
