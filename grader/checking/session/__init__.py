"""The checks as pytest collects them, and what becomes of each case against one submission."""
