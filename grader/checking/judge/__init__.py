"""Compares answers with the expected ones. Pure, except for the calls that a property or a slope
needs.
"""
