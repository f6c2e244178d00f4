"""Turns notebooks of nbgrader and Otter, and autograders of Gradescope, into assignments."""
