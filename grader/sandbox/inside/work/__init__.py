"""Serves requests inside the box: the student's functions, and a notebook's kernel."""
