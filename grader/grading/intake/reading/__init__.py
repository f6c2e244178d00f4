"""Reads folders and archives entry by entry, within bounds."""
