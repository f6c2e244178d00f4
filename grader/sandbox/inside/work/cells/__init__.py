"""A notebook's cells: run, made good, and asked from an author's test."""
