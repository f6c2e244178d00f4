"""Makes assignments of Gradescope autograders in Python."""
