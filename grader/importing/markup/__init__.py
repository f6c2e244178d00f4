"""Reads the markup of nbgrader and of Otter in notebooks."""
