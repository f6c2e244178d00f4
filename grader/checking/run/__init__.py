"""Runs an assignment's checks: the pytest plugin, one case, its boxes, and second runs with right
functions.
"""
