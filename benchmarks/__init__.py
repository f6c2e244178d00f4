"""How fast grading is, beside other graders and beside the bare cost of the student's own code, in
one run.
"""
