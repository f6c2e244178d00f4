"""Confines a box and watches it, on the inside."""
