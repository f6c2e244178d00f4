"""Builds the handout and checks that no answer is left in it."""
