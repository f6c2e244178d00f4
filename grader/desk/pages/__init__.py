"""What a grader sees: the overview, an answer to grade, a student, the requests."""
