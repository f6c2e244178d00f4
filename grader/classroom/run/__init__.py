"""Grades a class in parallel and keeps the results."""
