"""Finds submissions that share too much code."""
