"""What the checks of a submission run with: its boxes, its clock, second runs with right functions,
verdicts.
"""
