"""What tests of nose's time import: its functions are those of unittest under other names.

`grader new` puts a copy beside a notebook that imports nose, which can't be installed any more.
"""
