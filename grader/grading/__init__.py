"""One submission: taken in, graded, scored."""
