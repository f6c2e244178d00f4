"""One case of a check: its calls into the box, what they returned, and its files."""
