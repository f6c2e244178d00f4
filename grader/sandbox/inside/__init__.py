"""What runs inside the box: code of ours that shares a process with the student's. It knows nothing
worth stealing.
"""
