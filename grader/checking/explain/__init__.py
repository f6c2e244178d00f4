"""Explains a failure: known mistakes, symptoms of wrong numbers, hints for exceptions."""
