"""Runs a notebook's cells, and the checks that run beside the student's objects."""
