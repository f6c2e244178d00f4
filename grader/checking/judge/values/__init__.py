"""Compares single values of each kind, and says how two differ."""
