"""A class's work: what an LMS hands out is taken apart, graded in parallel, and brought back as
marks.
"""
