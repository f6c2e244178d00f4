"""One check: what a test calls (`student`), what it holds the answers against (`expect`), and the
pytest plugin.
"""
