"""Turns notebooks of nbgrader and Otter into assignments."""
