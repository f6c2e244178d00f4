"""What students run while they work: the check in a notebook, and the check of every save."""
