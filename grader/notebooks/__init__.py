"""Notebooks as files: their format, what a cell's code defines, and which cell of a submission is
which.
"""
